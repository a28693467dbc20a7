# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a source that is a directory. Symbolic links in it are not followed."""

from __future__ import annotations

import contextlib
import os
import shlex
import stat
import typing as t

from .._core.blob import FileBlob
from .._core.errors import InvalidInputError
from .._core.text import quoted, reason
from .files import HEAD, SourceFiles, normalised

_DIRECTORY = os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY
# A file can be replaced by a FIFO after its check; opening it must not wait.
_FILE = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class Directory(SourceFiles):
    """A directory that is held open by its ``descriptor``, so that a move of it does not exchange its files."""

    def __init__(self, name: str, path: str, descriptor: int) -> None:
        super().__init__(name)
        self._path = path
        self.descriptor = descriptor

    @classmethod
    @contextlib.contextmanager
    def opened(cls, path: str, name: str) -> t.Iterator[Directory]:
        """Open a directory for the length of the block. The path itself may lead through symbolic links.

        :param name: names the directory in messages
        :raises InvalidInputError: the directory cannot be opened
        """
        try:
            descriptor = os.open(path, _DIRECTORY)
        except (OSError, ValueError) as error:
            raise InvalidInputError(f"{name} cannot be read: {reason(error)}") from error
        try:
            yield cls(name, path, descriptor)
        finally:
            os.close(descriptor)

    def size(self, name: str) -> int | None:
        """Return the size of a file in bytes, None if it does not exist."""
        with self._parent(name) as (directory, base):
            status = None if directory is None else self._status(name, base, directory)
        return None if status is None else status.st_size

    def head(self, name: str) -> bytes:
        """Return the first bytes of a file."""
        with self.open(name) as blob:
            return blob.read(0, min(HEAD, blob.size))

    @contextlib.contextmanager
    def open(self, name: str) -> t.Iterator[FileBlob]:
        """Open a file."""
        with self._parent(name) as (directory, base):
            if directory is None or self._status(name, base, directory) is None:
                raise self.missing(name)
            try:
                descriptor = os.open(base, _FILE, dir_fd=directory)
            except OSError as error:
                raise self.refused(name, f"cannot be read: {reason(error)}") from error
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise self.refused(name, "is not a regular file")
            yield FileBlob(self.where(name), f"{self._path}/{name}", descriptor)
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def _parent(self, name: str) -> t.Iterator[tuple[int | None, str]]:
        """Open the directory that a file is in, None if it does not exist; yield it and the last part of the name."""
        usable = normalised(name)
        if not usable:
            raise self.leads_out(name)
        *parents, base = usable.split("/")
        with contextlib.ExitStack() as stack:
            directory: int | None = self.descriptor
            for parent in parents:
                directory = self._entered(name, parent, directory)
                if directory is None:
                    break
                stack.callback(os.close, directory)
            yield directory, base

    def _entered(self, name: str, parent: str, directory: int | None) -> int | None:
        try:
            if stat.S_ISLNK(os.stat(parent, dir_fd=directory, follow_symlinks=False).st_mode):
                raise self._linked(name, f"leads through the symbolic link {quoted(parent)}")
            return os.open(parent, _DIRECTORY | os.O_NOFOLLOW, dir_fd=directory)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise self.refused(name, f"cannot be read: {reason(error)}") from error

    def _linked(self, name: str, rule: str) -> InvalidInputError:
        """Make the error of a symbolic link, as Bazel's rules write them for blobs."""
        # Not ., of which no name for the copy can be made.
        path = os.path.realpath(self._path)
        copy = f"cp -rL {shlex.quote(path)} {shlex.quote(f'{path}-copy')}"
        remedy = f"Copy the directory with the files that its links lead to, and use the copy: {copy}"
        return self.refused(name, f"{rule}; symbolic links are not followed", remedy)

    def _status(self, name: str, base: str, directory: int) -> os.stat_result | None:
        try:
            status = os.stat(base, dir_fd=directory, follow_symlinks=False)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise self.refused(name, f"cannot be read: {reason(error)}") from error
        if stat.S_ISLNK(status.st_mode):
            raise self._linked(name, "is a symbolic link")
        if not stat.S_ISREG(status.st_mode):
            raise self.refused(name, "is not a regular file")
        return status
