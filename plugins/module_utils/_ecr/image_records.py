# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the registry answers about images and repositories, as typed values like those of ``layer_records.py``."""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import dataclass, field

from .._core.digest import SHA256_DIGEST, sha256_of
from .._core.text import printable
from .answers import UnreadableAnswerError, check_accounted, needed, size_in

ARCHIVED = "ARCHIVED"
ACTIVATING = "ACTIVATING"

Entry = t.Mapping[str, t.Any]


def _digest_in(entry: Entry, name: str) -> str:
    """Return a digest that an answer must have."""
    digest: str = needed(entry, name)
    if not SHA256_DIGEST.fullmatch(digest):
        raise UnreadableAnswerError(f"{name} is not a SHA-256 digest")
    return digest


class StoredImage(t.NamedTuple):
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
            digest=_digest_in(needed(entry, "imageId"), "imageDigest"),
            manifest=needed(entry, "imageManifest"),
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


class UnreturnedImage(t.NamedTuple):
    """One of the failures of BatchGetImage's or BatchDeleteImage's answer; ``code`` and ``reason`` say why.

    Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageFailure.html.
    """

    code: str
    reason: str
    tag: str | None = None
    digest: str | None = None

    @classmethod
    def from_response(cls, entry: Entry) -> UnreturnedImage:
        """Return an entry of the answer's ``failures``."""
        image_id = needed(entry, "imageId")
        return cls(
            code=needed(entry, "failureCode"),
            reason=entry.get("failureReason") or "",
            tag=image_id.get("imageTag"),
            digest=image_id.get("imageDigest"),
        )

    @property
    def is_absent(self) -> bool:
        """Whether the repository has no such image."""
        return self.code == "ImageNotFound"

    @property
    def is_archived(self) -> bool:
        """Whether the repository has the image and does not return it because it is archived."""
        return self.code == "ImageInaccessible"


class ReturnedImages(t.NamedTuple):
    """The answer of BatchGetImage: each image, with the tag that it is listed by."""

    images: tuple[tuple[StoredImage, str | None], ...]
    failures: tuple[UnreturnedImage, ...]

    @classmethod
    def from_response(cls, response: Entry, digests: t.Sequence[str], tags: t.Sequence[str]) -> ReturnedImages:
        """Return the answer to a look-up of these digests and tags."""
        images = tuple(
            (StoredImage.from_response(entry), entry["imageId"].get("imageTag"))
            for entry in response.get("images") or ()
        )
        failures = tuple(map(UnreturnedImage.from_response, response.get("failures") or ()))
        found = {name for image, tag in images for name in (image.digest, tag)}
        found |= {name for failure in failures for name in (failure.digest, failure.tag)}
        # moto reports an absent digest as the tag "null".
        unnamed = [failure for failure in failures if failure.tag not in (None, *tags) and failure.digest is None]
        check_accounted([digest for digest in digests if digest not in found][len(unnamed) :], found)
        if len(tags) == 1 and not digests:
            # A registry may name the image by another of its tags.
            check_accounted(() if images else tags, found)
        elif response.get("images") is None or response.get("failures") is None:
            check_accounted(tags, found)
        return cls(images, failures)


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

    def merged(self, other: StoredImages) -> StoredImages:
        """Return what was found here, and what another answer has found."""
        return StoredImages(
            {**self.by_tag, **other.by_tag},
            {**self.by_digest, **other.by_digest},
            {**self.inaccessible, **other.inaccessible},
            {**self.archived, **other.archived},
        )

    def has(self, digest: str) -> bool:
        """Return whether nothing needs to be put for the repository to have the image."""
        return digest in self.by_digest or (digest in self.archived and self.archived[digest].is_activating)

    def digest_under(self, tag: str) -> str | None:
        """Return the digest of the image that a tag is on, archived or not."""
        if tag in self.by_tag:
            return self.by_tag[tag].digest
        return next((image.digest for image in self.archived.values() if tag in image.tags), None)


class ImageDetail(t.NamedTuple):
    """One entry of DescribeImages' answer; the size is in bytes, as stored.

    ``subject`` is the digest of the image that this one refers to, as a signature does. ``status`` is ``ACTIVE``,
    ``ARCHIVED`` or ``ACTIVATING``, None if the registry or botocore does not know it. Source:
    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageDetail.html.
    """

    digest: str
    tags: tuple[str, ...] = ()
    size: int | None = None
    pushed_at: datetime.datetime | None = None
    media_type: str | None = None
    status: str | None = None
    registry_id: str | None = None
    artifact_type: str | None = None
    subject: str | None = None
    pulled_at: datetime.datetime | None = None

    @classmethod
    def from_response(cls, entry: Entry) -> ImageDetail:
        """Return an entry of the answer's ``imageDetails``."""
        return cls(
            digest=_digest_in(entry, "imageDigest"),
            tags=tuple(entry.get("imageTags") or ()),
            size=size_in(entry, "imageSizeInBytes"),
            pushed_at=entry.get("imagePushedAt"),
            media_type=entry.get("imageManifestMediaType"),
            status=entry.get("imageStatus"),
            registry_id=entry.get("registryId"),
            artifact_type=entry.get("artifactMediaType"),
            subject=entry.get("subjectManifestDigest"),
            pulled_at=entry.get("lastRecordedPullTime"),
        )

    def has_tag_status(self, status: str) -> bool:
        """Return whether the image is ``TAGGED``, ``UNTAGGED``, or ``ANY``."""
        return status in ("ANY", "TAGGED" if self.tags else "UNTAGGED")

    @property
    def is_archived(self) -> bool:
        """Whether the image cannot be pulled until it is restored, which a push does."""
        return self.status == ARCHIVED

    @property
    def is_activating(self) -> bool:
        """Whether the image is being restored, which can take a while."""
        return self.status == ACTIVATING


