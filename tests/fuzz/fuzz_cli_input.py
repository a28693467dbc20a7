# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fuzz cli_input_json, as the modules of the API's calls read it."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["ansible_collections.layerkit.ecr.plugins"]):
    from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.request import (
        check_members,
        checked_members,
        parse_cli_input,
        repository_of,
        too_long_members,
    )
    from ansible_collections.layerkit.ecr.tests.fuzz.documents import mutated
    from ansible_collections.layerkit.ecr.tests.fuzz.oracle import worded

_OPERATIONS = ("InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload")


def TestOneInput(data: bytes) -> None:
    """Read and check a request."""
    text = data.decode(errors="surrogateescape")
    for operation in _OPERATIONS:
        with worded():
            members = checked_members(operation, {"cli_input_json": text})
            assert repository_of(members).name
            assert not too_long_members(operation, members)
        with worded():
            check_members(operation, parse_cli_input(text), ("layerPartBlob",), has_content=True)


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Change an input, often within its JSON."""
    return mutated(data, max_size, seed, atheris.Mutate)


if __name__ == "__main__":
    atheris.Setup(sys.argv, TestOneInput, custom_mutator=mutate)
    atheris.Fuzz()
