# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compresses layers while they are read. Equal layers give equal bytes."""

from __future__ import annotations

import typing as t
import zlib

from .stream import Stream

if t.TYPE_CHECKING:
    from .._core.blob import Blob

# The default of docker and of gzip.
_LEVEL = 6
_WITH_GZIP_HEADER = 16 + zlib.MAX_WBITS


class CompressedStream(Stream):
    """A blob as one gzip member without name and time. It can be read from its beginning only."""

    def __init__(self, blob: Blob) -> None:
        self._blob = blob

    def start(self, _position: int, /) -> tuple[int, t.Iterator[bytes]]:
        """Begin at position 0."""
        return 0, compressed(self._blob.chunks(0, self._blob.size))

    def check_unchanged(self) -> None:
        """Raise ContentChangedError if the file was written to or replaced."""
        self._blob.check_unchanged()


def compressed(chunks: t.Iterable[bytes]) -> t.Iterator[bytes]:
    """Yield the chunks as one gzip member."""
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WITH_GZIP_HEADER)
    for chunk in chunks:
        yield compressor.compress(chunk)
    yield compressor.flush()
