# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A blob: its size, its bytes, its digest, and whether it is still the same."""

from __future__ import annotations

import abc
import contextlib
import copy
import hashlib
import os
import stat
import typing as t
from pathlib import Path

from .._ecr.records import sha256_of
from .._ecr.validation import InvalidInputError
from .errors import TaskError

# Each thread that reads in chunks keeps memory for some of them.
CHUNK_SIZE = 128 * 1024


def reason(error: OSError | ValueError) -> str:
    """Tell why a file cannot be opened; a ValueError is that of a path with characters that no path can have."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


class BlobChangedError(TaskError):
    """The bytes are not what they were, or not what their digest says."""


class Blob(abc.ABC):
    """Bytes that are read by position. ``size`` is in bytes; ``str()`` names the blob in messages.

    ``holds_last_part`` says whether the part that was read last is in memory, and takes none to be read again.
    """

    holds_last_part = False

    def __init__(self, name: str, size: int) -> None:
        self._name = name
        self.size = size

    def __str__(self) -> str:
        return self._name

    @abc.abstractmethod
    def read(self, position: int, size: int) -> bytes:
        """Return exactly ``size`` bytes from ``position`` on.

        :raises BlobChangedError: there are fewer
        :raises TaskError: they cannot be read
        """

    def read_into(self, position: int, buffer: memoryview) -> None:
        """Fill the buffer with the bytes from ``position`` on, with the errors of ``read``."""
        buffer[:] = self.read(position, len(buffer))

    @abc.abstractmethod
    def check_unchanged(self) -> None:
        """Raise BlobChangedError when the file that the bytes are read from was written to, or replaced."""

    def chunks(self, start: int, end: int) -> t.Iterator[bytes]:
        """Yield the bytes from ``start`` up to, not including, ``end``, at most 128 KiB at a time."""
        for position in range(start, end, CHUNK_SIZE):
            yield self.read(position, min(CHUNK_SIZE, end - position))

    def digest(self) -> str:
        """Read the whole blob and return its digest, ``sha256:`` and 64 hexadecimal digits."""
        return sha256_of(self.chunks(0, self.size))


class FileBlob(Blob):
    """An open file, or consecutive bytes of it, that several threads can read at once."""

    def __init__(self, path: str, descriptor: int) -> None:
        super().__init__(f"src {path!r}", os.fstat(descriptor).st_size)
        self.path = path
        self._descriptor = descriptor
        self._start = 0
        self._stamp = self._present_stamp()

    @classmethod
    @contextlib.contextmanager
    def open(cls, path: str) -> t.Iterator[FileBlob]:
        """Open the file for the length of the block.

        :raises InvalidInputError: the file does not exist, is not a regular file, or cannot be read
        """
        try:
            # Before the file is opened: opening a FIFO waits for its writer.
            if not stat.S_ISREG(Path(path).stat().st_mode):
                raise InvalidInputError(f"src {path!r} must be a regular file, nothing was sent")
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except (OSError, ValueError) as error:
            raise InvalidInputError(f"src {path!r} cannot be read, nothing was sent: {reason(error)}") from error
        try:
            yield cls(path, descriptor)
        finally:
            os.close(descriptor)

    def range(self, name: str, start: int, size: int) -> FileBlob:
        """Return ``size`` bytes of this file from ``start`` on as a blob; it can be read while this one is open."""
        part = copy.copy(self)
        part._name, part._start, part.size = name, self._start + start, size
        return part

    def read(self, position: int, size: int) -> bytes:
        """Return exactly ``size`` bytes from ``position`` on.

        :raises BlobChangedError: the file has become shorter
        :raises TaskError: the file cannot be read
        """
        with self._errors_named():
            chunk = os.pread(self._descriptor, size, self._start + position)
        self._check_size(len(chunk), size)
        return chunk

    def read_into(self, position: int, buffer: memoryview) -> None:
        """Fill the buffer with the bytes from ``position`` on, with the errors of ``read``."""
        with self._errors_named():
            size = os.preadv(self._descriptor, [buffer], self._start + position)
        self._check_size(size, len(buffer))

    def check_unchanged(self) -> None:
        """Raise BlobChangedError when the file was written to, or replaced, since it was opened."""
        try:
            replaced = not os.path.samestat(Path(self.path).stat(), os.fstat(self._descriptor))
        except OSError:
            replaced = True
        if replaced or self._present_stamp() != self._stamp:
            raise BlobChangedError(f"{self} was changed while it was uploaded")

    @contextlib.contextmanager
    def _errors_named(self) -> t.Iterator[None]:
        try:
            yield
        except OSError as error:
            raise TaskError(f"{self} cannot be read: {error.strerror}") from error

    def _check_size(self, read: int, wanted: int) -> None:
        if read != wanted:
            raise BlobChangedError(f"{self} has become shorter while it was read")

    def _present_stamp(self) -> tuple[int, int, int]:
        # The time of the last status change shows a write even where the time of modification was set back.
        status = os.fstat(self._descriptor)
        return status.st_size, status.st_mtime_ns, status.st_ctime_ns


class Witness:
    """Hashes a blob's bytes as they are sent, so that the digest of what was sent can be compared in the end."""

    def __init__(self, blob: Blob) -> None:
        self._blob = blob
        self._hasher = hashlib.sha256()
        self._position = 0

    def saw(self, position: int, chunk: bytes | memoryview) -> None:
        """Take in bytes that are being sent; bytes that were taken in before are passed over."""
        if position <= self._position < position + len(chunk):
            self._hasher.update(memoryview(chunk)[self._position - position :])
            self._position = position + len(chunk)

    def catch_up(self, position: int) -> None:
        """Take in, from the file, what was sent by an earlier run."""
        for chunk in self._blob.chunks(self._position, position):
            self._hasher.update(chunk)
        self._position = max(self._position, position)

    def digest(self) -> str:
        """Return the digest of the whole blob, ``sha256:`` and 64 hexadecimal digits."""
        self.catch_up(self._blob.size)
        return f"sha256:{self._hasher.hexdigest()}"
