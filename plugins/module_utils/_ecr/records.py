# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the registry answers, as typed values."""

from __future__ import annotations

import datetime
import re
import typing as t
from dataclasses import dataclass, field

from .._core.digest import sha256_of

AVAILABLE = "AVAILABLE"
UNAVAILABLE = "UNAVAILABLE"
ARCHIVED = "ARCHIVED"

Entry = t.Mapping[str, t.Any]


@dataclass(frozen=True)
class Layer:
    """One entry of BatchCheckLayerAvailability's answer.

    ``availability`` is ``AVAILABLE``, ``UNAVAILABLE`` or ``ARCHIVED``; ``size`` is in bytes. Size and media type are
    None if the registry does not report them. Source:
    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_Layer.html.
    """

    digest: str
    availability: str = UNAVAILABLE
    size: int | None = None
    media_type: str | None = None

    @classmethod
    def from_response(cls, entry: Entry) -> Layer:
        """Return an entry of the answer's ``layers``."""
        return cls(
            digest=entry["layerDigest"],
            availability=entry.get("layerAvailability", UNAVAILABLE),
            size=entry.get("layerSize"),
            media_type=entry.get("mediaType"),
        )

    @property
    def is_available(self) -> bool:
        """Whether images can refer to the layer now. They cannot refer to an archived one."""
        return self.availability == AVAILABLE


@dataclass(frozen=True)
class OpenUpload:
    """The answer of InitiateLayerUpload; ``part_size`` is the recommended size of the parts in bytes."""

    upload_id: str
    part_size: int | None


@dataclass(frozen=True)
class ReceivedPart:
    """The answer of UploadLayerPart; ``last_byte`` counts from 0."""

    last_byte: int
    registry_id: str | None = None


@dataclass(frozen=True)
class CompletedLayer:
    """The answer of CompleteLayerUpload: which of the digests listed is the layer's."""

    digest: str | None
    registry_id: str | None = None


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
    def from_response(cls, entry: Entry) -> StoredImage:
        """Return an entry of the answer's ``images``."""
        return cls(
            digest=entry["imageId"]["imageDigest"],
            manifest=entry.get("imageManifest", ""),
            media_type=entry.get("imageManifestMediaType"),
            registry_id=entry.get("registryId"),
        )

    @property
    def is_intact(self) -> bool:
        """Whether the manifest has the digest that it is listed under, and so was not converted."""
        return sha256_of([self.manifest.encode()]) == self.digest


@dataclass(frozen=True)
class StoredImages:
    """What was found of the tags and digests that were asked for. What was not found has no entry."""

    by_tag: dict[str, StoredImage] = field(default_factory=dict)
    by_digest: dict[str, StoredImage] = field(default_factory=dict)

    @property
    def registry_id(self) -> str | None:
        """The AWS account that answered, None if nothing was found."""
        return next((image.registry_id for image in self.by_digest.values()), None)


@dataclass(frozen=True)
class ImageDetail:
    """One entry of DescribeImages' answer; the size is in bytes, as stored.

    Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageDetail.html.
    """

    tags: tuple[str, ...] = ()
    size: int | None = None
    pushed_at: datetime.datetime | None = None

    @classmethod
    def from_response(cls, entry: Entry) -> ImageDetail:
        """Return an entry of the answer's ``imageDetails``."""
        return cls(tuple(entry.get("imageTags", ())), entry.get("imageSizeInBytes"), entry.get("imagePushedAt"))


@dataclass(frozen=True)
class RepositorySettings:
    """One entry of DescribeRepositories' answer.

    ``exclusions`` are the filters of the tags for which the mutability is the opposite one; ``*`` in them stands for
    any characters. Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_Repository.html.
    """

    registry_id: str
    uri: str
    tag_mutability: str
    exclusions: tuple[str, ...] = ()

    @classmethod
    def from_response(cls, entry: Entry) -> RepositorySettings:
        """Return an entry of the answer's ``repositories``."""
        filters = entry.get("imageTagMutabilityExclusionFilters") or ()
        return cls(
            registry_id=entry["registryId"],
            uri=entry["repositoryUri"],
            tag_mutability=entry.get("imageTagMutability", "MUTABLE"),
            exclusions=tuple(exclusion["filter"] for exclusion in filters),
        )

    def is_immutable(self, tag: str) -> bool:
        """Return whether the tag cannot be moved to another image."""
        excluded = any(_pattern(exclusion).fullmatch(tag) for exclusion in self.exclusions)
        return self.tag_mutability.startswith("IMMUTABLE") != excluded


def _pattern(exclusion: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, exclusion.split("*"))))
