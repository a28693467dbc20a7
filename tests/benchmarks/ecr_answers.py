# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sink's answers to the Amazon ECR calls of a push, a download and a copy.

Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_Operations.html.
"""

from __future__ import annotations

import hashlib
import json
import threading
import typing as t
import uuid
from dataclasses import dataclass, field

from .connection import Answer, Request, number_in, text_in
from .served import REPOSITORY, TAG, ServedImage

ACCOUNT = "123456789012"
REGION = "eu-west-1"
PART_SIZE = 10 * 1024 * 1024

Document = dict[str, t.Any]


@dataclass
class Image:
    """A stored manifest."""

    digest: str
    manifest: str
    media_type: str
    tags: list[str] = field(default_factory=list)


class RefusedError(Exception):
    """The answer is an error of the API."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class EcrAnswers:
    """Answers the calls of Amazon ECR, and remembers layers and images."""

    def __init__(self, url: str, served: ServedImage | None = None) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._layers: dict[str, dict[str, int]] = {}
        self._upload_sizes: dict[str, int] = {}
        self._images: dict[str, dict[str, Image]] = {}
        if served:
            image = Image(served.digest, served.manifest.decode(), served.media_type, [TAG])
            self._images[REPOSITORY] = {served.digest: image}
            self._layers[REPOSITORY] = {digest: blob.stat().st_size for digest, blob in served.blobs.items()}

    def answer(self, operation: str, request: Request) -> Answer:
        """Answer a call of the API."""
        media_type = "application/x-amz-json-1.1"
        try:
            with self._lock:
                document = self._document(operation, request)
        except RefusedError as refused:
            return Answer.of_json({"__type": refused.code, "message": refused.code}, 400, media_type)
        return Answer.of_json(document, media_type=media_type)

    def _document(self, operation: str, request: Request) -> Document:
        if operation == "UploadLayerPart":
            return self._upload_layer_part(request.body)
        calls: dict[str, t.Callable[[Document], Document]] = {
            "BatchCheckLayerAvailability": self._batch_check,
            "BatchGetImage": self._batch_get,
            "CompleteLayerUpload": self._complete,
            "CreateRepository": lambda members: {"repository": _repository(members["repositoryName"])},
            "DescribeImages": self._describe_images,
            "DescribeRepositories": lambda members: {
                "repositories": [_repository(name) for name in members.get("repositoryNames", [])]
            },
            "GetDownloadUrlForLayer": self._download_url,
            "InitiateLayerUpload": lambda _members: {"uploadId": str(uuid.uuid4()), "partSize": PART_SIZE},
            "ListImageReferrers": lambda _members: {"referrers": []},
            "PutImage": self._put_image,
        }
        if operation == "GetRepositoryPolicy":
            raise RefusedError("RepositoryPolicyNotFoundException")
        if operation not in calls:
            raise RefusedError("UnknownOperationException")
        return calls[operation](json.loads(request.body))

    def _download_url(self, members: Document) -> Document:
        digest = members["layerDigest"]
        return {"layerDigest": digest, "downloadUrl": f"{self._url}/v2/{members['repositoryName']}/blobs/{digest}"}

    def _upload_layer_part(self, ends: bytes) -> Document:
        last, upload_id = number_in(ends, "partLastByte"), text_in(ends, "uploadId")
        self._upload_sizes[upload_id] = last + 1
        return {"registryId": ACCOUNT, "uploadId": upload_id, "lastByteReceived": last}

    def _complete(self, members: Document) -> Document:
        digest = members["layerDigests"][0]
        size = self._upload_sizes.pop(members["uploadId"], 0)
        self._layers.setdefault(members["repositoryName"], {})[digest] = size
        return {"registryId": ACCOUNT, "uploadId": members["uploadId"], "layerDigest": digest}

    def _batch_check(self, members: Document) -> Document:
        stored = self._layers.get(members["repositoryName"], {})
        layers = [
            {"layerDigest": digest, "layerAvailability": "AVAILABLE", "layerSize": stored[digest]}
            if digest in stored
            else {"layerDigest": digest, "layerAvailability": "UNAVAILABLE"}
            for digest in members["layerDigests"]
        ]
        return {"layers": layers, "failures": []}

    def _put_image(self, members: Document) -> Document:
        manifest = members["imageManifest"]
        digest = "sha256:" + hashlib.sha256(manifest.encode()).hexdigest()
        media_type = members.get("imageManifestMediaType") or json.loads(manifest)["mediaType"]
        images = self._images.setdefault(members["repositoryName"], {})
        image = images.setdefault(digest, Image(digest, manifest, media_type))
        tag = members.get("imageTag")
        if tag:
            for other in images.values():
                other.tags = [kept for kept in other.tags if kept != tag]
            image.tags.append(tag)
        return {"image": _image(members["repositoryName"], image, tag)}

    def _found(self, members: Document) -> tuple[list[tuple[Image, str | None]], list[Document]]:
        images = self._images.get(members["repositoryName"], {})
        found: list[tuple[Image, str | None]] = []
        missing = []
        for wanted in members["imageIds"]:
            digest, tag = wanted.get("imageDigest"), wanted.get("imageTag")
            image = next((one for one in images.values() if one.digest == digest or tag in one.tags), None)
            if image:
                found.append((image, tag))
            else:
                missing.append({"imageId": wanted, "failureCode": "ImageNotFound", "failureReason": "not found"})
        return found, missing

    def _batch_get(self, members: Document) -> Document:
        found, missing = self._found(members)
        return {"images": [_image(members["repositoryName"], image, tag) for image, tag in found], "failures": missing}

    def _describe_images(self, members: Document) -> Document:
        found, missing = self._found(members)
        if missing:
            raise RefusedError("ImageNotFoundException")
        return {
            "imageDetails": [
                {
                    "registryId": ACCOUNT,
                    "repositoryName": members["repositoryName"],
                    "imageDigest": image.digest,
                    "imageTags": image.tags,
                    "imageManifestMediaType": image.media_type,
                }
                for image, _tag in found
            ]
        }


def _image(repository: str, image: Image, tag: str | None) -> Document:
    image_id = {"imageDigest": image.digest, **({"imageTag": tag} if tag else {})}
    return {
        "registryId": ACCOUNT,
        "repositoryName": repository,
        "imageId": image_id,
        "imageManifest": image.manifest,
        "imageManifestMediaType": image.media_type,
    }


def _repository(name: str) -> Document:
    return {
        "repositoryArn": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{name}",
        "registryId": ACCOUNT,
        "repositoryName": name,
        "repositoryUri": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{name}",
        "createdAt": 1700000000,
        "imageTagMutability": "MUTABLE",
        "imageScanningConfiguration": {"scanOnPush": False},
        "encryptionConfiguration": {"encryptionType": "AES256"},
    }
