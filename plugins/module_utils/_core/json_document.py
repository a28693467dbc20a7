# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads JSON that somebody else has written: strictly, within bounds, and with errors that name the place."""

from __future__ import annotations

import json
import math
import typing as t

from .errors import InvalidInputError

# More than any image has, and less than what Python's own recursion takes.
_MAX_DEPTH = 64

# More than any image has, and few enough to be held: a value takes up to 100 times its own bytes.
_MAX_VALUES = 300_000

# The digits of the largest size that there can be.
_MAX_DIGITS = 20

_REQUIRED: t.Any = object()

_NAMES = {str: "a string", int: "a whole number", list: "a list", dict: "an object"}

Value = t.TypeVar("Value", str, int, list, dict)  # type: ignore[type-arg]  # JSON's own types, whatever they hold


class JsonObject:
    """A JSON object, and where it stands, such as ``src 'app.tar': index.json manifests[0]``."""

    def __init__(self, members: dict[str, t.Any], where: str) -> None:
        self.members = members
        self.where = where

    @classmethod
    def parse(cls, content: bytes, where: str) -> JsonObject:
        """Read a document whose value is an object.

        :raises InvalidInputError: it is no such JSON, names a member twice, or is nested too deep
        """
        return cls._of(parse_json(content, where), where)

    @classmethod
    def parse_list(cls, content: bytes, where: str, max_count: int) -> list[JsonObject]:
        """Read a document whose value is a list of at most so many objects.

        :raises InvalidInputError: it is no such JSON, names a member twice, or is nested too deep
        """
        values = parse_json(content, where)
        if not isinstance(values, list):
            raise InvalidInputError(f"{where} must be a list")
        return cls._each(values, where, max_count)

    @classmethod
    def _each(cls, values: list[t.Any], where: str, max_count: int) -> list[JsonObject]:
        if len(values) > max_count:
            raise InvalidInputError(f"{where} has {len(values)} entries; the limit is {max_count}")
        return [cls._of(value, f"{where}[{index}]") for index, value in enumerate(values)]

    @classmethod
    def _of(cls, value: t.Any, where: str) -> JsonObject:
        if not isinstance(value, dict):
            raise InvalidInputError(f"{where} must be an object")
        return cls(value, where)

    def get(self, name: str, kind: type[Value], default: t.Any = _REQUIRED) -> Value:
        """Return a member; a member that is null is one that is not there.

        :raises InvalidInputError: it is of another kind, or not there and has no default
        """
        value = self.members.get(name)
        if value is None:
            value = default
            if value is _REQUIRED:
                raise self.refused(name, "is missing")
        # Python's booleans are whole numbers, JSON's are not.
        elif not isinstance(value, kind) or isinstance(value, bool):
            raise self.refused(name, f"must be {_NAMES[kind]}")
        return t.cast(Value, value)

    def object(self, name: str) -> JsonObject:
        """Return a member that is an object."""
        return JsonObject(self.get(name, dict), f"{self.where} {name}")

    def objects(self, name: str, max_count: int) -> list[JsonObject]:
        """Return a member that is a list of at most so many objects; none when it is not there."""
        return self._each(self.get(name, list, []), f"{self.where} {name}", max_count)

    def strings(self, name: str) -> list[str]:
        """Return a member that is a list of strings; none when it is not there."""
        values = self.get(name, list, [])
        if not all(isinstance(value, str) for value in values):
            raise self.refused(name, "must be a list of strings")
        return values

    def refused(self, name: str, rule: str) -> InvalidInputError:
        """Make the error of a member that breaks a rule."""
        return InvalidInputError(f"{self.where} {name} {rule}")


def parse_json(content: bytes, where: str) -> t.Any:
    """Return the document's value.

    :raises InvalidInputError: it is not JSON in UTF-8, names a member twice, or is nested too deep
    """
    if sum(map(content.count, (b",", b"[", b"{"))) > _MAX_VALUES:
        raise InvalidInputError(f"{where} has more than {_MAX_VALUES} values")
    try:
        value = json.loads(
            content.decode(),
            object_pairs_hook=_members,
            parse_constant=_no_constant,
            parse_float=_finite_number,
            parse_int=_whole_number,
        )
        if b"\\ud" in content.lower():
            # Half of a surrogate pair stands for no character, and cannot be written again.
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise InvalidInputError(f"{where} is nested too deep") from error
    except ValueError as error:
        raise InvalidInputError(f"{where} is not valid JSON: {error}") from error
    if _is_deeper(value, _MAX_DEPTH):
        raise InvalidInputError(f"{where} is nested more than {_MAX_DEPTH} deep")
    return value


def _members(pairs: list[tuple[str, t.Any]]) -> dict[str, t.Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        # Two readers could take two different values for it.
        raise ValueError("a member is named twice")
    return members


def _no_constant(name: str) -> t.NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite_number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text:.20} is too large a number")
    return number


def _whole_number(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise ValueError(f"a number has {len(digits)} digits")
    return int(digits)


def _is_deeper(value: t.Any, max_depth: int) -> bool:
    level = [value]
    for _depth in range(max_depth + 1):
        containers = [entry for entry in level if isinstance(entry, (dict, list))]
        level = [inner for entry in containers for inner in (entry.values() if isinstance(entry, dict) else entry)]
        if not containers:
            return False
    return True
