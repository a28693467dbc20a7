# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run will do with one image, made from the image and from what the registry has."""

from __future__ import annotations

import enum
import typing as t
from dataclasses import dataclass

from .._oci.image import blobs_of
from .._upload.plan import LayerPlan
from .supersession import is_superseded

if t.TYPE_CHECKING:
    from .._ecr.image_records import StoredImages
    from .._ecr.layer_records import Layer
    from .._oci.descriptor import Descriptor
    from .._oci.image import Attachment, Image
    from .._oci.manifest import Manifest
    from .._oci.platform import Platform
    from .._oci.referrer import Referrer


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
class ReferrerStep:
    """What becomes of a referrer; ``tag`` is the tag that tools find it by, None if they need none.

    ``manifests`` are in the order in which they are put, its own last. There are none if the tag stays on a later
    version of it.
    """

    referrer: Referrer
    manifests: tuple[ManifestStep, ...]
    tag: TagStep | None

    @property
    def action(self) -> ManifestAction:
        """What becomes of the referrer as a whole."""
        is_there = all(step.action is ManifestAction.PRESENT for step in self.manifests)
        return ManifestAction.PRESENT if is_there and not (self.tag and self.tag.moves) else ManifestAction.PUT


@dataclass(frozen=True)
class ImagePlan:
    """What a run will do with one image; manifests and referrers are in the order in which they are put.

    ``blobs`` are those of the image and of its referrers.
    """

    image: Image
    tags: tuple[TagStep, ...]
    manifests: tuple[ManifestStep, ...]
    blobs: tuple[BlobStep, ...]
    referrers: tuple[ReferrerStep, ...] = ()

    @property
    def is_present(self) -> bool:
        """Whether the repository has the image, under whatever tags."""
        return self.manifests[-1].action is ManifestAction.PRESENT

    @property
    def referrers_to_put(self) -> list[ReferrerStep]:
        """The referrers that the repository lacks, or that have another tag there."""
        return [step for step in self.referrers if step.action is ManifestAction.PUT]

    @property
    def manifests_to_put(self) -> list[Manifest]:
        """The manifests that the repository lacks, of the image and of its referrers."""
        steps = [*self.manifests, *(step for referrer in self.referrers for step in referrer.manifests)]
        return [step.manifest for step in steps if step.action is ManifestAction.PUT]

    @property
    def tags_of_all(self) -> list[TagStep]:
        """The tags of the image, and those of its referrers."""
        return [*self.tags, *(step.tag for step in self.referrers if step.tag)]

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        is_complete = not (self.manifests_to_put or self.blobs_to_send)
        return not is_complete or any(step.moves for step in self.tags_of_all)

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
    parts = _parts(image, stored)
    held = _held_by_images(parts, stored)
    foreign = _foreign(parts)
    absent = [part for part in parts if not stored.has(part.root.digest)]
    missing = [manifest for part in absent for manifest in part.manifests if not stored.has(manifest.digest)]
    needed = dict.fromkeys(blob.digest for manifest in missing for blob in manifest.blobs)
    return [digest for digest in needed if digest not in held and digest not in foreign]


def plan_image(
    image: Image,
    tags: t.Iterable[str],
    stored: StoredImages,
    layers: t.Mapping[str, Layer] | None,
    part_size: int,
    same: t.Container[str] = (),
) -> ImagePlan:
    """Return the plan for an image.

    :param stored: the images found of the root, its children, its attachments and all tags
    :param layers: the layers found of ``blobs_in_question``, None if the caller lacks the permission
    :param part_size: the size of the parts in bytes
    :param same: the digests of other manifests of this very image; a tag stays on them
    """
    digest = image.root.digest
    before = {tag: stored.digest_under(tag) for tag in tags}
    parts = _parts(image, stored)
    held, foreign = _held_by_images(parts, stored), _foreign(parts)
    return ImagePlan(
        image,
        tuple(TagStep(tag, found, found if found and found in same else digest) for tag, found in before.items()),
        _manifest_steps(image, stored),
        tuple(_blob_step(blob, foreign, held, layers, part_size) for blob in blobs_of(parts).values()),
        tuple(_referrer_step(attachment, stored) for attachment in image.attachments),
    )


def _parts(image: Image, stored: StoredImages) -> list[Image]:
    """Return the image and those of its attachments that the repository is to have as they are."""
    attached = [attachment.image for attachment in image.attachments if not is_superseded(attachment.referrer, stored)]
    return [image, *attached]


def _referrer_step(attachment: Attachment, stored: StoredImages) -> ReferrerStep:
    referrer = attachment.referrer
    found = stored.digest_under(referrer.tag) if referrer.tag else None
    if referrer.tag and is_superseded(referrer, stored):
        return ReferrerStep(referrer, (), TagStep(referrer.tag, found, found))
    tag = TagStep(referrer.tag, found, referrer.manifest.digest) if referrer.tag else None
    return ReferrerStep(referrer, _manifest_steps(attachment.image, stored), tag)


def _manifest_steps(image: Image, stored: StoredImages) -> tuple[ManifestStep, ...]:
    return tuple(_manifest_step(image, manifest, stored) for manifest in image.manifests)


def _manifest_step(image: Image, manifest: Manifest, stored: StoredImages) -> ManifestStep:
    # An index that is there may list images that were archived since.
    is_stored = stored.has(manifest.digest) or (
        stored.has(image.root.digest) and manifest.digest not in stored.archived
    )
    action = ManifestAction.PRESENT if is_stored else ManifestAction.PUT
    is_archived = not is_stored and manifest.digest in stored.archived
    return ManifestStep(manifest, image.platform_of(manifest), action, is_archived)


def _held_by_images(parts: t.Iterable[Image], stored: StoredImages) -> set[str]:
    held: set[str] = set()
    for part in parts:
        is_whole = stored.has(part.root.digest)
        present = [manifest for manifest in part.manifests if is_whole or stored.has(manifest.digest)]
        held |= {blob.digest for manifest in present for blob in manifest.blobs}
    return held


def _foreign(parts: t.Iterable[Image]) -> set[str]:
    return {digest for part in parts for digest in part.foreign}


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
