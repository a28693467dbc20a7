# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a source that is a tar archive, read without unpacking it."""

from __future__ import annotations

import contextlib
import posixpath
import typing as t

from .._core.blob import FileBlob
from .._core.text import MIB
from .decompression import decompressed, detect_compression
from .files import HEAD, USE_AN_IMAGE, SourceFiles, normalised
from .stream import ForwardBlob, ForwardReader
from .tar_entries import Read, tar_entries

if t.TYPE_CHECKING:
    import tarfile

    from .._core.blob import Blob

_MAX_LINKS = 40
_NO_LINKS_OUT = "Create the archive again from the files that the links lead to: tar --dereference"

# Small files of a compressed archive are kept in memory, because returning to them means decompressing again.
_MAX_KEPT_FILE = 256 * 1024
_MAX_KEPT = 8 * MIB


class _Member(t.NamedTuple):
    """The position and the size of a file in the archive, its first bytes, and its content if that is kept."""

    start: int
    size: int
    head: bytes
    content: bytes | None = None


class _Opened(t.Protocol):
    """Opens consecutive bytes of the archive as a blob."""

    def __call__(self, name: str, start: int, size: int, /) -> contextlib.AbstractContextManager[Blob]: ...


class Archive(SourceFiles):
    """A tar archive, uncompressed or compressed with gzip, xz or bzip2, or with zstd if Python supports it."""

    def __init__(self, name: str, opened: _Opened) -> None:
        super().__init__(name)
        self._opened = opened
        self._members: dict[str, _Member] = {}
        # The names that symbolic and hard links lead to, None if that is outside the source.
        self._links: dict[str, str | None] = {}
        self._directories: set[str] = set()
        # Why a name cannot be that of a file.
        self._unusable: dict[str, str] = {}
        self._kept = 0

    @classmethod
    @contextlib.contextmanager
    def opened(cls, path: str, name: str) -> t.Iterator[Archive]:
        """Open an archive for the length of the block, and find its files.

        :param name: names the archive in messages
        :raises InvalidInputError: the file cannot be read, is not an archive, or is damaged
        """
        with FileBlob.open(path, name) as file:
            kind = detect_compression(file.read(0, min(HEAD, file.size)))
            if kind is None:
                yield cls._plain(name, file)
            else:
                yield cls._compressed(name, file, kind)

    @classmethod
    def _plain(cls, name: str, file: FileBlob) -> Archive:
        def read(position: int, size: int) -> bytes:
            return file.read(position, min(size, file.size - position)) if position < file.size else b""

        def opened(name: str, start: int, size: int) -> contextlib.AbstractContextManager[Blob]:
            return contextlib.nullcontext(file.range(name, start, size))

        archive = cls(name, opened)
        archive._find(tar_entries(read, name), read, max_kept=0)
        return archive

    @classmethod
    def _compressed(cls, name: str, file: FileBlob, kind: str) -> Archive:
        stream = decompressed(file, kind)
        reader = ForwardReader(stream, MIB)

        def opened(name: str, start: int, size: int) -> contextlib.AbstractContextManager[Blob]:
            return ForwardBlob.opened(name, stream, start, size)

        archive = cls(name, opened)
        archive._find(tar_entries(reader.read, f"{name} (decompressed)"), reader.read, _MAX_KEPT_FILE)
        reader.finish()
        return archive

    def size(self, name: str) -> int | None:
        """Return the size of a file in bytes, None if it does not exist."""
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
        """Return the content of a small file."""
        content = self._member(name).content
        return super().read(name) if content is None else content

    def _member(self, name: str) -> _Member:
        member = self._members.get(self._target(name))
        if member is None:
            raise self.missing(name)
        return member

    def _target(self, name: str) -> str:
        """Follow the links of the archive, and return the name of the file that they lead to."""
        target = normalised(name)
        for _link in range(_MAX_LINKS):
            if not target:
                raise self.leads_out(name, _NO_LINKS_OUT) if normalised(name) else self.leads_out(name)
            if target in self._unusable:
                raise self.refused(target, self._unusable[target], USE_AN_IMAGE)
            if target not in self._links:
                return target
            target = self._links[target]
        raise self.refused(name, f"leads through more than {_MAX_LINKS} links")

    def _find(self, entries: t.Iterable[tarfile.TarInfo], read: Read, max_kept: int) -> None:
        """Note what the archive contains. An entry that is not used does not matter, whatever it is."""
        for entry in entries:
            name = normalised(entry.name)
            if not name:
                # It is the root, or has a name that no file of the source has.
                continue
            is_directory_again = entry.isdir() and name in self._directories
            if self._has(name):
                if not is_directory_again:
                    self._unusable[name] = "occurs twice in the archive"
            elif entry.issym():
                self._links[name] = _linked(name, entry.linkname)
            elif entry.islnk():
                self._links[name] = normalised(entry.linkname)
            elif entry.isdir():
                self._directories.add(name)
            elif entry.isreg() and not entry.issparse():
                self._members[name] = self._member_of(entry, read, max_kept)
            else:
                self._unusable[name] = "is not a regular file, a directory or a link"

    def _has(self, name: str) -> bool:
        return any(name in found for found in (self._members, self._links, self._directories, self._unusable))

    def _member_of(self, entry: tarfile.TarInfo, read: Read, max_kept: int) -> _Member:
        start, size = entry.offset_data, entry.size
        content = None
        if size <= min(max_kept, _MAX_KEPT - self._kept):
            content = read(start, size)
            self._kept += size
        return _Member(start, size, read(start, min(HEAD, size)), content)


def _linked(name: str, target: str) -> str | None:
    """Return the name that a symbolic link leads to, None if it leads outside the source."""
    return normalised(posixpath.normpath(posixpath.join(posixpath.dirname(name), target)))
