# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compresses layers while they are read, so that the same layer always makes the same bytes."""

from __future__ import annotations

import hashlib
import typing as t
import zlib

from .stream import Stream

if t.TYPE_CHECKING:
    from .._core.blob import Blob

# The level of docker and of gzip itself.
_LEVEL = 6
_WITH_GZIP_HEADER = 16 + zlib.MAX_WBITS


class CompressedStream(Stream):
    """A blob as one gzip member without name and time; it is always made from its beginning."""

    def __init__(self, blob: Blob) -> None:
        self._blob = blob

    def start(self, _position: int, /) -> tuple[int, t.Iterator[bytes]]:
        """Begin at the beginning."""
        return 0, compressed(self._blob.chunks(0, self._blob.size))

    def check_unchanged(self) -> None:
        """Raise BlobChangedError when the file was written to, or replaced."""
        self._blob.check_unchanged()


def compressed(chunks: t.Iterable[bytes]) -> t.Iterator[bytes]:
    """Yield the gzip member that the chunks make."""
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WITH_GZIP_HEADER)
    for chunk in chunks:
        yield compressor.compress(chunk)
    yield compressor.flush()


class Summed:
    """Chunks that are hashed and counted while they pass."""

    def __init__(self, chunks: t.Iterable[bytes]) -> None:
        self._chunks = chunks
        self._hasher = hashlib.sha256()
        self.size = 0

    def __iter__(self) -> t.Iterator[bytes]:
        for chunk in self._chunks:
            self._hasher.update(chunk)
            self.size += len(chunk)
            yield chunk

    def finish(self) -> Summed:
        """Let all chunks pass."""
        for _chunk in self:
            pass
        return self

    @property
    def digest(self) -> str:
        """The digest of what has passed, ``sha256:`` and 64 hexadecimal digits."""
        return f"sha256:{self._hasher.hexdigest()}"
