# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result and the diff of a removal, as Ansible shows them."""

from __future__ import annotations

import typing as t

from .._core.text import printable
from .removal import RemovalAction

if t.TYPE_CHECKING:
    from .removal import ImageRemoval, RemovalPlan

Result = dict[str, t.Any]


def removal_result(plan: RemovalPlan) -> Result:
    """Return an entry for each tag, and one for each image."""
    return {
        "tags": [{"tag": printable(step.tag), "before": step.before, "after": step.after} for step in plan.tags],
        "images": [
            {
                "digest": image.digest,
                "action": image.action.value,
                "reason": image.reason.value,
                "tags": list(map(printable, image.tags)),
                "media_type": printable(image.media_type) if image.media_type else None,
                "size": image.size,
            }
            for image in plan.images
        ],
    }


def removal_diff(plan: RemovalPlan) -> Result:
    """Return Ansible's ``diff`` of the repository: its tags, and its images."""
    return {
        "before": {
            "tags": {printable(step.tag): step.before or "no image" for step in plan.tags},
            "images": {image.digest: _state(image, is_after=False) for image in plan.images},
        },
        "after": {
            "tags": {printable(step.tag): step.after or "no image" for step in plan.tags},
            "images": {image.digest: _state(image, is_after=True) for image in plan.images},
        },
    }


def _state(image: ImageRemoval, is_after: bool) -> str:
    if image.action is RemovalAction.ABSENT or (is_after and image.action is RemovalAction.REMOVED):
        return "absent"
    return "present" if image.size is None else f"present, {image.size} bytes"
