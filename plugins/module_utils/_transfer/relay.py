# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Passes the blobs of one registry on to another: a part is in memory while it is sent, and nothing is on disk.

A part is read twice, to sign its request and to send it, so it is held from its first byte until it is received. The
next part is fetched meanwhile if there is memory. One connection to Amazon S3 is slow, so a part is fetched over
several.
"""

from __future__ import annotations

import contextlib
import mmap
import threading
import typing as t
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor

from .._core.blob import Blob
from .._core.task import submitted
from .._core.text import MIB
from .._ecr.limits import MAX_PARTS
from .._oci.store import SourceImage

if t.TYPE_CHECKING:
    from .._core.task import Task
    from .._oci.descriptor import Descriptor
    from .._oci.referrer import Referrer

# What all parts in memory have together: three small ones. With the rest of the process, a copy stays within 32 MiB
# above a bare client.
MAX_HELD = 16 * MIB
# Ranges of parts that are fetched at once.
MAX_FETCHES = 8
# Smaller ranges cost more in requests than they gain.
_MIN_RANGE = MIB
_MAX_RANGES = 4
# The smallest size that Amazon ECR accepts for a part which is not the last one.
_SMALL_PART = 5 * MIB


def part_size_for(sizes: t.Iterable[int]) -> int:
    """Return the size of the parts in which blobs of these sizes are passed on: small, so that many are in memory."""
    needed = -(-max(sizes, default=0) // MAX_PARTS)
    return max(_SMALL_PART, -(-needed // MIB) * MIB)


class Memory:
    """Lets parts of at most so many bytes be held at once; who asks first is served first.

    A larger part is held alone.
    """

    def __init__(self, size: int, task: Task) -> None:
        self._free = self._size = size
        self._task = task
        self._changed = threading.Condition()
        self._waiting: deque[object] = deque()

    def take(self, size: int) -> None:
        """Return when the bytes are available. Whoever calls this holds none, so that each part will be sent.

        :raises TaskStoppedError: the task stopped before
        """
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
            try:
                while self._waiting[0] is not ticket or not self._fits(size):
                    self._changed.wait(1)
                    self._task.check()
                self._free -= size
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()

    def take_if_free(self, size: int) -> bool:
        """Take the bytes if they are available and nobody waits for any. Return whether they were taken."""
        with self._changed:
            if self._waiting or not self._fits(size):
                return False
            self._free -= size
            return True

    def give_back(self, size: int) -> None:
        """Make bytes available again."""
        with self._changed:
            self._free += size
            self._changed.notify_all()

    def _fits(self, size: int) -> bool:
        return size <= self._free or self._free == self._size


class _HeldPart:
    """Bytes of a blob that are being fetched into memory, or are there."""

    def __init__(self, source: Blob, position: int, size: int, memory: Memory, threads: ThreadPoolExecutor) -> None:
        """Begin to fetch; the memory has been taken, and ``release`` gives it back."""
        self.position = position
        self.size = size
        self._memory = memory
        # Not by malloc, which would keep it for this thread.
        self._buffer = mmap.mmap(-1, size)
        step = max(_MIN_RANGE, -(-size // _MAX_RANGES))
        self._fetches: list[Future[None]] = [
            submitted(threads, self._fetch, source, first, min(step, size - first)) for first in range(0, size, step)
        ]

    def wait(self) -> None:
        """Return when all bytes are there.

        :raises TaskError: they cannot be read
        """
        for fetch in self._fetches:
            fetch.result()

    def read(self, position: int, size: int) -> bytes:
        """Return bytes by their position in the blob."""
        first = position - self.position
        return self._buffer[first : first + size]

    def has(self, position: int, size: int) -> bool:
        """Return whether these bytes are among those of the part."""
        return self.position <= position and position + size <= self.position + self.size

    def release(self) -> None:
        """Forget the bytes, also those that are being fetched."""
        for fetch in self._fetches:
            fetch.cancel()
        for fetch in self._fetches:
            # Nothing else may use the memory meanwhile.
            with contextlib.suppress(BaseException):
                fetch.result()
        self._buffer.close()
        self._memory.give_back(self.size)

    def _fetch(self, source: Blob, first: int, size: int) -> None:
        filled = first
        for chunk in source.chunks(self.position + first, self.position + first + size):
            self._buffer[filled : filled + len(chunk)] = chunk
            filled += len(chunk)


class RelayedBlob(Blob):
    """A blob that is read part by part; bytes of no part come straight from the source. One thread prepares parts."""

    holds_last_part = True
    is_remote = True

    def __init__(self, source: Blob, memory: Memory, threads: ThreadPoolExecutor) -> None:
        super().__init__(str(source), source.size)
        self._source = source
        self._memory = memory
        self._threads = threads
        self._held: _HeldPart | None = None
        self._ahead: _HeldPart | None = None

    def prepare(self, position: int, size: int) -> None:
        """Fetch a part, and begin with the next one; forget all others.

        :raises TaskError: the part cannot be read
        """
        if not (self._held and self._held.has(position, size)):
            self._held = self._replaced(position, size)
            self._held.wait()
        following = position + size
        size = min(size, self.size - following)
        if self._ahead is None and size > 0 and self._memory.take_if_free(size):
            self._ahead = self._begun(following, size)

    def read(self, position: int, size: int) -> bytes:
        """Return exactly ``size`` bytes from ``position`` on, from memory if they are of the part prepared last."""
        if self._held and self._held.has(position, size):
            return self._held.read(position, size)
        return self._source.read(position, size)

    def chunks(self, start: int, end: int) -> t.Iterator[bytes]:
        """Yield the bytes from ``start`` up to, not including, ``end``, straight from the source."""
        return self._source.chunks(start, end)

    def check_unchanged(self) -> None:
        """Do nothing: what a digest names does not change."""

    def close(self) -> None:
        """Forget all parts."""
        held, self._held = self._held, None
        ahead, self._ahead = self._ahead, None
        for part in (held, ahead):
            if part:
                part.release()

    def _replaced(self, position: int, size: int) -> _HeldPart:
        ahead, self._ahead = self._ahead, None
        held, self._held = self._held, None
        if held:
            held.release()
        if ahead and ahead.has(position, size):
            return ahead
        if ahead:
            ahead.release()
        self._memory.take(size)
        return self._begun(position, size)

    def _begun(self, position: int, size: int) -> _HeldPart:
        try:
            return _HeldPart(self._source, position, size, self._memory, self._threads)
        except BaseException:
            self._memory.give_back(size)
            raise


class Relay(SourceImage):
    """An image of a registry, whose blobs are passed on to another one.

    Use it as a context manager. Its threads end with the block.
    """

    is_remote = True

    def __init__(self, source: SourceImage, task: Task, max_held: int = MAX_HELD) -> None:
        super().__init__(source.root)
        self._source = source
        self._memory = Memory(max_held, task)
        self._threads = ThreadPoolExecutor(max_workers=MAX_FETCHES)

    def __enter__(self) -> Relay:
        return self

    def __exit__(self, *_failure: object) -> None:
        self._threads.shutdown()

    def manifest(self, descriptor: Descriptor) -> bytes:
        """Return the bytes of a manifest, as the source does."""
        return self._source.manifest(descriptor)

    def size(self, digest: str) -> int | None:
        """Return the size of a blob, as the source does."""
        return self._source.size(digest)

    def referrers(self, subjects: t.Sequence[str]) -> list[Referrer]:
        """Return what refers to manifests, as the source does."""
        return self._source.referrers(subjects)

    def was_read(self, _digest: str) -> bool:
        """Return that nothing needs to be read to be checked: a registry compares every layer with its digest."""
        return True

    @contextlib.contextmanager
    def open(self, digest: str) -> t.Iterator[Blob]:
        """Open a blob of the source."""
        with self._source.open(digest) as source:
            blob = RelayedBlob(source, self._memory, self._threads)
            try:
                yield blob
            finally:
                blob.close()