def described_images(response: Entry) -> dict[str, ImageDetail]:
    """Return DescribeImages' answer, by digest."""
    details = map(ImageDetail.from_response, needed(response, "imageDetails"))
    return {detail.digest: detail for detail in details}


class ListedReferrer(t.NamedTuple):
    """One entry of ListImageReferrers' answer; the size of the manifest is in bytes.

    ``status`` is ``ACTIVE``, ``ARCHIVED`` or ``ACTIVATING``, None if the registry does not report it. Source:
    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageReferrer.html.
    """

    digest: str
    media_type: str
    size: int | None
    artifact_type: str | None = None
    annotations: t.Mapping[str, str] | None = None
    status: str | None = None

    @classmethod
    def from_response(cls, entry: Entry) -> ListedReferrer:
        """Return an entry of the answer's ``referrers``."""
        return cls(
            digest=_digest_in(entry, "digest"),
            media_type=needed(entry, "mediaType"),
            size=size_in(entry, "size"),
            artifact_type=entry.get("artifactType"),
            annotations=entry.get("annotations"),
            status=entry.get("artifactStatus"),
        )

    @property
    def is_readable(self) -> bool:
        """Whether the registry returns the manifest. It does not while it is archived or is being restored."""
        return self.status not in (ARCHIVED, ACTIVATING)


class DeletedImages(t.NamedTuple):
    """The answer of BatchDeleteImage: the digest and the tag of what it deleted, and what it did not delete.

    ``was_repeated`` says that an earlier attempt may have deleted what this one did not find.
    """

    deleted: tuple[tuple[str | None, str | None], ...]
    failures: tuple[UnreturnedImage, ...]
    was_repeated: bool = False

    @classmethod
    def from_response(cls, response: Entry, digests: t.Sequence[str], tags: t.Sequence[str]) -> DeletedImages:
        """Return the answer to the deletion of these digests and tags."""
        ids = response.get("imageIds") or ()
        deleted = tuple((image_id.get("imageDigest"), image_id.get("imageTag")) for image_id in ids)
        failures = tuple(map(UnreturnedImage.from_response, response.get("failures") or ()))
        if any(digest is not None and not SHA256_DIGEST.fullmatch(digest) for digest, _tag in deleted):
            raise UnreadableAnswerError("imageDigest is not a SHA-256 digest")
        if any(failure.digest not in digests and failure.tag not in tags for failure in failures):
            raise UnreadableAnswerError("it lists a failure of an image that was not asked for")
        check_accounted(digests, {digest for digest, _tag in deleted} | {failure.digest for failure in failures})
        check_accounted(tags, {tag for _digest, tag in deleted} | {failure.tag for failure in failures})
        return cls(deleted, failures)


class PutAnswer(t.NamedTuple):
    """The answer of PutImage."""

    registry_id: str | None

    @classmethod
    def from_response(cls, response: Entry, digest: str) -> PutAnswer:
        """Return the answer to a manifest with this digest."""
        image = needed(response, "image")
        stored = (image.get("imageId") or {}).get("imageDigest", digest)
        if stored != digest:
            raise UnreadableAnswerError(f"imageDigest is {printable(stored)}, and {digest} was sent")
        return cls(image.get("registryId"))


class RepositorySettings(t.NamedTuple):
    """One entry of DescribeRepositories' answer.

    ``exclusions`` are the filters of the tags for which the mutability is the opposite one; ``*`` in them stands for
    any characters. Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_Repository.html.
    """

    registry_id: str
    uri: str
    tag_mutability: str
    exclusions: tuple[str, ...] = ()

    @classmethod
    def from_response(cls, response: Entry, name: str) -> RepositorySettings:
        """Return the entry of the repository with this name."""
        entries = [entry for entry in needed(response, "repositories") if entry.get("repositoryName") == name]
        if not entries:
            raise UnreadableAnswerError("the repository is missing")
        filters = entries[0].get("imageTagMutabilityExclusionFilters") or ()
        return cls(
            registry_id=needed(entries[0], "registryId"),
            uri=needed(entries[0], "repositoryUri"),
            tag_mutability=needed(entries[0], "imageTagMutability"),
            exclusions=tuple(exclusion["filter"] for exclusion in filters),
        )

    def is_immutable(self, tag: str) -> bool:
        """Return whether the tag cannot be moved to another image."""
        excluded = any(_matches(exclusion, tag) for exclusion in self.exclusions)
        return self.tag_mutability.startswith("IMMUTABLE") != excluded


def _matches(exclusion: str, tag: str) -> bool:
    """Return whether a tag has the pieces of a filter in their order, in linear time whatever the filter is."""
    first, *others = exclusion.split("*")
    if not others:
        return tag == exclusion
    *inner, last = others
    if len(first) + len(last) > len(tag) or not (tag.startswith(first) and tag.endswith(last)):
        return False
    at, end = len(first), len(tag) - len(last)
    for piece in inner:
        at = tag.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True
