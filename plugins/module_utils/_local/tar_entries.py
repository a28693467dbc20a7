# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Goes through the entries of a tar archive that somebody else has made.

The headers are tarfile's to read. What it is given to read is bounded, so that it cannot be made to read gigabytes, to
go round in circles, or to take quadratic time; and what it raises is made one error. Source of the format:
https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13.
"""

from __future__ import annotations

import io
import tarfile
import typing as t

from .._core.errors import TaskError
from .._ecr.validation import InvalidInputError
from .files import shown

MOST_ENTRIES = 100_000

# The characters of all names and targets of links, of which a blob's name has 77.
MOST_CHARACTERS = 8 * 1024 * 1024

# tarfile copies all of them for each entry.
_MOST_GLOBAL_HEADERS = 100

# Many times what the headers of a blob take, and little enough for the quadratic time of an older tarfile.
_LARGEST_HEADERS = 8 * 1024

Read = t.Callable[[int, int], bytes]


def tar_entries(read: Read, where: str) -> t.Iterator[tarfile.TarInfo]:
    """Yield the entries of an archive.

    :param read: returns bytes by position and size, or fewer at the end
    :param where: names the archive in errors
    :raises InvalidInputError: it is not a tar archive, is damaged, or has too many entries or too long names
    """
    headers = _Headers(read)
    try:
        yield from _entries(headers, where)
    except TaskError:
        raise
    except Exception as error:
        # Beside its own errors tarfile raises whatever a damaged field leads to.
        raise _damaged(headers, where, str(error)) from error
    if len(headers.last) < tarfile.BLOCKSIZE:
        raise _damaged(headers, where, "its end is missing")
    if any(headers.last):
        raise _damaged(headers, where, "there is neither an entry nor the end of the archive")


def _entries(headers: _Headers, where: str) -> t.Iterator[tarfile.TarInfo]:
    archive: t.Any = tarfile.TarFile(fileobj=headers, encoding="utf-8", errors="surrogateescape")
    if archive.firstmember is None:
        # Before Python 3.11 next() does not bear with an archive that has none.
        return
    left = MOST_CHARACTERS
    for _number in range(MOST_ENTRIES + 1):
        headers.begin_entry()
        entry: tarfile.TarInfo | None = archive.next()
        if entry is None:
            return
        if entry.size < 0:
            raise _refused(where, entry, f"has the impossible size {entry.size}")
        left -= len(entry.name) + len(entry.linkname)
        if left < 0:
            rule = f"is too much: names and targets of links have more than {MOST_CHARACTERS} characters"
            raise _refused(where, entry, rule)
        if len(archive.pax_headers) > _MOST_GLOBAL_HEADERS:
            raise _refused(where, entry, f"comes after more than {_MOST_GLOBAL_HEADERS} global headers")
        # It would keep all of them.
        archive.members.clear()
        yield entry
    raise InvalidInputError(f"{where} has more than {MOST_ENTRIES} entries, nothing was sent")


def _refused(where: str, entry: tarfile.TarInfo, rule: str) -> InvalidInputError:
    return InvalidInputError(f"{where}: {shown(entry.name)} {rule}, nothing was sent")


def _damaged(headers: _Headers, where: str, how: str) -> InvalidInputError:
    place = f"is not a tar archive, or is damaged after byte {headers.entry}"
    return InvalidInputError(f"{where} {place}, nothing was sent: {how}")


class _Headers(io.RawIOBase):
    """What tarfile takes for the archive's file: it is read forwards, and a little for each entry."""

    def __init__(self, read: Read) -> None:
        super().__init__()
        self._read = read
        self._position = 0
        self.entry = 0
        self._allowed = _LARGEST_HEADERS
        self.last = b""

    def begin_entry(self) -> None:
        """Allow as many bytes as the headers of an entry can have, from here on."""
        self.entry = self._position
        self._allowed = _LARGEST_HEADERS

    def tell(self) -> int:
        """Return the position of the next byte."""
        return self._position

    def seek(self, position: int, _whence: int = io.SEEK_SET) -> int:
        """Move on to a position, counted from the beginning."""
        if position < self._position:
            raise ValueError("an entry has an impossible size")
        self._position = position
        return position

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        self._allowed -= size
        if size < 0 or self._allowed < 0:
            raise ValueError(f"an entry has more than {_LARGEST_HEADERS} bytes of headers")
        self.last = self._read(self._position, size)
        self._position += len(self.last)
        return self.last
