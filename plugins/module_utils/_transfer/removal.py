# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run will remove from a repository, made from what is named and from what the registry has."""

from __future__ import annotations

import enum
import typing as t
from dataclasses import dataclass

from .._oci.manifest import INDEXES

if t.TYPE_CHECKING:
    from .._ecr.image_records import ImageDetail


class RemovalAction(enum.Enum):
    """What becomes of an image."""

    REMOVED = "removed"
    ABSENT = "absent"
    KEPT = "kept"


class RemovalReason(enum.Enum):
    """Why an image has its action."""

    NAMED = "it is named by its digest"
    LAST_TAG = "its last tag is removed"
    MISSING = "the repository does not have it"
    GONE = "something else removed it during the task"
    NOT_REMOVED = "the registry did not remove it"


@dataclass(frozen=True)
class TagRemoval:
    """A tag, and the digests of the images that it is on before and after; None for no image.

    ``is_named`` is false for a tag that goes with its image.
    """

    tag: str
    before: str | None
    after: str | None
    is_named: bool

    @property
    def is_removed(self) -> bool:
        """Whether the tag goes."""
        return self.before is not None and self.after is None


@dataclass(frozen=True)
class ImageRemoval:
    """What becomes of one image; its tags are those that it has before, its size is in bytes."""

    digest: str
    action: RemovalAction
    reason: RemovalReason
    tags: tuple[str, ...] = ()
    media_type: str | None = None
    size: int | None = None

    @property
    def is_index(self) -> bool:
        """Whether the image is an index, whose images cannot be removed before it."""
        return self.media_type in INDEXES


@dataclass(frozen=True)
class Deletion:
    """The ids of images that can be deleted at the same time."""

    digests: tuple[str, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True)
class RemovalPlan:
    """What a run will remove: tags in the order in which they are named, then those that go with their image."""

    tags: tuple[TagRemoval, ...]
    images: tuple[ImageRemoval, ...]

    @property
    def changed(self) -> bool:
        """Whether there is anything to remove."""
        return any(tag.is_removed for tag in self.tags) or bool(self.images_that_go)

    @property
    def images_that_go(self) -> list[ImageRemoval]:
        """The images that are removed, by digest or with their last tag."""
        return [image for image in self.images if image.action is RemovalAction.REMOVED]

    @property
    def deletions(self) -> list[Deletion]:
        """What to ask the registry for, one after the other: indexes before the images that they may list.

        A tag is removed by its name, never by the digest of its image, because it may move meanwhile. One that goes
        with an image that is named is not asked for.
        """
        going = {image.digest: image for image in self.images_that_go if image.reason is RemovalReason.NAMED}
        indexes = {image.digest for image in self.images_that_go if image.is_index}
        tags = [tag for tag in self.tags if tag.is_named and tag.is_removed and tag.before not in going]
        halves = [
            Deletion(
                tuple(digest for digest in going if (digest in indexes) is is_index),
                tuple(tag.tag for tag in tags if (tag.before in indexes) is is_index),
            )
            for is_index in (True, False)
        ]
        return [half for half in halves if half.digests or half.tags]


def plan_removal(digests: t.Sequence[str], tags: t.Sequence[str], found: t.Mapping[str, ImageDetail]) -> RemovalPlan:
    """Return the plan.

    :param digests: the images that are named by digest
    :param tags: the tags that are named
    :param found: the images that the registry has, at least those that are named, by digest
    """
    owners = {tag: image for image in found.values() for tag in image.tags}
    named = set(digests)
    removed = [TagRemoval(tag, owners[tag].digest if tag in owners else None, None, is_named=True) for tag in tags]
    with_image = [tag for digest in digests if digest in found for tag in found[digest].tags if tag not in tags]
    removed += [TagRemoval(tag, owners[tag].digest, None, is_named=False) for tag in with_image]
    owned = dict.fromkeys(owners[tag].digest for tag in tags if tag in owners and owners[tag].digest not in named)
    untagged = [found[digest] for digest in owned if set(found[digest].tags) <= set(tags)]
    return RemovalPlan(
        tuple(removed),
        (
            *(_named(digest, found.get(digest)) for digest in digests),
            *(removal_of(image, RemovalAction.REMOVED, RemovalReason.LAST_TAG) for image in untagged),
        ),
    )


def _named(digest: str, image: ImageDetail | None) -> ImageRemoval:
    if image is None:
        return ImageRemoval(digest, RemovalAction.ABSENT, RemovalReason.MISSING)
    return removal_of(image, RemovalAction.REMOVED, RemovalReason.NAMED)


def removal_of(image: ImageDetail, action: RemovalAction, reason: RemovalReason) -> ImageRemoval:
    """Return what becomes of an image that the registry has."""
    return ImageRemoval(image.digest, action, reason, tuple(sorted(image.tags)), image.media_type, image.size)
