# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads manifests and configurations from the target if it has them: a second download asks for the root alone."""

from __future__ import annotations

import contextlib
import typing as t

from .._core.blob import Blob
from .._core.json_document import MAX_DOCUMENT
from .._ecr.image_records import StoredImage
from .._oci.manifest import Manifest
from .._oci.store import SourceImage

if t.TYPE_CHECKING:
    from .._ecr.stored_image import RepositoryImage
    from .._oci.descriptor import Descriptor
    from .._oci.store import ImageWriter


class HeldFirst(SourceImage):
    """An image of a repository, of which a target may have a part already."""

    is_remote = True

    def __init__(self, source: RepositoryImage, target: ImageWriter) -> None:
        super().__init__(source.root)
        self._source = source
        self._target = target
        source.learn(self._held_children())

    def root_manifest(self) -> Manifest:
        """Return the root.

        :raises InvalidInputError: it is not an image or an index
        """
        where = f"manifest {self.root.digest}"
        return Manifest.parse(self._source.manifest(self.root), self.root.media_type, where)

    def _held_children(self) -> t.Iterator[StoredImage]:
        """Yield the manifests of the target that the root lists."""
        if not self._source.children:
            return
        for entry in self.root_manifest().entries:
            content = self._target.content(entry.descriptor.digest, entry.descriptor.size) if entry.is_usable else None
            if content is not None:
                yield StoredImage(entry.descriptor.digest, content.decode(), entry.descriptor.media_type)

    def manifest(self, descriptor: Descriptor) -> bytes:
        """Return the bytes of a manifest."""
        return self._source.manifest(descriptor)

    def size(self, digest: str) -> int | None:
        """Return the size of a manifest or a blob in bytes, None if the source does not contain it."""
        return self._source.size(digest)

    @contextlib.contextmanager
    def open(self, digest: str) -> t.Iterator[Blob]:
        """Open a blob."""
        size = self._source.size(digest)
        held = None if size is None or size > MAX_DOCUMENT else self._target.content(digest, size)
        if held is not None:
            yield _HeldBlob(digest, held)
            return
        with self._source.open(digest) as blob:
            yield blob


class _HeldBlob(Blob):
    """A small blob that was read."""

    def __init__(self, name: str, content: bytes) -> None:
        super().__init__(name, len(content))
        self._content = content

    def read(self, position: int, size: int) -> bytes:
        """Return ``size`` bytes from ``position`` on."""
        return self._content[position : position + size]

    def check_unchanged(self) -> None:
        """Do nothing: it is in memory."""
