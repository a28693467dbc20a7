# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result and the diff of a download, as Ansible shows them."""

from __future__ import annotations

import typing as t

from .download_plan import FetchAction, FetchReason
from .entries import blob_entry, manifest_entry, referrer_entry

if t.TYPE_CHECKING:
    from .download_plan import BlobFetch, DownloadPlan
    from .entries import Result


def downloaded_image(plan: DownloadPlan, repository_uri: str | None) -> Result:
    """Return the names of the image; ``uri`` is the reference pinned by digest.

    An index that was reduced to some platforms is not in the repository.
    """
    root = plan.image.root
    is_stored = not root.is_index or root.digest == plan.image.reader.root.digest
    return {
        "digest": root.digest,
        "media_type": root.media_type,
        "repository_uri": repository_uri,
        "uri": f"{repository_uri}@{root.digest}" if repository_uri and is_stored else None,
        "platforms": [str(platform) for platform in plan.image.platforms],
    }


def fetched_manifests(plan: DownloadPlan) -> list[Result]:
    """Return an entry for each manifest, the images of an index before the index."""
    steps = plan.manifests[: len(plan.image.manifests)]
    return [manifest_entry(step.manifest, step.platform, step.action) for step in steps]


def fetched_referrers(plan: DownloadPlan) -> list[Result]:
    """Return an entry for each referrer, those that others refer to first."""
    actions = {step.manifest.digest: step.action for step in plan.manifests}
    referrers = [attachment.referrer for attachment in plan.image.attachments]
    return [referrer_entry(referrer, actions[referrer.manifest.digest]) for referrer in referrers]


def fetched_layers(plan: DownloadPlan, bytes_fetched: int | None = None) -> Result:
    """Return an entry for each blob, and the bytes of all.

    :param bytes_fetched: the bytes that arrived; None for what the plan will fetch
    """
    return {
        "layers": [blob_entry(step.blob, step.action, step.reason) for step in plan.blobs],
        "bytes_fetched": plan.bytes_to_fetch if bytes_fetched is None else bytes_fetched,
        "bytes_present": plan.bytes_present,
    }


def download_diff(plan: DownloadPlan) -> Result:
    """Return Ansible's ``diff`` of the target: the image that it lists, its manifests and its layers."""
    before = {
        "image": plan.before or "no image",
        "manifests": {step.manifest.digest: _presence(step.action) for step in plan.manifests},
        "layers": {step.blob.digest: f"{_state(step)}, {step.blob.size} bytes" for step in plan.blobs},
        "transfer": _transfer(0, 0),
    }
    if not plan.changed:
        return {"before": before, "after": before}
    after = {
        "image": plan.image.root.digest,
        "manifests": {step.manifest.digest: "present" for step in plan.manifests},
        "layers": {step.blob.digest: f"{_state_after(step)}, {step.blob.size} bytes" for step in plan.blobs},
        "transfer": _transfer(plan.bytes_to_fetch, plan.bytes_present),
    }
    return {"before": before, "after": after}


def _presence(action: FetchAction) -> str:
    return "present" if action is FetchAction.PRESENT else "absent"


def _state(step: BlobFetch) -> str:
    if step.action is FetchAction.SKIPPED:
        return "elsewhere"
    if step.reason is FetchReason.DAMAGED:
        return "damaged"
    return _presence(step.action)


def _state_after(step: BlobFetch) -> str:
    return "elsewhere" if step.action is FetchAction.SKIPPED else "present"


def _transfer(fetched: int, saved: int) -> str:
    return f"{fetched} bytes to download, {saved} bytes saved"
