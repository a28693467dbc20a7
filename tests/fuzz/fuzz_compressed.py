# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fuzz the decompression of gzip, xz and bzip2."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["ansible_collections.layerkit.ecr.plugins"]):
    from ansible_collections.layerkit.ecr.plugins.module_utils._core.blob import Blob
    from ansible_collections.layerkit.ecr.plugins.module_utils._local.decompression import BZIP2, GZIP, XZ, decompressed
    from ansible_collections.layerkit.ecr.plugins.module_utils._local.stream import ForwardReader, Stream
    from ansible_collections.layerkit.ecr.tests.fuzz.oracle import worded

_KINDS = (GZIP, XZ, BZIP2)
_ENOUGH = 4 * 1024 * 1024


class _Bytes(Blob):
    """Bytes in memory."""

    def __init__(self, content: bytes) -> None:
        super().__init__("file", len(content))
        self._content = content

    def read(self, position: int, size: int) -> bytes:
        """Return bytes; the reader must not ask for others."""
        assert 0 <= position <= position + size <= self.size
        return self._content[position : position + size]

    def check_unchanged(self) -> None:
        """Do nothing."""


def TestOneInput(data: bytes) -> None:
    """Decompress the bytes, and read some of the result again from its middle."""
    blob = _Bytes(data)
    for kind in _KINDS:
        with worded():
            stream = decompressed(blob, kind)
            try:
                _read(stream)
            finally:
                _end(stream)


def _read(stream: Stream) -> None:
    reader = ForwardReader(stream, 1024 * 1024)
    size = 0
    while size < _ENOUGH:
        chunk = reader.read(size, 128 * 1024)
        size += len(chunk)
        if not chunk:
            break
    reader.read(size // 2, 100)


def _end(stream: Stream) -> None:
    # One that is not needed any more waits for no more work.
    thread = getattr(stream, "_thread", None)
    if thread:
        thread.shutdown()


if __name__ == "__main__":
    atheris.Setup(sys.argv, TestOneInput)
    atheris.Fuzz()
