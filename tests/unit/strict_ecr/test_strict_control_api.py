# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control over HTTP."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import urllib3
from ansible_collections.layerkit.ecr.tests.strict_ecr import Fault, StrictECR
from ansible_collections.layerkit.ecr.tests.unit.support.pushing import (
    ABSENT,
    availability,
    digest_of,
    image_manifest,
    push_layer,
    pushed_blobs,
    put,
    refused,
    send,
    upload,
)

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient


def ask(server: StrictECR, method: str, path: str, document: object = None) -> tuple[int, Any]:
    body = None if document is None else json.dumps(document).encode()
    answer = urllib3.request(method, f"{server.url}/strict-ecr/{path}", body=body, retries=False)
    return answer.status, json.loads(answer.data)


def test_a_fault_is_added_with_all_that_it_has(strict_ecr: StrictECR, repository: str) -> None:
    document = {
        "kind": "kms",
        "operation": "PutImage",
        "repository": repository,
        "skip": 1,
        "times": 2,
        "kms_error": "KMSInvalidStateException",
    }
    assert ask(strict_ecr, "POST", "faults", document) == (200, {})
    assert strict_ecr.control.faults.pending(repository) == [
        Fault("kms", "PutImage", repository, skip=1, times=2, kms_error="KMSInvalidStateException")
    ]
    strict_ecr.control.faults.clear(repository)


def test_faults_are_added_and_forgotten(strict_ecr: StrictECR, ecr: ECRClient, repository: str) -> None:
    fault = {"kind": "throttle", "operation": "InitiateLayerUpload", "repository": repository, "times": 9}
    ask(strict_ecr, "POST", "faults", fault)
    ask(strict_ecr, "POST", "faults", {**fault, "repository": "other"})
    with refused("ThrottlingException"):
        upload(ecr, repository)
    assert ask(strict_ecr, "DELETE", f"faults?repository={quote(repository, safe='')}") == (200, {})
    assert upload(ecr, repository)
    assert [fault.repository for fault in strict_ecr.control.faults.pending()] == ["other"]
    assert ask(strict_ecr, "DELETE", "faults") == (200, {})
    assert strict_ecr.control.faults.pending() == []


def test_calls_are_counted_whatever_becomes_of_them(strict_ecr: StrictECR, ecr: ECRClient, repository: str) -> None:
    upload_id = upload(ecr, repository, b"12345")
    strict_ecr.control.faults.add(Fault("throttle", "UploadLayerPart", repository))
    with refused("ThrottlingException"):
        send(ecr, repository, upload_id, 5, b"123456")
    with refused("InvalidLayerPartException"):
        send(ecr, repository, upload_id, 0, b"1234567")
    counts = {"CreateRepository": 1, "InitiateLayerUpload": 1, "UploadLayerPart": 3}
    counted = {"calls": counts, "bytes_received": 18, "bytes_served": 0}
    assert ask(strict_ecr, "GET", f"calls?repository={repository}") == (200, counted)
    assert strict_ecr.control.calls.operations(repository) == [
        "CreateRepository",
        "InitiateLayerUpload",
        *["UploadLayerPart"] * 3,
    ]


def test_calls_are_forgotten_per_repository(strict_ecr: StrictECR, ecr: ECRClient, repository: str) -> None:
    other = f"{repository}-other"
    ecr.create_repository(repositoryName=other)
    upload(ecr, repository, b"x")
    assert ask(strict_ecr, "DELETE", f"calls?repository={repository}") == (200, {})
    nothing = {"calls": {}, "bytes_received": 0, "bytes_served": 0}
    assert ask(strict_ecr, "GET", f"calls?repository={repository}") == (200, nothing)
    assert ask(strict_ecr, "GET", f"calls?repository={other}")[1]["calls"] == {"CreateRepository": 1}


