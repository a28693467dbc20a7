# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a download will do with one image, made from the image and from what the target has."""

from __future__ import annotations

import enum
import typing as t
from dataclasses import dataclass

from .._core.text import MIB
from .._oci.descriptor import Descriptor
from .._oci.image import blobs_of
from .._oci.store import ImageContent, ListedImage, Presence

if t.TYPE_CHECKING:
    from .._oci.image import Image
    from .._oci.manifest import Manifest
    from .._oci.platform import Platform
    from .._oci.store import Holding

# The bytes of one request: enough that its answer time does not matter, and few enough to share a layer fairly.
MIN_RANGE = 4 * MIB
MAX_RANGE = 32 * MIB


class FetchAction(enum.Enum):
    """What becomes of a blob or a manifest."""

    FETCHED = "fetched"
    PRESENT = "present"
    SKIPPED = "skipped"
    FAILED = "failed"


class FetchReason(enum.Enum):
    """Why a blob has its action."""

    MISSING = "it is not in the target"
    DAMAGED = "the target has a damaged file of it"
    RESUMED = "an earlier task fetched a part of it"
    PRESENT = "it is in the target"
    ARRIVED = "something else put it into the target during the download"
    FOREIGN = "it is hosted at external URLs, and Amazon ECR does not store it"
    NOT_FETCHED = "the task failed before it was fetched"


_REASONS = {
    Presence.WHOLE: FetchReason.PRESENT,
    Presence.PARTIAL: FetchReason.RESUMED,
    Presence.DAMAGED: FetchReason.DAMAGED,
    Presence.ABSENT: FetchReason.MISSING,
}


@dataclass(frozen=True)
class BlobFetch:
    """What becomes of one blob; ``gaps`` are the bytes to fetch, each a start and an end."""

    blob: Descriptor
    action: FetchAction
    reason: FetchReason
    gaps: tuple[tuple[int, int], ...] = ()

    @property
    def bytes_to_fetch(self) -> int:
        """How many bytes are missing."""
        return sum(end - start for start, end in self.gaps)


@dataclass(frozen=True)
class ManifestFetch:
    """What becomes of one manifest."""

    manifest: Manifest
    platform: Platform | None
    action: FetchAction


@dataclass(frozen=True)
class DownloadPlan:
    """What a download will do with one image.

    ``manifests`` are those of the image, and then those of what refers to it. ``blobs`` are those of all. ``before`` is
    the digest of the image that the target lists by the same name, None if there is none.
    """

    image: Image
    content: ImageContent
    manifests: tuple[ManifestFetch, ...]
    blobs: tuple[BlobFetch, ...]
    before: str | None
    changed: bool

    @property
    def blobs_to_fetch(self) -> list[BlobFetch]:
        """The blobs that the target lacks, or has only in part."""
        return [step for step in self.blobs if step.action is FetchAction.FETCHED]

    @property
    def bytes_to_fetch(self) -> int:
        """The bytes of blobs that the target lacks."""
        return sum(step.bytes_to_fetch for step in self.blobs_to_fetch)

    @property
    def bytes_present(self) -> int:
        """The bytes of blobs that the target has already."""
        held = (FetchAction.FETCHED, FetchAction.PRESENT)
        return sum(step.blob.size - step.bytes_to_fetch for step in self.blobs if step.action in held)


def content_of(image: Image, name: str | None) -> ImageContent:
    """Return what a target is to hold of an image and of what refers to it.

    :param name: the name of the image in the target, None for no name
    """
    foreign = _foreign(image)
    manifests = {manifest.digest: manifest for part in image.parts for manifest in part.manifests}
    attached = [_listed(attachment.image.root, attachment.referrer.tag) for attachment in image.attachments]
    return ImageContent(
        (_listed(image.root, name), *attached),
        tuple(manifests.values()),
        tuple(blob for blob in blobs_of(image.parts).values() if blob.digest not in foreign),
    )


def _listed(manifest: Manifest, name: str | None) -> ListedImage:
    return ListedImage(Descriptor(manifest.media_type, manifest.digest, len(manifest.content)), name)


def _foreign(image: Image) -> set[str]:
    return {digest for part in image.parts for digest in part.foreign}


def plan_download(image: Image, content: ImageContent, holding: Holding) -> DownloadPlan:
    """Return the plan for an image.

    :param holding: what the target has of the content
    """
    foreign = _foreign(image)
    return DownloadPlan(
        image,
        content,
        tuple(_manifest_fetch(image, manifest, holding) for manifest in content.manifests),
        tuple(_blob_fetch(blob, foreign, holding) for blob in blobs_of(image.parts).values()),
        holding.before,
        changed=not holding.is_complete,
    )


def _manifest_fetch(image: Image, manifest: Manifest, holding: Holding) -> ManifestFetch:
    is_whole = holding.parts[manifest.digest].presence is Presence.WHOLE
    action = FetchAction.PRESENT if is_whole else FetchAction.FETCHED
    return ManifestFetch(manifest, image.platform_of(manifest), action)


def _blob_fetch(blob: Descriptor, foreign: t.Container[str], holding: Holding) -> BlobFetch:
    if blob.digest in foreign:
        return BlobFetch(blob, FetchAction.SKIPPED, FetchReason.FOREIGN)
    held = holding.parts[blob.digest]
    action = FetchAction.PRESENT if held.presence is Presence.WHOLE else FetchAction.FETCHED
    return BlobFetch(blob, action, _REASONS[held.presence], held.gaps)


def ranges_of(steps: t.Sequence[BlobFetch], parallel: int) -> dict[str, list[tuple[int, int]]]:
    """Return the ranges to fetch of each blob, by digest, each a start and an end. A blob can have none.

    They begin at whole MiB, and are so long that all connections have something to do.
    """
    missing = sum(step.bytes_to_fetch for step in steps)
    share = -(-missing // (2 * parallel))
    longest = min(max(-(-share // MIB) * MIB, MIN_RANGE), MAX_RANGE)
    return {
        step.blob.digest: [
            (first, min(first + longest, end)) for start, end in step.gaps for first in range(start, end, longest)
        ]
        for step in steps
    }
