# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images in an OCI image layout, a directory or an archive of one.

Source: https://github.com/opencontainers/image-spec/blob/main/image-layout.md.
"""

from __future__ import annotations

import collections
import typing as t

from .._core.json_document import JsonObject
from .._ecr.records import SHA256_DIGEST, sha256_of
from .._oci.descriptor import Descriptor
from .._oci.manifest import INDEXES, MOST_IMAGES, check_manifest_size
from .._oci.reference import NamedImage, choose
from .._oci.store import ImageSource

if t.TYPE_CHECKING:
    import contextlib

    from .._core.blob import Blob
    from .files import SourceFiles

LAYOUT = "oci-layout"
INDEX = "index.json"

_VERSION = "1.0.0"
_NAMES = ("io.containerd.image.name", "org.opencontainers.image.ref.name")


class OciLayout(ImageSource):
    """An OCI image layout."""

    def __init__(self, files: SourceFiles) -> None:
        self._files = files

    def choose(self, image: str | None) -> Descriptor:
        """Return the manifest or index of one image, by digest also one within an index.

        :raises InvalidInputError: there is no such image, or more than one; or the layout is damaged
        """
        self._check_version()
        entries = self._entries()
        if image is not None and SHA256_DIGEST.fullmatch(image) and image not in {entry.digest for entry in entries}:
            entries += self._within(entries, image)
        named = [NamedImage(entry.digest, _names(entry), entry.platform) for entry in entries]
        digest = choose(named, image, str(self._files)).digest
        return next(entry for entry in entries if entry.digest == digest)

    def manifest(self, descriptor: Descriptor) -> bytes:
        """Return the bytes of a manifest or an index.

        :raises InvalidInputError: it is missing, too large for Amazon ECR, or not what its descriptor says
        """
        name = _blob(descriptor.digest)
        where = self._files.where(name)
        check_manifest_size(descriptor.size, where)
        size = self._files.size(name)
        if size is not None and size != descriptor.size:
            raise self._files.refused(name, f"has {size} bytes, not {descriptor.size} as the source says elsewhere")
        content = self._files.read(name)
        digest = sha256_of([content])
        if descriptor.digest != digest:
            raise self._files.refused(name, f"is damaged: its digest is {digest}")
        return content

    def size(self, digest: str) -> int | None:
        """Return the size of a blob in bytes, None when it is not there."""
        return self._files.size(_blob(digest))

    def open(self, digest: str) -> contextlib.AbstractContextManager[Blob]:
        """Open a blob."""
        return self._files.open(_blob(digest))

    def _check_version(self) -> None:
        layout = JsonObject.parse(self._files.read(LAYOUT), self._files.where(LAYOUT))
        version = layout.get("imageLayoutVersion", str)
        if version != _VERSION:
            raise layout.refused("imageLayoutVersion", f"{version!r:.200} must be {_VERSION}")

    def _entries(self) -> list[Descriptor]:
        index = JsonObject.parse(self._files.read(INDEX), self._files.where(INDEX))
        if index.members.get("manifests") is None:
            raise index.refused("manifests", "is missing or null, so that it lists no image")
        return [Descriptor.from_json(entry) for entry in index.objects("manifests", MOST_IMAGES)]

    def _within(self, entries: list[Descriptor], digest: str) -> list[Descriptor]:
        """Return the manifest of this digest from the indexes that these entries lead to, if it is there."""
        seen = set()
        queue = collections.deque(entries)
        while queue:
            entry = queue.popleft()
            if entry.digest == digest:
                return [entry]
            if entry.media_type in INDEXES and entry.digest not in seen and self.size(entry.digest) is not None:
                seen.add(entry.digest)
                document = JsonObject.parse(self.manifest(entry), self._files.where(_blob(entry.digest)))
                queue += [Descriptor.from_json(inner) for inner in document.objects("manifests", MOST_IMAGES)]
        return []


def _blob(digest: str) -> str:
    """Return the name of a blob's file; only digests that were checked before come here."""
    return f"blobs/{digest.replace(':', '/')}"


def _names(entry: Descriptor) -> tuple[str, ...]:
    names = (entry.annotations.get(name) for name in _NAMES)
    return tuple(dict.fromkeys(name for name in names if isinstance(name, str) and name))
