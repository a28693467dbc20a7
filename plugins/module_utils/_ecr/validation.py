# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks a request against the service model before anything is sent.

botocore checks types, required members and lower bounds, and raises at the first call; it lets upper bounds and
patterns go on the wire. Here every rule that the model states is applied, and each breach names the option, the value
and the rule.
"""

from __future__ import annotations

import re
import typing as t

try:
    from botocore import xform_name
    from botocore.validate import ParamValidator
except ImportError:
    pass  # AnsibleAWSModule reports a missing SDK

from .._core.errors import TaskError
from .records import SHA256_DIGEST, is_sha256
from .service_model import input_shape

if t.TYPE_CHECKING:
    from botocore.model import ListShape, Shape, StringShape

_LONGEST_VALUE = 200
_MOST_BREACHES = 10


class InvalidInputError(TaskError):
    """The input cannot be sent: the message names each option, its value and the rule."""


def check_request(operation: str, request: t.Mapping[str, t.Any], pending: t.Collection[str] = ()) -> None:
    """Raise InvalidInputError unless the request keeps every rule of the operation's input shape.

    :param operation: the operation's name, such as ``CompleteLayerUpload``
    :param request: the request in the API's spelling
    :param pending: required members that are filled in later
    """
    _refuse(f"The input of {operation}", list(_breaches(operation, request, pending)))


def check_options(options: t.Iterable[tuple[str, t.Any, Shape]]) -> None:
    """Raise InvalidInputError unless each option's value keeps every rule of its shape.

    :param options: name, value and shape of each option; a value of None is passed over
    """
    given = ((name, value, shape) for name, value, shape in options if value is not None)
    _refuse("The input", [breach for name, value, shape in given for breach in _value_breaches(shape, value, name)])


def _refuse(subject: str, breaches: list[str]) -> None:
    if breaches:
        more = len(breaches) - _MOST_BREACHES
        raise InvalidInputError(
            f"{subject} is invalid, nothing was sent: {'; '.join(breaches[:_MOST_BREACHES])}"
            + (f"; and {more} more" if more > 0 else "")
        )


def _breaches(operation: str, request: t.Mapping[str, t.Any], pending: t.Collection[str]) -> t.Iterator[str]:
    shape = input_shape(operation)
    for member in shape.required_members:
        if member not in request and member not in pending:
            yield f"{xform_name(member)} is required, as an option or as {member} in cli_input_json"
    for member, value in request.items():
        if member not in shape.members:
            yield f"cli_input_json has the unknown member {member!r}, {operation} takes {', '.join(shape.members)}"
            continue
        yield from _value_breaches(shape.members[member], value, xform_name(member))


def _value_breaches(shape: Shape, value: t.Any, option: str) -> list[str]:
    broken = list(_broken_rules(shape, value, option))
    if not broken and _has_wrong_type(shape, value):
        broken = [f"{option} {_shown(value)} must be a {_type_name(shape)}"]
    return broken


def _has_wrong_type(shape: Shape, value: t.Any) -> bool:
    # Python's booleans are whole numbers, and botocore takes them for such.
    if shape.type_name == "long" and isinstance(value, bool):
        return True
    return bool(ParamValidator().validate(value, shape).has_errors())


def _type_name(shape: Shape) -> str:
    if shape.type_name == "list":
        return f"list of {_type_name(t.cast('ListShape', shape).member)}s"
    return "whole number" if shape.type_name == "long" else shape.type_name


def _broken_rules(shape: Shape, value: t.Any, option: str) -> t.Iterator[str]:
    if shape.type_name == "list" and isinstance(value, list):
        yield from _broken_bounds(shape, len(value), f"{option} with {len(value)} entries must have", " entries")
        for index, entry in enumerate(value):
            yield from _broken_rules(t.cast("ListShape", shape).member, entry, f"{option}[{index}]")
    elif shape.type_name == "string" and isinstance(value, str):
        broken = list(_broken_bounds(shape, len(value), f"{option} {_shown(value)} must have", " characters"))
        yield from broken or _broken_pattern(t.cast("StringShape", shape), value, option)
    elif shape.type_name == "long" and isinstance(value, int):
        yield from _broken_bounds(shape, value, f"{option} {value} must be", "")


def _broken_bounds(shape: Shape, size: int, subject: str, unit: str) -> t.Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        yield f"{subject} {least} or more{unit}"
    if most is not None and size > most:
        yield f"{subject} {most}{unit} or less"


def _broken_pattern(shape: StringShape, value: str, option: str) -> t.Iterator[str]:
    pattern = shape.metadata.get("pattern")
    if pattern and not re.fullmatch(pattern, value):
        yield f"{option} {_shown(value)} must match {pattern}"
    elif shape.name == "LayerDigest" and is_sha256(value) and not SHA256_DIGEST.fullmatch(value):
        yield f"{option} {_shown(value)} must match {SHA256_DIGEST.pattern}"


def _shown(value: t.Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}… ({len(text)} characters)"
