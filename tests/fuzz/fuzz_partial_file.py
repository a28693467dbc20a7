# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fuzz what a download finds of an earlier one: the marks at the end of a partial file."""

from __future__ import annotations

import os
import sys

import atheris

with atheris.instrument_imports(include=["ansible_collections.layerkit.ecr.plugins"]):
    from ansible_collections.layerkit.ecr.plugins.module_utils._local.partial_file import (
        Arrangement,
        PartialFile,
        Region,
        peek,
    )
    from ansible_collections.layerkit.ecr.tests.fuzz.documents import digest_of
    from ansible_collections.layerkit.ecr.tests.fuzz.oracle import Sandbox, worded

_SANDBOX = Sandbox()
_CONTENT = bytes(range(256)) * 10
_DIGEST = digest_of(_CONTENT)
_ARRANGEMENTS = (
    Arrangement.of_blob(_DIGEST, len(_CONTENT)),
    Arrangement(len(_CONTENT) + 20, (Region(_DIGEST, 10, len(_CONTENT)),), ((0, b"beginning."), (2570, b"end......."))),
)


def TestOneInput(data: bytes) -> None:
    """Look at the file, resume it, and never take for proved what is not the blob."""
    path = _SANDBOX.directory / "partial"
    directory = os.open(_SANDBOX.directory, os.O_RDONLY)
    try:
        for arrangement in _ARRANGEMENTS:
            # A fuzzer cannot guess it.
            path.write_bytes(data.replace(b"FINGERPRINT", arrangement.fingerprint).replace(b"CONTENT", _CONTENT))
            with _SANDBOX.listening(path), worded():
                _resume(directory, arrangement)
    finally:
        os.close(directory)


def _resume(directory: int, arrangement: Arrangement) -> None:
    held = peek(directory, "partial", arrangement)[_DIGEST]
    assert all(0 <= start < end <= len(_CONTENT) for start, end in held.gaps)
    start = arrangement.regions[0].start
    with PartialFile.opened("dest", directory, "partial", arrangement) as file:
        assert file.held[_DIGEST] == held
        found = (_SANDBOX.directory / "partial").read_bytes()[start : start + len(_CONTENT)]
        assert file.is_proved(_DIGEST) is (found == _CONTENT)
        for first, end in held.gaps:
            file.write(_DIGEST, first, [_CONTENT[first:end]])


if __name__ == "__main__":
    atheris.Setup(sys.argv, TestOneInput)
    atheris.Fuzz()
