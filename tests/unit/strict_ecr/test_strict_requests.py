# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is refused before the registry is looked at, and where there is no such repository."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from ansible_collections.layerkit.ecr.tests.strict_ecr import StrictECR
from ansible_collections.layerkit.ecr.tests.unit.support.pushing import ABSENT, call, image_manifest, refused, send

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

UPLOAD_ID = "01234567-89ab-cdef-0123-456789abcdef"
PART = {"uploadId": UPLOAD_ID, "partFirstByte": 0, "partLastByte": 0, "layerPartBlob": b"x"}
# The operations of a push, with what they need beside the repository.
OPERATIONS: dict[str, dict[str, Any]] = {
    "batch_check_layer_availability": {"layerDigests": [ABSENT]},
    "initiate_layer_upload": {},
    "upload_layer_part": PART,
    "complete_layer_upload": {"uploadId": UPLOAD_ID, "layerDigests": [ABSENT]},
    "put_image": {"imageManifest": image_manifest(ABSENT, ABSENT)},
    "batch_get_image": {"imageIds": [{"imageTag": "latest"}]},
    "get_download_url_for_layer": {"layerDigest": ABSENT},
    "describe_images": {},
    "list_images": {},
    "batch_delete_image": {"imageIds": [{"imageTag": "latest"}]},
}


@pytest.mark.parametrize(
    ("operation", "changed", "member", "rule"),
    [
        ("initiate_layer_upload", {"repositoryName": "UPPER"}, "repositoryName", "regular expression"),
        ("initiate_layer_upload", {"repositoryName": "a"}, "repositoryName", "greater than or equal to 2"),
        ("initiate_layer_upload", {"repositoryName": "a" * 257}, "repositoryName", "less than or equal to 256"),
        ("initiate_layer_upload", {"repositoryName": None}, "repositoryName", "must not be null"),
        ("initiate_layer_upload", {"repositoryName": 12}, "repositoryName", "must be a string"),
        ("initiate_layer_upload", {"registryId": "12345678901"}, "registryId", "regular expression"),
        ("initiate_layer_upload", {"registryId": "123456789012\n"}, "registryId", "regular expression"),
        ("complete_layer_upload", {"uploadId": "not-a-uuid"}, "uploadId", "regular expression"),
        ("complete_layer_upload", {"layerDigests": []}, "layerDigests", "greater than or equal to 1"),
        ("complete_layer_upload", {"layerDigests": [ABSENT] * 101}, "layerDigests", "less than or equal to 100"),
        ("complete_layer_upload", {"layerDigests": [ABSENT, "sha256:xyz"]}, "layerDigests[1]", "regular expression"),
        ("complete_layer_upload", {"layerDigests": ABSENT}, "layerDigests", "must be a list"),
        ("upload_layer_part", {"partFirstByte": -1}, "partFirstByte", "greater than or equal to 0"),
        ("upload_layer_part", {"partFirstByte": "0"}, "partFirstByte", "must be an integer"),
        ("upload_layer_part", {"partLastByte": True}, "partLastByte", "must be an integer"),
        ("upload_layer_part", {"layerPartBlob": b"x" * 20_971_521}, "layerPartBlob", "less than or equal to 20971520"),
        ("put_image", {"imageManifest": ""}, "imageManifest", "greater than or equal to 1"),
        ("put_image", {"imageManifest": "x" * 4_194_305}, "imageManifest", "less than or equal to 4194304"),
        ("put_image", {"imageTag": "x" * 301}, "imageTag", "less than or equal to 300"),
        ("batch_get_image", {"imageIds": [{}, {"imageTag": ""}]}, "imageIds[1].imageTag", "greater than or equal to 1"),
        ("batch_get_image", {"imageIds": ["latest"]}, "imageIds[0]", "must be an object"),
        ("create_repository", {"imageTagMutability": "SOMETIMES"}, "imageTagMutability", "enum value set: [MUTABLE"),
        ("create_repository", {"imageScanningConfiguration": {"scanOnPush": 1}}, "scanOnPush", "must be a boolean"),
    ],
)
def test_a_malformed_request_is_refused_by_member_and_rule(
    strict_ecr: StrictECR,
    ecr: ECRClient,
    repository: str,
    operation: str,
    changed: dict[str, Any],
    member: str,
    rule: str,
) -> None:
    request = {"repositoryName": repository, **OPERATIONS.get(operation, {}), **changed}
    status, answer = call(strict_ecr.url, ecr.meta.method_to_api_mapping[operation], request)
    assert (status, answer["__type"]) == (400, "InvalidParameterException")
    assert f"{member}' failed to satisfy constraint: '" in answer["message"]
    assert rule in answer["message"]


@pytest.mark.parametrize("blob", ["a", "ab=c", "YWJj?", "YWJj\n"])
def test_a_blob_that_is_not_base64_is_refused(strict_ecr: StrictECR, repository: str, blob: str) -> None:
    request = {"repositoryName": repository, **PART, "layerPartBlob": blob}
    status, answer = call(strict_ecr.url, "UploadLayerPart", request)
    assert (status, answer["__type"]) == (400, "InvalidParameterException")
    assert "layerPartBlob" in answer["message"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null"])
def test_a_body_that_is_no_json_object_is_refused(strict_ecr: StrictECR, body: bytes) -> None:
    status, answer = call(strict_ecr.url, "InitiateLayerUpload", body)
    assert (status, answer["__type"]) == (400, "SerializationException")


def test_a_body_that_ends_early_is_no_call(strict_ecr: StrictECR, repository: str) -> None:
    address = urlsplit(strict_ecr.url)
    assert address.hostname is not None
    before = strict_ecr.control.calls.counts(None)
    with socket.create_connection((address.hostname, address.port or 0), timeout=10) as connection:
        connection.sendall(
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"
            b"X-Amz-Target: AmazonEC2ContainerRegistry_V20150921.InitiateLayerUpload\r\n\r\n"
            + json.dumps({"repositoryName": repository}).encode()
        )
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""
    assert strict_ecr.control.calls.counts(repository) == {"CreateRepository": 1}
    assert strict_ecr.control.calls.counts(None) == before


def test_unknown_and_null_members_are_ignored(strict_ecr: StrictECR, repository: str) -> None:
    request = {"repositoryName": repository, "registryId": None, "somethingNew": {"a": 1}}
    status, answer = call(strict_ecr.url, "InitiateLayerUpload", request)
    assert status == 200
    assert strict_ecr.control.uploads(repository) == {answer["uploadId"]: 0}


def test_a_part_of_the_largest_size_is_accepted(ecr: ECRClient, repository: str) -> None:
    size = 20_971_520
    upload_id = ecr.initiate_layer_upload(repositoryName=repository)["uploadId"]
    assert send(ecr, repository, upload_id, 0, bytes(size))["lastByteReceived"] == size - 1


@pytest.mark.parametrize("operation", OPERATIONS)
def test_there_is_no_such_repository(ecr: ECRClient, operation: str) -> None:
    with refused("RepositoryNotFoundException", "no/such", "123456789012"):
        getattr(ecr, operation)(repositoryName="no/such", **OPERATIONS[operation])


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_registry_of_another_account_has_no_such_repository(
    ecr: ECRClient, repository: str, operation: str
) -> None:
    with refused("RepositoryNotFoundException", repository, "999999999999"):
        getattr(ecr, operation)(repositoryName=repository, registryId="999999999999", **OPERATIONS[operation])


def test_the_caller_may_name_its_own_registry(ecr: ECRClient, repository: str) -> None:
    answer = ecr.initiate_layer_upload(repositoryName=repository, registryId="123456789012")
    assert answer["uploadId"]
