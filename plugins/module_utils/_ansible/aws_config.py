# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks the types of the values in ``aws_config``, which botocore uses unchecked, some of them only when it sends.

Source: https://botocore.amazonaws.com/v1/documentation/api/latest/reference/config.html.
"""

from __future__ import annotations

import typing as t

from .._core.errors import InvalidInputError
from .._core.text import quoted


def check_aws_config(settings: t.Mapping[str, t.Any] | None) -> None:
    """Check the values of ``aws_config``. What is unknown here is left to botocore, and null is its own default.

    :raises InvalidInputError: a value has a type that botocore cannot use
    """
    for name, value in (settings or {}).items():
        _check(f"aws_config.{name}", value, _KINDS.get(name))


def _check(name: str, value: t.Any, kind: _Kind | None) -> None:
    if kind is None or value is None:
        return
    if not kind.fits(value):
        raise InvalidInputError(f"{name} must be {kind.words}, not {quoted(value)}")
    if isinstance(value, dict):
        for member, inner in value.items():
            _check(f"{name}.{member}", inner, kind.members.get(member, kind.others))


class _Kind(t.NamedTuple):
    """A type in words; ``members`` are those of a dictionary that are known, ``others`` what all others must be."""

    words: str
    fits: t.Callable[[t.Any], bool]
    members: t.Mapping[str, t.Any] = {}
    others: t.Any = None


def _is_text(value: t.Any) -> bool:
    # It is sent or shown in a header, which has no halves of surrogate pairs and no line breaks.
    return isinstance(value, str) and value.isprintable()


def _is_whole_number(value: t.Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_time(value: t.Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < float("inf")


def _is_certificate(value: t.Any) -> bool:
    return _is_text(value) or (isinstance(value, list) and len(value) == 2 and all(map(_is_text, value)))


def _is_dictionary(value: t.Any) -> bool:
    return isinstance(value, dict)


_TEXT = _Kind("one line of text", _is_text)
_NUMBER = _Kind("a whole number", _is_whole_number)
_SIZE = _Kind("a whole number of 1 or more", lambda value: _is_whole_number(value) and value > 0)
_TIME = _Kind("a number of seconds above 0", _is_time)
_CERTIFICATE = _Kind("the path of a file, or a list of two", _is_certificate)

_KINDS = {
    **dict.fromkeys(("connect_timeout", "read_timeout"), _TIME),
    **dict.fromkeys(
        (
            "account_id_endpoint_mode",
            "auth_scheme_preference",
            "defaults_mode",
            "region_name",
            "request_checksum_calculation",
            "response_checksum_validation",
            "signature_version",
            "sigv4a_signing_region_set",
            "user_agent",
            "user_agent_appid",
            "user_agent_extra",
        ),
        _TEXT,
    ),
    "client_cert": _CERTIFICATE,
    "max_pool_connections": _SIZE,
    "proxies": _Kind("a dictionary", _is_dictionary, others=_TEXT),
    "proxies_config": _Kind(
        "a dictionary", _is_dictionary, {"proxy_ca_bundle": _TEXT, "proxy_client_cert": _CERTIFICATE}
    ),
    "request_min_compression_size_bytes": _NUMBER,
    "retries": _Kind(
        "a dictionary", _is_dictionary, {"max_attempts": _NUMBER, "mode": _TEXT, "total_max_attempts": _SIZE}
    ),
    "s3": _Kind("a dictionary", _is_dictionary),
}
