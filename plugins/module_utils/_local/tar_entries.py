# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists the entries of a tar archive that is not trusted.

tarfile reads the headers. Its input is bounded, so that no archive makes it read gigabytes, loop, or take quadratic
time, and its exceptions become InvalidInputError. Source of the format:
https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13.
"""

from __future__ import annotations

import io
import tarfile
import typing as t

from .._core.errors import InvalidInputError, TaskError
from .._core.text import printable
from .._oci.store import COPY_AGAIN
from .files import USE_AN_IMAGE
from .lookalikes import kind_of_file

MAX_ENTRIES = 100_000

# The characters of all names and link targets together; the name of a blob has 77.
MAX_CHARACTERS = 8 * 1024 * 1024

# tarfile copies the global headers for each entry.
_MAX_GLOBAL_HEADERS = 100

# The bytes of headers of one entry: many more than a blob has, and few enough for older tarfiles, which take quadratic
# time.
_MAX_HEADERS = 8 * 1024

Read = t.Callable[[int, int], bytes]


def tar_entries(read: Read, where: str) -> t.Iterator[tarfile.TarInfo]:
    """Yield the entries of an archive.

    :param read: returns bytes by position and size, fewer at the end
    :param where: names the archive in errors
    :raises InvalidInputError: the bytes are not a tar archive, or are damaged, or exceed a bound
    """
    headers = _Headers(read)
    try:
        yield from _entries(headers, where)
    except TaskError:
        raise
    except _HeadersError as error:
        raise _damaged(headers, where, str(error)) from error
    except Exception as error:
        # A damaged field makes tarfile raise exceptions of many kinds.
        raise _unreadable(headers, where) from error
    if headers.is_cut:
        raise InvalidInputError(f"{where} is incomplete: the end of the archive is missing", COPY_AGAIN)
    if any(headers.last):
        raise _damaged(headers, where, "the data is neither an entry nor the end of the archive")


def _entries(headers: _Headers, where: str) -> t.Iterator[tarfile.TarInfo]:
    archive: t.Any = tarfile.TarFile(fileobj=headers, encoding="utf-8", errors="surrogateescape")
    if archive.firstmember is None:
        # Before Python 3.11 next() fails for an archive without entries.
        return
    left = MAX_CHARACTERS
    for _number in range(MAX_ENTRIES + 1):
        headers.begin_entry()
        entry: tarfile.TarInfo | None = archive.next()
        if entry is None:
            return
        if entry.size < 0:
            raise _refused(where, entry, f"has the invalid size {entry.size}")
        left -= len(entry.name) + len(entry.linkname)
        if left < 0:
            raise _refused(where, entry, f"exceeds the limit of {MAX_CHARACTERS} characters for names and link targets")
        if len(archive.pax_headers) > _MAX_GLOBAL_HEADERS:
            raise _refused(where, entry, f"follows more than {_MAX_GLOBAL_HEADERS} global headers")
        # tarfile would keep all entries.
        archive.members.clear()
        yield entry
    raise InvalidInputError(f"{where} has more than {MAX_ENTRIES} entries")


def _refused(where: str, entry: tarfile.TarInfo, rule: str) -> InvalidInputError:
    return InvalidInputError(f"{where}: {printable(entry.name)} {rule}")


def _damaged(headers: _Headers, where: str, how: str) -> InvalidInputError:
    return InvalidInputError(f"{where} is damaged after byte {headers.entry}: {how}", COPY_AGAIN)


def _unreadable(headers: _Headers, where: str) -> InvalidInputError:
    if headers.is_first_block:
        if not headers.last:
            return InvalidInputError(f"{where} is empty", COPY_AGAIN)
        kind, remedy = kind_of_file(headers.last)
        words = f"{kind}, not a tar archive" if kind else "not a tar archive"
        return InvalidInputError(f"{where} is {words}", remedy or USE_AN_IMAGE)
    if headers.is_cut:
        return InvalidInputError(f"{where} is incomplete: it ends in the entry after byte {headers.entry}", COPY_AGAIN)
    return _damaged(headers, where, "the header of the entry is invalid")


class _HeadersError(Exception):
    """tarfile was made to read what an entry cannot have."""


class _Headers(io.RawIOBase):
    """The file that tarfile reads: forwards only, and a bounded number of bytes for each entry.

    ``last`` is what was read last; ``is_cut`` tells whether it is less than was asked for.
    """

    def __init__(self, read: Read) -> None:
        super().__init__()
        self._read = read
        self._position = 0
        self.entry = 0
        self._allowed = _MAX_HEADERS
        self.last = b""
        self.is_cut = False

    @property
    def is_first_block(self) -> bool:
        """Whether nothing was read but the first block."""
        return self.entry == 0 and self._position <= tarfile.BLOCKSIZE

    def begin_entry(self) -> None:
        """Allow the number of bytes that the headers of one entry can have."""
        self.entry = self._position
        self._allowed = _MAX_HEADERS

    def tell(self) -> int:
        """Return the position of the next byte."""
        return self._position

    def seek(self, position: int, _whence: int = io.SEEK_SET) -> int:
        """Move forwards to a position, counted from the beginning."""
        if position < self._position:
            raise _HeadersError("an entry has an invalid size")
        self._position = position
        return position

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        self._allowed -= size
        if size < 0 or self._allowed < 0:
            raise _HeadersError(f"an entry has more than {_MAX_HEADERS} bytes of headers")
        self.last = self._read(self._position, size)
        self.is_cut = len(self.last) < size
        self._position += len(self.last)
        return self.last
