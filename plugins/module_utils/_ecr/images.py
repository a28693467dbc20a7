# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations on a repository's images, and on the repository itself.

As in ``_repository``, each method is one operation of
https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_Operations.html. They are in a file of their own because
Ansible sends a module with every file that it imports, and the modules of layers need none of these.
"""

from __future__ import annotations

import typing as t

from .._oci.manifest import MEDIA_TYPES, Manifest
from .client import Response
from .errors import EcrError, advice_on
from .layers import LayerRepository
from .rate_limit import Pace
from .repository_settings import RepositorySettings
from .service_model import batches, dns_suffix
from .stored_image import ImageDetail, StoredImage, StoredImages

# All that a registry can hold: without the type of an image, Amazon ECR may convert the image to another one.
_ACCEPTED_MEDIA_TYPES = [
    *MEDIA_TYPES,
    "application/vnd.docker.distribution.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
    "application/vnd.oci.artifact.manifest.v1+json",
]
# https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html
_PUTS_PER_SECOND = 10


class ImageRepository(LayerRepository):
    """A repository of a private registry, with its images."""

    def __init__(self, client: t.Any, name: str, registry_id: str | None = None) -> None:
        super().__init__(client, name, registry_id)
        self._put_pace = Pace(_PUTS_PER_SECOND)

    def uri(self, registry_id: str) -> str:
        """Return the name by which container engines know the repository."""
        suffix = dns_suffix(self.partition)
        return f"{registry_id}.dkr.ecr.{self.region}.{suffix}/{self.name}"

    def settings(self) -> RepositorySettings:
        """Look the repository's own settings up with DescribeRepositories."""
        response = self.call("DescribeRepositories", f"look up {self}", repositoryNames=[self.name])
        return RepositorySettings.from_response(response["repositories"][0])

    def images(self, digests: t.Iterable[str] = (), tags: t.Iterable[str] = ()) -> StoredImages:
        """Look images up with BatchGetImage, a hundred at a time, as they were pushed.

        :raises EcrError: the look-up failed, or the registry refuses to give an image out
        """
        found = StoredImages()
        ids = [{"imageDigest": digest} for digest in dict.fromkeys(digests)]
        ids += [{"imageTag": tag} for tag in dict.fromkeys(tags)]
        for batch in batches("BatchGetImage", "imageIds", ids):
            self._find_images(batch, found)
        return found

    def _find_images(self, ids: t.Sequence[dict[str, str]], found: StoredImages) -> None:
        response = self.call(
            "BatchGetImage",
            f"look up {len(ids)} images in {self}",
            imageIds=ids,
            acceptedMediaTypes=_ACCEPTED_MEDIA_TYPES,
        )
        wanted = [image_id["imageTag"] for image_id in ids if "imageTag" in image_id]
        absent = self._absent_tags(response.get("failures", []))
        for entry in response.get("images", []):
            image = StoredImage.from_response(entry)
            found.by_digest[image.digest] = image
            tag = entry["imageId"].get("imageTag")
            if tag in wanted or len(ids) == len(wanted) == 1:
                found.by_tag[tag if tag in wanted else wanted[0]] = image
        # A registry may name an image by another of its tags than the one that was asked for.
        for tag in wanted if len(ids) > 1 else ():
            if tag not in absent and tag not in found.by_tag:
                self._find_images([{"imageTag": tag}], found)

    def _absent_tags(self, failures: t.Iterable[Response]) -> set[str | None]:
        absent = set()
        for failure in failures:
            image_id = failure.get("imageId", {})
            if failure.get("failureCode") != "ImageNotFound":
                raise self._not_given_out(failure, image_id.get("imageTag") or image_id.get("imageDigest"))
            absent.add(image_id.get("imageTag"))
        return absent

    def _not_given_out(self, failure: Response, name: str | None) -> EcrError:
        code, reason = failure.get("failureCode"), failure.get("failureReason")
        # What other operations raise as KmsException.
        advice = f". {advice_on('KmsException')}" if code == "KmsError" else ""
        return EcrError(
            f"Failed to look up images in {self}. The registry does not give {name} out{advice}. "
            f"The error was: {code}, {reason}"
        )

    def image_details(self, digests: t.Iterable[str]) -> dict[str, ImageDetail]:
        """Look up tags, size and age of images with DescribeImages; one that is gone has no entry."""
        wanted = list(dict.fromkeys(digests))
        found: dict[str, ImageDetail] = {}
        for batch in batches("DescribeImages", "imageIds", wanted):
            found.update(self._describe_images(batch))
        return found

    def _describe_images(self, digests: t.Sequence[str]) -> dict[str, ImageDetail]:
        try:
            response = self.call(
                "DescribeImages",
                f"look up {len(digests)} images in {self}",
                imageIds=[{"imageDigest": digest} for digest in digests],
            )
        except EcrError as error:
            if error.code != "ImageNotFoundException":
                raise
            # It refuses all of them for one that is gone.
            apart = [self._describe_images([digest]) for digest in digests] if len(digests) > 1 else []
            return {digest: detail for details in apart for digest, detail in details.items()}
        return {entry["imageDigest"]: ImageDetail.from_response(entry) for entry in response["imageDetails"]}

    def put_image(self, manifest: Manifest, tag: str | None = None) -> str | None:
        """Store a manifest byte for byte, or give another tag to one that is stored, with PutImage.

        Returns the AWS account of the registry.
        """
        response = self.call(
            "PutImage",
            f"put image {manifest.digest}" + (f" with tag {tag}" if tag else "") + f" into {self}",
            pace=self._put_pace.wait,
            imageManifest=manifest.content.decode(),
            imageManifestMediaType=manifest.media_type,
            imageDigest=manifest.digest,
            **({"imageTag": tag} if tag else {}),
        )
        registry_id = response.get("image", {}).get("registryId")
        return str(registry_id) if registry_id else None
