# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes one operation's request of the task's options and ``cli_input_json``."""

from __future__ import annotations

import json
import typing as t

try:
    from botocore import xform_name
except ImportError:
    pass  # AnsibleAWSModule reports a missing SDK

from .._ecr.service_model import digest_shape, input_shape
from .._ecr.validation import (
    InvalidInputError,
    check_options,
    check_request,
)


def build_request(operation: str, options: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the request in the API's spelling; an option that is given wins over ``cli_input_json``.

    It is not checked yet.

    :raises InvalidInputError: ``cli_input_json`` is not a JSON object
    """
    request = parse_cli_input(options.get("cli_input_json"))
    for member in input_shape(operation).members:
        value = options.get(xform_name(member))
        if value is not None:
            request[member] = _trimmed(value)
    return request


def checked_request(operation: str, options: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the request in the API's spelling, fit to be sent.

    :raises InvalidInputError: the request breaks a rule of the service model
    """
    request = build_request(operation, options)
    check_request(operation, request)
    return request


def checked_layer_options(
    options: t.Mapping[str, t.Any],
    layer_digest: str | None = None,
    layer_digests: t.Sequence[str] = (),
    upload_id: str | None = None,
) -> dict[str, t.Any]:
    """Check the options of a module that makes several calls, and return their common members in the API's spelling.

    :raises InvalidInputError: an option breaks a rule of the service model
    """
    members = input_shape("CompleteLayerUpload").members
    listed = [(f"layer_digests[{index}]", digest, digest_shape()) for index, digest in enumerate(layer_digests)]
    check_options(
        [
            ("registry_id", options["registry_id"], members["registryId"]),
            ("repository_name", options["repository_name"], members["repositoryName"]),
            ("layer_digest", layer_digest, digest_shape()),
            *listed,
            ("upload_id", upload_id, members["uploadId"]),
        ]
    )
    common = {"registryId": options["registry_id"], "repositoryName": options["repository_name"]}
    return {member: value for member, value in common.items() if value is not None}


def _trimmed(value: t.Any) -> t.Any:
    """Drop blanks and empty entries from a list, as a comma-separated string can have them."""
    return [entry.strip() for entry in value if entry.strip()] if isinstance(value, list) else value


def parse_cli_input(cli_input_json: str | None) -> dict[str, t.Any]:
    """Return the members that ``cli_input_json`` has, none when it is not given.

    :raises InvalidInputError: it is not a JSON object
    """
    if cli_input_json is None:
        return {}
    try:
        members = json.loads(cli_input_json)
    except ValueError as error:
        raise InvalidInputError(f"cli_input_json is not valid JSON, nothing was sent: {error}") from error
    if not isinstance(members, dict):
        raise InvalidInputError(
            f"cli_input_json must be a JSON object with the request's members, nothing was sent: it is {members!r:.99}"
        )
    return members
