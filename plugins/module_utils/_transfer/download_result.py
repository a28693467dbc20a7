# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result and the diff of a download, as Ansible shows them."""

from __future__ import annotations

import typing as t
from collections import Counter

from .._core.text import counted, printable, scaled, shortened
from .diff import diff_of, labels_of, manifest_line, move, transfer
from .download_plan import FetchAction, FetchReason
from .entries import blob_entry, manifest_entry, referrer_entry

if t.TYPE_CHECKING:
    from .download_plan import DownloadPlan
    from .entries import Result


def download_message(plan: DownloadPlan, name: str, dest: str, layers: Result, is_prediction: bool) -> str:
    """Return what a download did or would do, as a sentence without its period.

    :param name: that of the image in the repository
    :param layers: the result of ``fetched_layers``
    """
    what = f"{name} ({shortened(plan.image.root.digest)}) -> {printable(dest)}"
    actions = Counter(entry["action"] for entry in layers["layers"])
    there = actions[FetchAction.PRESENT.value]
    if not plan.changed:
        return f"{what}, nothing to fetch, {counted(there, 'layer')} there"
    fetched, size = actions[FetchAction.FETCHED.value], layers["bytes_fetched"]
    verb = "would be fetched" if is_prediction else "fetched"
    return f"{what}, {counted(fetched, 'layer')} {verb}{f' ({scaled(size)})' if size else ''}, {there} there"


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
    """Return Ansible's ``diff`` of the target: the image that it lists, and what is fetched."""
    root = plan.image.root
    labels = labels_of((step.manifest, step.platform) for step in plan.manifests if not step.manifest.is_index)
    for step in plan.blobs:
        if step.reason is FetchReason.DAMAGED:
            labels[step.blob.digest] = f"{labels.get(step.blob.digest, '')} instead of a damaged file".strip()
    fetched = [step.blob for step in plan.blobs if step.action is FetchAction.FETCHED]
    lines = [
        *([move("image", plan.before, root.digest)] if plan.before != root.digest else []),
        *transfer(fetched, len(plan.blobs), plan.bytes_to_fetch, "fetch", labels),
        *(manifest_line(step.manifest, step.platform) for step in plan.manifests if step.action is FetchAction.FETCHED),
    ]
    return diff_of((lines or ["The list of images is written again"]) if plan.changed else [])
