# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Manifests and indexes: what they refer to, and whether Amazon ECR will take them.

Sources: https://github.com/opencontainers/image-spec/blob/main/manifest.md,
https://github.com/opencontainers/image-spec/blob/main/image-index.md,
https://docs.docker.com/registry/spec/manifest-v2-2/ and
https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutImage.html.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass
from functools import cached_property

from .._core.json_document import JsonObject
from .._ecr.records import sha256_of
from .._ecr.service_model import largest
from .._ecr.validation import InvalidInputError
from .descriptor import Descriptor, media_type_of

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"

INDEXES = (OCI_INDEX, DOCKER_INDEX)
MEDIA_TYPES = (OCI_MANIFEST, DOCKER_MANIFEST, *INDEXES)

MOST_LAYERS = 10_000
MOST_IMAGES = 1_000


@dataclass(frozen=True)
class Manifest:
    """A manifest or an index, byte for byte.

    ``blobs`` are the configuration and the layers of an image, in this order; ``images`` are the manifests of an index.
    """

    content: bytes
    media_type: str
    blobs: tuple[Descriptor, ...] = ()
    images: tuple[Descriptor, ...] = ()

    @cached_property
    def digest(self) -> str:
        """The digest of its bytes, which is the image's name."""
        return sha256_of([self.content])

    @property
    def is_index(self) -> bool:
        """Whether it lists images instead of being one."""
        return self.media_type in INDEXES

    @classmethod
    def parse(cls, content: bytes, media_type: str, where: str) -> Manifest:
        """Read a manifest of the media type that its descriptor gives.

        :param where: names the manifest in errors
        :raises InvalidInputError: it is malformed, contradicts itself or its descriptor, or Amazon ECR refuses such
        """
        document = JsonObject.parse(content, where)
        _check_media_type(document, media_type)
        if document.get("schemaVersion", int) != 2:
            raise document.refused("schemaVersion", "must be 2")
        if document.members.get("artifactType") is not None:
            media_type_of(document, "artifactType")
        if media_type in INDEXES:
            images = _images(document)
            return cls(content, media_type, images=images)
        return cls(content, media_type, blobs=_blobs(document))

    def with_images(self, images: t.Container[Descriptor]) -> Manifest:
        """Return the index reduced to these of its images; the same index makes the same bytes.

        An index that has no others stays as it is, byte for byte.
        """
        if all(image in images for image in self.images):
            return self
        document = json.loads(self.content)
        document["manifests"] = [entry for entry, image in zip(document["manifests"], self.images) if image in images]
        content = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
        return Manifest(content, self.media_type, images=tuple(image for image in self.images if image in images))


def check_manifest_size(size: int, where: str) -> None:
    """Raise InvalidInputError unless Amazon ECR takes manifests of ``size`` bytes."""
    most = largest("PutImage", "imageManifest")
    if not 1 <= size <= most:
        raise InvalidInputError(
            f"{where} has {size} bytes, nothing was sent: Amazon ECR takes manifests of 1 to {most} bytes (4 MiB)"
        )


def _check_media_type(document: JsonObject, media_type: str) -> None:
    if media_type not in MEDIA_TYPES:
        raise InvalidInputError(
            f"{document.where} is of the media type {media_type!r:.200}, nothing was sent: "
            f"an image has one of {', '.join(MEDIA_TYPES)}"
        )
    own = document.get("mediaType", str, media_type)
    if own != media_type:
        raise document.refused("mediaType", f"{own!r:.200} is not {media_type}, as which the source refers to it")
    # What has the members of both could be taken for either (CVE-2021-41190).
    foreign = ("layers", "config") if media_type in INDEXES else ("manifests",)
    for name in foreign:
        if document.members.get(name) is not None:
            raise document.refused(name, f"contradicts its media type {media_type}")


def _blobs(document: JsonObject) -> tuple[Descriptor, ...]:
    config = Descriptor.from_json(document.object("config"))
    layers = [Descriptor.from_json(layer) for layer in document.objects("layers", MOST_LAYERS)]
    if not layers:
        raise document.refused("layers", "has no entry: Amazon ECR takes no image without layers")
    sizes: dict[str, int] = {}
    for blob in (config, *layers):
        if blob.size == 0:
            raise InvalidInputError(
                f"{document.where}: blob {blob.digest} has 0 bytes, nothing was sent: "
                "Amazon ECR cannot store an empty layer"
            )
        if sizes.setdefault(blob.digest, blob.size) != blob.size:
            raise InvalidInputError(f"{document.where} gives blob {blob.digest} two sizes, nothing was sent")
    return (config, *layers)


def _images(document: JsonObject) -> tuple[Descriptor, ...]:
    images = [Descriptor.from_json(image) for image in document.objects("manifests", MOST_IMAGES)]
    if not images:
        raise document.refused("manifests", "has no entry, so there is no image")
    for image in images:
        if image.media_type in INDEXES:
            raise InvalidInputError(
                f"{document.where} lists {image.digest}, which is an index as well, nothing was sent: "
                "an index of indexes is not pushed, choose one of them with image"
            )
    return tuple(images)
