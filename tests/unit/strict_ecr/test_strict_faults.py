# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The faults, as a client sees them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.layerkit.ecr.tests.strict_ecr import Fault, StrictECR
from ansible_collections.layerkit.ecr.tests.strict_ecr.fixtures import ecr_client
from ansible_collections.layerkit.ecr.tests.unit.support.pushing import (
    ABSENT,
    availability,
    complete,
    digest_of,
    refused,
    send,
    upload,
)
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient


@pytest.fixture(autouse=True)
def no_fault_is_left(strict_ecr: StrictECR) -> Iterator[None]:
    yield
    pending = strict_ecr.control.faults.pending()
    strict_ecr.control.faults.clear()
    assert pending == []


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("throttle", 400, "ThrottlingException"),
        ("server_error", 500, "ServerException"),
        ("access_denied", 400, "AccessDeniedException"),
        ("expired_token", 400, "ExpiredTokenException"),
        ("kms", 400, "KmsException"),
        ("limit", 400, "LimitExceededException"),
        ("bare_500", 500, "500"),
        ("bare_503", 503, "503"),
    ],
)
def test_an_error_answer_strikes_before_the_call_is_applied(
    strict_ecr: StrictECR, ecr: ECRClient, repository: str, kind: Any, status: int, code: str
) -> None:
    strict_ecr.control.faults.add(Fault(kind, "InitiateLayerUpload", repository))
    with refused(code) as answer:
        ecr.initiate_layer_upload(repositoryName=repository)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == status
    assert strict_ecr.control.uploads(repository) == {}
    assert ecr.initiate_layer_upload(repositoryName=repository)["uploadId"]


def test_a_call_that_names_its_repository_in_a_list_is_one_of_this_repository(
    strict_ecr: StrictECR, ecr: ECRClient, repository: str
) -> None:
    strict_ecr.control.faults.add(Fault("access_denied", "DescribeRepositories", repository))
    ecr.describe_repositories()
    with refused("AccessDeniedException"):
        ecr.describe_repositories(repositoryNames=[repository])
    assert strict_ecr.control.calls.counts(repository)["DescribeRepositories"] == 1


def test_the_kms_error_is_told(strict_ecr: StrictECR, ecr: ECRClient, repository: str) -> None:
    strict_ecr.control.faults.add(Fault("kms", "InitiateLayerUpload", repository, kms_error="KeyUnavailableException"))
    with refused("KmsException") as answer:
        ecr.initiate_layer_upload(repositoryName=repository)
    assert answer["kmsError"] == "KeyUnavailableException"


def test_a_connection_is_dropped_before_the_call_is_applied(
    strict_ecr: StrictECR, ecr: ECRClient, repository: str
) -> None:
    upload_id = upload(ecr, repository)
    strict_ecr.control.faults.add(Fault("drop_before", "UploadLayerPart", repository))
    with pytest.raises(ConnectionClosedError):
        send(ecr, repository, upload_id, 0, b"x" * 100_000)
    assert strict_ecr.control.uploads(repository) == {upload_id: 0}
    assert send(ecr, repository, upload_id, 0, b"x")["lastByteReceived"] == 0


def test_a_connection_is_dropped_after_the_call_is_applied(
    strict_ecr: StrictECR, ecr: ECRClient, repository: str
) -> None:
    upload_id = upload(ecr, repository)
    strict_ecr.control.faults.add(Fault("drop_after", "UploadLayerPart", repository))
    with pytest.raises(ConnectionClosedError):
        send(ecr, repository, upload_id, 0, b"x" * 100_000)
    assert strict_ecr.control.uploads(repository) == {upload_id: 100_000}


def test_a_part_sent_again_after_a_drop_is_out_of_order(strict_ecr: StrictECR, repository: str) -> None:
    patient = ecr_client(strict_ecr.url, attempts=2)
    upload_id = upload(patient, repository)
    strict_ecr.control.faults.add(Fault("drop_after", "UploadLayerPart", repository))
    with refused("InvalidLayerPartException") as answer:
        send(patient, repository, upload_id, 0, b"ab")
    assert answer["lastValidByteReceived"] == 1
    assert strict_ecr.control.calls.counts(repository)["UploadLayerPart"] == 2


def test_an_upload_expires(strict_ecr: StrictECR, ecr: ECRClient, repository: str) -> None:
    upload_id, other = upload(ecr, repository, b"x"), upload(ecr, repository, b"x")
    strict_ecr.control.faults.add(Fault("expire_upload", "CompleteLayerUpload", repository))
    with refused("UploadNotFoundException", upload_id):
        complete(ecr, repository, upload_id, digest_of(b"x"))
    assert strict_ecr.control.uploads(repository) == {other: 1}


def test_an_answer_comes_late_to_a_call_that_was_applied(strict_ecr: StrictECR, repository: str) -> None:
    hasty = ecr_client(strict_ecr.url, read_timeout=0.2)
    upload_id = upload(hasty, repository)
    strict_ecr.control.faults.add(Fault("delay", "UploadLayerPart", repository, seconds=0.6))
    with pytest.raises(ReadTimeoutError):
        send(hasty, repository, upload_id, 0, b"x")
    assert strict_ecr.control.uploads(repository) == {upload_id: 1}


