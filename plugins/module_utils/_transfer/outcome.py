# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run did: its plan, reduced to the steps that this run carried out."""

from __future__ import annotations

import threading
import typing as t
from dataclasses import dataclass, field, replace

from .plan import BlobAction, ManifestAction, Reason

if t.TYPE_CHECKING:
    from .._upload.layer import LayerPush
    from .plan import BlobStep, ImagePlan, ManifestStep, ReferrerStep, TagStep


@dataclass
class BlobPushes:
    """What became of the blobs so far, by digest; ``bytes_sent`` counts those of failed uploads as well."""

    pushed: dict[str, LayerPush] = field(default_factory=dict)
    bytes_sent: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def changed(self) -> bool:
        """Whether a blob is in the repository because of this run."""
        return any(push.changed for push in self.pushed.values())

    def count(self, bytes_sent: int, push: LayerPush | None = None) -> None:
        """Count what was sent of a blob, and note what became of it. Any thread may call this."""
        with self._lock:
            self.bytes_sent += bytes_sent
            before = self.pushed.get(push.progress.digest) if push else None
            # A blob that this run sent keeps that outcome when it is found there the second time.
            if push and not (before and before.changed):
                self.pushed[push.progress.digest] = push


@dataclass
class PutAccount:
    """What PutImage did so far.

    ``manifests`` are the digests that this run put. ``tags`` are those that are set after a put, and ``tags_found``
    those among them that something else had set meanwhile.
    """

    manifests: set[str] = field(default_factory=set)
    tags: list[str] = field(default_factory=list)
    tags_found: set[str] = field(default_factory=set)


def carried_out(plan: ImagePlan, account: PutAccount, pushes: t.Mapping[str, LayerPush]) -> ImagePlan:
    """Return the plan with what this run did. What something else did meanwhile was there.

    :param pushes: what became of the blobs, by digest
    """
    return replace(
        plan,
        tags=tuple(_tag(step, account) for step in plan.tags),
        manifests=tuple(_manifest(step, account) for step in plan.manifests),
        blobs=tuple(_blob(step, pushes.get(step.blob.digest)) for step in plan.blobs),
        referrers=tuple(_referrer(step, account) for step in plan.referrers),
    )


def _referrer(step: ReferrerStep, account: PutAccount) -> ReferrerStep:
    manifests = tuple(_manifest(manifest, account) for manifest in step.manifests)
    return replace(step, manifests=manifests, tag=_tag(step.tag, account) if step.tag else None)


def _tag(step: TagStep, account: PutAccount) -> TagStep:
    if not step.moves:
        return step
    if step.tag in account.tags_found:
        return replace(step, before=step.after)
    return step if step.tag in account.tags else replace(step, after=step.before)


def _manifest(step: ManifestStep, account: PutAccount) -> ManifestStep:
    if step.action is ManifestAction.PUT and step.manifest.digest not in account.manifests:
        return replace(step, action=ManifestAction.PRESENT)
    return step


def _blob(step: BlobStep, push: LayerPush | None) -> BlobStep:
    if push and push.changed and step.action is BlobAction.PRESENT:
        return replace(step, action=BlobAction.SENT, reason=Reason.REMOVED)
    if push and not push.changed and step.action is BlobAction.SENT:
        return replace(step, action=BlobAction.PRESENT, reason=Reason.ARRIVED)
    if push is None and step.action is BlobAction.SENT:
        return replace(step, action=BlobAction.FAILED, reason=Reason.NOT_SENT)
    return step
