# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pages of DescribeImages and ListImages, and what they report of an image."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, TypeVar

from moto.ecr.models import Image

from .exceptions import invalid_parameter
from .models import status_of

# What a page has if the request does not say it.
DEFAULT_RESULTS = 100

Entry = TypeVar("Entry")


def page_of(
    entries: list[Entry], token: str | None, max_results: int | None, max_page: int
) -> tuple[list[Entry], str | None]:
    """Return the page that a token leads to, and the token of the next page, None for the last one.

    :param max_page: the largest page of the repository
    """
    start = _position(token)
    end = start + min(max_results or DEFAULT_RESULTS, max_page)
    return entries[start:end], _token(end) if end < len(entries) else None


def _token(position: int) -> str:
    return base64.b64encode(f"from {position}".encode()).decode()


def _position(token: str | None) -> int:
    if token is None:
        return 0
    try:
        word, _blank, position = base64.b64decode(token, validate=True).decode().partition(" ")
        if word == "from":
            return int(position)
    except (binascii.Error, ValueError):
        pass
    raise invalid_parameter("nextToken", "must be a token of an earlier answer")


def has_tag_status(image: Image, tag_status: str) -> bool:
    """Return whether an image is TAGGED, UNTAGGED, or ANY."""
    return tag_status in ("ANY", "TAGGED" if image.image_tags else "UNTAGGED")


def detail_of(image: Image) -> dict[str, Any]:
    """Return an entry of DescribeImages' answer, which has no tags if the image has none."""
    manifest = json.loads(image.image_manifest)
    detail = {
        "registryId": image.registry_id,
        "repositoryName": image.repository_name,
        "imageDigest": image.image_digest,
        "imageTags": image.image_tags or None,
        "imageSizeInBytes": image.image_size_in_bytes,
        "imagePushedAt": image.image_pushed_at,
        "lastRecordedPullTime": getattr(image, "image_pulled_at", None),
        "imageManifestMediaType": image.image_manifest_media_type,
        "artifactMediaType": manifest.get("artifactType") or manifest.get("config", {}).get("mediaType"),
        "subjectManifestDigest": manifest.get("subject", {}).get("digest"),
        "imageStatus": status_of(image),
    }
    return {member: value for member, value in detail.items() if value is not None}
