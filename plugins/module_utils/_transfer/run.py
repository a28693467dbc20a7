# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pushes one image by its plan, and verifies it."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .._core.errors import TaskError
from .._core.text import listed
from .._ecr.errors import CallError, EcrError, ExplainedError, ForeignAnswerError, ImmutableTagError
from .._ecr.images import Images
from .._ecr.layers import Layers
from .._oci.image import blobs_of
from .early import ALL_LAYERS_ARE_SENT
from .outcome import PutAccount, carried_out
from .plan import BlobAction, ImagePlan, ManifestAction
from .survey import being_restored

if t.TYPE_CHECKING:
    from .._core.task import Task
    from .._ecr.client import EcrClient
    from .._ecr.image_records import StoredImages
    from .._oci.descriptor import Descriptor
    from .._oci.manifest import Manifest
    from .._upload.plan import LayerPlan
    from .blobs import BlobPusher
    from .plan import ReferrerStep


_ALREADY_EXISTS = ("ImageAlreadyExistsException", "ImageTagAlreadyExistsException")


class ImagePush:
    """The push of one image.

    ``registry_id`` is the AWS account that the registry answered with.

    :param pusher: sends the blobs
    :param verifies: whether to read back what was put, besides the answers
    """

    def __init__(
        self, client: EcrClient, plan: ImagePlan, pusher: BlobPusher, task: Task, verifies: bool = True
    ) -> None:
        self._images = Images(client)
        self._layers = Layers(client)
        self._repository = client.repository
        self._plan = plan
        self._pusher = pusher
        self._task = task
        self._verifies = verifies
        self._account = PutAccount()
        # The layers that were listed as available, and that the registry misses all the same.
        self._missed: set[str] = set()
        self.registry_id: str | None = None

    @property
    def changed(self) -> bool:
        """Whether this run changed the repository."""
        return bool(self._account.manifests) or self._pusher.outcome.changed

    @property
    def outcome(self) -> ImagePlan:
        """The plan as far as this run carried it out."""
        return carried_out(self._plan, self._account, self._pusher.outcome.pushed)

    def run(self) -> None:
        """Send what the repository lacks, and verify that the image is there under its tags.

        Referrers come after the image, and its tags last, so a tag never points to an incomplete image. What earlier
        runs left on this host of the uploads is removed.

        :raises TaskError: a blob is damaged, the registry refused, or does not have what it was sent
        """
        try:
            if self._plan.changed:
                self._push()
        finally:
            self._pusher.tidy(self._done())

    def _done(self) -> list[LayerPlan]:
        """Return the layers that are known to be in the repository, so that nothing needs to be kept of them."""
        pushed = self._pusher.outcome.pushed
        present = {step.blob.digest for step in self._plan.blobs if self._plan.is_present or step.layer.is_present}
        known = (present - self._missed) | pushed.keys()
        return [step.layer for step in self._plan.blobs if step.blob.digest in known]

    def _push(self) -> None:
        self._pusher.run([step.layer for step in self._plan.blobs_to_send], self._blobs(BlobAction.PRESENT))
        for step in self._plan.manifests[:-1]:
            if step.action is ManifestAction.PUT:
                self._put(step.manifest)
        self._put_root()
        for referrer in self._plan.referrers_to_put:
            self._put_referrer(referrer)
        self._set_tags()
        if self._verifies:
            self._verify()

    def rehearse(self) -> None:
        """Read each blob that a run would send or rely on, to find damage that would make the run fail.

        :raises TaskError: a blob is damaged
        """
        self._pusher.run([], self._blobs(BlobAction.SENT, BlobAction.PRESENT))

    def _blobs(self, *actions: BlobAction) -> list[Descriptor]:
        """Return the blobs of what is put that have one of these actions."""
        roots = self._plan.manifests_to_put
        needed = blobs_of(part for part in self._plan.image.parts if part.root in roots)
        return [step.blob for step in self._plan.blobs if step.action in actions and step.blob.digest in needed]

    @property
    def _moving(self) -> list[str]:
        return [step.tag for step in self._plan.tags if step.moves]

    def _put_root(self) -> None:
        """Put the image, if it is to be there before its tags are set."""
        if self._plan.manifests[-1].is_archived:
            self._restore()
        elif not self._plan.is_present and (not self._moving or self._plan.referrers_to_put):
            self._put(self._plan.image.root)

    def _put_referrer(self, step: ReferrerStep) -> None:
        *children, root = step.manifests
        for child in children:
            if child.action is ManifestAction.PUT:
                self._put(child.manifest)
        if step.tag and step.tag.moves:
            self._put_under(root.manifest, step.tag.tag)
        elif root.action is ManifestAction.PUT:
            self._put(root.manifest)

    def _set_tags(self) -> None:
        for tag in self._moving:
            self._put_under(self._plan.image.root, tag)

    def _put_under(self, manifest: Manifest, tag: str) -> None:
        if not self._put(manifest, tag):
            self._account.tags_found.add(tag)
        self._account.tags.append(tag)

    def _restore(self) -> None:
        """Put the archived image under a tag that it has, or without one if it has none of those wanted."""
        kept = [step.tag for step in self._plan.tags if not step.moves]
        self._put(self._plan.image.root, kept[0] if kept else None)

    def _put(self, manifest: Manifest, tag: str | None = None) -> bool:
        """Put a manifest, and what it needs if the registry lacks that. Return whether this run put it."""
        try:
            return self._put_once(manifest, tag)
        except CallError as error:
            if error.code == "LayersNotFoundException":
                self._send_again(manifest, error)
            elif error.code == "ReferencedImagesNotFoundException":
                self._put_children_again(manifest)
            else:
                raise
            return self._put_once(manifest, tag)

    def _put_once(self, manifest: Manifest, tag: str | None) -> bool:
        self._task.has_sent = True
        try:
            self.registry_id = self._images.put(manifest, tag) or self.registry_id
        except ForeignAnswerError as error:
            self._check_put_after_all(manifest, tag, error)
        except CallError as error:
            if error.code not in _ALREADY_EXISTS:
                raise
            self._check_stored(manifest, tag, error)
            if not error.may_have_been_applied:
                return False
        self._account.manifests.add(manifest.digest)
        return True

    def _check_put_after_all(self, manifest: Manifest, tag: str | None, error: ForeignAnswerError) -> None:
        """Raise the error unless the registry has the manifest under the tag, although the answer does not say so."""
        if not error.is_unresolved:
            raise error
        try:
            stored = self._read_back([manifest.digest], [tag] if tag else [])
        except EcrError as unanswered:
            raise error from unanswered
        if not stored.has(manifest.digest) or (tag and stored.digest_under(tag) != manifest.digest):
            error.rule_out()
            raise error

    def _check_stored(self, manifest: Manifest, tag: str | None, error: CallError) -> None:
        """Raise the error unless the registry has the manifest under the tag."""
        stored = self._read_back([manifest.digest], [tag] if tag else [])
        found = stored.digest_under(tag) if tag else manifest.digest
        if tag and found and found != manifest.digest:
            is_archived = found in stored.archived
            raise ImmutableTagError(self._repository, tag, found, manifest.digest, error, is_archived)
        if found and stored.has(manifest.digest):
            return
        if not tag or manifest.digest not in stored.archived:
            raise error
        # An immutable tag is refused although it is on this image. Without the tag, the put restores the image.
        self._put_once(manifest, None)

    def _read_back(self, digests: t.Iterable[str], tags: t.Iterable[str]) -> StoredImages:
        """Look images up, and those that are not returned in the archive."""
        stored = self._images.get(digests, tags)
        hidden = [digest for digest in digests if digest not in stored.by_digest]
        hidden_tags = [tag for tag in tags if tag not in stored.by_tag]
        if hidden or hidden_tags:
            stored.archived.update(self._images.archived(hidden, hidden_tags))
        return stored

    def _send_again(self, manifest: Manifest, error: CallError) -> None:
        """Send the layers of a manifest again that the registry reports as missing."""
        steps = {step.blob.digest: step for step in self._plan.blobs if step.action is not BlobAction.SKIPPED}
        digests = [blob.digest for blob in manifest.blobs if blob.digest in steps]
        named = error.named_digests
        self._check_foreign(named, error)
        layers = self._layers.available_unless_denied(digests, ALL_LAYERS_ARE_SENT) or {}
        missing = {digest for digest in digests if digest not in layers or not layers[digest].is_stored}
        archived = {digest for digest, layer in layers.items() if layer.is_archived}
        # The refusal is more reliable than the list of layers.
        suspects = (missing | named) & set(digests) or archived or set(digests)
        wanted = dict.fromkeys(digest for digest in digests if digest in suspects)
        if any(self._plan.image.reader.size(digest) is None for digest in wanted):
            # Something else compressed these layers, and the source does not contain their bytes.
            raise error
        self._missed |= wanted.keys()
        self._pusher.run([replace(steps[digest].layer, found=None) for digest in wanted], [])

    def _check_foreign(self, named: t.Collection[str], error: CallError) -> None:
        foreign = [blob.digest for blob in self._blobs(BlobAction.SKIPPED) if blob.digest in named]
        if foreign:
            raise ExplainedError(
                error,
                f"The registry requires these layers in {self._repository}, which were skipped because they are hosted "
                f"at external URLs: {listed(foreign)}",
                "Add them to the source",
            )

    def _put_children_again(self, index: Manifest) -> None:
        # One that is refused although it is no index has none.
        children = [child for part in self._plan.image.parts if part.root is index for child in part.children]
        stored = self._images.get([child.digest for child in children])
        missing = [child for child in children if child.digest not in stored.by_digest]
        for child in missing or children:
            self._put(child)

    def _verify(self) -> None:
        """Check that the repository has the manifests and tags that were asked for.

        The registry accepts no manifest without its layers, so the layers are there if the manifest comes back
        unchanged.
        """
        root = self._plan.image.root
        tags = {step.tag: step.after for step in self._plan.tags_of_all}
        digests = dict.fromkeys(manifest.digest for manifest in (*self._plan.manifests_to_put, root)).keys()
        stored = self._read_back(digests, tags)
        self.registry_id = self.registry_id or stored.registry_id
        self._check_manifests(list(digests), stored)
        for digest in digests & stored.archived.keys():
            self._task.warn(being_restored(digest, self._repository))
        for tag, expected in tags.items():
            found = stored.digest_under(tag) or "no image"
            if found != expected:
                raise self._not_verified(f"Tag {tag} is on {found}")

    def _check_manifests(self, digests: t.Sequence[str], stored: StoredImages) -> None:
        absent = [digest for digest in digests if not stored.has(digest)]
        if absent:
            raise self._not_verified(f"The repository does not list {listed(absent)}")
        damaged = [digest for digest, image in stored.by_digest.items() if digest in digests and not image.is_intact]
        if damaged:
            raise self._not_verified(f"Another manifest is stored under {listed(damaged)}")

    def _not_verified(self, reason: str) -> TaskError:
        image = self._plan.image.root.digest
        return TaskError(
            f"Verification of image {image} in {self._repository} failed after the push. {reason}",
            "Something else may be changing the repository. Run the task again",
        )
