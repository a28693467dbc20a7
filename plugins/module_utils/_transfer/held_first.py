# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads manifests and configurations from the target if it has them: a second download asks for the root alone."""

from __future__ import annotations

import contextlib
import typing as t

from .._core.blob import Blob
from .._core.json_document import MAX_DOCUMENT
from .._oci.store import SourceImage

if t.TYPE_CHECKING:
    from .._oci.descriptor import Descriptor
    from .._oci.store import ImageWriter


class HeldFirst(SourceImage):
    """An image of a source, of which a target may have a part already."""

    def __init__(self, source: SourceImage, target: ImageWriter) -> None:
        super().__init__(source.root)
        self._source = source
        self._target = target

    def manifest(self, descriptor: Descriptor) -> bytes:
        """Return the bytes of a manifest."""
        if descriptor is not self.root:
            held = self._target.content(descriptor.digest, descriptor.size)
            if held is not None:
                return held
        return self._source.manifest(descriptor)

    def size(self, digest: str) -> int | None:
        """Return the size of a blob in bytes, None if the source does not contain it."""
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
