# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Passes the blobs of one registry on to another: a part is in memory while it is sent, and nothing is on disk.

A part is read twice, to sign its request and to send it, so it is complete in memory before it is sent. Then its memory
is given back piece by piece, and takes up the pieces of other parts meanwhile. A part that has to be sent again is
fetched again. One connection to Amazon S3 is slow, so a part is fetched over several: the less time it takes to fill
the memory, the more of it is being sent.
"""

from __future__ import annotations

import contextlib
import typing as t
from concurrent.futures import Future, ThreadPoolExecutor

from .._core.blob import Blob
from .._core.errors import TaskError
from .._core.task import submitted
from .._core.text import MIB
from .._ecr.limits import MAX_PARTS
from .._oci.store import SourceImage
from .piece_memory import PIECE_SIZE, Claim, PieceMemory

if t.TYPE_CHECKING:
    import mmap

    from .._core.task import Task
    from .._oci.descriptor import Descriptor
    from .._oci.referrer import Referrer

# 15 MiB. With the rest of the process, a copy stays within 32 MiB above a bare client.
MAX_PIECES = 24
# Pieces that are fetched at once.
MAX_FETCHES = 12
# The smallest size that Amazon ECR accepts for a part which is not the last one.
_SMALL_PART = 5 * MIB


def part_size_for(sizes: t.Iterable[int]) -> int:
    """Return the size of the parts in which blobs of these sizes are passed on: small, so that many are in memory."""
    needed = -(-max(sizes, default=0) // MAX_PARTS)
    return max(_SMALL_PART, -(-needed // MIB) * MIB)


class _HeldPart:
    """Consecutive bytes of a blob, which are being fetched into memory, or are there, or were given back.

    ``start`` is the position in the blob of the first byte that is held or will be.
    """

    def __init__(
        self, source: Blob, start: int, size: int, memory: PieceMemory, threads: ThreadPoolExecutor, is_urgent: bool
    ) -> None:
        """Begin to fetch as there is memory; ``release`` gives it back."""
        self.start = self._origin = start
        self._end = start + size
        self._source = source
        self._memory = memory
        self._threads = threads
        # None for one that was given back.
        self._pieces: list[mmap.mmap | None] = []
        self._fetches: list[Future[None]] = []
        self._claim = Claim(size, self._begin, is_urgent)
        memory.ask(self._claim)

    def wait(self) -> None:
        """Return when all bytes are there.

        :raises TaskError: they cannot be read
        """
        self._memory.wait_for(self._claim)
        for fetch in self._fetches:
            fetch.result()

    def read_into(self, position: int, buffer: memoryview) -> None:
        """Fill a buffer with bytes, by their position in the blob."""
        filled = 0
        while filled < len(buffer):
            number, first = divmod(position + filled - self._origin, PIECE_SIZE)
            size = min(PIECE_SIZE - first, len(buffer) - filled)
            piece = t.cast("mmap.mmap", self._pieces[number])
            buffer[filled : filled + size] = memoryview(piece)[first : first + size]
            filled += size

    def has(self, position: int, size: int) -> bool:
        """Return whether these bytes are held, or will be."""
        return self.start <= position and position + size <= self._end

    def forget(self, end: int) -> None:
        """Give back the memory of the bytes before a position, as far as they are complete pieces."""
        while self.start < min(end, self._end):
            piece_end = min(self.start + PIECE_SIZE, self._end)
            if piece_end > end:
                return
            self._give_back((self.start - self._origin) // PIECE_SIZE)
            self.start = piece_end

    def release(self) -> None:
        """Give back all memory, also of the bytes that are being fetched."""
        self._memory.withdraw(self._claim)
        for fetch in self._fetches:
            fetch.cancel()
        for number, fetch in enumerate(self._fetches):
            # Nothing else may use the memory meanwhile.
            with contextlib.suppress(BaseException):
                fetch.result()
            self._give_back(number)
        self.start = self._end

    def _begin(self, piece: mmap.mmap) -> None:
        first = self._origin + len(self._pieces) * PIECE_SIZE
        self._pieces.append(piece)
        try:
            fetch = submitted(self._threads, self._fetch, piece, first, min(first + PIECE_SIZE, self._end))
        except TaskError as error:
            # The thread that gave the memory back may belong to another blob.
            fetch = Future()
            fetch.set_exception(error)
        self._fetches.append(fetch)

    def _fetch(self, piece: mmap.mmap, first: int, end: int) -> None:
        filled = 0
        for chunk in self._source.chunks(first, end):
            piece[filled : filled + len(chunk)] = chunk
            filled += len(chunk)

    def _give_back(self, number: int) -> None:
        piece, self._pieces[number] = self._pieces[number], None
        if piece is not None:
            self._memory.give_back(piece)


class RelayedBlob(Blob):
    """A blob that is read part by part; bytes of no part come straight from the source. One thread prepares parts."""

    holds_last_part = True
    is_remote = True

    def __init__(self, source: Blob, memory: PieceMemory, threads: ThreadPoolExecutor) -> None:
        super().__init__(str(source), source.size)
        self._source = source
        self._memory = memory
        self._threads = threads
        self._held: _HeldPart | None = None
        self._ahead: _HeldPart | None = None

    def prepare(self, position: int, size: int) -> None:
        """Fetch a part unless it is held, and begin with the next one; forget all others.

        :raises TaskError: the part cannot be read
        """
        if not (self._held and self._held.has(position, size)):
            self._held = self._replaced(position, size)
            self._held.wait()
        following = position + size
        size = min(size, self.size - following)
        if self._ahead is None and size > 0:
            self._ahead = self._begun(following, size, is_urgent=False)

    def read(self, position: int, size: int) -> bytes:
        """Return exactly ``size`` bytes from ``position`` on, from memory if they are of the part prepared last."""
        if not (self._held and self._held.has(position, size)):
            return self._source.read(position, size)
        buffer = bytearray(size)
        self._held.read_into(position, memoryview(buffer))
        return bytes(buffer)

    def read_into(self, position: int, buffer: memoryview) -> None:
        """Fill the buffer with the bytes from ``position`` on, from memory as in ``read``."""
        if self._held and self._held.has(position, len(buffer)):
            self._held.read_into(position, buffer)
        else:
            super().read_into(position, buffer)

    def forget(self, end: int) -> None:
        """Give back the memory of the part prepared last, as far as it lies before ``end``."""
        if self._held:
            self._held.forget(end)

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
            # Whoever waits for memory holds none.
            ahead.release()
        return self._begun(position, size, is_urgent=True)

    def _begun(self, position: int, size: int, is_urgent: bool) -> _HeldPart:
        return _HeldPart(self._source, position, size, self._memory, self._threads, is_urgent)


class Relay(SourceImage):
    """An image of a registry, whose blobs are passed on to another one.

    Use it as a context manager. Its threads end with the block.
    """

    is_remote = True

    def __init__(self, source: SourceImage, task: Task, pieces: int = MAX_PIECES) -> None:
        super().__init__(source.root)
        self._source = source
        self._memory = PieceMemory(pieces, task)
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
