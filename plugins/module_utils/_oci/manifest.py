# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Manifests and indexes: their bytes, and what they refer to.

Sources: https://github.com/opencontainers/image-spec/blob/main/manifest.md,
https://github.com/opencontainers/image-spec/blob/main/image-index.md and
https://docs.docker.com/registry/spec/manifest-v2-2/.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass
from functools import cached_property

from .._core.digest import SHA256_DIGEST, sha256_of
from .._core.errors import InvalidInputError
from .._core.json_document import JsonObject
from .._core.text import quoted
from .descriptor import Descriptor, Entry, media_type_of

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"

INDEXES = (OCI_INDEX, DOCKER_INDEX)
MEDIA_TYPES = (OCI_MANIFEST, DOCKER_MANIFEST, *INDEXES)

# The caches that BuildKit exports are indexes, too.
_BUILDKIT_CACHE = "application/vnd.buildkit.cacheconfig.v0"

MAX_LAYERS = 10_000
MAX_IMAGES = 1_000


@dataclass(frozen=True)
class Manifest:
    """A manifest or an index, byte for byte.

    ``blobs`` are the configuration and the layers of an image, in this order; ``entries`` are those of an index.
    ``subject`` is the digest of the manifest that it refers to, None if it refers to none. ``artifact_type`` is what a
    registry lists it by.
    """

    content: bytes
    media_type: str
    blobs: tuple[Descriptor, ...] = ()
    entries: tuple[Entry, ...] = ()
    subject: str | None = None
    artifact_type: str | None = None

    @cached_property
    def digest(self) -> str:
        """The digest of the content, which identifies the image."""
        return sha256_of([self.content])

    @property
    def is_index(self) -> bool:
        """Whether it lists images instead of describing one."""
        return self.media_type in INDEXES

    @cached_property
    def images(self) -> tuple[Descriptor, ...]:
        """The manifests that an index lists.

        :raises InvalidInputError: an entry is not the descriptor of an image
        """
        return tuple(map(image_descriptor, self.entries))

    @classmethod
    def parse(cls, content: bytes, media_type: str, where: str) -> Manifest:
        """Read a manifest or an index.

        :param media_type: what the descriptor of the manifest states
        :param where: names the manifest in errors
        :raises InvalidInputError: the manifest is malformed, or contradicts itself or its descriptor. The entries of an
            index are checked when they are used
        """
        check_is_image(media_type, where)
        document = JsonObject.parse(content, where)
        _check_media_type(document, media_type)
        if document.get("schemaVersion", int) != 2:
            raise document.refused("schemaVersion", "must be 2")
        artifact_type = None
        if document.members.get("artifactType") is not None:
            artifact_type = media_type_of(document, "artifactType")
        subject = subject_of(document)
        if media_type in INDEXES:
            return cls(content, media_type, (), _entries(document), subject, artifact_type)
        blobs = _blobs(document)
        # https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers
        return cls(content, media_type, blobs, (), subject, artifact_type or blobs[0].media_type)

    def with_entries(self, entries: t.Container[Entry]) -> Manifest:
        """Return the index reduced to these of its entries. Equal indexes give equal bytes.

        An index that has no other entries stays as it is, byte for byte.
        """
        kept = tuple(entry for entry in self.entries if entry in entries)
        if kept == self.entries:
            return self
        document = json.loads(self.content)
        document["manifests"] = [entry.document.members for entry in kept]
        content = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
        return Manifest(content, self.media_type, entries=kept)


def subject_of(document: JsonObject) -> str | None:
    """Return the digest of the manifest that a manifest refers to, None if it refers to none."""
    subject = document.members.get("subject")
    digest = subject.get("digest") if isinstance(subject, dict) else None
    return digest if isinstance(digest, str) and SHA256_DIGEST.fullmatch(digest) else None


def image_descriptor(entry: Entry) -> Descriptor:
    """Return the descriptor of an image that an index lists.

    :raises InvalidInputError: the entry is not the descriptor of an image
    """
    descriptor = entry.descriptor
    if descriptor.media_type in INDEXES:
        raise InvalidInputError(
            f"{entry.document.where} {descriptor.digest} is an index too. An index of indexes is not supported",
            "Choose one of the inner indexes by its digest",
        )
    check_is_image(descriptor.media_type, f"{entry.document.where} {descriptor.digest}")
    return descriptor


def check_is_image(media_type: str, where: str) -> None:
    """Raise InvalidInputError if this is not the media type of an image or an index."""
    if media_type not in MEDIA_TYPES:
        raise InvalidInputError(
            f"{where} has the media type {quoted(media_type)}, which is not that of an image",
            f"Images have one of these media types: {', '.join(MEDIA_TYPES)}",
        )


def check_is_no_cache(entries: t.Iterable[Entry], where: str) -> None:
    """Raise InvalidInputError if these are the entries of a build cache.

    :param where: names their index in errors
    """
    if any(entry.media_type == _BUILDKIT_CACHE for entry in entries):
        raise InvalidInputError(
            f"{where} is a build cache that BuildKit exported, not an image",
            "Export the image itself: docker buildx build --output type=oci,dest=image.tar",
        )


def _check_media_type(document: JsonObject, media_type: str) -> None:
    own = document.get("mediaType", str, media_type)
    if own != media_type:
        raise document.refused("mediaType", f"{quoted(own)} contradicts its descriptor, which states {media_type}")
    # A document with the members of both can be read as either (CVE-2021-41190).
    foreign = ("layers", "config") if media_type in INDEXES else ("manifests",)
    for name in foreign:
        if document.members.get(name) is not None:
            raise document.refused(name, f"contradicts the media type {media_type}")


def _blobs(document: JsonObject) -> tuple[Descriptor, ...]:
    config = Descriptor.from_json(document.object("config"))
    layers = [Descriptor.from_json(layer) for layer in document.objects("layers", MAX_LAYERS)]
    sizes: dict[str, int] = {}
    for blob in (config, *layers):
        if sizes.setdefault(blob.digest, blob.size) != blob.size:
            raise InvalidInputError(f"{document.where} states two different sizes for blob {blob.digest}")
    return (config, *layers)


def _entries(document: JsonObject) -> tuple[Entry, ...]:
    entries = tuple(map(Entry, document.objects("manifests", MAX_IMAGES)))
    if not entries:
        raise document.refused("manifests", "lists no images")
    check_is_no_cache(entries, document.where)
    return entries
