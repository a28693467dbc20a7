# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result and the diff of a push, as Ansible shows them."""

from __future__ import annotations

import typing as t
from collections import Counter

from .._core.text import counted, listed, scaled, shortened
from .diff import diff_of, labels_of, manifest_line, move, transfer
from .entries import blob_entry, manifest_entry, referrer_entry
from .plan import BlobAction, ManifestAction

if t.TYPE_CHECKING:
    from .entries import Result
    from .outcome import BlobPushes
    from .plan import ImagePlan

# Tags that a message names.
_MAX_TAGS = 5


def push_message(plan: ImagePlan, repository: str, layers: Result, changed: bool, is_prediction: bool) -> str:
    """Return what a push did or would do, as a sentence without its period.

    :param repository: the name of the repository
    :param layers: the result of ``layers_result``
    """
    names = listed([step.tag for step in plan.tags], _MAX_TAGS)
    digest = shortened(plan.image.root.digest)
    what = f"{repository}:{names} -> {digest}" if names else f"{repository}@{digest}"
    actions = Counter(entry["action"] for entry in layers["layers"])
    there = actions[BlobAction.PRESENT.value]
    if not changed:
        return f"{what}, nothing to send, {counted(there, 'layer')} there"
    sent = counted(actions[BlobAction.SENT.value], "layer")
    size = f" ({scaled(layers['bytes_sent'])})" if layers["bytes_sent"] else ""
    return f"{what}, {sent} {'would be sent' if is_prediction else 'sent'}{size}, {there} there"


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
    """Return Ansible's ``diff`` of the repository: the tags that move, and what is sent."""
    labels = labels_of((step.manifest, step.platform) for step in plan.manifests if not step.manifest.is_index)
    sent = [step.blob for step in plan.blobs if step.action is BlobAction.SENT]
    steps = [*plan.manifests, *(step for referrer in plan.referrers for step in referrer.manifests)]
    return diff_of(
        [
            *(move(step.tag, step.before, step.after) for step in plan.tags_of_all if step.moves),
            *transfer(sent, len(plan.blobs), plan.bytes_to_send, "send", labels),
            *(manifest_line(step.manifest, step.platform) for step in steps if step.action is ManifestAction.PUT),
        ]
    )
