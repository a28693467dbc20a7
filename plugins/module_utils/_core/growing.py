# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A blob that one thread still makes while others read, and send, what is there of it."""

from __future__ import annotations

import threading
import typing as t

from .blob import Blob

if t.TYPE_CHECKING:
    from .blob import FileBlob


class BlobDroppedError(Exception):
    """The blob will not be completed, or is no longer needed."""


class GrowingBlob(Blob):
    """Bytes at the end of a file that only its maker can open. ``size`` counts those that are there.

    ``known_digest`` is None until the blob is complete. From then on nobody gets further bytes until it is released,
    because its digest may say that it is not needed. ``is_dropped`` says that, or that it never will be complete.

    :param name: names the blob in messages
    :param file: all bytes of the file from the beginning of the blob on
    :param max_size: about how many bytes the blob has at most
    """

    # A part is read from the file again rather than kept in memory, of which its maker has used its share.
    holds_last_part = True

    def __init__(self, name: str, file: FileBlob, max_size: int) -> None:
        super().__init__(name, 0)
        self._file = file
        self._max_size = max_size
        self._changed = threading.Condition()
        self.is_dropped = False
        self._is_released = False
        self.known_digest: str | None = None

    @property
    def max_size(self) -> int:
        """How many bytes the blob has at most, about, before it is complete."""
        return self._max_size if self.known_digest is None else self.size

    def grow(self, size: int) -> None:
        """Count further bytes that were written to the file."""
        with self._changed:
            self.size += size
            self._changed.notify_all()

    def finish(self, digest: str) -> None:
        """Note that the blob is complete."""
        with self._changed:
            self.known_digest = digest
            self._changed.notify_all()

    def release(self) -> None:
        """Let the rest of the complete blob be read."""
        with self._changed:
            self._is_released = True
            self._changed.notify_all()

    def drop(self) -> None:
        """Let everyone who waits for bytes, now or later, stop."""
        with self._changed:
            self.is_dropped = True
            self._changed.notify_all()

    def completed(self) -> GrowingBlob:
        """Return the blob as one that was complete from the beginning, and that nobody dropped."""
        blob = GrowingBlob(str(self), self._file, self._max_size)
        blob.size, blob.known_digest = self.size, self.known_digest
        blob.release()
        return blob

    def wait_for(self, end: int) -> int:
        """Wait until the bytes before ``end`` are there. Return how many there are, fewer only if the blob ends there.

        :raises BlobDroppedError: they are not to be sent
        """
        with self._changed:
            self._changed.wait_for(lambda: self.is_dropped or self._has(end))
            if self.is_dropped:
                raise BlobDroppedError
            return min(end, self.size)

    def _has(self, end: int) -> bool:
        return self._is_released or (self.known_digest is None and self.size >= end)

    def read(self, position: int, size: int) -> bytes:
        """Return exactly ``size`` bytes from ``position`` on; errors as in ``Blob.read``."""
        return self._file.read(position, size)

    def read_into(self, position: int, buffer: memoryview) -> None:
        """Fill the buffer with the bytes from ``position`` on; errors as in ``Blob.read``."""
        self._file.read_into(position, buffer)

    def check_unchanged(self) -> None:
        """Do nothing: nothing else can open the file."""
