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

    from .._core.spelling import Fault

# What the host of a registry has, and what its name can have, too.
_HOST = ".dkr"


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


def broken_sha256(digest: str, member: str) -> list[BrokenRule]:
    """Return the rule that a text breaks that is not a SHA-256 digest, the only ones that Amazon ECR stores."""
    if SHA256_DIGEST.fullmatch(digest):
        return []
    # Python compiles a file in every task that imports it, and few tasks have wrong names.
    from .._core.spelling import fault_of_digest

    fault = fault_of_digest(digest)
    return [_rule(member, digest, f"{SHA256_RULE}, but {fault.what}", fault.remedy)]


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
        yield from _broken_text(t.cast("StringShape", shape), value, member)
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


def _broken_text(shape: StringShape, value: str, member: str) -> t.Iterator[BrokenRule]:
    pattern = shape.metadata.get("pattern")
    if shape.name == "LayerDigest" and is_sha256(value):
        pattern = SHA256_DIGEST.pattern
    broken = list(_broken_length(shape, value, member, "characters"))
    if pattern and (broken or not re.fullmatch(pattern, value) or _HOST in value):
        yield _rule(member, value, *_in_words(shape, value))
    else:
        yield from broken


def _in_words(shape: StringShape, value: str) -> tuple[str, str]:
    """Return the rule that a value breaks and what is wrong with it, in words, and what to do.

    The pattern of a shape that nothing words is returned as it is.
    """
    from .._core.spelling import fault_of_digest
    from .names import fault_of_registry, fault_of_repository, fault_of_repository_letters, fault_of_upload

    fault = fault_of_repository(value) if shape.name == "RepositoryName" else None
    if fault:
        return fault
    bounds = shape.metadata.get("min", 0), shape.metadata.get("max", 0)
    rules: dict[str, tuple[str, t.Callable[[str], Fault | None]]] = {
        "LayerDigest": (SHA256_RULE, fault_of_digest),
        "RegistryId": ("must be 12 digits", fault_of_registry),
        "RepositoryName": (
            "must be lower-case letters and digits, with single separators . _ - or / between them",
            lambda name: fault_of_repository_letters(name, *bounds),
        ),
        "UploadId": ("must be the UUID that ecr_initiate_layer_upload returns", fault_of_upload),
    }
    rule, find = rules.get(shape.name, (f"must match {shape.metadata['pattern']}", lambda _value: None))
    fault = find(value)
    return (f"{rule}, but {fault.what}", fault.remedy) if fault else (rule, "")
