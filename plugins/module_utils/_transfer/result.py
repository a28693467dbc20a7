# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task returns of an image, the same keys whether it was pushed, was there, or would be pushed."""

from __future__ import annotations

import typing as t

from .plan import PRESENT, SENT

if t.TYPE_CHECKING:
    from .blobs import BlobPushes
    from .plan import BlobStep, ImagePlan

FAILED = "failed"

Result = dict[str, t.Any]


def image_result(plan: ImagePlan, repository_uri: str | None, tags_put: t.Collection[str] | None = None) -> Result:
    """Return the image by its names; ``uri`` has the digest, so that it means this image for ever.

    :param tags_put: the only tags that were put on the image before the task failed; None for all of them
    """
    root = plan.image.root
    return {
        "digest": root.digest,
        "media_type": root.media_type,
        "repository_uri": repository_uri,
        "uri": f"{repository_uri}@{root.digest}" if repository_uri else None,
        "tags": [
            {
                "tag": step.tag,
                "before": step.before,
                "after": step.after if tags_put is None or step.tag in tags_put else step.before,
            }
            for step in plan.tags
        ],
        "platforms": [str(platform) for platform in plan.image.platforms],
    }


def manifests_result(plan: ImagePlan) -> list[Result]:
    """Return an entry for each manifest, in the order in which they are put."""
    return [
        {
            "digest": step.manifest.digest,
            "media_type": step.manifest.media_type,
            "size": len(step.manifest.content),
            "platform": str(step.platform) if step.platform else None,
            "action": step.action,
        }
        for step in plan.manifests
    ]


def layers_result(plan: ImagePlan, pushes: BlobPushes | None = None) -> Result:
    """Return an entry for each blob, and the bytes of all: what has become of them, or will when nothing was pushed."""
    entries = [_layer(step, pushes) for step in plan.blobs]
    if pushes is None:
        return {"layers": entries, "bytes_sent": plan.bytes_to_send, "bytes_present": plan.bytes_present}
    present = sum(entry["size"] for entry in entries if entry["action"] == PRESENT)
    continued = sum(max(0, push.layer_size - push.bytes_sent) for push in pushes.pushed.values() if push.changed)
    return {"layers": entries, "bytes_sent": pushes.bytes_sent, "bytes_present": present + continued}


def _layer(step: BlobStep, pushes: BlobPushes | None) -> Result:
    action, reason = step.action, step.reason
    push = pushes.pushed.get(step.blob.digest) if pushes else None
    if push and push.changed and action == PRESENT:
        action, reason = SENT, "the repository did not have it any more"
    elif push and not push.changed and action == SENT:
        action, reason = PRESENT, "something else brought it to the repository meanwhile"
    elif pushes and push is None and action == SENT:
        action, reason = FAILED, "the task failed before it was sent whole"
    return {
        "digest": step.blob.digest,
        "size": step.blob.size,
        "media_type": step.blob.media_type,
        "action": action,
        "reason": reason,
    }
