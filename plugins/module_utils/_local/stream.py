# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Blobs that are decompressed or compressed while they are read, and so can be read forwards only.

A part of a layer is read twice, to sign it and to send it, and again when the request is repeated. So the last 10 MiB,
the size of the largest part, are kept; to read what lies further back, the stream starts again.
"""

from __future__ import annotations

import abc
import collections
import contextlib
import mmap
import threading
import typing as t

from .._core.blob import CHUNK_SIZE, MAX_REREAD, Blob
from .._core.errors import ContentChangedError, InvalidInputError
from .._core.text import MIB

# A thread takes this lock before it opens a blob, while it holds no other. It bounds the memory that is needed, however
# many blobs are read at once.
_WINDOW = threading.RLock()
# Smaller blobs need little memory.
_MAX_UNCOUNTED = MIB


class Stream(abc.ABC):
    """Bytes that are computed from those of a file.

    ``needs_memory`` says whether to compute them takes memory besides what is kept of them.
    """

    needs_memory = False

    @abc.abstractmethod
    def start(self, position: int, /) -> tuple[int, t.Iterator[bytes]]:
        """Begin at a position, or as little before it as possible; return the beginning, and the bytes from there on.

        :raises InvalidInputError: the file is damaged; raised while the bytes are read
        """

    @abc.abstractmethod
    def check_unchanged(self) -> None:
        """Raise ContentChangedError if the file was written to or replaced."""


class ForwardReader:
    """Reads a stream by position, and keeps its last ``capacity`` bytes, so that they can be read again."""

    def __init__(self, stream: Stream, capacity: int) -> None:
        self._stream = stream
        self._chunks: t.Iterator[bytes] = iter(())
        self._rest = memoryview(b"")
        # Position p is kept at p modulo the capacity. Not by malloc, which would never release it, in any thread.
        self._ring = mmap.mmap(-1, capacity, flags=mmap.MAP_PRIVATE)
        # Nothing has been read yet, so the first read starts the stream.
        self._start = self._end = -1

    def read(self, position: int, size: int) -> bytes:
        """Return ``size`` bytes from ``position`` on, at most the capacity, and fewer at the end of the stream."""
        if not 0 <= self._start <= position:
            self._start, self._chunks = self._stream.start(position)
            self._end, self._rest = self._start, memoryview(b"")
        end = position + size
        while self._end < end and self._hold(end - self._end):
            pass
        return self._held(position, min(end, self._end) - position)

    def finish(self) -> None:
        """Read to the end of the stream, where its checksum is."""
        self._start = -1
        collections.deque(self._chunks, maxlen=0)

    def _hold(self, max_size: int) -> bool:
        """Keep some of the next bytes; return False at the end of the stream."""
        if not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return False
            self._rest = memoryview(chunk)
        place = self._end % len(self._ring)
        piece = self._rest[: min(max_size, len(self._ring) - place)]
        self._ring[place : place + len(piece)] = piece
        self._rest = self._rest[len(piece) :]
        self._end += len(piece)
        self._start = max(self._start, self._end - len(self._ring))
        return True

    def _held(self, position: int, size: int) -> bytes:
        if size <= 0:
            return b""
        place = position % len(self._ring)
        first = self._ring[place : place + size]
        return first + self._ring[: size - len(first)]


class ForwardBlob(Blob):
    """Consecutive bytes of a stream. Only one thread may read them at a time."""

    holds_last_part = True

    def __init__(self, name: str, stream: Stream, start: int, size: int) -> None:
        super().__init__(name, size)
        self._stream = stream
        self._start = start
        self._reader: ForwardReader | None = None

    @classmethod
    @contextlib.contextmanager
    def opened(cls, name: str, stream: Stream, start: int, size: int) -> t.Iterator[ForwardBlob]:
        """Open ``size`` bytes of a stream from ``start`` on for the length of the block.

        While a thread has blobs open that need memory, other threads wait before they open one.
        """
        with _WINDOW if stream.needs_memory or size > _MAX_UNCOUNTED else contextlib.nullcontext():
            blob = cls(name, stream, start, size)
            try:
                yield blob
            finally:
                blob._reader = None

    def read(self, position: int, size: int) -> bytes:
        """Return exactly ``size`` bytes from ``position`` on; errors as in ``Blob.read``."""
        if size > MAX_REREAD:
            return b"".join(self.chunks(position, position + size))
        if self._reader is None:
            self._reader = ForwardReader(self._stream, MAX_REREAD)
        return self._read(self._reader, position, size)

    def chunks(self, start: int, end: int) -> t.Iterator[bytes]:
        """Yield the bytes from ``start`` up to, not including, ``end``, without keeping them."""
        reader = ForwardReader(self._stream, CHUNK_SIZE)
        for position in range(start, end, CHUNK_SIZE):
            yield self._read(reader, position, min(CHUNK_SIZE, end - position))

    def check_unchanged(self) -> None:
        """Raise ContentChangedError if the file was written to or replaced."""
        self._stream.check_unchanged()

    def _read(self, reader: ForwardReader, position: int, size: int) -> bytes:
        try:
            chunk = reader.read(self._start + position, size)
        except InvalidInputError as error:
            # The first pass over the file found no damage.
            raise ContentChangedError(f"{self} changed while it was read: {error.problem}") from error
        if len(chunk) != size:
            raise ContentChangedError(f"{self} became shorter while it was read")
        return chunk
