# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decompresses gzip, zstd, xz and bzip2 files while they are read, in little memory whatever their size.

Sources: RFC 1952 (gzip), RFC 8878 (zstd), https://tukaani.org/xz/xz-file-format.txt.
"""

from __future__ import annotations

import bisect
import copy
import importlib
import re
import typing as t
import zlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from .._core.errors import InvalidInputError
from .._core.task import submitted
from .._core.text import MIB
from .._oci.store import COPY_AGAIN
from .stream import Stream

if t.TYPE_CHECKING:
    from .._core.blob import Blob

GZIP = "gzip"
ZSTD = "zstd"
XZ = "xz"
BZIP2 = "bzip2"

_FORMATS = {
    GZIP: re.compile(rb"\x1f\x8b"),
    ZSTD: re.compile(rb"\x28\xb5\x2f\xfd"),
    XZ: re.compile(rb"\xfd7zXZ\0"),
    # A tar archive begins with the name of a file, which can be one that begins with BZh.
    BZIP2: re.compile(rb"BZh[1-9]1AY&SY"),
}

# How every stream after the first one begins. After zstd, there can be frames of other kinds.
_MARKS = {XZ: b"\xfd7zXZ\0", BZIP2: b"BZh"}

# zlib's number for the header and the trailer of gzip.
_WITH_GZIP_HEADER = 16 + zlib.MAX_WBITS

# A place keeps up to this many bytes of the file, besides the 40 KiB of zlib.
_STEP = 16 * 1024
_MAX_INFLATED = 256 * 1024
_MAX_PLACES = 128

# What the highest preset of xz needs. A file can ask for 4 GiB.
_MAX_XZ_MEMORY = 66 * MIB


def detect_compression(head: bytes) -> str | None:
    """Return the format of a compressed file by its first 10 bytes, None for any other file."""
    return next((name for name, magic in _FORMATS.items() if magic.match(head)), None)


def decompressed(blob: Blob, kind: str) -> Stream:
    """Return the decompressed content of a file.

    :raises InvalidInputError: this Python does not support the format
    """
    return GzipStream(blob) if kind == GZIP else SequentialStream(blob, kind)


class _Place:
    """A position in the decompressed content of a gzip file, and the state to continue from there."""

    def __init__(self) -> None:
        self.position = 0
        self._read = 0
        self._is_between_members = True
        self._decompressor = zlib.decompressobj(_WITH_GZIP_HEADER)

    def copy(self) -> _Place:
        """Return a place that stays at the present position."""
        place = copy.copy(self)
        place._decompressor = self._decompressor.copy()
        return place

    def step(self, blob: Blob) -> bytes | None:
        """Return the next bytes, possibly none, and None at the end."""
        compressed = blob.read(self._read, min(_STEP, blob.size - self._read))
        if self._is_between_members:
            if not compressed and self._read:
                return None
            self._check_magic(compressed, blob)
        chunk = self._inflated(compressed, blob)
        self.position += len(chunk)
        return chunk

    def _check_magic(self, compressed: bytes, blob: Blob) -> None:
        if detect_compression(compressed) != GZIP:
            raise _damaged(blob, f"the data from byte {self._read} on is not gzip")
        self._is_between_members = False

    def _inflated(self, compressed: bytes, blob: Blob) -> bytes:
        decompressor = self._decompressor
        try:
            chunk = decompressor.decompress(compressed, _MAX_INFLATED)
        except zlib.error as error:
            raise _damaged(blob, "its gzip data is invalid") from error
        if not compressed and not chunk and not decompressor.eof:
            raise _cut(blob)
        left = decompressor.unused_data if decompressor.eof else decompressor.unconsumed_tail
        self._read += len(compressed) - len(left)
        if decompressor.eof:
            self._decompressor = zlib.decompressobj(_WITH_GZIP_HEADER)
            self._is_between_members = True
        return chunk


class GzipStream(Stream):
    """The decompressed content of a gzip file of one or more members.

    The first read keeps places on its way, from which later reads can start.
    """

    def __init__(self, blob: Blob) -> None:
        self._blob = blob
        self._places = [_Place()]
        self._distance = 4 * MIB

    def start(self, position: int, /) -> tuple[int, t.Iterator[bytes]]:
        """Begin at the nearest place before the position."""
        places = self._places
        place = places[bisect.bisect_right([place.position for place in places], position) - 1].copy()
        return place.position, self._from(place)

    def check_unchanged(self) -> None:
        """Raise ContentChangedError if the file was written to or replaced."""
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
        if len(self._places) == _MAX_PLACES:
            self._distance *= 2
            self._places = self._places[::2]
        else:
            self._places = [*self._places, place]


def inflated(blob: Blob) -> t.Iterator[bytes]:
    """Yield the decompressed content of a gzip file.

    :raises InvalidInputError: the file is damaged
    """
    place = _Place()
    yield from iter(lambda: place.step(blob), None)


class _Codec(t.NamedTuple):
    """Makes the decompressors of a format; ``errors`` are what they raise when the data is invalid."""

    decompressor: t.Callable[[], t.Any]
    errors: tuple[type[Exception], ...]


class SequentialStream(Stream):
    """The decompressed content of a file in any number of frames or streams. It can be read from its beginning only.

    :raises InvalidInputError: this Python does not support the format
    """

    needs_memory = True

    def __init__(self, blob: Blob, kind: str) -> None:
        self._blob = blob
        self._kind = kind
        try:
            self._codec = _codec(kind)
        except ImportError as error:
            raise _unsupported(blob, kind) from error
        # Each thread that decompresses would keep the memory for the largest dictionary.
        self._thread = ThreadPoolExecutor(1)

    def start(self, _position: int, /) -> tuple[int, t.Iterator[bytes]]:
        """Begin at position 0."""
        return 0, self._chunks()

    def check_unchanged(self) -> None:
        """Raise ContentChangedError if the file was written to or replaced."""
        self._blob.check_unchanged()

    def _chunks(self) -> t.Iterator[bytes]:
        decompressor = self._codec.decompressor()
        for compressed in self._blob.chunks(0, self._blob.size):
            while compressed or not (decompressor.needs_input or decompressor.eof):
                if decompressor.eof:
                    compressed = self._next_stream(compressed)
                    if not compressed:
                        break
                    decompressor = self._codec.decompressor()
                yield self._step(decompressor, compressed)
                compressed = decompressor.unused_data
        if not decompressor.eof:
            raise _cut(self._blob)

    def _next_stream(self, compressed: bytes) -> bytes:
        """Return what follows after a frame or a stream. Streams of xz can be padded with zeros."""
        compressed = compressed.lstrip(b"\0") if self._kind == XZ else compressed
        # The block can end within the mark.
        mark = _MARKS.get(self._kind, b"")[: len(compressed)]
        if not compressed.startswith(mark):
            raise _damaged(self._blob, f"invalid data follows its {self._kind} data")
        return compressed

    def _step(self, decompressor: t.Any, compressed: bytes) -> bytes:
        try:
            chunk: bytes = submitted(self._thread, decompressor.decompress, compressed, _MAX_INFLATED).result()
        except self._codec.errors as error:
            if "Memory usage limit" in str(error):
                raise InvalidInputError(
                    f"{self._blob} needs more than {_MAX_XZ_MEMORY} bytes of memory to be decompressed",
                    "Decompress the file first",
                ) from error
            raise _damaged(self._blob, f"its {self._kind} data is invalid") from error
        return chunk


def _codec(kind: str) -> _Codec:
    """Return the codec of a format.

    :raises ImportError: this Python does not have it
    """
    if kind == ZSTD:
        zstd = importlib.import_module("compression.zstd")
        return _Codec(zstd.ZstdDecompressor, (zstd.ZstdError,))
    if kind == XZ:
        lzma = importlib.import_module("lzma")
        return _Codec(partial(lzma.LZMADecompressor, lzma.FORMAT_XZ, memlimit=_MAX_XZ_MEMORY), (lzma.LZMAError,))
    return _Codec(importlib.import_module("bz2").BZ2Decompressor, (OSError, ValueError))


def _unsupported(blob: Blob, kind: str) -> InvalidInputError:
    if kind == ZSTD:
        return InvalidInputError(
            f"{blob} is compressed with zstd, which requires Python 3.14 or later",
            "Decompress the file first, or run the task with Python 3.14 or later",
        )
    return InvalidInputError(
        f"{blob} is compressed with {kind}, which this Python was built without", "Decompress the file first"
    )


def _damaged(blob: Blob, how: str) -> InvalidInputError:
    return InvalidInputError(f"{blob} is damaged: {how}", COPY_AGAIN)


def _cut(blob: Blob) -> InvalidInputError:
    return InvalidInputError(f"{blob} is incomplete: its compressed data ends too early", COPY_AGAIN)
