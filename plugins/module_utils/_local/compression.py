# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compresses layers while they are read, with several processors at once. Equal layers give equal bytes.

Blocks are deflated side by side, as pigz does: each on its own, with the 32 KiB before it as its dictionary, and ended
at a byte. Together they are one gzip member. Its bytes depend on ``COMPRESSOR`` and not on the number of threads. zlib
releases Python's lock while it compresses. Sources: RFC 1951 (deflate), RFC 1952 (gzip).
"""

from __future__ import annotations

import collections
import os
import struct
import typing as t
import zlib
from concurrent.futures import Future, ThreadPoolExecutor

from .._core.task import submitted
from .stream import Stream

if t.TYPE_CHECKING:
    from .._core.blob import Blob

# Twice as fast as zlib's default, level 6, and 3 % larger.
_LEVEL = 4
# As much as is read at once. Larger blocks are neither faster nor smaller, and each thread needs memory for two.
BLOCK_SIZE = 128 * 1024
_DICTIONARY_SIZE = 32 * 1024
_MAX_THREADS = 8
# What the bytes depend on besides the layer.
COMPRESSOR = f"gzip level {_LEVEL} in blocks of {BLOCK_SIZE} bytes by zlib {zlib.ZLIB_RUNTIME_VERSION}"

# Deflate, no name, no time, no system.
_HEADER = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"


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


def compressed(chunks: t.Iterable[bytes], threads: int | None = None) -> t.Iterator[bytes]:
    """Yield the chunks as one gzip member.

    :param threads: how many blocks are compressed at once, None for one on each processor
    """
    checksum = size = 0
    yield _HEADER
    with _Deflater(threads or _processors()) as deflater:
        for block in _blocks(chunks):
            checksum = zlib.crc32(block, checksum)
            size += len(block)
            yield from deflater.add(block)
        yield from deflater.finish()
    yield struct.pack("<II", checksum, size % 2**32)


def _processors() -> int:
    # macOS, for example, cannot report which processors the process may use.
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(count, _MAX_THREADS)


def _blocks(chunks: t.Iterable[bytes]) -> t.Iterator[bytes]:
    """Yield the bytes of the chunks in blocks of one size; the last one is smaller or empty."""
    pieces: list[memoryview] = []
    size = 0
    for chunk in chunks:
        rest = memoryview(chunk)
        while rest:
            pieces.append(rest[: BLOCK_SIZE - size])
            size += len(pieces[-1])
            rest = rest[len(pieces[-1]) :]
            if size == BLOCK_SIZE:
                yield b"".join(pieces)
                pieces, size = [], 0
    yield b"".join(pieces)


class _Deflater:
    """Deflates consecutive blocks in several threads, and hands them out in their order."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads)
        self._pending: collections.deque[Future[bytes]] = collections.deque()
        self._block: bytes | None = None
        self._dictionary = b""

    def __enter__(self) -> _Deflater:
        return self

    def __exit__(self, *_error: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def add(self, block: bytes) -> t.Iterator[bytes]:
        """Add the next block, and yield those that must leave to make room."""
        if self._block is not None:
            self._pending.append(submitted(self._pool, _deflated, self._block, self._dictionary, zlib.Z_SYNC_FLUSH))
            self._dictionary = self._block[-_DICTIONARY_SIZE:]
        self._block = block
        while len(self._pending) > self._threads:
            yield self._pending.popleft().result()

    def finish(self) -> t.Iterator[bytes]:
        """Yield the other blocks; the one that was added last ends the stream."""
        while self._pending:
            yield self._pending.popleft().result()
        yield _deflated(self._block or b"", self._dictionary, zlib.Z_FINISH)


def _deflated(block: bytes, dictionary: bytes, flush: int) -> bytes:
    options: t.Any = {"zdict": dictionary} if dictionary else {}
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS, **options)
    return compressor.compress(block) + compressor.flush(flush)
