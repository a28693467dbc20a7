# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removes tags and images by a plan, and verifies that they are gone."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field, replace

from .._core.digest import SHA256_DIGEST
from .._core.errors import TaskError
from .._core.text import listed
from .._ecr.call import Call
from .._ecr.errors import LISTED_BY_INDEX, CallError, NotDeletedError, Undeleted
from .._ecr.images import Images, deletion_batches
from .indexes import indexes_of
from .removal import ImageRemoval, RemovalAction, RemovalReason, plan_removal

if t.TYPE_CHECKING:
    from .._core.task import Task
    from .._ecr.client import EcrClient
    from .._ecr.image_records import DeletedImages, ImageDetail, UnreturnedImage
    from .removal import RemovalPlan, TagRemoval

# A request for several images fails if one of them is missing, and has to be made again for each of them. For more
# names, it is cheaper to list the images of the repository, up to 1000 in a request.
_MAX_ASKED = 10
_IN_ARCHIVE = (
    "The image is archived, and the registry may not find it by this name. Remove it by its digest, or restore it with "
    "aws ecr update-image-storage-class and run the task again"
)
# Characters of a refusal that are searched for the digests of indexes.
_MAX_REASON = 1000


@dataclass
class _Account:
    """What this run removed so far: the images that were asked for, and each tag with the image that it was on."""

    digests: set[str] = field(default_factory=set)
    tags: dict[str, str | None] = field(default_factory=dict)
    failures: list[UnreturnedImage] = field(default_factory=list)


