# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Blobs that are made while they are read, by decompression or compression, and can be read forwards only.

A part of a layer is read twice, to sign it and to send it, and again when it has to be repeated. So the last bytes that
were read are kept, as many as the largest part has; what lies further back is made again.
"""

from __future__ import annotations

import abc
import collections
import contextlib
import threading
import typing as t

from ansible_collections.layerkit.ecr.plugins.module_utils._blob import Blob, BlobChangedError
from ansible_collections.layerkit.ecr.plugins.module_utils._part_size import LARGEST_PART, MIB
from ansible_collections.layerkit.ecr.plugins.module_utils._validation import InvalidInputError

# Bounds the memory that is needed, however many layers are sent at once.
_WINDOWS = threading.BoundedSemaphore(2)
_SMALL = MIB


class Stream(abc.ABC):
    """Bytes that are made from those of a file."""

    @abc.abstractmethod
    def start(self, position: int, /) -> tuple[int, t.Iterator[bytes]]:
        """Begin at a position, or as little before it as is possible; return where, and the bytes from there on.

        :raises InvalidInputError: while they are made: the file is damaged
        """

    @abc.abstractmethod
    def check_unchanged(self) -> None:
        """Raise BlobChangedError when the file was written to, or replaced."""


class ForwardReader:
    """Reads a stream by position, and keeps the last ``kept`` bytes, so that they can be read again."""

    def __init__(self, stream: Stream, kept: int) -> None:
        self._stream = stream
        self._kept = kept
        self._chunks: t.Iterator[bytes] = iter(())
        self._window: collections.deque[bytes] = collections.deque()
        # Nothing has been read, so that every position is one to begin at.
        self._start = self._end = -1

    def read(self, position: int, size: int) -> bytes:
        """Return ``size`` bytes from ``position`` on, or fewer at the end of the stream."""
        if not 0 <= self._start <= position:
            self._window.clear()
            self._start, self._chunks = self._stream.start(position)
            self._end = self._start
        while self._end < position + size:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._window.append(chunk)
            self._end += len(chunk)
            self._forget(min(position, position + size - self._kept))
        return self._held(position, position + size)

    def finish(self) -> None:
        """Go to the end of the stream, where its check sum stands."""
        self._window.clear()
        collections.deque(self._chunks, maxlen=0)

    def _forget(self, position: int) -> None:
        while self._window and self._start + len(self._window[0]) <= position:
            self._start += len(self._window.popleft())

    def _held(self, first: int, end: int) -> bytes:
        held = []
        start = self._start
        for chunk in self._window:
            if start >= end:
                break
            if start + len(chunk) > first:
                held.append(chunk[max(0, first - start) : end - start])
            start += len(chunk)
        return b"".join(held)


class ForwardBlob(Blob):
    """Consecutive bytes of a stream. One thread reads it; nobody who has read one reads another before it is closed."""

    def __init__(self, name: str, stream: Stream, start: int, size: int) -> None:
        super().__init__(name, size)
        self._stream = stream
        self._start = start
        self._reader: ForwardReader | None = None
        self._is_counted = False

    @classmethod
    @contextlib.contextmanager
    def opened(cls, name: str, stream: Stream, start: int, size: int) -> t.Iterator[ForwardBlob]:
        """Open ``size`` bytes of a stream from ``start`` on for the length of the block."""
        blob = cls(name, stream, start, size)
        try:
            yield blob
        finally:
            blob._close()

    def read(self, position: int, size: int) -> bytes:
        """Return exactly ``size`` bytes; the first time, wait until there is room for another blob."""
        if self._reader is None:
            self._is_counted = self.size > _SMALL and _WINDOWS.acquire()
            self._reader = ForwardReader(self._stream, LARGEST_PART)
        return self._read(self._reader, position, size)

    def chunks(self, start: int, end: int) -> t.Iterator[bytes]:
        """Yield the bytes from ``start`` up to, not including, ``end``, without keeping any."""
        reader = ForwardReader(self._stream, 0)
        for position in range(start, end, MIB):
            yield self._read(reader, position, min(MIB, end - position))

    def check_unchanged(self) -> None:
        """Raise BlobChangedError when the file was written to, or replaced."""
        self._stream.check_unchanged()

    def _read(self, reader: ForwardReader, position: int, size: int) -> bytes:
        try:
            chunk = reader.read(self._start + position, size)
        except InvalidInputError as error:
            # It was good when it was read for the first time.
            raise BlobChangedError(f"{self} was changed while it was read: {error}") from error
        if len(chunk) != size:
            raise BlobChangedError(f"{self} has become shorter while it was read")
        return chunk

    def _close(self) -> None:
        self._reader = None
        if self._is_counted:
            self._is_counted = False
            _WINDOWS.release()
