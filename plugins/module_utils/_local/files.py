# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a source: what a directory and an archive have in common."""

from __future__ import annotations

import abc
import contextlib
import typing as t

from .._core.errors import InvalidInputError
from .._core.json_document import MAX_DOCUMENT
from .._core.text import printable
from .._oci.store import COPY_AGAIN

if t.TYPE_CHECKING:
    from .._core.blob import Blob

# The number of bytes that the format of a file is detected by.
HEAD = 10

# The file that makes a source a docker archive.
MANIFEST = "manifest.json"

# The remedy when a source is something else than an image.
USE_AN_IMAGE = "Use the output of docker save, podman save, skopeo copy or buildah push, not that of docker export"


class SourceFiles(abc.ABC):
    """Files by their names within the source, such as ``blobs/sha256/…``. Several threads can read them at once.

    :param name: names the source in messages
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __str__(self) -> str:
        return self._name

    def where(self, name: str) -> str:
        """Name a file in messages."""
        return f"{self}: {printable(name)}"

    def refused(self, name: str, rule: str, remedy: str | None = None) -> InvalidInputError:
        """Make the error of a file that breaks a rule."""
        return InvalidInputError(f"{self.where(name)} {rule}", remedy)

    def missing(self, name: str) -> InvalidInputError:
        """Make the error of a file that does not exist."""
        return self.refused(name, "is missing", COPY_AGAIN)

    def leads_out(self, name: str, remedy: str = USE_AN_IMAGE) -> InvalidInputError:
        """Make the error of a name, or of a link, that does not stay within the source."""
        return self.refused(name, "leads outside the source", remedy)

    @abc.abstractmethod
    def size(self, name: str) -> int | None:
        """Return the size of a file in bytes, None if it does not exist.

        :raises InvalidInputError: the name leads outside the source, or to something that is not a regular file
        """

    def exists(self, name: str) -> bool:
        """Return whether there is a file, or anything else, of this name."""
        try:
            return self.size(name) is not None
        except InvalidInputError:
            return True

    @abc.abstractmethod
    def head(self, name: str) -> bytes:
        """Return the first 10 bytes of a file, or as many as it has.

        :raises InvalidInputError: as in ``open``
        """

    @abc.abstractmethod
    def open(self, name: str) -> contextlib.AbstractContextManager[Blob]:
        """Open a file.

        :raises InvalidInputError: the file does not exist, is not a regular file of the source, or cannot be read
        """

    def read(self, name: str) -> bytes:
        """Return the content of a small file.

        :raises InvalidInputError: the file is larger than 4 MiB; or as in ``open``
        """
        with self.open(name) as blob:
            if blob.size > MAX_DOCUMENT:
                raise self.refused(name, f"is {blob.size} bytes; the limit is {MAX_DOCUMENT}")
            return b"".join(blob.chunks(0, blob.size))


def normalised(name: str) -> str | None:
    """Return a name without redundant parts such as ``./``, None if the name can lead outside the source."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    return None if name.startswith("/") or ".." in parts or "\0" in name else "/".join(parts)
