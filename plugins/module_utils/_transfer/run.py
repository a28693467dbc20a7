# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries out the plan for one image: blobs, then manifests, then tags, and a last look at what has become of it."""

from __future__ import annotations

import re
import typing as t
from dataclasses import replace

from .._core.errors import TaskError
from .._ecr.errors import EcrError
from .._ecr.records import SHA256_DIGEST, listed
from .plan import PRESENT, PUT, SENT, SKIPPED, ImagePlan

if t.TYPE_CHECKING:
    from .._ecr.images import ImageRepository
    from .._ecr.records import Layer
    from .._ecr.stored_image import StoredImages
    from .._oci.descriptor import Descriptor
    from .._oci.manifest import Manifest
    from .blobs import BlobPusher

Look = t.Callable[[t.Sequence[str]], "dict[str, Layer] | None"]


class ImagePush:
    """One image on its way into the registry.

    ``changed`` tells whether the repository is another one because of this run, ``tags_put`` are the tags that this run
    has put on the image, and ``registry_id`` is the AWS account that the registry answered with.

    :param pusher: sends the blobs
    :param look: looks layers up, and returns None when the caller may not
    """

    def __init__(
        self,
        repository: ImageRepository,
        plan: ImagePlan,
        pusher: BlobPusher,
        look: Look,
        warn: t.Callable[[str], None],
    ) -> None:
        self._repository = repository
        self._plan = plan
        self._pusher = pusher
        self._look = look
        self._warn = warn
        self._put_count = 0
        self.tags_put: list[str] = []
        self.registry_id: str | None = None

    @property
    def changed(self) -> bool:
        """Whether the repository is another one because of this run."""
        return self._put_count > 0 or self._pusher.outcome.changed

    def run(self) -> None:
        """Send what the repository lacks, and prove that the image is there under its tags.

        The tags come last, so that none is ever on an image that is not whole.

        :raises TaskError: a blob is damaged, the registry refused for good, or has not what it was sent
        """
        if not self._plan.changed:
            return
        if not self._plan.is_present:
            self._pusher.run([step.layer for step in self._plan.blobs_to_send], self._blobs(PRESENT))
        for step in self._plan.manifests[:-1]:
            if step.action == PUT:
                self._put(step.manifest)
        self._put_root()
        self._verify()

    def foresee(self) -> None:
        """Find what would make a run fail for the source's sake: read each blob that it would send or rely on.

        :raises TaskError: a blob is damaged
        """
        if not self._plan.is_present:
            self._pusher.run([], self._blobs(SENT, PRESENT))

    def _blobs(self, *actions: str) -> list[Descriptor]:
        return [step.blob for step in self._plan.blobs if step.action in actions]

    def _put_root(self) -> None:
        root = self._plan.image.root
        moving = [step.tag for step in self._plan.tags if step.moves]
        if not moving:
            self._put(root)
        for tag in moving:
            self._put(root, tag)
            self.tags_put.append(tag)

    def _put(self, manifest: Manifest, tag: str | None = None) -> None:
        try:
            self._put_once(manifest, tag)
        except EcrError as error:
            if error.code == "LayersNotFoundException":
                self._send_again(manifest, error)
            elif error.code == "ReferencedImagesNotFoundException":
                self._put_children_again()
            else:
                raise
            self._put_once(manifest, tag)

    def _put_once(self, manifest: Manifest, tag: str | None) -> None:
        try:
            self.registry_id = self._repository.put_image(manifest, tag) or self.registry_id
        except EcrError as error:
            if error.code not in ("ImageAlreadyExistsException", "ImageTagAlreadyExistsException"):
                raise
            self._check_stored(manifest, tag, error)
            if not error.may_have_been_applied:
                return
        self._put_count += 1

    def _check_stored(self, manifest: Manifest, tag: str | None, error: EcrError) -> None:
        """Raise the error unless the registry has the manifest under the tag."""
        stored = self._repository.images([manifest.digest], [tag] if tag else [])
        if tag and tag in stored.by_tag:
            found = stored.by_tag[tag].digest
            if found != manifest.digest:
                raise tag_is_taken(self._repository, tag, found, manifest.digest, error)
        elif tag or manifest.digest not in stored.by_digest:
            raise error

    def _send_again(self, manifest: Manifest, error: EcrError) -> None:
        """Send those layers of a manifest that the registry says it has not, once more."""
        steps = {step.blob.digest: step for step in self._plan.blobs if step.action != SKIPPED}
        digests = [blob.digest for blob in manifest.blobs if blob.digest in steps]
        named = set(re.findall(SHA256_DIGEST.pattern, str(error.exception)))
        self._check_foreign(named, error)
        layers = self._look(digests) or {}
        missing = {digest for digest in digests if digest not in layers or not layers[digest].is_available}
        # The registry's own refusal is believed more than its list of layers.
        wanted = dict.fromkeys(digest for digest in digests if digest in missing | named) or dict.fromkeys(digests)
        self._pusher.run([replace(steps[digest].layer, found=None) for digest in wanted], [])

    def _check_foreign(self, named: set[str], error: EcrError) -> None:
        foreign = [blob.digest for blob in self._blobs(SKIPPED) if blob.digest in named]
        if foreign:
            error.advice = (
                f"The registry wants layers that were left out as they are to be had at their urls: {listed(foreign)}; "
                "the source has to hold them"
            )
            raise error

    def _put_children_again(self) -> None:
        stored = self._repository.images([child.digest for child in self._plan.image.children])
        missing = [child for child in self._plan.image.children if child.digest not in stored.by_digest]
        for child in missing or self._plan.image.children:
            self._put(child)

    def _verify(self) -> None:
        """Look at the repository once more: manifests and tags must be what was asked for.

        It takes no manifest without its layers, so that those are there when the manifest is given out unchanged.
        """
        put = [step.manifest for step in self._plan.manifests if step.action == PUT]
        root = self._plan.image.root
        tags = [step.tag for step in self._plan.tags]
        digests = dict.fromkeys(manifest.digest for manifest in (*put, root))
        stored = self._repository.images(digests, tags)
        self.registry_id = self.registry_id or stored.registry_id
        self._check_manifests(list(digests), stored)
        for tag in tags:
            found = stored.by_tag[tag].digest if tag in stored.by_tag else "no image"
            if found != root.digest:
                raise self._not_proven(f"its tag {tag} is on {found}")

    def _check_manifests(self, digests: t.Sequence[str], stored: StoredImages) -> None:
        absent = [digest for digest in digests if digest not in stored.by_digest]
        if absent:
            raise self._not_proven(f"the repository does not list {listed(absent)}")
        damaged = [digest for digest in digests if not stored.by_digest[digest].is_intact]
        if damaged:
            raise self._not_proven(f"it is stored with another manifest under {listed(damaged)}")

    def _not_proven(self, reason: str) -> TaskError:
        return TaskError(
            f"The image {self._plan.image.root.digest} is not in {self._repository} as it should be after the push, as "
            f"{reason}: something else may be changing the repository, run the task again"
        )


def tag_is_taken(
    repository: ImageRepository, tag: str, found: str, wanted: str, error: EcrError | None = None
) -> EcrError:
    """Make the error of an immutable tag that is on another image; ``error`` is the registry's, if it was asked."""
    taken = f"The tag {tag} of {repository} is on {found} and cannot be moved to {wanted}"
    advice = "The tag is immutable: choose another tag, or delete the image that has it"
    if error is None:
        return EcrError(f"{taken}, nothing was sent. {advice}")
    refused = EcrError(taken, error.exception, **error.kwargs)
    refused.earlier_failures = error.earlier_failures
    refused.advice = advice
    return refused
