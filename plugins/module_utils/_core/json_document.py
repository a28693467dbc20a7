# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads JSON that another program wrote: strictly, within bounds, and with errors that name the place."""

from __future__ import annotations

import json
import math
import typing as t

from .errors import InvalidInputError
from .text import MIB

# The size in bytes of the largest document that is read: readers hold a document in memory.
MAX_DOCUMENT = 4 * MIB

# Deeper than any image needs, and less than Python's own recursion allows.
_MAX_DEPTH = 64

# More than any image needs, and few enough for memory: a value takes up to 100 times its own bytes.
_MAX_VALUES = 300_000

# 64-bit sizes have at most 20 digits.
_MAX_DIGITS = 20

_REQUIRED: t.Any = object()

_NAMES = {str: "a string", int: "a whole number", list: "a list", dict: "an object"}

Value = t.TypeVar("Value", str, int, list, dict)  # type: ignore[type-arg]  # JSON's types, with any content


class JsonObject:
    """A JSON object, and its place, such as ``src 'app.tar': index.json manifests[0]``.

    :param fault: why an entry of a list has no members. It is raised when one is asked for, so it stops no other entry
    """

    def __init__(self, members: dict[str, t.Any], where: str, fault: InvalidInputError | None = None) -> None:
        self.members = members
        self.where = where
        self.fault = fault

    @classmethod
    def parse(cls, content: bytes, where: str) -> JsonObject:
        """Read a document whose value is an object.

        :raises InvalidInputError: the value is not an object; or as in ``parse_json``
        """
        value = parse_json(content, where)
        if not isinstance(value, dict):
            raise cls._no_object(where)
        return cls(value, where)

    @classmethod
    def parse_list(cls, content: bytes, where: str, max_count: int) -> list[JsonObject]:
        """Read a document whose value is a list of at most ``max_count`` objects.

        :raises InvalidInputError: the value is not a list, or is too long; or as in ``parse_json``
        """
        values = parse_json(content, where)
        if not isinstance(values, list):
            raise InvalidInputError(f"{where} must be a list")
        return cls._each(values, where, max_count)

    @classmethod
    def _each(cls, values: list[t.Any], where: str, max_count: int) -> list[JsonObject]:
        if len(values) > max_count:
            raise InvalidInputError(f"{where} has {len(values)} entries; the limit is {max_count}")
        places = [(value, f"{where}[{index}]") for index, value in enumerate(values)]
        return [
            cls(value, place) if isinstance(value, dict) else cls({}, place, cls._no_object(place))
            for value, place in places
        ]

    @staticmethod
    def _no_object(where: str) -> InvalidInputError:
        return InvalidInputError(f"{where} must be an object")

    def get(self, name: str, kind: type[Value], default: t.Any = _REQUIRED) -> Value:
        """Return a member; null counts as missing.

        :raises InvalidInputError: the member is of another kind, or is missing and there is no default; or the fault
        """
        if self.fault:
            raise self.fault
        value = self.members.get(name)
        if value is None:
            value = default
            if value is _REQUIRED:
                raise self.refused(name, "is missing")
        # In Python a boolean is a whole number, in JSON it is not.
        elif not isinstance(value, kind) or isinstance(value, bool):
            raise self.refused(name, f"must be {_NAMES[kind]}")
        return t.cast(Value, value)

    def object(self, name: str) -> JsonObject:
        """Return a member that is an object."""
        return JsonObject(self.get(name, dict), f"{self.where} {name}")

    def objects(self, name: str, max_count: int) -> list[JsonObject]:
        """Return a member that is a list of at most ``max_count`` objects; an empty list if it is missing."""
        return self._each(self.get(name, list, []), f"{self.where} {name}", max_count)

    def strings(self, name: str) -> list[str]:
        """Return a member that is a list of strings; an empty list if it is missing."""
        values = self.get(name, list, [])
        if not all(isinstance(value, str) for value in values):
            raise self.refused(name, "must be a list of strings")
        return values

    def refused(self, name: str, rule: str) -> InvalidInputError:
        """Make the error of a member that breaks a rule."""
        return InvalidInputError(f"{self.where} {name} {rule}")


def parse_json(content: bytes, where: str) -> t.Any:
    """Return the value of a document.

    :param where: names the document in errors
    :raises InvalidInputError: the document is not JSON in UTF-8, repeats a name within an object, or exceeds a bound
    """
    if sum(map(content.count, (b",", b"[", b"{"))) > _MAX_VALUES:
        raise InvalidInputError(f"{where} has too many values; the limit is {_MAX_VALUES}")
    try:
        value = json.loads(
            content.decode(),
            object_pairs_hook=_members,
            parse_constant=_no_constant,
            parse_float=_finite_number,
            parse_int=_whole_number,
        )
        if b"\\ud" in content.lower():
            # Half of a surrogate pair is not a character and cannot be written again.
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise InvalidInputError(f"{where} is nested too deeply; the limit is {_MAX_DEPTH} levels") from error
    except ValueError as error:
        raise InvalidInputError(f"{where} is not valid JSON: {error}") from error
    if _is_deeper(value, _MAX_DEPTH):
        raise InvalidInputError(f"{where} is nested too deeply; the limit is {_MAX_DEPTH} levels")
    return value


def _members(pairs: list[tuple[str, t.Any]]) -> dict[str, t.Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        # Two readers could use different values.
        raise ValueError("a name occurs twice in one object")
    return members


def _no_constant(name: str) -> t.NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite_number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text:.20} is too large")
    return number


def _whole_number(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise ValueError(f"a number has {len(digits)} digits; the limit is {_MAX_DIGITS}")
    return int(digits)


def _is_deeper(value: t.Any, max_depth: int) -> bool:
    level = [value]
    for _depth in range(max_depth + 1):
        containers = [entry for entry in level if isinstance(entry, (dict, list))]
        level = [inner for entry in containers for inner in (entry.values() if isinstance(entry, dict) else entry)]
        if not containers:
            return False
    return True
