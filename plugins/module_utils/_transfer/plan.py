# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run will do with one image, made from the image and from what the registry has."""

from __future__ import annotations

import enum
import typing as t
from dataclasses import dataclass

from .._upload.plan import LayerPlan

if t.TYPE_CHECKING:
    from .._ecr.records import Layer, StoredImages
    from .._oci.descriptor import Descriptor
    from .._oci.image import Image
    from .._oci.manifest import Manifest
    from .._oci.platform import Platform


class BlobAction(enum.Enum):
    """What becomes of a blob."""

    SENT = "sent"
    PRESENT = "present"
    SKIPPED = "skipped"
    FAILED = "failed"


class ManifestAction(enum.Enum):
    """What becomes of a manifest."""

    PUT = "put"
    PRESENT = "present"


class Reason(enum.Enum):
    """Why a blob has its action."""

    IMAGE_PRESENT = "an image in the repository refers to it"
    PRESENT = "the repository has it"
    MISSING = "the repository does not have it"
    ARCHIVED = "the repository has it in its archive"
    UNKNOWN = "it is unknown whether the repository has it"
    FOREIGN = "it is hosted at external URLs, and the source does not contain it"
    REMOVED = "the repository no longer had it"
    ARRIVED = "something else sent it to the repository during the push"
    NOT_SENT = "the task failed before it was sent"


@dataclass(frozen=True)
class BlobStep:
    """What becomes of one blob; ``layer`` says how it is sent."""

    blob: Descriptor
    action: BlobAction
    reason: Reason
    layer: LayerPlan


@dataclass(frozen=True)
class ManifestStep:
    """What becomes of one manifest; ``is_archived`` says whether it has to be put because its image is archived."""

    manifest: Manifest
    platform: Platform | None
    action: ManifestAction
    is_archived: bool = False


@dataclass(frozen=True)
class TagStep:
    """A tag, and the digests of the images that it is on before and after; None for no image."""

    tag: str
    before: str | None
    after: str | None

    @property
    def moves(self) -> bool:
        """Whether the tag changes."""
        return self.before != self.after


@dataclass(frozen=True)
class ImagePlan:
    """What a run will do with one image; the manifests are in the order in which they are put."""

    image: Image
    tags: tuple[TagStep, ...]
    manifests: tuple[ManifestStep, ...]
    blobs: tuple[BlobStep, ...]

    @property
    def is_present(self) -> bool:
        """Whether the repository has the image, under whatever tags."""
        return self.manifests[-1].action is ManifestAction.PRESENT

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        puts = any(step.action is ManifestAction.PUT for step in self.manifests)
        return puts or bool(self.blobs_to_send) or any(step.moves for step in self.tags)

    @property
    def blobs_to_send(self) -> list[BlobStep]:
        """The blobs that the repository lacks, the biggest first, because that one takes the longest."""
        missing = [step for step in self.blobs if step.action is BlobAction.SENT]
        return sorted(missing, key=lambda step: step.layer.bytes_to_send, reverse=True)

    @property
    def bytes_to_send(self) -> int:
        """The bytes that the repository lacks."""
        return sum(step.layer.bytes_to_send for step in self.blobs_to_send)

    @property
    def bytes_present(self) -> int:
        """The bytes that need not be sent, because the repository has them."""
        held = sum(step.blob.size for step in self.blobs if step.action is BlobAction.PRESENT)
        return held + sum(step.blob.size - step.layer.bytes_to_send for step in self.blobs_to_send)


def blobs_in_question(image: Image, stored: StoredImages) -> list[str]:
    """Return the digests of the blobs for which only the registry knows whether it has them."""
    if stored.has(image.root.digest):
        return []
    held = _held_by_images(image, stored)
    missing = [manifest for manifest in image.manifests if not stored.has(manifest.digest)]
    needed = dict.fromkeys(blob.digest for manifest in missing for blob in manifest.blobs)
    return [digest for digest in needed if digest not in held and digest not in image.foreign]


def plan_image(
    image: Image,
    tags: t.Iterable[str],
    stored: StoredImages,
    layers: t.Mapping[str, Layer] | None,
    part_size: int,
    same: t.Container[str] = (),
) -> ImagePlan:
    """Return the plan for an image.

    :param stored: the images found of the root, its children and the tags
    :param layers: the layers found of ``blobs_in_question``, None if the caller lacks the permission
    :param part_size: the size of the parts in bytes
    :param same: the digests of other manifests of this very image; a tag stays on them
    """
    digest = image.root.digest
    before = {tag: stored.digest_under(tag) for tag in tags}
    held = _held_by_images(image, stored)
    return ImagePlan(
        image,
        tuple(TagStep(tag, found, found if found and found in same else digest) for tag, found in before.items()),
        tuple(_manifest_step(image, manifest, stored) for manifest in image.manifests),
        tuple(_blob_step(blob, image.foreign, held, layers, part_size) for blob in image.blobs.values()),
    )


def _manifest_step(image: Image, manifest: Manifest, stored: StoredImages) -> ManifestStep:
    # An index that is there may list images that were archived since.
    is_stored = stored.has(manifest.digest) or (
        stored.has(image.root.digest) and manifest.digest not in stored.archived
    )
    action = ManifestAction.PRESENT if is_stored else ManifestAction.PUT
    is_archived = not is_stored and manifest.digest in stored.archived
    return ManifestStep(manifest, image.platform_of(manifest), action, is_archived)


def _held_by_images(image: Image, stored: StoredImages) -> set[str]:
    if stored.has(image.root.digest):
        return set(image.blobs)
    present = [manifest for manifest in image.manifests if stored.has(manifest.digest)]
    return {blob.digest for manifest in present for blob in manifest.blobs}


def _blob_step(
    blob: Descriptor,
    foreign: t.Container[str],
    held: t.Container[str],
    layers: t.Mapping[str, Layer] | None,
    part_size: int,
) -> BlobStep:
    found = layers.get(blob.digest) if layers is not None else None
    layer = LayerPlan(blob.digest, blob.size, part_size, found)
    if blob.digest in foreign:
        return BlobStep(blob, BlobAction.SKIPPED, Reason.FOREIGN, layer)
    if blob.digest in held:
        return BlobStep(blob, BlobAction.PRESENT, Reason.IMAGE_PRESENT, layer)
    if found is None:
        return BlobStep(blob, BlobAction.SENT, Reason.UNKNOWN, layer)
    if found.is_stored:
        return BlobStep(blob, BlobAction.PRESENT, Reason.ARCHIVED if found.is_archived else Reason.PRESENT, layer)
    return BlobStep(blob, BlobAction.SENT, Reason.MISSING, layer)
