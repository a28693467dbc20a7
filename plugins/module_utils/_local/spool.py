# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps layers that were compressed to learn their digests on disk until they are sent.

Without it, a layer would be compressed a second time while it is sent. The file has no name, so nothing else can open
it, and it is gone when the process ends, however that happens.
"""

from __future__ import annotations

import os
import tempfile
import typing as t

from .._core.blob import FileBlob

# For large files, as container engines use it: /tmp can be in memory.
_DIRECTORY = "/var/tmp"


class Spool:
    """A temporary file that is open for the length of the block, and is made when it is needed.

    It is in the directory that the environment names as ``TMPDIR``. Only one thread may write at a time.
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

    def keep(self, chunks: t.Iterable[bytes], size: int) -> int | None:
        """Write chunks, and return their position, None if there is not enough space for them.

        :param size: about how many bytes they have at most
        """
        if not self._has_space(size):
            return None
        start = self._end
        return start if all(map(self._write, chunks)) else None

    def blob(self, name: str, start: int, size: int) -> FileBlob:
        """Return bytes that were kept; ``name`` names them in messages."""
        file = t.cast("t.IO[bytes]", self._file)
        return _SpooledBlob(name, "", file.fileno()).range(name, start, size)

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

    def _write(self, chunk: bytes) -> bool:
        descriptor = t.cast("t.IO[bytes]", self._file).fileno()
        rest = memoryview(chunk)
        try:
            while rest:
                written = os.pwrite(descriptor, rest, self._end)
                self._end += written
                rest = rest[written:]
        except OSError:
            return False
        return True


class _SpooledBlob(FileBlob):
    """Bytes of the temporary file."""

    # A part is read from the file again rather than kept in memory, of which compression has used its share.
    holds_last_part = True

    def check_unchanged(self) -> None:
        """Do nothing: nothing else can open the file."""
