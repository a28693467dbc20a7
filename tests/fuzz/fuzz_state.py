# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fuzz the reader of state files."""

from __future__ import annotations

import sys
from uuid import UUID

import atheris

with atheris.instrument_imports(include=["ansible_collections.layerkit.ecr.plugins"]):
    from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.limits import MAX_PART, MIN_PART
    from ansible_collections.layerkit.ecr.plugins.module_utils._upload.plan import LayerIdentity
    from ansible_collections.layerkit.ecr.plugins.module_utils._upload.state import UploadState
    from ansible_collections.layerkit.ecr.tests.fuzz.documents import mutated
    from ansible_collections.layerkit.ecr.tests.fuzz.oracle import Sandbox, worded

_SANDBOX = Sandbox()
_IDENTITY = LayerIdentity("app", None, "eu-west-1", f"sha256:{'a' * 64}", 100_000_000)


def TestOneInput(data: bytes) -> None:
    """Read a state file. What it says is used only if it can be true."""
    path = UploadState._path_of(str(_SANDBOX.directory), _IDENTITY)
    path.write_bytes(data)
    with _SANDBOX.listening(path), worded():
        saved, misfit = UploadState.peek(str(_SANDBOX.directory), _IDENTITY)
        assert (saved is None) is (misfit is not None)
        if saved:
            assert 0 <= saved.next_byte <= _IDENTITY.layer_size
            assert MIN_PART <= saved.part_size <= MAX_PART
            str(UUID(saved.upload_id))
        str(misfit).encode()


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Change an input, often within its JSON."""
    return mutated(data, max_size, seed, atheris.Mutate)


if __name__ == "__main__":
    atheris.Setup(sys.argv, TestOneInput, custom_mutator=mutate)
    atheris.Fuzz()
