# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ListImageReferrers, which moto does not know: the images of a repository that refer to another one.

Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ListImageReferrers.html.
"""

from __future__ import annotations

import json
from typing import Any

from moto.ecr.models import Image, Repository

from .models import status_of

# What a page has if the request does not say it.
DEFAULT_RESULTS = 20


def referrers_of(repository: Repository, subject: str, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the entries of the answer, none for a subject that the repository does not have.

    :param wanted: the filter of the request; without a status, it leaves out what is archived
    """
    status, types = wanted.get("artifactStatus", "ACTIVE"), wanted.get("artifactTypes")
    entries = [_entry(image) for image in repository.images if subject_of(image) == subject]
    return [
        entry
        for entry in entries
        if status in ("ANY", entry["artifactStatus"]) and (not types or entry.get("artifactType") in types)
    ]


def subject_of(image: Image) -> str | None:
    """Return the digest of the image that an image refers to, None if it refers to none."""
    subject = json.loads(image.image_manifest).get("subject")
    return subject.get("digest") if isinstance(subject, dict) else None


def remove_orphans(repository: Repository, deleted: set[str]) -> None:
    """Remove what refers to images that were deleted, and what refers to that."""
    while deleted:
        orphans = [image for image in repository.images if subject_of(image) in deleted]
        for orphan in orphans:
            repository.images.remove(orphan)
        deleted = {orphan.image_digest for orphan in orphans}


def _entry(image: Image) -> dict[str, Any]:
    manifest = json.loads(image.image_manifest)
    entry = {
        "digest": image.image_digest,
        "mediaType": image.image_manifest_media_type,
        # An index has no configuration that would say it.
        "artifactType": manifest.get("artifactType") or manifest.get("config", {}).get("mediaType"),
        "size": len(image.image_manifest.encode()),
        "annotations": manifest.get("annotations"),
        "artifactStatus": status_of(image),
    }
    return {member: value for member, value in entry.items() if value is not None}
