# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks the connection options of amazon.aws before botocore uses them, whose errors do not name them."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

from .._core.errors import InvalidInputError
from .._core.text import quoted
from .advice import NO_REGION

# Where amazon.aws takes an option from that the task does not set.
_PROFILE = "profile can come from AWS_PROFILE"
_KEYS = (
    "access_key, secret_key and session_token from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN in "
    "the environment"
)


def check_connection(options: t.Mapping[str, t.Any], prefix: str = "") -> None:
    """Check the options that say where and as whom to connect.

    :param prefix: stands before the names of options in messages
    :raises InvalidInputError: the client cannot be made, or nothing can be sent
    """
    _check_user(options, prefix)
    _check_region(options)
    _check_endpoint(options["endpoint_url"], f"{prefix}endpoint_url")
    _check_bundle(options, f"{prefix}aws_ca_bundle")


def _check_user(options: t.Mapping[str, t.Any], prefix: str) -> None:
    keys = [option for option in ("access_key", "secret_key", "session_token") if options[option]]
    if options["profile"] and keys:
        names = ", ".join(f"{prefix}{option}" for option in keys)
        raise InvalidInputError(
            f"{prefix}profile {quoted(options['profile'])} cannot be used with {names}. {_PROFILE}, and {_KEYS}",
            "Unset these variables, or leave out profile",
        )


def _check_region(options: t.Mapping[str, t.Any]) -> None:
    # Otherwise botocore makes an endpoint of it. AWS_REGION, which amazon.aws reads itself, can be empty.
    if not options["region"] and os.environ.get("AWS_DEFAULT_REGION") == "":
        meaning, _period, remedy = NO_REGION.partition(". ")
        raise InvalidInputError(f"{meaning}: AWS_DEFAULT_REGION is empty", remedy)


def _check_endpoint(url: str | None, name: str) -> None:
    # A URL with a user can have a password in it.
    if url and "://" not in url and "@" not in url:
        raise InvalidInputError(
            f"{name} {quoted(url)} has no scheme", f"Write https:// in front: https://{url.strip()}"
        )


def _check_bundle(options: t.Mapping[str, t.Any], name: str) -> None:
    bundle, is_plain = options["aws_ca_bundle"], str(options["endpoint_url"]).startswith("http://")
    if bundle and options["validate_certs"] and not is_plain and not Path(bundle).exists():
        raise InvalidInputError(
            f"{name} {quoted(bundle)} does not exist on the host that runs the module",
            "Give the path of a file with the certificates. It can come from AWS_CA_BUNDLE in the environment",
        )
