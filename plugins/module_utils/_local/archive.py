# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a source that is a tar archive, read where they stand in it."""

from __future__ import annotations

import contextlib
import posixpath
import typing as t

from .._core.blob import FileBlob
from .._ecr.limits import MIB
from .decompression import compression, decompressed
from .files import HEAD, SourceFiles, normalised
from .stream import ForwardBlob, ForwardReader
from .tar_entries import Read, tar_entries

if t.TYPE_CHECKING:
    import tarfile

    from .._core.blob import Blob

_MOST_LINKS = 40

# Small files of a compressed archive are kept when they are passed, as it takes long to come back to them.
_LARGEST_KEPT = 256 * 1024
_MOST_KEPT = 8 * MIB


class _Member(t.NamedTuple):
    """Where a file stands in the archive, and its first bytes; its bytes if they are kept."""

    start: int
    size: int
    head: bytes
    content: bytes | None = None


class _Opened(t.Protocol):
    """Opens consecutive bytes of the archive as a blob."""

    def __call__(self, name: str, start: int, size: int, /) -> contextlib.AbstractContextManager[Blob]: ...


class Archive(SourceFiles):
    """A tar archive, which can be compressed by gzip, and by zstd where Python can read that."""

    def __init__(self, path: str, opened: _Opened) -> None:
        super().__init__(path)
        self._opened = opened
        self._members: dict[str, _Member] = {}
        self._links: dict[str, str | None] = {}
        self._directories: set[str] = set()
        self._kept = 0

    @classmethod
    @contextlib.contextmanager
    def opened(cls, path: str) -> t.Iterator[Archive]:
        """Open an archive, and find its files, for the length of the block.

        :raises InvalidInputError: it cannot be read, is none or damaged, or has an entry that an image has no use for
        """
        with FileBlob.open(path) as file:
            kind = compression(file.read(0, min(HEAD, file.size)))
            if kind is None:
                yield cls._plain(path, file)
            else:
                yield cls._compressed(path, file, kind)

    @classmethod
    def _plain(cls, path: str, file: FileBlob) -> Archive:
        def read(position: int, size: int) -> bytes:
            return file.read(position, min(size, file.size - position)) if position < file.size else b""

        def opened(name: str, start: int, size: int) -> contextlib.AbstractContextManager[Blob]:
            return contextlib.nullcontext(file.range(name, start, size))

        archive = cls(path, opened)
        archive._find(read, largest_kept=0)
        return archive

    @classmethod
    def _compressed(cls, path: str, file: FileBlob, kind: str) -> Archive:
        stream = decompressed(file, kind)
        reader = ForwardReader(stream, MIB)

        def opened(name: str, start: int, size: int) -> contextlib.AbstractContextManager[Blob]:
            return ForwardBlob.opened(name, stream, start, size)

        archive = cls(path, opened)
        archive._find(reader.read, _LARGEST_KEPT)
        reader.finish()
        return archive

    def size(self, name: str) -> int | None:
        """Return the size of a file in bytes, None when it is not there."""
        member = self._members.get(self._target(name))
        return None if member is None else member.size

    def head(self, name: str) -> bytes:
        """Return the first bytes of a file."""
        return self._member(name).head

    def open(self, name: str) -> contextlib.AbstractContextManager[Blob]:
        """Open a file."""
        member = self._member(name)
        return self._opened(self.where(name), member.start, member.size)

    def read(self, name: str) -> bytes:
        """Return the bytes of a small file."""
        content = self._member(name).content
        return super().read(name) if content is None else content

    def _member(self, name: str) -> _Member:
        member = self._members.get(self._target(name))
        if member is None:
            raise self.missing(name)
        return member

    def _target(self, name: str) -> str:
        """Return the name under which a file stands in the archive, following its symbolic links."""
        target = normalised(name)
        for _link in range(_MOST_LINKS):
            if not target:
                raise self.leads_out(name)
            if target not in self._links:
                return target
            target = self._links[target]
        raise self.refused(name, f"is one of more than {_MOST_LINKS} symbolic links in a row")

    def _find(self, read: Read, largest_kept: int) -> None:
        for entry in tar_entries(read, str(self)):
            name = self._checked_name(entry)
            if entry.issym():
                self._links[name] = _linked(name, entry.linkname)
            elif entry.isdir():
                self._directories.add(name)
            else:
                self._members[name] = self._noted(entry, read, largest_kept)
        for name in self._links:
            self._target(name)

    def _checked_name(self, entry: tarfile.TarInfo) -> str:
        name = normalised(entry.name)
        if name is None or not (name or entry.isdir()):
            raise self.leads_out(entry.name)
        if entry.issparse() or not (entry.isreg() or entry.isdir() or entry.issym()):
            rule = "is neither a plain file, nor a directory, nor a symbolic link"
            raise self.refused(entry.name, rule)
        is_directory_again = entry.isdir() and name in self._directories
        if not is_directory_again and (name in self._members or name in self._links or name in self._directories):
            raise self.refused(entry.name, "is there twice")
        return name

    def _noted(self, entry: tarfile.TarInfo, read: Read, largest_kept: int) -> _Member:
        start, size = entry.offset_data, entry.size
        content = None
        if size <= min(largest_kept, _MOST_KEPT - self._kept):
            content = read(start, size)
            self._kept += size
        return _Member(start, size, read(start, min(HEAD, size)), content)


def _linked(name: str, target: str) -> str | None:
    """Return the name that a symbolic link leads to, None if it leads out of the source."""
    return normalised(posixpath.normpath(posixpath.join(posixpath.dirname(name), target)))
