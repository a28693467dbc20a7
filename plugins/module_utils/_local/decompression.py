# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads gzip and zstd files as what they were made of, in little memory whatever their size.

Sources: RFC 1952 (gzip), RFC 8878 (zstd).
"""

from __future__ import annotations

import bisect
import copy
import importlib
import re
import typing as t
import zlib

from .._ecr.limits import MIB
from .._ecr.validation import InvalidInputError
from .stream import Stream

if t.TYPE_CHECKING:
    from .._core.blob import Blob

GZIP = "gzip"
ZSTD = "zstd"

_FORMATS = {
    GZIP: re.compile(rb"\x1f\x8b"),
    ZSTD: re.compile(rb"\x28\xb5\x2f\xfd"),
    "xz": re.compile(rb"\xfd7zXZ\0"),
    # A tar archive begins with the name of a file, which can begin like the first three of these.
    "bzip2": re.compile(rb"BZh[1-9]1AY&SY"),
}

# zlib's own format for what has the header and the trailer of gzip.
_WITH_GZIP_HEADER = 16 + zlib.MAX_WBITS

# A place holds up to this many bytes of the file, besides zlib's 40 KiB.
_STEP = 16 * 1024
_MOST_INFLATED = 256 * 1024
_MOST_PLACES = 128


def compression(head: bytes) -> str | None:
    """Return by which format a file that begins like this is compressed, None for none that is known."""
    return next((name for name, magic in _FORMATS.items() if magic.match(head)), None)


def decompressed(blob: Blob, kind: str) -> Stream:
    """Return what a compressed file was made of.

    :raises InvalidInputError: this Python cannot read such a file
    """
    if kind == GZIP:
        return GzipStream(blob)
    if kind == ZSTD:
        return ZstdStream(blob)
    raise InvalidInputError(f"{blob} is compressed by {kind}, which is not read, nothing was sent: decompress it first")


class _Place:
    """A position in what a gzip file was made of, with what it takes to go on from there."""

    def __init__(self) -> None:
        self.position = 0
        self._read = 0
        self._is_between_members = True
        self._decompressor = zlib.decompressobj(_WITH_GZIP_HEADER)

    def copy(self) -> _Place:
        """Return a place that stays where this one is now."""
        place = copy.copy(self)
        place._decompressor = self._decompressor.copy()
        return place

    def step(self, blob: Blob) -> bytes | None:
        """Go a little further, and return the bytes passed, None at the end."""
        compressed = blob.read(self._read, min(_STEP, blob.size - self._read))
        if self._is_between_members:
            if not compressed and self._read:
                return None
            self._check_magic(compressed, blob)
        chunk = self._inflated(compressed, blob)
        self.position += len(chunk)
        return chunk

    def _check_magic(self, compressed: bytes, blob: Blob) -> None:
        if compression(compressed) != GZIP:
            raise _damaged(blob, f"from byte {self._read} on it is not gzip")
        self._is_between_members = False

    def _inflated(self, compressed: bytes, blob: Blob) -> bytes:
        decompressor = self._decompressor
        try:
            chunk = decompressor.decompress(compressed, _MOST_INFLATED)
        except zlib.error as error:
            raise _damaged(blob, str(error)) from error
        if not compressed and not chunk and not decompressor.eof:
            raise _damaged(blob, "it is truncated")
        left = decompressor.unused_data if decompressor.eof else decompressor.unconsumed_tail
        self._read += len(compressed) - len(left)
        if decompressor.eof:
            self._decompressor = zlib.decompressobj(_WITH_GZIP_HEADER)
            self._is_between_members = True
        return chunk


class GzipStream(Stream):
    """What a gzip file of one or more members was made of.

    While it is read for the first time, places on the way are kept from which it can be read again.
    """

    def __init__(self, blob: Blob) -> None:
        self._blob = blob
        self._places = [_Place()]
        self._distance = 4 * MIB

    def start(self, position: int, /) -> tuple[int, t.Iterator[bytes]]:
        """Begin at the nearest place."""
        places = self._places
        place = places[bisect.bisect_right([place.position for place in places], position) - 1].copy()
        return place.position, self._from(place)

    def check_unchanged(self) -> None:
        """Raise BlobChangedError when the file was written to, or replaced."""
        self._blob.check_unchanged()

    def _from(self, place: _Place) -> t.Iterator[bytes]:
        while True:
            chunk = place.step(self._blob)
            if chunk is None:
                return
            if place.position >= self._places[-1].position + self._distance:
                self._keep(place.copy())
            if chunk:
                yield chunk

    def _keep(self, place: _Place) -> None:
        if len(self._places) == _MOST_PLACES:
            self._distance *= 2
            self._places = self._places[::2]
        else:
            self._places = [*self._places, place]


def inflated(blob: Blob) -> t.Iterator[bytes]:
    """Yield what a gzip file was made of.

    :raises InvalidInputError: the file is damaged
    """
    place = _Place()
    yield from iter(lambda: place.step(blob), None)


class ZstdStream(Stream):
    """What a zstd file of one or more frames was made of; it is always read from its beginning.

    :raises InvalidInputError: this Python has no decompressor for it: the first is that of Python 3.14
    """

    def __init__(self, blob: Blob) -> None:
        self._blob = blob
        try:
            self._zstd = importlib.import_module("compression.zstd")
        except ImportError as error:
            raise InvalidInputError(
                f"{blob} is compressed by zstd, which Python can read from version 3.14 on, nothing was sent: "
                "run the task with such a Python, or decompress the file first"
            ) from error

    def start(self, _position: int, /) -> tuple[int, t.Iterator[bytes]]:
        """Begin at the beginning."""
        return 0, self._chunks()

    def check_unchanged(self) -> None:
        """Raise BlobChangedError when the file was written to, or replaced."""
        self._blob.check_unchanged()

    def _chunks(self) -> t.Iterator[bytes]:
        decompressor = self._zstd.ZstdDecompressor()
        for compressed in self._blob.chunks(0, self._blob.size):
            while compressed or not (decompressor.needs_input or decompressor.eof):
                if decompressor.eof:
                    decompressor = self._zstd.ZstdDecompressor()
                try:
                    yield decompressor.decompress(compressed, _MOST_INFLATED)
                except self._zstd.ZstdError as error:
                    raise _damaged(self._blob, str(error)) from error
                compressed = decompressor.unused_data
        if not decompressor.eof:
            raise _damaged(self._blob, "it is truncated")


def _damaged(blob: Blob, how: str) -> InvalidInputError:
    return InvalidInputError(f"{blob} is damaged, nothing was sent: {how}")
