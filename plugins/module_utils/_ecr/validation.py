# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks values by the rules of botocore's service model.

botocore checks types, required members and lower bounds, and raises at the first call. It does not check upper bounds
and patterns. Here every rule that the model states is checked.
"""

from __future__ import annotations

import enum
import re
import typing as t

try:
    from botocore.validate import ParamValidator
except ImportError:
    pass  # AnsibleAWSModule reports a missing SDK

from .._core.digest import SHA256_DIGEST, SHA256_RULE, is_sha256
from .service_model import input_shape

if t.TYPE_CHECKING:
    from botocore.model import ListShape, Shape, StringShape

# The patterns of the model in words, and what to do. A pattern without words is shown as it is.
_PATTERNS_IN_WORDS = {
    "RegistryId": ("must be 12 digits", "Quote the registry ID in YAML, because a leading 0 makes it another number"),
    "RepositoryName": (
        "must be lower-case letters and digits, with single separators . _ - or / between them",
        "Give the name of the repository alone, without a registry host, a tag or an ARN",
    ),
    "UploadId": ("must be a UUID, as InitiateLayerUpload returns it", ""),
    "LayerDigest": ("must be algorithm:hex, for example sha256: and 64 lower-case hexadecimal digits", ""),
}


class Breach(enum.Enum):
    """How a request breaks the service model."""

    MISSING = "a required member is missing"
    UNKNOWN = "a member is unknown"
    RULE = "a value breaks a rule"


class BrokenRule(t.NamedTuple):
    """One breach of the service model.

    ``member`` is in the API's spelling, and has the position in a list: ``layerDigests[0]``. ``rule`` says what the
    value must be, for example ``must be 12 digits``, and ``hint`` how to get there: a sentence without its period.
    ``counts_entries`` says that the rule is about how many entries ``value`` has, and not about what they are.
    """

    breach: Breach
    member: str
    rule: str = ""
    hint: str = ""
    value: t.Any = None
    counts_entries: bool = False


def broken_rules(operation: str, request: t.Mapping[str, t.Any], pending: t.Collection[str] = ()) -> list[BrokenRule]:
    """Return the rules of the operation's input shape that a request breaks.

    :param operation: the name of the operation, such as ``CompleteLayerUpload``
    :param request: the request in the API's spelling
    :param pending: required members that are filled in later
    """
    shape = input_shape(operation)
    missing = [
        BrokenRule(Breach.MISSING, member)
        for member in shape.required_members
        if member not in request and member not in pending
    ]
    others: list[BrokenRule] = []
    for member, value in request.items():
        if member in shape.members:
            others += broken_value(shape.members[member], value, member)
        else:
            others.append(BrokenRule(Breach.UNKNOWN, member))
    return [*missing, *others]


def broken_value(shape: Shape, value: t.Any, member: str) -> list[BrokenRule]:
    """Return the rules of a shape that a value breaks; ``member`` names the value."""
    broken = list(_broken(shape, value, member))
    if not broken and _has_wrong_type(shape, value):
        broken = [_rule(member, value, f"must be a {_type_name(shape)}")]
    return broken


def _rule(member: str, value: t.Any, rule: str, hint: str = "") -> BrokenRule:
    return BrokenRule(Breach.RULE, member, rule, hint, value)


def _has_wrong_type(shape: Shape, value: t.Any) -> bool:
    # Python's booleans are whole numbers, and botocore accepts them as such.
    if shape.type_name == "long" and isinstance(value, bool):
        return True
    return bool(ParamValidator().validate(value, shape).has_errors())


def _type_name(shape: Shape) -> str:
    if shape.type_name == "list":
        return f"list of {_type_name(t.cast('ListShape', shape).member)}s"
    return "whole number" if shape.type_name == "long" else shape.type_name


def _broken(shape: Shape, value: t.Any, member: str) -> t.Iterator[BrokenRule]:
    if shape.type_name == "list" and isinstance(value, list):
        yield from _broken_length(shape, value, member, "entries")
        for index, entry in enumerate(value):
            yield from _broken(t.cast("ListShape", shape).member, entry, f"{member}[{index}]")
    elif shape.type_name == "string" and isinstance(value, str):
        broken = list(_broken_length(shape, value, member, "characters"))
        yield from broken or _broken_pattern(t.cast("StringShape", shape), value, member)
    elif shape.type_name == "long" and isinstance(value, int):
        if value < shape.metadata.get("min", value):
            yield _rule(member, value, f"must be {shape.metadata['min']} or more")
        if value > shape.metadata.get("max", value):
            yield _rule(member, value, f"must be {shape.metadata['max']} or less")


def _broken_length(shape: Shape, value: t.Any, member: str, unit: str) -> t.Iterator[BrokenRule]:
    size, is_list = len(value), isinstance(value, list)
    if size < shape.metadata.get("min", size):
        rule = f"must have {shape.metadata['min']} or more {unit}, not {size}"
        yield BrokenRule(Breach.RULE, member, rule, value=value, counts_entries=is_list)
    if size > shape.metadata.get("max", size):
        rule = f"must have {shape.metadata['max']} or fewer {unit}, not {size}"
        yield BrokenRule(Breach.RULE, member, rule, value=value, counts_entries=is_list)


def _broken_pattern(shape: StringShape, value: str, member: str) -> t.Iterator[BrokenRule]:
    pattern = shape.metadata.get("pattern")
    if shape.name == "LayerDigest" and is_sha256(value):
        if not SHA256_DIGEST.fullmatch(value):
            yield _rule(member, value, SHA256_RULE)
    elif pattern and not re.fullmatch(pattern, value):
        rule, hint = _PATTERNS_IN_WORDS.get(shape.name, (f"must match {pattern}", ""))
        yield _rule(member, value, rule, hint)