def test_an_answer_that_is_waited_for(strict_ecr: StrictECR, ecr: ECRClient, repository: str) -> None:
    strict_ecr.control.faults.add(Fault("delay", "InitiateLayerUpload", repository, seconds=0.3))
    before = time.monotonic()
    upload_id = upload(ecr, repository)
    assert time.monotonic() - before >= 0.3
    assert strict_ecr.control.uploads(repository) == {upload_id: 0}


def outcomes(ecr: ECRClient, repository: str, calls: int) -> list[str]:
    """Ask for the availability of a layer so many times, and return the answers or error codes."""
    found = []
    for _call in range(calls):
        try:
            found.append(availability(ecr, repository, ABSENT))
        except ClientError as error:
            found.append(error.response["Error"]["Code"])
    return found


def test_skip_and_times(strict_ecr: StrictECR, ecr: ECRClient, repository: str) -> None:
    strict_ecr.control.faults.add(Fault("throttle", "BatchCheckLayerAvailability", repository, skip=1, times=2))
    struck = ["UNAVAILABLE", "ThrottlingException", "ThrottlingException", "UNAVAILABLE"]
    assert outcomes(ecr, repository, 4) == struck


def test_faults_strike_one_after_the_other(strict_ecr: StrictECR, ecr: ECRClient, repository: str) -> None:
    for kind in ("throttle", "server_error"):
        strict_ecr.control.faults.add(Fault(kind, "BatchCheckLayerAvailability", repository))
    assert outcomes(ecr, repository, 3) == ["ThrottlingException", "ServerException", "UNAVAILABLE"]


def test_a_fault_strikes_its_operation_and_repository_only(
    strict_ecr: StrictECR, ecr: ECRClient, repository: str
) -> None:
    other = f"{repository}-other"
    ecr.create_repository(repositoryName=other)
    strict_ecr.control.faults.add(Fault("throttle", "BatchCheckLayerAvailability", repository))
    assert outcomes(ecr, other, 1) == ["UNAVAILABLE"]
    upload(ecr, repository)
    assert outcomes(ecr, repository, 1) == ["ThrottlingException"]


def test_a_fault_without_a_repository_strikes_any(strict_ecr: StrictECR, ecr: ECRClient, repository: str) -> None:
    strict_ecr.control.faults.add(Fault("throttle", "BatchCheckLayerAvailability", times=2))
    strict_ecr.control.faults.add(Fault("access_denied", "GetAuthorizationToken"))
    assert outcomes(ecr, repository, 1) == ["ThrottlingException"]
    assert outcomes(ecr, "no/such", 1) == ["ThrottlingException"]
    with refused("AccessDeniedException"):
        ecr.get_authorization_token()


def test_faults_are_pending_until_they_have_struck_or_are_forgotten(
    strict_ecr: StrictECR, ecr: ECRClient, repository: str
) -> None:
    faults = strict_ecr.control.faults
    mine = Fault("throttle", "BatchCheckLayerAvailability", repository, times=2)
    anyones = Fault("throttle", "InitiateLayerUpload")
    faults.add(mine)
    faults.add(anyones)
    assert outcomes(ecr, repository, 1) == ["ThrottlingException"]
    assert faults.pending(repository) == [mine]
    assert faults.pending() == [mine, anyones]
    faults.clear(repository)
    assert faults.pending() == [anyones]
    assert outcomes(ecr, repository, 1) == ["UNAVAILABLE"]
    faults.clear()
    assert faults.pending() == []


@pytest.mark.parametrize(
    ("document", "rule"),
    [
        ([], "an object"),
        ({"kind": "throttle"}, "kind, operation"),
        ({"kind": "throttle", "operation": "PutImage", "time": 1}, "nothing but"),
        ({"kind": "explode", "operation": "PutImage"}, "kind must be one of throttle"),
        ({"kind": "throttle", "operation": "PutImages"}, "operation must be an operation of ECR"),
        ({"kind": "throttle", "operation": "PutImage", "repository": 1}, "repository must be"),
        ({"kind": "throttle", "operation": "PutImage", "skip": -1}, "skip must be"),
        ({"kind": "throttle", "operation": "PutImage", "times": 0}, "times must be"),
        ({"kind": "throttle", "operation": "PutImage", "times": True}, "times must be"),
        ({"kind": "delay", "operation": "PutImage", "seconds": "1"}, "seconds must be"),
        ({"kind": "delay", "operation": "PutImage"}, "given for a delay"),
        ({"kind": "throttle", "operation": "PutImage", "seconds": 1}, "given for a delay"),
        ({"kind": "kms", "operation": "PutImage", "kms_error": None}, "kms_error must be"),
        ({"kind": "expire_upload", "operation": "PutImage"}, "names no upload"),
    ],
)
def test_a_fault_that_could_never_strike_is_refused(document: object, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        Fault.from_json(document)
