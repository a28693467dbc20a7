# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Steps of the tests of the strict server: push parts, layers and images, and expect refusals."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import urllib3
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
ABSENT = "sha256:" + "0" * 64


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def upload(ecr: ECRClient, repository: str, *parts: bytes) -> str:
    """Open an upload, send the parts and return the upload id."""
    upload_id = ecr.initiate_layer_upload(repositoryName=repository)["uploadId"]
    first = 0
    for part in parts:
        send(ecr, repository, upload_id, first, part)
        first += len(part)
    return upload_id


def send(ecr: ECRClient, repository: str, upload_id: str, first: int, part: bytes) -> dict[str, Any]:
    """Send a part that starts at byte ``first``."""
    return {
        **ecr.upload_layer_part(
            repositoryName=repository,
            uploadId=upload_id,
            partFirstByte=first,
            partLastByte=first + len(part) - 1,
            layerPartBlob=part,
        )
    }


def complete(ecr: ECRClient, repository: str, upload_id: str, *digests: str) -> str:
    """Complete an upload and return the digest that the registry computed."""
    answer = ecr.complete_layer_upload(repositoryName=repository, uploadId=upload_id, layerDigests=digests)
    return answer["layerDigest"]


def push_layer(ecr: ECRClient, repository: str, data: bytes) -> str:
    return complete(ecr, repository, upload(ecr, repository, data), digest_of(data))


def availability(ecr: ECRClient, repository: str, digest: str) -> str:
    answer = ecr.batch_check_layer_availability(repositoryName=repository, layerDigests=[digest])
    return answer["layers"][0]["layerAvailability"]


def image_manifest(config: str, /, *layers: str, **members: Any) -> str:
    """Return an image manifest; ``members`` are added last and can replace others."""
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": {"mediaType": CONFIG_TYPE, "digest": config, "size": 2},
        "layers": [{"mediaType": LAYER_TYPE, "digest": layer, "size": 3} for layer in layers],
        **members,
    }
    return json.dumps(document)


def index_manifest(*images: str, **members: Any) -> str:
    children = [{"mediaType": MANIFEST_TYPE, "digest": image, "size": 4} for image in images]
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": children, **members})


def pushed_blobs(ecr: ECRClient, repository: str, name: str = "") -> str:
    """Push a config and a layer that depend on ``name``, and return the manifest of their image."""
    config = push_layer(ecr, repository, f"config {name}".encode())
    return image_manifest(config, push_layer(ecr, repository, f"layer {name}".encode()))


def put(ecr: ECRClient, repository: str, manifest: str, tag: str | None = None, **options: Any) -> str:
    """Put an image and return its digest."""
    if tag is not None:
        options["imageTag"] = tag
    answer = ecr.put_image(repositoryName=repository, imageManifest=manifest, **options)
    return answer["image"]["imageId"]["imageDigest"]


def call(url: str, operation: str, document: object) -> tuple[int, dict[str, Any]]:
    """Call an operation with any document or bytes, also those that botocore refuses to send."""
    body = document if isinstance(document, bytes) else json.dumps(document, default=_base64).encode()
    headers = {
        "X-Amz-Target": f"AmazonEC2ContainerRegistry_V20150921.{operation}",
        "Content-Type": "application/x-amz-json-1.1",
        "Authorization": "AWS4-HMAC-SHA256 Credential=strict-ecr-key-id/20260101/eu-central-1/ecr/aws4_request, "
        "SignedHeaders=host, Signature=none",
    }
    answer = urllib3.request("POST", url, body=body, headers=headers, retries=False)
    return answer.status, json.loads(answer.data)


def _base64(blob: bytes) -> str:
    return base64.b64encode(blob).decode()


@contextmanager
def refused(code: str, *words: str) -> Iterator[dict[str, Any]]:
    """Expect a call to fail with an error code and words of its message; yield a dict for the response."""
    response: dict[str, Any] = {}
    with pytest.raises(ClientError) as caught:
        yield response
    response.update(caught.value.response)
    assert response["Error"]["Code"] == code
    for word in words:
        assert word in response["Error"]["Message"]
