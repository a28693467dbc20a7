# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks the registry about an image, and makes the plan."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from .._ecr.call import Call
from .._ecr.errors import AnswerError, ImmutableTagError
from .._ecr.image_records import StoredImages
from .._ecr.images import Images
from .._ecr.layers import Layers
from .._oci.image import settled_image
from .._oci.store import DraftImage
from .early import ALL_LAYERS_ARE_SENT
from .identity import recognised
from .known_layers import KnownLayers
from .plan import BlobAction, blobs_in_question, plan_image
from .supersession import layers_lost

if t.TYPE_CHECKING:
    from .._core.task import Task
    from .._ecr.call import Repository
    from .._ecr.client import EcrClient
    from .._ecr.image_records import RepositorySettings, StoredImage
    from .._ecr.layer_records import Layer
    from .._oci.image import Image
    from .._upload.layer import LayerPusher
    from .._upload.plan import LayerPlan
    from .early import EarlySender
    from .plan import BlobStep, ImagePlan


def being_restored(digest: str, repository: Repository) -> str:
    """Return the warning about an image that is in the repository and not available yet."""
    return f"Image {digest} is being restored from the archive of {repository}. It cannot be pulled until that is done."


@dataclass(frozen=True)
class Survey:
    """The plan, and what was learned of the repository on the way: None for what no answer has reported yet."""

    plan: ImagePlan
    registry_id: str | None
    repository_uri: str | None


@dataclass(frozen=True)
class Known:
    """What the registry was asked before the survey, and what it answered."""

    digests: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    stored: StoredImages = field(default_factory=StoredImages)

    def open_digests(self, digests: t.Iterable[str]) -> list[str]:
        """Return those of the digests that the registry is still to be asked for."""
        return [digest for digest in digests if digest not in self.digests and digest not in self.stored.by_digest]

    def open_tags(self, tags: t.Iterable[str]) -> list[str]:
        """Return those of the tags that the registry is still to be asked for."""
        return [tag for tag in tags if tag not in self.tags]


NOTHING_KNOWN = Known()


