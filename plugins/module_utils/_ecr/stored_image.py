# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images as a repository holds them."""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import dataclass, field

from .records import sha256_of


@dataclass(frozen=True)
class StoredImage:
    """One entry of BatchGetImage's answer; ``manifest`` is the text that the registry keeps.

    Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_Image.html.
    """

    digest: str
    manifest: str
    media_type: str | None = None
    registry_id: str | None = None

    @classmethod
    def from_response(cls, entry: t.Mapping[str, t.Any]) -> StoredImage:
        """Make an image of an entry of the answer's ``images``."""
        return cls(
            digest=entry["imageId"]["imageDigest"],
            manifest=entry.get("imageManifest", ""),
            media_type=entry.get("imageManifestMediaType"),
            registry_id=entry.get("registryId"),
        )

    @property
    def is_intact(self) -> bool:
        """Whether the manifest has the digest that it is listed under, so that it was not converted."""
        return sha256_of([self.manifest.encode()]) == self.digest


@dataclass(frozen=True)
class StoredImages:
    """What was found of the tags and digests that were asked for; what was not found is not there."""

    by_tag: dict[str, StoredImage] = field(default_factory=dict)
    by_digest: dict[str, StoredImage] = field(default_factory=dict)

    @property
    def registry_id(self) -> str | None:
        """The AWS account that answered, None when nothing was found."""
        return next((image.registry_id for image in self.by_digest.values()), None)


@dataclass(frozen=True)
class ImageDetail:
    """One entry of DescribeImages' answer; the size is in bytes, as it is stored.

    Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageDetail.html.
    """

    tags: tuple[str, ...] = ()
    size: int | None = None
    pushed_at: datetime.datetime | None = None

    @classmethod
    def from_response(cls, entry: t.Mapping[str, t.Any]) -> ImageDetail:
        """Make the details of an entry of the answer's ``imageDetails``."""
        return cls(tuple(entry.get("imageTags", ())), entry.get("imageSizeInBytes"), entry.get("imagePushedAt"))
