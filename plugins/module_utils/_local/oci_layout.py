# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images in an OCI image layout, a directory or an archive.

Source: https://github.com/opencontainers/image-spec/blob/main/image-layout.md.
"""

from __future__ import annotations

import collections
import typing as t

from .._core.digest import SHA256_DIGEST, sha256_of
from .._core.json_document import JsonObject
from .._core.text import quoted
from .._oci.descriptor import Descriptor
from .._oci.manifest import INDEXES, MAX_IMAGES
from .._oci.reference import NamedImage, choose
from .._oci.store import COPY_AGAIN, ImageReader, SourceImage

if t.TYPE_CHECKING:
    import contextlib

    from .._core.blob import Blob
    from .files import SourceFiles

LAYOUT = "oci-layout"
INDEX = "index.json"

_VERSION = "1.0.0"
_NAMES = ("io.containerd.image.name", "org.opencontainers.image.ref.name")


class LayoutImage(SourceImage):
    """An image of an OCI image layout."""

    def __init__(self, files: SourceFiles, root: Descriptor) -> None:
        super().__init__(root)
        self._files = files

    def manifest(self, descriptor: Descriptor) -> bytes:
        """Return the bytes of a manifest or an index."""
        return _manifest(self._files, descriptor)

    def size(self, digest: str) -> int | None:
        """Return the size of a blob in bytes, None if it does not exist."""
        return self._files.size(_file_of(digest))

    def open(self, digest: str) -> contextlib.AbstractContextManager[Blob]:
        """Open a blob."""
        return self._files.open(_file_of(digest))


class OciLayout(ImageReader):
    """An OCI image layout."""

    def __init__(self, files: SourceFiles) -> None:
        self._files = files

    def choose(self, image: str | None) -> LayoutImage:
        """Return one image. A digest can also be that of an image within an index."""
        self._check_version()
        entries = self._entries()
        if image is not None and SHA256_DIGEST.fullmatch(image) and image not in {entry.digest for entry in entries}:
            entries += self._within(entries, image)
        named = [NamedImage(entry.digest, _names(entry), entry.platform) for entry in entries]
        digest = choose(named, image, str(self._files)).digest
        return LayoutImage(self._files, next(entry for entry in entries if entry.digest == digest))

    def _check_version(self) -> None:
        layout = JsonObject.parse(self._files.read(LAYOUT), self._files.where(LAYOUT))
        version = layout.get("imageLayoutVersion", str)
        if version != _VERSION:
            raise layout.refused("imageLayoutVersion", f"{quoted(version)} is not supported; it must be {_VERSION}")

    def _entries(self) -> list[Descriptor]:
        index = JsonObject.parse(self._files.read(INDEX), self._files.where(INDEX))
        if index.members.get("manifests") is None:
            raise index.refused("manifests", "is missing or null")
        return [Descriptor.from_json(entry) for entry in index.objects("manifests", MAX_IMAGES)]

    def _within(self, entries: list[Descriptor], digest: str) -> list[Descriptor]:
        """Search the indexes that the entries lead to, and return the descriptor of this digest, if there is one."""
        seen = set()
        queue = collections.deque(entries)
        while queue:
            entry = queue.popleft()
            if entry.digest == digest:
                return [entry]
            name = _file_of(entry.digest)
            if entry.media_type in INDEXES and entry.digest not in seen and self._files.size(name) is not None:
                seen.add(entry.digest)
                document = JsonObject.parse(_manifest(self._files, entry), self._files.where(name))
                queue += [Descriptor.from_json(inner) for inner in document.objects("manifests", MAX_IMAGES)]
        return []


def _manifest(files: SourceFiles, descriptor: Descriptor) -> bytes:
    name = _file_of(descriptor.digest)
    size = files.size(name)
    if size is not None and size != descriptor.size:
        raise files.refused(name, f"is {size} bytes; its descriptor states {descriptor.size}", COPY_AGAIN)
    content = files.read(name)
    if sha256_of([content]) != descriptor.digest:
        raise files.refused(name, "is damaged: its content does not match its digest", COPY_AGAIN)
    return content


def _file_of(digest: str) -> str:
    """Return the name of the file of a blob. The digest must have been checked."""
    return f"blobs/{digest.replace(':', '/')}"


def _names(entry: Descriptor) -> tuple[str, ...]:
    names = (entry.annotations.get(name) for name in _NAMES)
    return tuple(dict.fromkeys(name for name in names if isinstance(name, str) and name))