class Surveyor:
    """Asks the registry about one image.

    :param check: raises InvalidInputError if the registry would refuse the image that a draft becomes
    :param early: sends layers of a draft while they are made, if the registry may accept them; None for a run that
        only predicts: then the survey looks up what a push would learn on its way
    :param known: what the registry was asked before
    """

    def __init__(
        self,
        client: EcrClient,
        image: Image,
        check: t.Callable[[Image], None],
        pusher: LayerPusher,
        early: EarlySender | None,
        task: Task,
        known: Known = NOTHING_KNOWN,
    ) -> None:
        self._client = client
        self._images = Images(client)
        self._image = image
        self._check = check
        self._pusher = pusher
        self._task = task
        self._early = early
        self._dry_run = early is None
        self._shared = KnownLayers(client)
        self._settings_found: tuple[RepositorySettings | None] | None = None
        self._known = known

    def survey(self, tags: t.Sequence[str], part_size: int) -> Survey:
        """Look for the image by its digest and its tags, and for its layers only if that leaves a question.

        A draft is looked for by its tags and its configuration, and gets its final manifest only if that fails.

        :param part_size: the size of the parts in bytes
        :raises EcrError: a look-up failed
        :raises ImmutableTagError: a tag is immutable and on another image
        :raises InvalidInputError: a layer of a draft is damaged, or the registry would refuse its final image
        """
        image, stored, same = self._identified(tags)
        begun = self._early.plans() if self._early else {}
        found = self._found(blobs_in_question(image, stored), begun)
        if stored.inaccessible or any(layer.is_archived for layer in (found or {}).values()):
            self._look_into_archive(image, stored, tags)
        plan = plan_image(image, tags, stored, found, part_size, same)
        for step in plan.blobs:
            self._pusher.check_size(step.layer)
        self._warn_of_replaced(plan, stored)
        registry_id = self._client.repository.registry_id or stored.registry_id
        settings = self._settings(plan, registry_id)
        if settings:
            self._check_tags(plan, settings, stored)
        return Survey(
            self._with_saved_uploads(plan, begun),
            registry_id or (settings.registry_id if settings else None),
            settings.uri if settings else None,
        )

    def _found(self, questions: t.Iterable[str], begun: t.Mapping[str, LayerPlan]) -> dict[str, Layer] | None:
        """Return the layers in question, None if the caller lacks the permission.

        :param begun: the plans of those that were looked up before. They can be in the registry since
        """
        before = {digest: plan.found for digest, plan in begun.items() if plan.found}
        if len(before) < len(begun):
            return None
        before.update(self._shared.found)
        unknown = [digest for digest in questions if digest not in before]
        found = Layers(self._client).available_unless_denied(unknown, ALL_LAYERS_ARE_SENT) if unknown else {}
        return None if found is None else {**before, **found}

    def _identified(self, tags: t.Sequence[str]) -> tuple[Image, StoredImages, set[str]]:
        """Return the image to push, what the registry has of it, and the digests of manifests of this very image."""
        may_send, known = True, {}
        if tags and isinstance(self._image.reader, DraftImage):
            stored = self._images.get(tags=tags)
            found = recognised(self._image, tags, stored)
            if found:
                return found[0], stored, {image.root.digest for image in found}
            may_send = self._may_move(tags, stored)
            known = self._shared.of(self._image, stored.by_tag.values())
        image = settled_image(self._image, self._early if may_send else None, known)
        if image is not self._image:
            self._check(image)
        return image, self._stored(image, tags), set()

    def _may_move(self, tags: t.Iterable[str], stored: StoredImages) -> bool:
        """Return whether no tag that is on another image is known to be immutable."""
        if stored.inaccessible:
            return False
        moving = [tag for tag in tags if tag in stored.by_tag]
        settings = self._settings_for(moving) if moving and self._early else None
        return settings is None or not any(map(settings.is_immutable, moving))

    def _stored(self, image: Image, tags: t.Sequence[str]) -> StoredImages:
        # All are asked for in the same request. The children are hashed although the index is there.
        digests = _digests(image)
        wanted = [*tags, *_tags_of_referrers(image)]
        asked = self._images.get(self._known.open_digests(digests), self._known.open_tags(wanted))
        stored = self._known.stored.merged(asked)
        self._check_manifests(digests, [*stored.by_digest.values(), *stored.by_tag.values()])
        return stored

    def _check_manifests(self, digests: t.Container[str], stored: t.Iterable[StoredImage]) -> None:
        """Check that the manifests with these digests come back with the text that their digests name.

        A registry cannot hold another text under a digest, so putting the manifest again would not help.
        """
        for image in stored:
            if image.digest in digests and not image.is_intact:
                raise AnswerError(
                    Call("BatchGetImage", self._client.repository, digests=(image.digest,)),
                    f"The registry returned another manifest for image {image.digest} of {self._client.repository}. "
                    f"Its text has the digest {image.text_digest}",
                    "Something between the host and Amazon ECR may change answers, such as a proxy. Run the task "
                    "again, and push to another repository if the image itself is damaged",
                )

    def _look_into_archive(self, image: Image, stored: StoredImages, tags: t.Iterable[str]) -> None:
        """Add the images that are archived, and warn if the image to push is being restored already."""
        digests = [digest for digest in _digests(image) if digest not in stored.by_digest]
        tags = [*tags, *_tags_of_referrers(image)]
        stored.archived.update(self._images.archived(digests, [tag for tag in tags if tag not in stored.by_tag]))
        root = stored.archived.get(image.root.digest)
        if root and root.is_activating:
            self._task.warn(being_restored(root.digest, self._client.repository))

    def _settings(self, plan: ImagePlan, registry_id: str | None) -> RepositorySettings | None:
        """Return the settings if they matter: for a tag that moves, and for the account, which only a push learns."""
        moving = [step.tag for step in plan.tags_of_all if step.moves and step.before]
        if not moving and (registry_id or not self._dry_run):
            return None
        return self._settings_for(moving)

    def _settings_for(self, moving: t.Sequence[str]) -> RepositorySettings | None:
        """Look the settings up once."""
        consequence = "The uri of the image is not returned, because only a push learns the account of the registry"
        if moving:
            consequence = f"The task cannot check before the push whether these tags can be moved: {', '.join(moving)}"
        if self._settings_found is None:
            found = self._client.unless_denied(self._images.settings, consequence)
            self._settings_found = (found,)
        return self._settings_found[0]

    def _check_tags(self, plan: ImagePlan, settings: RepositorySettings, stored: StoredImages) -> None:
        for step in plan.tags_of_all:
            if step.before and step.after and step.moves and settings.is_immutable(step.tag):
                is_archived = step.before in stored.archived
                raise ImmutableTagError(
                    self._client.repository, step.tag, step.before, step.after, is_archived=is_archived
                )

    def _warn_of_replaced(self, plan: ImagePlan, stored: StoredImages) -> None:
        """Warn of signatures that a tag no longer leads to when it moves."""
        for step in plan.referrers:
            lost = layers_lost(step.referrer, stored) if step.tag and step.tag.moves else 0
            if step.tag and lost:
                self._task.warn(
                    f"Tag {step.tag.tag} of {self._client.repository} is moved from {step.tag.before}, which has "
                    f"{lost} layer{'s' if lost > 1 else ''} that the source does not contain, such as "
                    "signatures. That manifest stays in the repository without the tag."
                )

    def _with_saved_uploads(self, plan: ImagePlan, begun: t.Mapping[str, LayerPlan]) -> ImagePlan:
        """Return the plan with what is left of the uploads that an earlier run began.

        :param begun: the plans of layers whose uploads this run began, or resumed
        """

        def resumed(step: BlobStep) -> BlobStep:
            if step.action is not BlobAction.SENT:
                return step
            if step.blob.digest in begun:
                return replace(step, layer=begun[step.blob.digest])
            return replace(step, layer=self._pusher.with_saved_upload(step.layer, self._dry_run))

        return replace(plan, blobs=tuple(map(resumed, plan.blobs)))


def _digests(image: Image) -> list[str]:
    """Return the digests of all manifests, the root first."""
    return [manifest.digest for part in image.parts for manifest in reversed(part.manifests)]


def _tags_of_referrers(image: Image) -> list[str]:
    return [attachment.referrer.tag for attachment in image.attachments if attachment.referrer.tag]
