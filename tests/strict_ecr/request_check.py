# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of a request against botocore's service model of ECR, which the live service makes first."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

import botocore.session

from .exceptions import invalid_parameter

if TYPE_CHECKING:
    from botocore.model import ListShape, MapShape, ServiceModel, Shape, StringShape, StructureShape


@lru_cache(maxsize=1)
def service_model() -> ServiceModel:
    """Return botocore's service model of ECR."""
    return botocore.session.get_session().get_service_model("ecr")


@lru_cache(maxsize=1)
def layer_digest_pattern() -> re.Pattern[str]:
    """Return the LayerDigest pattern of the service model."""
    return re.compile(service_model().shape_for("LayerDigest").metadata["pattern"])


def check_request(operation: str, document: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of a JSON request, with decoded blobs and without unknown and null members.

    Raises InvalidParameterException, which names the member and the rule that it violates.
    """
    shape = service_model().operation_model(operation).input_shape
    return cast("dict[str, Any]", _check(shape, document, "")) if shape else {}


def _check(shape: Shape, value: object, where: str) -> object:
    return _CHECKS[shape.type_name](shape, value, where)


def _require_type(value: object, types: type | tuple[type, ...], name: str, where: str) -> None:
    # In Python, True is an int.
    if not isinstance(value, types) or (isinstance(value, bool) and types is not bool):
        raise invalid_parameter(where, f"must be {name}")


def _require_bounds(shape: Shape, measure: float, what: str, where: str) -> None:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and measure < low:
        raise invalid_parameter(where, f"must have {what} greater than or equal to {low}")
    if high is not None and measure > high:
        raise invalid_parameter(where, f"must have {what} less than or equal to {high}")


def _structure(shape: StructureShape, value: dict[str, Any], where: str) -> dict[str, Any]:
    _require_type(value, dict, "an object", where)
    prefix = f"{where}." if where else ""
    checked = {
        name: _check(member, value[name], prefix + name)
        for name, member in shape.members.items()
        if value.get(name) is not None
    }
    for name in shape.required_members:
        if name not in checked:
            raise invalid_parameter(prefix + name, "must not be null")
    return checked


def _list(shape: ListShape, value: list[Any], where: str) -> list[Any]:
    _require_type(value, list, "a list", where)
    _require_bounds(shape, len(value), "length", where)
    return [_check(shape.member, item, f"{where}[{index}]") for index, item in enumerate(value)]


def _map(shape: MapShape, value: dict[str, Any], where: str) -> dict[str, Any]:
    _require_type(value, dict, "an object", where)
    return {key: _check(shape.value, item, f"{where}.{key}") for key, item in value.items()}


def _string(shape: StringShape, value: str, where: str) -> str:
    _require_type(value, str, "a string", where)
    _require_bounds(shape, len(value), "length", where)
    pattern = shape.metadata.get("pattern")
    if pattern is not None and not re.fullmatch(pattern, value):
        raise invalid_parameter(where, f"must satisfy regular expression '{pattern}'")
    if shape.enum and value not in shape.enum:
        raise invalid_parameter(where, f"must satisfy enum value set: [{', '.join(shape.enum)}]")
    return value


def _blob(shape: Shape, value: str, where: str) -> bytes:
    _require_type(value, str, "a base64 string", where)
    try:
        decoded = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise invalid_parameter(where, "must be a base64 string") from None
    _require_bounds(shape, len(decoded), "length", where)
    return decoded


def _integer(shape: Shape, value: int, where: str) -> int:
    _require_type(value, int, "an integer", where)
    _require_bounds(shape, value, "value", where)
    return value


def _number(shape: Shape, value: float, where: str) -> float:
    _require_type(value, (int, float), "a number", where)
    _require_bounds(shape, value, "value", where)
    return value


def _boolean(_shape: Shape, value: bool, where: str) -> bool:
    _require_type(value, bool, "a boolean", where)
    return value


# By the type names of the service model. JSON 1.1 sends timestamps as numbers.
_CHECKS: dict[str, Callable[[Any, Any, str], object]] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _string,
    "blob": _blob,
    "integer": _integer,
    "long": _integer,
    "double": _number,
    "timestamp": _number,
    "boolean": _boolean,
}
