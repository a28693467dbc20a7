# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The limits and answers of a repository: those of the live service, unless a test changes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

MIB = 1024 * 1024

LayerAvailability = Literal["AVAILABLE", "UNAVAILABLE", "ARCHIVED"]
ImageStatus = Literal["ACTIVE", "ARCHIVED", "ACTIVATING"]


@dataclass
class Rules:
    """The rules of one repository; sizes are bytes (https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html)."""

    # The minimum size of every part but the last.
    min_part_bytes: int = 5 * MIB
    max_parts: int = 4_200
    max_layer_bytes: int = 52_000 * MIB
    max_layers_per_image: int = 500
    max_tags_per_image: int = 1_000
    max_images: int = 10_000
    # The entries on a page of DescribeImages, ListImages and ListImageReferrers, however many the request asks for.
    max_page: int = 1_000
    # The part size that InitiateLayerUpload returns.
    part_size: int = 10 * MIB
    # Whether InvalidLayerPartException carries lastValidByteReceived.
    reports_last_valid_byte: bool = True
    # Whether BatchGetImage converts an image that is requested by tag if its media type is not accepted.
    converts_manifests: bool = False
    # What BatchGetImage answers for an image that is not active: AWS documents neither.
    archived_failure: Literal["ImageNotFound", "ImageInaccessible"] = "ImageInaccessible"
    # What PutImage makes of an archived image: restoring can take a while.
    restored_status: ImageStatus = "ACTIVE"
    # Whether PutImage accepts layers that are archived. If not, sending such a layer restores it.
    accepts_archived_layers: bool = True
    # How many seconds a download URL is valid.
    url_lifetime: float = 3600.0
    # Whether BatchDeleteImage names the index that lists an image which it refuses to delete.
    names_index_of_child: bool = True
    # What BatchDeleteImage makes of the last tag of an image that an index lists: AWS does not document it. It refuses
    # the tag, or removes it and keeps the image.
    refuses_last_tag_of_child: bool = True
    # Whether BatchDeleteImage deletes archived images and their tags; else it fails as BatchGetImage does.
    deletes_archived: bool = True
    # Whether what refers to an image goes at once when the image is deleted. The service takes up to a day.
    removes_orphans: bool = True
    # The operations that the caller may use on the repository; None for all.
    allowed: frozenset[str] | None = None
    # The answers of BatchCheckLayerAvailability by digest, whether or not the repository has the layer.
    availability: dict[str, LayerAvailability] = field(default_factory=dict)


class RuleBook:
    """The rules of every repository, by its name; they outlive the repository."""

    def __init__(self) -> None:
        self._rules: dict[str, Rules] = {}

    def of(self, repository_name: str) -> Rules:
        """Return the rules of the repository; the caller can change them in place."""
        return self._rules.setdefault(repository_name, Rules())
