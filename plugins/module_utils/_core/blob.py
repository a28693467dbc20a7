# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A blob: its size, its bytes, its digest, and whether it is still the same."""

from __future__ import annotations

import abc
import contextlib
import copy
import errno
import hashlib
import os
import shlex
import stat
import typing as t
from pathlib import Path

from .digest import sha256_of
from .errors import ContentChangedError, InvalidInputError, TaskError
from .text import MIB, printable, reason

# Each thread that reads in chunks keeps memory for some of them.
CHUNK_SIZE = 128 * 1024
# A reader comes back to bytes at most this far behind the last one that it read: the largest part of a layer.
MAX_REREAD = 10 * MIB

# What opening a socket, and a device without its hardware, fails with.
_NOT_OPENED = (errno.ENXIO, errno.ENODEV)


class Blob(abc.ABC):
    """Bytes that are read by position. ``size`` is in bytes; ``str()`` names the blob in messages.

    ``holds_last_part`` says whether the blob keeps the part that was read last, so that the caller need not keep it.
    ``is_remote`` says whether each read is a download.
    """

    holds_last_part = False
    is_remote = False

    def __init__(self, name: str, size: int) -> None:
        self._name = name
        self.size = size

    def __str__(self) -> str:
        return self._name

    @property
    def max_size(self) -> int:
        """How many bytes a blob that is still being made has at most, about; the size of any other."""
        return self.size

    @abc.abstractmethod
    def read(self, position: int, size: int) -> bytes:
        """Return exactly ``size`` bytes from ``position`` on.

        :raises ContentChangedError: there are fewer
        :raises TaskError: they cannot be read
        """

    def read_into(self, position: int, buffer: memoryview) -> None:
        """Fill the buffer with the bytes from ``position`` on; errors as in ``read``."""
        buffer[:] = self.read(position, len(buffer))

    def prepare(self, position: int, size: int) -> None:  # noqa: B027  most blobs are always ready
        """Make bytes ready that are read next, more than once; called by the thread that waits for them.

        :raises TaskError: they cannot be read
        """

    def forget(self, end: int) -> None:  # noqa: B027  most blobs are always ready
        """Release the memory of prepared bytes before ``end``. They are prepared again if they are read again."""

    @abc.abstractmethod
    def check_unchanged(self) -> None:
        """Raise ContentChangedError if the file that the bytes come from was written to or replaced."""

    def wait_for(self, end: int) -> int:
        """Return how many bytes there are before ``end``. A blob that is still being made waits for them."""
        return min(end, self.size)

    def chunks(self, start: int, end: int) -> t.Iterator[bytes]:
        """Yield the bytes from ``start`` up to, not including, ``end``, at most 128 KiB at a time."""
        for position in range(start, end, CHUNK_SIZE):
            yield self.read(position, min(CHUNK_SIZE, end - position))

    def digest(self) -> str:
        """Read the complete blob and return its digest."""
        return sha256_of(self.chunks(0, self.size))


class FileBlob(Blob):
    """An open file, or consecutive bytes of it, that several threads can read at once."""

    def __init__(self, name: str, path: str, descriptor: int) -> None:
        super().__init__(name, os.fstat(descriptor).st_size)
        self.path = path
        self._descriptor = descriptor
        self._start = 0
        self._stamp = self._present_stamp()

    @classmethod
    @contextlib.contextmanager
    def open(cls, path: str, name: str) -> t.Iterator[FileBlob]:
        """Open the file for the length of the block.

        :param name: names the file in messages
        :raises InvalidInputError: the file does not exist, is not a regular file, or cannot be read
        """
        try:
            # Without waiting, because a FIFO without a writer would make it wait.
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        except (OSError, ValueError) as error:
            if isinstance(error, OSError) and error.errno in _NOT_OPENED:
                raise _not_regular(name) from error
            if isinstance(error, FileNotFoundError):
                # Python compiles a file in every task that imports it, and few tasks name no file.
                from .missing_file import missing_file

                raise missing_file(path, name) from error
            raise InvalidInputError(f"{name} cannot be read: {reason(error)}") from error
        try:
            mode = os.fstat(descriptor).st_mode
            if stat.S_ISDIR(mode):
                raise InvalidInputError(
                    f"{name} is a directory, not a file",
                    f"Pack it first: tar --create --file layer.tar --directory {printable(shlex.quote(path))} .",
                )
            if not stat.S_ISREG(mode):
                raise _not_regular(name)
            yield cls(name, path, descriptor)
        finally:
            os.close(descriptor)

    def range(self, name: str, start: int, size: int) -> FileBlob:
        """Return ``size`` bytes of this file from ``start`` on as a blob, which is readable while this one is open."""
        part = copy.copy(self)
        part._name, part._start, part.size = name, self._start + start, size
        return part

    def read(self, position: int, size: int) -> bytes:
        """Return exactly ``size`` bytes from ``position`` on.

        :raises ContentChangedError: the file became shorter
        :raises TaskError: the file cannot be read
        """
        with self._errors_named():
            chunk = os.pread(self._descriptor, size, self._start + position)
        self._check_size(len(chunk), size)
        return chunk

    def read_into(self, position: int, buffer: memoryview) -> None:
        """Fill the buffer with the bytes from ``position`` on; errors as in ``read``."""
        with self._errors_named():
            size = os.preadv(self._descriptor, [buffer], self._start + position)
        self._check_size(size, len(buffer))

    def check_unchanged(self) -> None:
        """Raise ContentChangedError if the file was written to or replaced since it was opened."""
        try:
            replaced = not os.path.samestat(Path(self.path).stat(), os.fstat(self._descriptor))
        except OSError:
            replaced = True
        if replaced or self._present_stamp() != self._stamp:
            raise ContentChangedError(f"{self} was changed while it was read")

    @contextlib.contextmanager
    def _errors_named(self) -> t.Iterator[None]:
        try:
            yield
        except OSError as error:
            raise TaskError(f"{self} cannot be read: {error.strerror}") from error

    def _check_size(self, read: int, wanted: int) -> None:
        if read != wanted:
            raise ContentChangedError(f"{self} became shorter while it was read")

    def _present_stamp(self) -> tuple[int, int, int]:
        # The time of the last status change shows a write even if the time of modification was set back.
        status = os.fstat(self._descriptor)
        return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _not_regular(name: str) -> InvalidInputError:
    return InvalidInputError(f"{name} must be a regular file")


class RunningDigest:
    """Hashes the bytes of a blob as they are sent, so that the digest of what was sent can be checked."""

    def __init__(self, blob: Blob) -> None:
        self._blob = blob
        self._hasher = hashlib.sha256()
        self._position = 0

    def update(self, position: int, chunk: bytes | memoryview) -> None:
        """Hash bytes that are being sent, except those that were hashed before."""
        if position <= self._position < position + len(chunk):
            self._hasher.update(memoryview(chunk)[self._position - position :])
            self._position = position + len(chunk)

    def catch_up(self, position: int) -> None:
        """Hash, from the file, what an earlier run sent."""
        for chunk in self._blob.chunks(self._position, position):
            self._hasher.update(chunk)
        self._position = max(self._position, position)

    @property
    def is_complete(self) -> bool:
        """Whether all bytes of the blob have been hashed."""
        return self._position == self._blob.size

    def digest(self) -> str:
        """Return the digest of the complete blob."""
        self.catch_up(self._blob.size)
        return f"sha256:{self._hasher.hexdigest()}"
