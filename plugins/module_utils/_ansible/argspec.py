# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that several modules share, each with its AWS spelling as an alias.

They are documented in ``doc_fragments/_ecr.py``.
"""

from __future__ import annotations

import re
import typing as t

from .python_floor import check_python

# Every module imports this file first. An older Python cannot import the others, nor run the next line.
check_python()

Spec = dict[str, dict[str, t.Any]]


def option_of(member: str) -> str:
    """Return the option for a member in the API's spelling: ``layer_digests[0]`` for ``layerDigests[0]``."""
    return re.sub("([A-Z])", lambda capital: f"_{capital[0].lower()}", member)


def repository_spec(required: bool = False) -> Spec:
    """Return the options that name the repository."""
    return {
        "registry_id": {"type": "str", "aliases": ["registryId"]},
        "repository_name": {"type": "str", "aliases": ["repositoryName"], "required": required},
    }


def upload_spec() -> Spec:
    """Return the option that names the upload."""
    return {"upload_id": {"type": "str", "aliases": ["uploadId"]}}


def layer_upload_spec() -> Spec:
    """Return the options for uploading layers from files."""
    return {
        "part_size": {"type": "int", "aliases": ["partSize"]},
        "state_dir": {"type": "path"},
    }


# The options of amazon.aws that name a user, who can be given in several ways.
CREDENTIALS = frozenset({"access_key", "profile", "secret_key", "session_token"})


def connection_spec() -> Spec:
    """Return the connection options of amazon.aws for a second registry. None stands for that of the task."""
    return {
        "region": {"type": "str", "aliases": ["aws_region"]},
        "profile": {"type": "str", "aliases": ["aws_profile"]},
        "access_key": {"type": "str", "aliases": ["aws_access_key_id", "aws_access_key"], "no_log": False},
        "secret_key": {"type": "str", "aliases": ["aws_secret_access_key", "aws_secret_key"], "no_log": True},
        "session_token": {"type": "str", "aliases": ["aws_session_token"], "no_log": True},
        "endpoint_url": {"type": "str", "aliases": ["aws_endpoint_url"]},
        "aws_ca_bundle": {"type": "path"},
        "validate_certs": {"type": "bool"},
    }


def cli_spec() -> Spec:
    """Return the options that the AWS CLI documents for every command."""
    return {
        "cli_input_json": {"type": "json"},
        "generate_cli_skeleton": {"type": "str", "choices": ["input", "output"]},
    }