class Remover:
    """Removes what is named from one repository.

    ``registry_id`` is the AWS account that the registry answered with.
    """

    def __init__(self, client: EcrClient, digests: t.Sequence[str], tags: t.Sequence[str], task: Task) -> None:
        self._client = client
        self._images = Images(client)
        self._digests = digests
        self._tags = tags
        self._task = task
        self._account = _Account()
        self._left: dict[str, ImageDetail] | None = None
        self.registry_id: str | None = None

    @property
    def changed(self) -> bool:
        """Whether this run changed the repository."""
        return bool(self._account.digests or self._account.tags)

    def survey(self) -> RemovalPlan:
        """Look for what is named, in the archive as well, and return the plan.

        :raises EcrError: the look-up failed
        """
        return plan_removal(self._digests, self._tags, self._look(self._digests, self._tags))

    def rehearse(self, plan: RemovalPlan) -> None:
        """Check that no index lists an image that goes.

        :raises NotDeletedError: the registry would refuse to remove an image
        """
        going = {image.digest: image for image in plan.images_that_go}
        children = [digest for digest, image in going.items() if not image.is_index]
        listing = indexes_of(self._client, self._images, children, ignored=going) if children else {}
        refused = [digest for digest in listing if going[digest].reason is RemovalReason.NAMED]
        if refused:
            raise self._refusal([Undeleted(digest, LISTED_BY_INDEX, "", tuple(listing[digest])) for digest in refused])
        for digest, indexes in listing.items():
            self._task.warn(
                f"Index {listed(indexes)} lists image {digest}, whose last tag is to be removed. Amazon ECR may refuse "
                "that, or keep the image without a tag."
            )

    def run(self, plan: RemovalPlan) -> None:
        """Remove what the plan says, and verify that it is gone.

        :raises TaskError: the registry refused, or still has what it removed
        """
        if not plan.changed:
            return
        self._task.has_sent = True
        for deletion in plan.deletions:
            for digests, tags in deletion_batches(deletion.digests, deletion.tags):
                self._delete(plan, digests, tags)
        self._warn_of_moved_tags(plan)
        affected = [image.digest for image in plan.images] + [
            digest for digest in self._account.tags.values() if digest
        ]
        self._left = self._look(list(dict.fromkeys(affected)), [step.tag for step in plan.tags])
        if self._account.failures:
            raise self._refusal(self._undeleted(plan))
        self._verify(self._left)

    def outcome(self, plan: RemovalPlan) -> RemovalPlan:
        """Return the plan as far as this run carried it out."""
        if not plan.changed:
            return plan
        return replace(
            plan,
            tags=tuple(map(self._tag_outcome, plan.tags)),
            images=(*map(self._image_outcome, plan.images), *self._further_images(plan)),
        )

    def _look(self, digests: t.Sequence[str], tags: t.Sequence[str]) -> dict[str, ImageDetail]:
        is_short = len(digests) + len(tags) <= _MAX_ASKED
        found = self._images.describe(digests, tags) if is_short else self._images.list_all()
        accounts = (image.registry_id for image in found.values())
        self.registry_id = self.registry_id or next(filter(None, accounts), None)
        return found

    def _delete(self, plan: RemovalPlan, digests: tuple[str, ...], tags: tuple[str, ...]) -> None:
        try:
            self._count(plan, self._images.delete(digests, tags), digests)
        except CallError as error:
            if not error.may_have_been_applied or not self._is_gone(digests, tags):
                raise
            # The answer was lost, and what it was about is gone.
            self._assume(plan, digests, tags)

    def _is_gone(self, digests: t.Sequence[str], tags: t.Sequence[str]) -> bool:
        left = self._look(digests, tags)
        tags_left = {tag for image in left.values() for tag in image.tags}
        return left.keys().isdisjoint(digests) and tags_left.isdisjoint(tags)

    def _count(self, plan: RemovalPlan, answer: DeletedImages, digests: t.Container[str]) -> None:
        self._account.digests.update(digest for digest, _tag in answer.deleted if digest and digest in digests)
        self._account.tags.update({tag: digest for digest, tag in answer.deleted if tag is not None})
        self._account.failures += [failure for failure in answer.failures if not failure.is_absent]
        if answer.was_repeated:
            # An earlier attempt, whose answer was lost, may have removed what the last one did not find.
            absent = [failure for failure in answer.failures if failure.is_absent]
            self._assume(
                plan,
                [failure.digest for failure in absent if failure.digest in digests and failure.digest],
                [failure.tag for failure in absent if failure.tag],
            )

    def _assume(self, plan: RemovalPlan, digests: t.Collection[str], tags: t.Iterable[str]) -> None:
        """Count these ids as removed by this run, with the tags of their images."""
        before = {step.tag: step.before for step in plan.tags}
        with_image = [tag for image in plan.images if image.digest in digests for tag in image.tags]
        self._account.digests.update(digests)
        self._account.tags.update({tag: before.get(tag) for tag in (*tags, *with_image)})

    def _undeleted(self, plan: RemovalPlan) -> list[Undeleted]:
        """Return the refusals, each with the indexes that list the image."""
        owners = {step.tag: step.before for step in plan.tags}
        return [
            Undeleted(
                failure.tag or failure.digest or "an image",
                failure.code,
                failure.reason,
                self._indexes_named(failure, failure.digest or owners.get(failure.tag or "")),
            )
            for failure in self._account.failures
        ]

    def _indexes_named(self, failure: UnreturnedImage, digest: str | None) -> tuple[str, ...]:
        """Return the indexes that the refusal names, or else those that are found to list the image."""
        if failure.code != LISTED_BY_INDEX:
            return ()
        named = re.findall(SHA256_DIGEST.pattern, failure.reason[:_MAX_REASON])
        indexes = tuple(name for name in dict.fromkeys(named) if name != digest)
        if indexes or digest is None:
            return indexes
        return tuple(indexes_of(self._client, self._images, [digest]).get(digest, ()))

    def _refusal(self, undeleted: t.Iterable[Undeleted]) -> NotDeletedError:
        return NotDeletedError(Call("BatchDeleteImage", self._client.repository), tuple(undeleted))

    def _warn_of_moved_tags(self, plan: RemovalPlan) -> None:
        for step in plan.tags:
            found = self._account.tags.get(step.tag)
            if found and found != step.before:
                self._task.warn(
                    f"Tag {step.tag} moved from {step.before} to {found} during the task, and was removed there."
                )

    def _verify(self, left: t.Mapping[str, ImageDetail]) -> None:
        present = [digest for digest in self._digests if digest in left]
        owners = {tag: image for image in left.values() for tag in image.tags if tag in self._tags}
        found = [f"The repository still lists {listed(present)}"] if present else []
        found += [f"Tag {tag} is on {image.digest}" for tag, image in owners.items()]
        if found:
            where = self._client.repository
            is_archived = any(image.is_archived for image in owners.values())
            raise TaskError(
                f"Verification failed after the removal from {where}. {listed(found, separator='. ')}",
                _IN_ARCHIVE if is_archived else "Something else may be changing the repository. Run the task again",
            )

    def _tag_outcome(self, step: TagRemoval) -> TagRemoval:
        removed = self._account.tags
        if step.tag in removed:
            return replace(step, before=removed[step.tag] or step.before)
        if self._left is None:
            return replace(step, after=step.before)
        owner = next((image.digest for image in self._left.values() if step.tag in image.tags), None)
        return replace(step, before=owner, after=owner)

    def _image_outcome(self, image: ImageRemoval) -> ImageRemoval:
        if image.action is not RemovalAction.REMOVED:
            return image
        is_named = image.reason is RemovalReason.NAMED
        tags_are_gone = all(tag in self._account.tags for tag in image.tags)
        was_removed = image.digest in self._account.digests if is_named else tags_are_gone
        is_left = image.digest in self._left if self._left is not None else not was_removed
        if is_left:
            return replace(image, action=RemovalAction.KEPT, reason=RemovalReason.NOT_REMOVED)
        return image if was_removed else replace(image, action=RemovalAction.ABSENT, reason=RemovalReason.GONE)

    def _further_images(self, plan: RemovalPlan) -> list[ImageRemoval]:
        """Return the images that went with their last tag, which had moved there after the survey."""
        known = {image.digest for image in plan.images}
        gone: dict[str, list[str]] = {}
        for tag, digest in self._account.tags.items():
            if digest and digest not in known and self._left is not None and digest not in self._left:
                gone.setdefault(digest, []).append(tag)
        return [
            ImageRemoval(digest, RemovalAction.REMOVED, RemovalReason.LAST_TAG, tuple(tags))
            for digest, tags in gone.items()
        ]
