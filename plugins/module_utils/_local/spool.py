# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps layers on disk that are compressed, until they are sent.

Without it, a layer would be compressed a second time while it is sent: its digest has to be known, and what was sent
may have to be sent again. The file has no name, so nothing else can open it, and it is gone when the process ends,
however that happens.
"""

from __future__ import annotations

import os
import tempfile
import typing as t

from .._core.blob import FileBlob
from .._core.growing import GrowingBlob

# For large files, as container engines use it: /tmp can be in memory.
_DIRECTORY = "/var/tmp"


class Spool:
    """A temporary file that is open for the length of the block, and is made when it is needed.

    It is in the directory that the environment names as ``TMPDIR``. One blob after the other is written to it.
    """

    def __init__(self) -> None:
        self._file: t.IO[bytes] | None = None
        self._end = 0
        self._is_usable = True

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._file:
            self._file.close()

    def begin(self, name: str, size: int) -> GrowingBlob | None:
        """Return an empty blob at the end of the file, None if there is not enough space for it.

        :param name: names the blob in messages
        :param size: about how many bytes it has at most
        """
        if not self._has_space(size):
            return None
        descriptor = t.cast("t.IO[bytes]", self._file).fileno()
        return GrowingBlob(name, FileBlob(name, "", descriptor).range(name, self._end, 0), size)

    def append(self, blob: GrowingBlob, chunk: bytes) -> bool:
        """Add bytes to the blob that was begun last. Return whether there was enough space for them."""
        descriptor = t.cast("t.IO[bytes]", self._file).fileno()
        rest = memoryview(chunk)
        try:
            while rest:
                written = os.pwrite(descriptor, rest, self._end)
                self._end += written
                rest = rest[written:]
        except OSError:
            return False
        blob.grow(len(chunk))
        return True

    def _has_space(self, size: int) -> bool:
        """Return whether the bytes and as many again fit on the disk, which others need, too."""
        try:
            if self._is_usable and self._file is None:
                directory = os.environ.get("TMPDIR") or _DIRECTORY
                self._file = tempfile.TemporaryFile(dir=directory, buffering=0)  # noqa: SIM115 closed at the end
            if self._file is None:
                return False
            disk = os.fstatvfs(self._file.fileno())
        except OSError:
            self._is_usable = False
            return False
        return 2 * size <= disk.f_bavail * disk.f_frsize
