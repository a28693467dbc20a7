# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decides, before anything is sent, what pushing an image will do."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from .._ecr.records import ARCHIVED
from .._upload.plan import LayerPlan

if t.TYPE_CHECKING:
    from .._ecr.records import Layer
    from .._ecr.stored_image import StoredImages
    from .._oci.descriptor import Descriptor
    from .._oci.image import Image
    from .._oci.manifest import Manifest
    from .._oci.platform import Platform

SENT = "sent"
PRESENT = "present"
SKIPPED = "skipped"
PUT = "put"

IMAGE_IS_THERE = "an image that the repository has refers to it"
LAYER_IS_THERE = "the repository has it"
LAYER_IS_MISSING = "the repository does not have it"
LAYER_IS_ARCHIVED = "the repository has archived it, and may refuse it until it is restored"
LAYER_IS_UNKNOWN = "it is not known whether the repository has it"
LAYER_IS_FOREIGN = "it is to be had at its urls, and the source does not hold it"


@dataclass(frozen=True)
class BlobStep:
    """What becomes of one blob: ``action`` is sent, present or skipped, and ``layer`` how it is sent."""

    blob: Descriptor
    action: str
    reason: str
    layer: LayerPlan


@dataclass(frozen=True)
class ManifestStep:
    """What becomes of one manifest: ``action`` is put or present."""

    manifest: Manifest
    platform: Platform | None
    action: str


@dataclass(frozen=True)
class TagStep:
    """A tag, and the digests of the images that it is on before and after; None for no image."""

    tag: str
    before: str | None
    after: str

    @property
    def moves(self) -> bool:
        """Whether the tag is not where it is to be."""
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
        return self.manifests[-1].action == PRESENT

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return not self.is_present or any(step.moves for step in self.tags)

    @property
    def blobs_to_send(self) -> list[BlobStep]:
        """The blobs that the repository lacks, the biggest first: the biggest one sets the least time that it takes."""
        missing = [step for step in self.blobs if step.action == SENT]
        return sorted(missing, key=lambda step: step.layer.bytes_to_send, reverse=True)

    @property
    def bytes_to_send(self) -> int:
        """The bytes that the repository lacks."""
        return sum(step.layer.bytes_to_send for step in self.blobs_to_send)

    @property
    def bytes_present(self) -> int:
        """The bytes that need not be sent, as the repository has them."""
        held = sum(step.blob.size for step in self.blobs if step.action == PRESENT)
        return held + sum(step.blob.size - step.layer.bytes_to_send for step in self.blobs_to_send)

    def diff(self) -> dict[str, t.Any]:
        """Return Ansible's ``diff`` of the repository: its tags, its manifests and its layers."""
        before = {
            "tags": {step.tag: step.before or "no image" for step in self.tags},
            "manifests": {step.manifest.digest: _presence(step.action == PRESENT) for step in self.manifests},
            "layers": {step.blob.digest: _layer_presence(step) for step in self.blobs},
            "transfer": _transfer(0, 0),
        }
        if not self.changed:
            return {"before": before, "after": before}
        after = {
            "tags": {step.tag: step.after for step in self.tags},
            "manifests": {step.manifest.digest: _presence(True) for step in self.manifests},
            "layers": {step.blob.digest: _layer_presence(replace(step, action=_after(step))) for step in self.blobs},
            "transfer": _transfer(self.bytes_to_send, self.bytes_present),
        }
        return {"before": before, "after": after}


def blobs_in_question(image: Image, stored: StoredImages) -> list[str]:
    """Return the digests of the blobs of which only the registry can say whether it has them."""
    if image.root.digest in stored.by_digest:
        return []
    held = _held_by_images(image, stored)
    missing = [manifest for manifest in image.manifests if manifest.digest not in stored.by_digest]
    needed = dict.fromkeys(blob.digest for manifest in missing for blob in manifest.blobs)
    return [digest for digest in needed if digest not in held and digest not in image.foreign]


def plan_image(
    image: Image,
    tags: t.Iterable[str],
    stored: StoredImages,
    layers: t.Mapping[str, Layer] | None,
    part_size: int,
) -> ImagePlan:
    """Make the plan from the image and from what the registry has.

    :param stored: the images found of the root, its children and the tags
    :param layers: what was found of ``blobs_in_question``, None when the caller may not ask
    :param part_size: the size of the parts in bytes
    """
    digest = image.root.digest
    is_stored = digest in stored.by_digest
    before = {tag: stored.by_tag[tag].digest if tag in stored.by_tag else None for tag in tags}
    manifests = [
        ManifestStep(
            manifest,
            image.platform_of(manifest),
            PRESENT if is_stored or manifest.digest in stored.by_digest else PUT,
        )
        for manifest in image.manifests
    ]
    held = _held_by_images(image, stored)
    steps = [_blob_step(blob, image.foreign, held, layers, part_size) for blob in image.blobs.values()]
    return ImagePlan(
        image,
        tuple(TagStep(tag, found, digest) for tag, found in before.items()),
        tuple(manifests),
        tuple(steps),
    )


def _held_by_images(image: Image, stored: StoredImages) -> set[str]:
    if image.root.digest in stored.by_digest:
        return set(image.blobs)
    present = [manifest for manifest in image.manifests if manifest.digest in stored.by_digest]
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
        return BlobStep(blob, SKIPPED, LAYER_IS_FOREIGN, layer)
    if blob.digest in held:
        return BlobStep(blob, PRESENT, IMAGE_IS_THERE, layer)
    if found is None:
        return BlobStep(blob, SENT, LAYER_IS_UNKNOWN, layer)
    if found.is_available:
        return BlobStep(blob, PRESENT, LAYER_IS_THERE, layer)
    return BlobStep(blob, SENT, LAYER_IS_ARCHIVED if found.availability == ARCHIVED else LAYER_IS_MISSING, layer)


def _after(step: BlobStep) -> str:
    return PRESENT if step.action == SENT else step.action


def _presence(present: bool) -> str:
    return "present" if present else "absent"


def _layer_presence(step: BlobStep) -> str:
    state = {SENT: "absent", PRESENT: "present", SKIPPED: "elsewhere"}[step.action]
    return f"{state}, {step.blob.size} bytes"


def _transfer(sent: int, saved: int) -> str:
    return f"{sent} bytes to send, {saved} bytes saved"
