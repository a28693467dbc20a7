# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations on the images of a repository."""

from __future__ import annotations

import typing as t
from functools import partial

from .._oci.manifest import MEDIA_TYPES, Manifest
from .call import Call
from .errors import AnswerError, EcrError, NotReturnedError
from .image_records import (
    DeletedImages,
    ImageDetail,
    PutAnswer,
    RepositorySettings,
    ReturnedImages,
    StoredImages,
    UnreturnedImage,
    described_images,
)
from .limits import MAX_PUTS_PER_SECOND
from .pages import Page, all_entries
from .rate_limiter import RateLimiter
from .service_model import batches, input_shape, largest

if t.TYPE_CHECKING:
    from botocore.model import StructureShape

    from .call import Repository
    from .client import EcrClient
    from .image_records import StoredImage

# All that a registry can hold. Amazon ECR may convert an image whose media type the request does not list.
_ACCEPTED_MEDIA_TYPES = [
    *MEDIA_TYPES,
    "application/vnd.docker.distribution.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
    "application/vnd.oci.artifact.manifest.v1+json",
]


class Images:
    """The images of a client's repository."""

    def __init__(self, client: EcrClient) -> None:
        self._client = client
        self._puts = RateLimiter(MAX_PUTS_PER_SECOND)
        self.repository = client.repository

    def settings(self) -> RepositorySettings:
        """Look up the settings of the repository with DescribeRepositories."""
        request = {"repositoryNames": [self.repository.name], **self._client.registry_members}
        read = partial(RepositorySettings.from_response, name=self.repository.name)
        return self._client.call(Call("DescribeRepositories", self.repository), request, read)

    def get(self, digests: t.Iterable[str] = (), tags: t.Iterable[str] = ()) -> StoredImages:
        """Look images up with BatchGetImage, in batches of 100, as they were pushed.

        :raises EcrError: the look-up failed, or the registry does not return an image
        """
        found = StoredImages()
        for batch in batches("BatchGetImage", "imageIds", _image_ids(digests, tags)):
            self._find(batch, found)
        return found

    def _find(self, ids: t.Sequence[dict[str, str]], found: StoredImages) -> None:
        digests, wanted = _digests_and_tags(ids)
        call = Call("BatchGetImage", self.repository, digests=digests, tags=wanted)
        request = {"imageIds": ids, "acceptedMediaTypes": _ACCEPTED_MEDIA_TYPES}
        answer = self._client.call(
            call,
            {**self._client.repository_members, **request},
            partial(ReturnedImages.from_response, digests=digests, tags=wanted),
        )
        absent = _absent_tags(call, answer.failures, found)
        for image, tag in answer.images:
            found.by_digest[image.digest] = image
            if tag in wanted:
                found.by_tag[tag] = image
            elif len(ids) == len(wanted) == 1:
                found.by_tag[wanted[0]] = image
        # A registry may name an image by another of its tags than the one that was asked for.
        for tag in wanted if len(ids) > 1 else ():
            if tag not in absent and tag not in found.by_tag:
                self._find([{"imageTag": tag}], found)

    def describe(self, digests: t.Iterable[str] = (), tags: t.Iterable[str] = ()) -> dict[str, ImageDetail]:
        """Look up tags, size, age and status of images with DescribeImages, archived ones as well.

        Returns the images by digest. An image that is not there has no entry.
        """
        ids = _image_ids(digests, tags)
        found: dict[str, ImageDetail] = {}
        for batch in batches("DescribeImages", "imageIds", ids):
            found.update(self._described(batch))
        return found

    def list_all(self, image_status: str = "ANY", tag_status: str = "ANY") -> dict[str, ImageDetail]:
        """List the images of the repository with DescribeImages, by digest.

        :param image_status: ``ACTIVE``, ``ARCHIVED`` or ``ANY``
        :param tag_status: ``TAGGED``, ``UNTAGGED`` or ``ANY``
        :raises EcrError: the list cannot be read to its end
        """
        call = Call("DescribeImages", self.repository)
        request = {"maxResults": largest("DescribeImages", "maxResults"), **_filter(image_status, tag_status)}

        def ask(chosen: dict[str, str], used_tokens: t.Container[str]) -> Page[ImageDetail]:
            read = partial(
                Page.from_response, member="imageDetails", read=ImageDetail.from_response, used_tokens=used_tokens
            )
            return self._client.call(call, {**self._client.repository_members, **request, **chosen}, read)

        # An image is on two pages if another one is deleted meanwhile.
        images = {image.digest: image for image in all_entries(call, ask)}
        # A registry that ignores the filter must not make untagged images of others.
        return {digest: image for digest, image in images.items() if image.has_tag_status(tag_status)}

    def archived(self, digests: t.Iterable[str], tags: t.Iterable[str]) -> dict[str, ImageDetail]:
        """Look for images among those that are archived or are being restored.

        Returns them by digest, and none if the caller lacks the permission for DescribeImages.
        """
        described = self._client.unless_denied(lambda: self.describe(digests, tags)) or {}
        return {digest: image for digest, image in described.items() if image.is_archived or image.is_activating}

    def _described(self, ids: t.Sequence[dict[str, str]]) -> dict[str, ImageDetail]:
        digests, tags = _digests_and_tags(ids)
        call = Call("DescribeImages", self.repository, digests=digests, tags=tags)
        request = {"imageIds": ids, **_filter("ANY")}
        try:
            return self._client.call(call, {**self._client.repository_members, **request}, described_images)
        except EcrError as error:
            if error.code != "ImageNotFoundException":
                raise
            # One image that is gone makes it refuse all of them.
            apart = [self._described([image_id]) for image_id in ids] if len(ids) > 1 else []
            return {digest: detail for details in apart for digest, detail in details.items()}

    def put(self, manifest: Manifest, tag: str | None = None) -> str | None:
        """Store a manifest byte for byte, or give a stored one another tag, with PutImage.

        Returns the AWS account of the registry.
        """
        request = {
            "imageManifest": manifest.content.decode(),
            "imageManifestMediaType": manifest.media_type,
            "imageDigest": manifest.digest,
            **({"imageTag": tag} if tag else {}),
        }
        answer = self._client.call(
            Call("PutImage", self.repository, digests=(manifest.digest,), tags=(tag,) if tag else ()),
            {**self._client.repository_members, **request},
            partial(PutAnswer.from_response, digest=manifest.digest),
            before_attempt=self._puts.wait,
        )
        return answer.registry_id

    def delete(self, digests: tuple[str, ...], tags: tuple[str, ...]) -> DeletedImages:
        """Delete one batch with BatchDeleteImage: images with all their tags, and tags, each image with its last one.

        What the registry does not delete is in the failures of the answer.
        """
        attempts: list[None] = []
        answer = self._client.call(
            Call("BatchDeleteImage", self.repository, digests=digests, tags=tags),
            {**self._client.repository_members, "imageIds": _image_ids(digests, tags)},
            partial(DeletedImages.from_response, digests=digests, tags=tags),
            before_attempt=lambda: attempts.append(None),
        )
        return answer._replace(was_repeated=len(attempts) > 1)


