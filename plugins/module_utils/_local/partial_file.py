# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file whose blobs arrive in any order, from several threads, and perhaps in several runs.

Behind the bytes of the file lies a mark for each MiB of a blob, which says that it has been written. So a run that is
killed leaves a file that knows what it has, and that no reader takes for a complete one. Marks are no proof: the digest
of a blob decides in the end.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import threading
import typing as t
from dataclasses import dataclass

from .._core.errors import InvalidInputError, TaskError
from .._core.file_lock import locked
from .._core.text import MIB, reason
from .._oci.store import Held, Presence

# The bytes that one mark stands for.
PIECE = MIB

_HASHED_AT_ONCE = 256 * 1024
_FINGERPRINT = 32
_MARK = b"\x01"
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class Region:
    """The place of a blob in a file: ``start`` and ``size`` are in bytes."""

    digest: str
    start: int
    size: int

    @property
    def pieces(self) -> int:
        """How many marks stand for the blob."""
        return -(-self.size // PIECE)


@dataclass(frozen=True)
class Arrangement:
    """The bytes of a file: blobs, and what is between them, by position. ``size`` is that of the file in bytes."""

    size: int
    regions: tuple[Region, ...]
    between: tuple[tuple[int, bytes], ...] = ()

    @classmethod
    def of_blob(cls, digest: str, size: int) -> Arrangement:
        """Return the arrangement of a file that is one blob."""
        return cls(size, (Region(digest, 0, size),))

    @property
    def fingerprint(self) -> bytes:
        """What two files have in common only if they are arranged alike."""
        hasher = hashlib.sha256()
        for region in self.regions:
            hasher.update(f"{region.digest} {region.start} {region.size}\n".encode())
        for start, content in self.between:
            hasher.update(b"%d %d\n" % (start, len(content)) + content)
        return hasher.digest()

    @property
    def marks(self) -> int:
        """How many marks the file has."""
        return sum(region.pieces for region in self.regions)

    @property
    def partial_size(self) -> int:
        """The size of the file in bytes until it is complete."""
        return self.size + _FINGERPRINT + self.marks


def write_failed(name: str, error: OSError) -> TaskError:
    """Make the error of a target that cannot be written to; ``name`` names it."""
    remedy = None
    if error.errno in _DISK_FULL:
        remedy = "Free space on its file system and run the task again, which resumes the download"
    return TaskError(f"{name} cannot be written: {reason(error)}", remedy)


def write_all(descriptor: int, position: int, content: bytes) -> None:
    """Write at a position."""
    rest = memoryview(content)
    while rest:
        written = os.pwrite(descriptor, rest, position)
        position += written
        rest = rest[written:]


def peek(directory: int, file: str, arrangement: Arrangement) -> dict[str, Held]:
    """Return what a partial file has of its blobs, by digest. Nothing is changed.

    :param directory: the descriptor of the directory that ``file`` is in
    """
    marks = None
    with contextlib.suppress(OSError):
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
        try:
            marks = _marks(descriptor, arrangement)
        finally:
            os.close(descriptor)
    return _held(arrangement, bytes(arrangement.marks) if marks is None else marks)


def _marks(descriptor: int, arrangement: Arrangement) -> bytes | None:
    """Return the marks of a partial file, None if it is not one that is arranged like this."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        return None
    if status.st_size == arrangement.size:
        # A run that was killed before it gave the file its name has cut off the marks.
        return _MARK * arrangement.marks
    if status.st_size != arrangement.partial_size:
        return None
    if os.pread(descriptor, _FINGERPRINT, arrangement.size) != arrangement.fingerprint:
        return None
    return os.pread(descriptor, arrangement.marks, arrangement.size + _FINGERPRINT)


def _held(arrangement: Arrangement, marks: bytes) -> dict[str, Held]:
    held = {}
    for region in arrangement.regions:
        held[region.digest] = _held_region(region, marks[: region.pieces])
        marks = marks[region.pieces :]
    return held


def _held_region(region: Region, marks: bytes) -> Held:
    gaps: list[tuple[int, int]] = []
    for piece in range(region.pieces):
        start, end = piece * PIECE, min((piece + 1) * PIECE, region.size)
        if marks[piece : piece + 1] == _MARK:
            continue
        if gaps and gaps[-1][1] == start:
            start = gaps.pop()[0]
        gaps.append((start, end))
    is_untouched = gaps == [(0, region.size)]
    return Held(Presence.ABSENT if is_untouched else Presence.PARTIAL, tuple(gaps))


class _BlobInFile:
    """A blob that arrives: its marks, and the digest of its beginning as far as it is there without a gap."""

    def __init__(self, region: Region, marks: bytes, marks_start: int) -> None:
        self.region = region
        self.marks = bytearray(marks)
        self.marks_start = marks_start
        self.hashing = threading.Lock()
        self.hasher = hashlib.sha256()
        self.hashed = 0


class PartialFile:
    """An open partial file, which no other task can open.

    :param name: names its target in messages
    :param directory: the descriptor of the directory that ``file`` is in
    """

    def __init__(self, name: str, directory: int, file: str, descriptor: int, arrangement: Arrangement) -> None:
        self._name = name
        self._directory = directory
        self._file = file
        self._descriptor = descriptor
        self._arrangement = arrangement
        with self._failures_named():
            marks = self._resumed()
        self.held = _held(arrangement, marks)
        self._blobs: dict[str, _BlobInFile] = {}
        position = 0
        for region in arrangement.regions:
            of_region = marks[position : position + region.pieces]
            start = arrangement.size + _FINGERPRINT + position
            self._blobs[region.digest] = _BlobInFile(region, of_region, start)
            position += region.pieces

    @classmethod
    @contextlib.contextmanager
    def opened(cls, name: str, directory: int, file: str, arrangement: Arrangement) -> t.Iterator[PartialFile]:
        """Open or create the file for the length of the block. It stays, unless ``publish`` gives it another name.

        :raises InvalidInputError: another task writes to it
        :raises TaskError: it cannot be written
        """
        try:
            descriptor = locked(file, directory, 0o666)
        except OSError as error:
            raise write_failed(name, error) from error
        if descriptor is None:
            raise being_written(name)
        try:
            yield cls(name, directory, file, descriptor, arrangement)
        finally:
            os.close(descriptor)

    def _resumed(self) -> bytes:
        """Return the marks of what an earlier run left, or begin the file."""
        marks = _marks(self._descriptor, self._arrangement)
        if marks is None:
            os.ftruncate(self._descriptor, 0)
            marks = bytes(self._arrangement.marks)
        write_all(self._descriptor, self._arrangement.size, self._arrangement.fingerprint + marks)
        return marks

    def write(self, digest: str, start: int, chunks: t.Iterable[bytes]) -> None:
        """Write consecutive bytes of a blob, and mark the pieces that they complete.

        :param start: where they begin in the blob: at the beginning of a piece
        :raises TaskError: they cannot be written
        """
        blob = self._blobs[digest]
        piece, position = start // PIECE, start
        for chunk in chunks:
            with self._failures_named():
                write_all(self._descriptor, blob.region.start + position, chunk)
                position += len(chunk)
                complete = blob.region.pieces if position == blob.region.size else position // PIECE
                if complete > piece:
                    self._mark(blob, piece, complete)
                    piece = complete
                    self._hash_ahead(blob)

    def _mark(self, blob: _BlobInFile, first: int, end: int) -> None:
        marks = _MARK * (end - first)
        write_all(self._descriptor, blob.marks_start + first, marks)
        blob.marks[first:end] = marks

    def _hash_ahead(self, blob: _BlobInFile) -> None:
        """Hash what is there without a gap, unless another thread does: what was just written need not be read twice.

        What is left is hashed in the end.
        """
        if blob.hashing.acquire(blocking=False):
            try:
                there = blob.marks.find(0)
                self._hash(blob, blob.region.size if there < 0 else there * PIECE)
            finally:
                blob.hashing.release()

    def _hash(self, blob: _BlobInFile, end: int) -> None:
        while blob.hashed < end:
            size = min(_HASHED_AT_ONCE, end - blob.hashed)
            chunk = os.pread(self._descriptor, size, blob.region.start + blob.hashed)
            if not chunk:
                # Something else made the file shorter: the digest will not match.
                return
            blob.hasher.update(chunk)
            blob.hashed += len(chunk)

    def is_proved(self, digest: str) -> bool:
        """Return whether a blob that has all of its pieces has its digest. If not, forget the pieces.

        :raises TaskError: the file cannot be read or written
        """
        blob = self._blobs[digest]
        with blob.hashing, self._failures_named():
            self._hash(blob, blob.region.size)
            found, blob.hasher, blob.hashed = blob.hasher.hexdigest(), hashlib.sha256(), 0
            if f"sha256:{found}" == digest:
                return True
            blank = bytes(blob.region.pieces)
            write_all(self._descriptor, blob.marks_start, blank)
            blob.marks[:] = blank
        return False

    def publish(self, directory: int, file: str, like: os.stat_result | None = None) -> None:
        """Complete the file and give it its final name; its bytes are on the disk before its name is.

        :param directory: the descriptor of the directory that the final name is in
        :param like: the status of the file that it replaces, whose owner and permissions it gets
        :raises TaskError: it cannot be written
        """
        with self._failures_named():
            for position, content in self._arrangement.between:
                write_all(self._descriptor, position, content)
            set_permissions(self._descriptor, like)
            os.fsync(self._descriptor)
            os.ftruncate(self._descriptor, self._arrangement.size)
            os.fsync(self._descriptor)
            os.rename(self._file, file, src_dir_fd=self._directory, dst_dir_fd=directory)
            os.fsync(directory)

    @contextlib.contextmanager
    def _failures_named(self) -> t.Iterator[None]:
        try:
            yield
        except OSError as error:
            raise write_failed(self._name, error) from error


def being_written(name: str) -> InvalidInputError:
    """Make the error of a target that another task writes to."""
    return InvalidInputError(f"Another task is writing to {name}", "Wait until it has ended, and run the task again")


def set_permissions(descriptor: int, like: os.stat_result | None) -> None:
    """Give a file the owner and the permissions of the one that it replaces, if there is one."""
    if like is None:
        return
    # Only root can give a file away.
    with contextlib.suppress(PermissionError):
        os.fchown(descriptor, like.st_uid, like.st_gid)
    os.fchmod(descriptor, like.st_mode & 0o777)
