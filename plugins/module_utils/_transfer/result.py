# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result and the diff of a push, as Ansible shows them."""

from __future__ import annotations

import typing as t

from .entries import blob_entry, manifest_entry, referrer_entry
from .plan import BlobAction, ManifestAction

if t.TYPE_CHECKING:
    from .entries import Result
    from .outcome import BlobPushes
    from .plan import BlobStep, ImagePlan

_STATES = {
    BlobAction.SENT: "absent",
    BlobAction.PRESENT: "present",
    BlobAction.SKIPPED: "elsewhere",
    BlobAction.FAILED: "absent",
}


def image_result(plan: ImagePlan, repository_uri: str | None) -> Result:
    """Return the names of the image; ``uri`` is the reference pinned by digest."""
    root = plan.image.root
    return {
        "digest": root.digest,
        "media_type": root.media_type,
        "repository_uri": repository_uri,
        "uri": f"{repository_uri}@{root.digest}" if repository_uri else None,
        "tags": [{"tag": step.tag, "before": step.before, "after": step.after} for step in plan.tags],
        "platforms": [str(platform) for platform in plan.image.platforms],
    }


def manifests_result(plan: ImagePlan) -> list[Result]:
    """Return an entry for each manifest, in the order in which they are put."""
    return [manifest_entry(step.manifest, step.platform, step.action) for step in plan.manifests]


def referrers_result(plan: ImagePlan) -> list[Result]:
    """Return an entry for each referrer, in the order in which they are put."""
    return [referrer_entry(step.referrer, step.action) for step in plan.referrers]


def layers_result(plan: ImagePlan, pushes: BlobPushes | None = None) -> Result:
    """Return an entry for each blob, and the bytes of all.

    :param pushes: what became of the blobs; None for what the plan will do
    """
    entries = [blob_entry(step.blob, step.action, step.reason) for step in plan.blobs]
    if pushes is None:
        return {"layers": entries, "bytes_sent": plan.bytes_to_send, "bytes_present": plan.bytes_present}
    present = sum(entry["size"] for entry in entries if entry["action"] == BlobAction.PRESENT.value)
    uploads = [push.progress for push in pushes.pushed.values() if push.changed]
    resumed = sum(max(0, upload.size - upload.bytes_sent) for upload in uploads)
    return {"layers": entries, "bytes_sent": pushes.bytes_sent, "bytes_present": present + resumed}


def diff_result(plan: ImagePlan) -> Result:
    """Return Ansible's ``diff`` of the repository: its tags, its manifests and its layers."""
    before = {
        "tags": {step.tag: step.before or "no image" for step in plan.tags_of_all},
        "manifests": {
            step.manifest.digest: "present" if step.action is ManifestAction.PRESENT else "absent"
            for step in plan.manifests
        },
        **_referrers(plan, is_after=False),
        "layers": {step.blob.digest: _presence(step, _STATES[step.action]) for step in plan.blobs},
        "transfer": _transfer(0, 0),
    }
    if not plan.changed:
        return {"before": before, "after": before}
    after = {
        "tags": {step.tag: step.after or "no image" for step in plan.tags_of_all},
        "manifests": {step.manifest.digest: "present" for step in plan.manifests},
        **_referrers(plan, is_after=True),
        "layers": {step.blob.digest: _presence(step, _state_after(step)) for step in plan.blobs},
        "transfer": _transfer(plan.bytes_to_send, plan.bytes_present),
    }
    return {"before": before, "after": after}


def _referrers(plan: ImagePlan, is_after: bool) -> Result:
    states = {
        step.referrer.manifest.digest: "present" if is_after or step.action is ManifestAction.PRESENT else "absent"
        for step in plan.referrers
    }
    return {"referrers": states} if states else {}


def _state_after(step: BlobStep) -> str:
    return _STATES[BlobAction.PRESENT if step.action is BlobAction.SENT else step.action]


def _presence(step: BlobStep, state: str) -> str:
    return f"{state}, {step.blob.size} bytes"


def _transfer(sent: int, saved: int) -> str:
    return f"{sent} bytes to send, {saved} bytes saved"
