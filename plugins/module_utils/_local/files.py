# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a source: what a directory and an archive have in common."""

from __future__ import annotations

import abc
import contextlib
import typing as t

from .._ecr.validation import InvalidInputError

if t.TYPE_CHECKING:
    from .._core.blob import Blob

# The most bytes of a file that is read as a whole. Amazon ECR takes no larger manifests.
LARGEST_DOCUMENT = 4 * 1024 * 1024

# As many bytes as it takes to tell what a file is.
HEAD = 10


class SourceFiles(abc.ABC):
    """Files by their names within the source, such as ``blobs/sha256/…``; several threads can read them at once."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __str__(self) -> str:
        return f"src {self._path!r}"

    def where(self, name: str) -> str:
        """Name a file in messages."""
        return f"{self}: {shown(name)}"

    def refused(self, name: str, rule: str) -> InvalidInputError:
        """Make the error of a file that breaks a rule."""
        return InvalidInputError(f"{self.where(name)} {rule}, nothing was sent")

    def missing(self, name: str) -> InvalidInputError:
        """Make the error of a file that is not there."""
        return self.refused(name, "is missing")

    def leads_out(self, name: str) -> InvalidInputError:
        """Make the error of a name, or of a symbolic link, that is not one of a file in the source."""
        return self.refused(name, "leads out of the source")

    @abc.abstractmethod
    def size(self, name: str) -> int | None:
        """Return the size of a file in bytes, None when it is not there.

        :raises InvalidInputError: the name leaves the source, or is not one of a regular file
        """

    @abc.abstractmethod
    def head(self, name: str) -> bytes:
        """Return the first 10 bytes of a file, or as many as it has.

        :raises InvalidInputError: as ``open``
        """

    @abc.abstractmethod
    def open(self, name: str) -> contextlib.AbstractContextManager[Blob]:
        """Open a file.

        :raises InvalidInputError: it is not there, or not a regular file within the source, or cannot be read
        """

    def read(self, name: str) -> bytes:
        """Return the bytes of a small file, 4 MiB at most.

        :raises InvalidInputError: it is larger; or as ``open``
        """
        with self.open(name) as blob:
            if blob.size > LARGEST_DOCUMENT:
                raise self.refused(name, f"has {blob.size} bytes, of which {LARGEST_DOCUMENT} at most are read")
            return b"".join(blob.chunks(0, blob.size))


def normalised(name: str) -> str | None:
    """Return a name without what is idle in it, such as ``./``, and None if it can lead out of the source."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    return None if name.startswith("/") or ".." in parts or "\0" in name else "/".join(parts)


def shown(name: str) -> str:
    """Return a name for a message, whatever its characters and its length."""
    text = repr(name)[1:-1]
    return text if len(text) <= 200 else f"{text[:200]}…"