def deletion_batches(
    digests: t.Iterable[str], tags: t.Iterable[str]
) -> t.Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Yield digests and tags in batches as large as BatchDeleteImage accepts."""
    for batch in batches("BatchDeleteImage", "imageIds", _image_ids(digests, tags)):
        yield _digests_and_tags(batch)


def _digests_and_tags(ids: t.Sequence[dict[str, str]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    digests = tuple(image_id["imageDigest"] for image_id in ids if "imageDigest" in image_id)
    return digests, tuple(image_id["imageTag"] for image_id in ids if "imageTag" in image_id)


def _image_ids(digests: t.Iterable[str], tags: t.Iterable[str]) -> list[dict[str, str]]:
    ids = [{"imageDigest": digest} for digest in dict.fromkeys(digests)]
    return ids + [{"imageTag": tag} for tag in dict.fromkeys(tags)]


def check_intact(image: StoredImage, repository: Repository) -> None:
    """Check that the manifest of an image is the one that its digest names.

    :raises AnswerError: it is another one
    """
    if not image.is_intact:
        raise AnswerError(
            Call("BatchGetImage", repository, digests=(image.digest,)),
            f"The registry returned another manifest for image {image.digest} of {repository}. Its text has the digest "
            f"{image.text_digest}",
            "Something between the host and Amazon ECR may change answers, such as a proxy. Run the task again",
        )


def knows_image_status() -> bool:
    """Return whether botocore is new enough to ask for archived images."""
    return "imageStatus" in t.cast("StructureShape", input_shape("DescribeImages").members["filter"]).members


def _filter(image_status: str, tag_status: str = "ANY") -> dict[str, t.Any]:
    """Return the filter of DescribeImages. Without it, and if botocore is too old, archived images are left out."""
    members = {"tagStatus": tag_status} if tag_status != "ANY" else {}
    if image_status != "ACTIVE" and knows_image_status():
        members["imageStatus"] = image_status
    return {"filter": members} if members else {}


def _absent_tags(call: Call, failures: t.Iterable[UnreturnedImage], found: StoredImages) -> set[str | None]:
    """Return the tags that no image has, and add what is archived to what was found."""
    absent = set()
    for failure in failures:
        if failure.is_archived:
            names = filter(None, (failure.tag, failure.digest))
            found.inaccessible.update(dict.fromkeys(names, failure.reason))
        elif not failure.is_absent:
            raise NotReturnedError(call, str(failure.tag or failure.digest), failure.code, failure.reason)
        absent.add(failure.tag)
    return absent