def test_an_availability_is_set_and_taken_back(strict_ecr: StrictECR, ecr: ECRClient, repository: str) -> None:
    digest = push_layer(ecr, repository, b"x")
    document = {"repository": repository, "digest": digest, "availability": "ARCHIVED"}
    assert ask(strict_ecr, "PUT", "layers", document) == (200, {})
    assert availability(ecr, repository, digest) == "ARCHIVED"
    assert ask(strict_ecr, "PUT", "layers", {**document, "availability": None}) == (200, {})
    assert availability(ecr, repository, digest) == "AVAILABLE"


@pytest.mark.parametrize("failure", ["ImageNotFound", "ImageInaccessible"])
def test_an_image_is_archived_and_restored(
    strict_ecr: StrictECR, ecr: ECRClient, repository: str, failure: str
) -> None:
    digest = put(ecr, repository, pushed_blobs(ecr, repository), "v1")
    document = {"repository": repository, "digest": digest, "status": "ARCHIVED"}
    ids: Any = [{"imageDigest": digest}]
    assert ask(strict_ecr, "PUT", "archived-images", {"repository": repository, "failure": failure}) == (200, {})
    assert ask(strict_ecr, "PUT", "images", document) == (200, {})
    answer = ecr.batch_get_image(repositoryName=repository, imageIds=ids)
    assert [entry["failureCode"] for entry in answer["failures"]] == [failure]
    assert ask(strict_ecr, "PUT", "images", {**document, "status": "ACTIVE"}) == (200, {})
    assert ecr.batch_get_image(repositoryName=repository, imageIds=ids)["failures"] == []


@pytest.mark.parametrize(
    ("method", "path", "document", "status", "words"),
    [
        ("POST", "faults", {"kind": "explode", "operation": "PutImage"}, 400, "kind must be one of"),
        ("POST", "faults", None, 400, "Expecting value"),
        ("GET", "calls", None, 400, "?repository=NAME"),
        ("DELETE", "calls", None, 400, "?repository=NAME"),
        ("PUT", "layers", {"repository": "a/b", "digest": ABSENT}, 400, "repository, digest and availability"),
        ("PUT", "layers", {"repository": "a/b", "digest": ABSENT, "availability": "GONE"}, 400, "availability must be"),
        ("PUT", "layers", {"repository": "a/b", "digest": [], "availability": "ARCHIVED"}, 400, "must be strings"),
        ("PUT", "images", {"repository": "a/b", "digest": ABSENT, "status": "GONE"}, 400, "status must be one of"),
        ("PUT", "images", {"repository": "a/b", "digest": ABSENT, "status": "ARCHIVED"}, 400, "a/b has no image"),
        ("PUT", "archived-images", {"repository": "a/b", "failure": "KmsError"}, 400, "must be ImageNotFound or"),
        ("GET", "layers", None, 404, "GET /strict-ecr/layers"),
        ("GET", "nonsense", None, 404, "/strict-ecr/nonsense"),
    ],
)
def test_what_the_control_does_not_take(
    strict_ecr: StrictECR, method: str, path: str, document: object, status: int, words: str
) -> None:
    answered, answer = ask(strict_ecr, method, path, document)
    assert answered == status
    assert words in answer["error"]


def test_an_image_is_seeded(strict_ecr: StrictECR, ecr: ECRClient, repository: str) -> None:
    manifest = image_manifest(ABSENT, ABSENT)
    document = {"repository": repository, "manifest": manifest, "tags": ["v1"]}
    assert ask(strict_ecr, "POST", "images", document) == (200, {"digest": digest_of(manifest.encode())})
    assert ecr.list_images(repositoryName=repository)["imageIds"][0]["imageTag"] == "v1"
    assert ask(strict_ecr, "POST", "images", {**document, "tags": "v1"})[0] == 400


def test_operations_are_allowed(strict_ecr: StrictECR, ecr: ECRClient, repository: str) -> None:
    document = {"repository": repository, "operations": ["ListImages"]}
    assert ask(strict_ecr, "PUT", "allowed-operations", document) == (200, {})
    with refused("AccessDeniedException"):
        upload(ecr, repository)
    assert ecr.list_images(repositoryName=repository)["imageIds"] == []
    assert ask(strict_ecr, "PUT", "allowed-operations", {**document, "operations": None}) == (200, {})
    assert upload(ecr, repository)
