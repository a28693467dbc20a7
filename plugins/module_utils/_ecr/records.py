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
ACTIVATING = "ACTIVATING"

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
    def is_archived(self) -> bool:
        """Whether only archived images refer to the layer. A push of such an image restores it."""
        return self.availability == ARCHIVED

    @property
    def is_stored(self) -> bool:
        """Whether the registry has the layer, archived or not."""
        return self.availability in (AVAILABLE, ARCHIVED)


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
    def text_digest(self) -> str:
        """The digest of the text of the manifest, which is another one if the text was converted or changed."""
        return sha256_of([self.manifest.encode(errors="surrogatepass")])

    @property
    def is_intact(self) -> bool:
        """Whether the manifest has the digest that it is listed under."""
        return self.text_digest == self.digest


@dataclass(frozen=True)
class StoredImages:
    """What was found of the tags and digests that were asked for. What was not found has no entry.

    ``inaccessible`` are the tags and digests of images that the registry does not return because they are archived,
    with the reason in the words of AWS; ``archived`` are archived images, and those being restored, by digest.
    """

    by_tag: dict[str, StoredImage] = field(default_factory=dict)
    by_digest: dict[str, StoredImage] = field(default_factory=dict)
    inaccessible: dict[str, str] = field(default_factory=dict)
    archived: dict[str, ImageDetail] = field(default_factory=dict)

    @property
    def registry_id(self) -> str | None:
        """The AWS account that answered, None if nothing was found."""
        found: list[StoredImage | ImageDetail] = [*self.by_digest.values(), *self.archived.values()]
        return next((image.registry_id for image in found), None)

    def has(self, digest: str) -> bool:
        """Return whether nothing needs to be put for the repository to have the image."""
        return digest in self.by_digest or (digest in self.archived and self.archived[digest].is_activating)

    def digest_under(self, tag: str) -> str | None:
        """Return the digest of the image that a tag is on, archived or not."""
        if tag in self.by_tag:
            return self.by_tag[tag].digest
        return next((image.digest for image in self.archived.values() if tag in image.tags), None)


@dataclass(frozen=True)
class ImageDetail:
    """One entry of DescribeImages' answer; the size is in bytes, as stored.

    ``status`` is ``ACTIVE``, ``ARCHIVED`` or ``ACTIVATING``, None if the registry or botocore does not know it. Source:
    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageDetail.html.
    """

    digest: str
    tags: tuple[str, ...] = ()
    size: int | None = None
    pushed_at: datetime.datetime | None = None
    media_type: str | None = None
    status: str | None = None
    registry_id: str | None = None

    @classmethod
    def from_response(cls, entry: Entry) -> ImageDetail:
        """Return an entry of the answer's ``imageDetails``."""
        return cls(
            digest=entry["imageDigest"],
            tags=tuple(entry.get("imageTags", ())),
            size=entry.get("imageSizeInBytes"),
            pushed_at=entry.get("imagePushedAt"),
            media_type=entry.get("imageManifestMediaType"),
            status=entry.get("imageStatus"),
            registry_id=entry.get("registryId"),
        )

    @property
    def is_archived(self) -> bool:
        """Whether the image cannot be pulled until it is restored, which a push does."""
        return self.status == ARCHIVED

    @property
    def is_activating(self) -> bool:
        """Whether the image is being restored, which can take a while."""
        return self.status == ACTIVATING


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
