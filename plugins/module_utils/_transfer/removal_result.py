# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result and the diff of a removal, as Ansible shows them."""

from __future__ import annotations

import typing as t

from .._core.text import listed, printable, scaled, shortened
from .diff import diff_of, move

if t.TYPE_CHECKING:
    from .removal import ImageRemoval, RemovalPlan

Result = dict[str, t.Any]

# Tags and images that a message names.
_MAX_NAMES = 5


def removal_message(plan: RemovalPlan, repository: str, is_prediction: bool) -> str:
    """Return what a removal did or would do, as a sentence without its period.

    :param repository: the name of the repository
    """
    tags = [printable(step.tag) for step in plan.tags if step.is_removed]
    images = [shortened(image.digest) for image in plan.images_that_go]
    if not tags and not images:
        return f"{repository}: nothing to remove"
    named = [
        f"{noun}{'' if len(names) == 1 else 's'} {listed(names, _MAX_NAMES)}"
        for noun, names in (("tag", tags), ("image", images))
        if names
    ]
    return f"{repository}: {' and '.join(named)} {'would be removed' if is_prediction else 'removed'}"


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
    """Return Ansible's ``diff`` of the repository: the tags and the images that go."""
    return diff_of(
        [
            *(move(printable(step.tag), step.before, step.after) for step in plan.tags if step.before != step.after),
            *(f"- image {_named(image)}" for image in plan.images_that_go),
        ]
    )


def _named(image: ImageRemoval) -> str:
    digest = shortened(image.digest)
    return digest if image.size is None else f"{digest}  {scaled(image.size)}"
