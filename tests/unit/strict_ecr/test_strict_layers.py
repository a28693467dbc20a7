# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The life of a layer, with all that the live service refuses."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from ansible_collections.layerkit.ecr.tests.strict_ecr import Rules, StrictECR
from ansible_collections.layerkit.ecr.tests.unit.support.pushing import (
    ABSENT,
    availability,
    complete,
    digest_of,
    push_layer,
    pushed_blobs,
    put,
    refused,
    send,
    upload,
)

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

MIB = 1024 * 1024
SHA512 = "sha512:" + hashlib.sha512(b"x").hexdigest()


def test_the_rules_are_those_of_the_live_service() -> None:
    # https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html
    rules = Rules()
    assert rules.part_size == 10_485_760
    assert rules.min_part_bytes == 5_242_880
    assert rules.max_parts == 4_200
    assert rules.max_layer_bytes == 54_525_952_000


def test_a_layer_of_two_parts(strict_ecr: StrictECR, ecr: ECRClient, repository: str) -> None:
    first, last = b"a" * 5 * MIB, b"b"
    opened = ecr.initiate_layer_upload(repositoryName=repository)
    assert opened["partSize"] == 10 * MIB
    upload_id = opened["uploadId"]
    assert send(ecr, repository, upload_id, 0, first)["lastByteReceived"] == 5 * MIB - 1
    assert strict_ecr.control.uploads(repository) == {upload_id: 5 * MIB}
    answer = send(ecr, repository, upload_id, 5 * MIB, last)
    assert (answer["registryId"], answer["repositoryName"]) == ("123456789012", repository)
    assert (answer["uploadId"], answer["lastByteReceived"]) == (upload_id, 5 * MIB)
    digest = digest_of(first + last)
    completed = ecr.complete_layer_upload(repositoryName=repository, uploadId=upload_id, layerDigests=[digest])
    assert (completed["registryId"], completed["repositoryName"]) == ("123456789012", repository)
    assert (completed["uploadId"], completed["layerDigest"]) == (upload_id, digest)
    assert strict_ecr.control.uploads(repository) == {}
    assert strict_ecr.control.layers(repository) == {digest: 5 * MIB + 1}


# BatchCheckLayerAvailability


def test_layers_are_available_or_unavailable_and_malformed_digests_fail(ecr: ECRClient, repository: str) -> None:
    present = push_layer(ecr, repository, b"x")
    malformed = ["sha256:short", "sha256:" + "A" * 64, "nonsense", ""]
    answer = ecr.batch_check_layer_availability(
        repositoryName=repository, layerDigests=[present, *malformed, ABSENT, SHA512]
    )
    assert answer["layers"] == [
        {
            "layerDigest": present,
            "layerAvailability": "AVAILABLE",
            "layerSize": 1,
            "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
        },
        {"layerDigest": ABSENT, "layerAvailability": "UNAVAILABLE"},
        {"layerDigest": SHA512, "layerAvailability": "UNAVAILABLE"},
    ]
    assert [failure["layerDigest"] for failure in answer["failures"]] == malformed
    assert {failure["failureCode"] for failure in answer["failures"]} == {"InvalidLayerDigest"}


def test_an_availability_may_be_set_and_taken_back(strict_ecr: StrictECR, ecr: ECRClient, repository: str) -> None:
    present = push_layer(ecr, repository, b"x")
    strict_ecr.control.set_availability(repository, present, "ARCHIVED")
    strict_ecr.control.set_availability(repository, ABSENT, "AVAILABLE")
    assert availability(ecr, repository, present) == "ARCHIVED"
    assert availability(ecr, repository, ABSENT) == "AVAILABLE"
    assert strict_ecr.control.layers(repository) == {present: 1}
    strict_ecr.control.set_availability(repository, present, None)
    strict_ecr.control.set_availability(repository, ABSENT, None)
    assert availability(ecr, repository, present) == "AVAILABLE"
    assert availability(ecr, repository, ABSENT) == "UNAVAILABLE"


def test_a_layer_that_is_said_to_be_unavailable_has_no_size(
    strict_ecr: StrictECR, ecr: ECRClient, repository: str
) -> None:
    present = push_layer(ecr, repository, b"x")
    strict_ecr.control.set_availability(repository, present, "UNAVAILABLE")
    answer = ecr.batch_check_layer_availability(repositoryName=repository, layerDigests=[present])
    assert answer["layers"] == [{"layerDigest": present, "layerAvailability": "UNAVAILABLE"}]


def test_an_availability_that_the_service_does_not_know(strict_ecr: StrictECR, repository: str) -> None:
    with pytest.raises(ValueError, match="AVAILABLE, UNAVAILABLE, ARCHIVED"):
        strict_ecr.control.set_availability(repository, ABSENT, "GONE")  # type: ignore[arg-type]  # what is tested


# UploadLayerPart


@pytest.mark.parametrize("last", [0, 2, 9])
def test_a_blob_that_does_not_fit_its_range(ecr: ECRClient, repository: str, last: int) -> None:
    upload_id = upload(ecr, repository)
    with refused("InvalidParameterException", "layerPartBlob", "partLastByte - partFirstByte + 1"):
        ecr.upload_layer_part(
            repositoryName=repository, uploadId=upload_id, partFirstByte=0, partLastByte=last, layerPartBlob=b"ab"
        )


def test_a_part_without_bytes(strict_ecr: StrictECR, ecr: ECRClient, repository: str) -> None:
    upload_id = upload(ecr, repository, b"ab")
    with refused("InvalidParameterException", "layerPartBlob", "must not be empty"):
        send(ecr, repository, upload_id, 2, b"")
    assert strict_ecr.control.uploads(repository) == {upload_id: 2}


@pytest.mark.parametrize("first", [0, 1, 3])
def test_a_part_out_of_order(strict_ecr: StrictECR, ecr: ECRClient, repository: str, first: int) -> None:
    upload_id = upload(ecr, repository, b"ab")
    with refused("InvalidLayerPartException") as answer:
        send(ecr, repository, upload_id, first, b"ab")
    assert (answer["registryId"], answer["repositoryName"]) == ("123456789012", repository)
    assert (answer["uploadId"], answer["lastValidByteReceived"]) == (upload_id, 1)
    assert strict_ecr.control.uploads(repository) == {upload_id: 2}


def test_a_first_part_out_of_order(ecr: ECRClient, repository: str) -> None:
    with refused("InvalidLayerPartException") as answer:
        send(ecr, repository, upload(ecr, repository), 1, b"ab")
    assert answer["lastValidByteReceived"] == -1


def test_the_last_valid_byte_may_be_left_out(strict_ecr: StrictECR, ecr: ECRClient, repository: str) -> None:
    strict_ecr.control.rules(repository).reports_last_valid_byte = False
    with refused("InvalidLayerPartException") as answer:
        send(ecr, repository, upload(ecr, repository), 1, b"ab")
    assert answer["repositoryName"] == repository
    assert "lastValidByteReceived" not in answer


def test_more_parts_than_a_layer_may_have(strict_ecr: StrictECR, ecr: ECRClient, repository: str) -> None:
    strict_ecr.control.rules(repository).max_parts = 2
    upload_id = upload(ecr, repository, b"a", b"b")
    with refused("LimitExceededException", "2 parts"):
        send(ecr, repository, upload_id, 2, b"c")
    assert strict_ecr.control.uploads(repository) == {upload_id: 2}


def test_more_bytes_than_a_layer_may_have(strict_ecr: StrictECR, ecr: ECRClient, repository: str) -> None:
    strict_ecr.control.rules(repository).max_layer_bytes = 3
    upload_id = upload(ecr, repository, b"ab", b"c")
    with refused("LimitExceededException", "3 bytes"):
        send(ecr, repository, upload_id, 3, b"d")
    assert strict_ecr.control.uploads(repository) == {upload_id: 3}


def test_the_part_size_may_be_another(strict_ecr: StrictECR, ecr: ECRClient, repository: str) -> None:
    strict_ecr.control.rules(repository).part_size = 16
    assert ecr.initiate_layer_upload(repositoryName=repository)["partSize"] == 16


def test_an_upload_belongs_to_its_repository(strict_ecr: StrictECR, ecr: ECRClient, repository: str) -> None:
    other = f"{repository}-other"
    ecr.create_repository(repositoryName=other)
    upload_id = upload(ecr, repository, b"ab")
    with refused("UploadNotFoundException", upload_id, other):
        send(ecr, other, upload_id, 2, b"c")
    with refused("UploadNotFoundException", upload_id, other):
        complete(ecr, other, upload_id, digest_of(b"ab"))
    strict_ecr.control.forget_upload(other, upload_id)
    assert strict_ecr.control.uploads(repository) == {upload_id: 2}


def test_a_forgotten_upload(strict_ecr: StrictECR, ecr: ECRClient, repository: str) -> None:
    upload_id = upload(ecr, repository, b"ab")
    strict_ecr.control.forget_upload(repository, upload_id)
    assert strict_ecr.control.uploads(repository) == {}
    with refused("UploadNotFoundException", upload_id):
        send(ecr, repository, upload_id, 2, b"c")


# CompleteLayerUpload


def test_an_upload_without_parts(strict_ecr: StrictECR, ecr: ECRClient, repository: str) -> None:
    upload_id = upload(ecr, repository)
    with refused("EmptyUploadException", upload_id):
        complete(ecr, repository, upload_id, digest_of(b""))
    assert strict_ecr.control.layers(repository) == {}


def test_a_part_too_small_before_the_last(strict_ecr: StrictECR, ecr: ECRClient, repository: str) -> None:
    data = b"a" * (5 * MIB - 1)
    upload_id = upload(ecr, repository, data, b"b")
    with refused("LayerPartTooSmallException", "Part 1", "5242879 bytes", "5242880"):
        complete(ecr, repository, upload_id, digest_of(data + b"b"))
    assert strict_ecr.control.layers(repository) == {}


def test_the_smallest_part_may_be_another(strict_ecr: StrictECR, ecr: ECRClient, repository: str) -> None:
    strict_ecr.control.rules(repository).min_part_bytes = 2
    upload_id = upload(ecr, repository, b"ab", b"cd", b"e")
    assert complete(ecr, repository, upload_id, digest_of(b"abcde")) == digest_of(b"abcde")
    upload_id = upload(ecr, repository, b"ab", b"c", b"de")
    with refused("LayerPartTooSmallException", "Part 2"):
        complete(ecr, repository, upload_id, digest_of(b"abcde"))


def test_none_of_the_digests_is_that_of_the_bytes(strict_ecr: StrictECR, ecr: ECRClient, repository: str) -> None:
    upload_id = upload(ecr, repository, b"x")
    with refused("InvalidLayerException", digest_of(b"x")):
        complete(ecr, repository, upload_id, ABSENT, SHA512)
    assert strict_ecr.control.layers(repository) == {}
    # The upload is still there.
    assert complete(ecr, repository, upload_id, digest_of(b"x")) == digest_of(b"x")


def test_any_digest_that_matches_is_enough(ecr: ECRClient, repository: str) -> None:
    upload_id = upload(ecr, repository, b"x")
    assert complete(ecr, repository, upload_id, ABSENT, SHA512, digest_of(b"x")) == digest_of(b"x")


def test_digests_of_other_algorithms_are_not_compared(ecr: ECRClient, repository: str) -> None:
    upload_id = upload(ecr, repository, b"x")
    assert complete(ecr, repository, upload_id, "sha512:" + "0" * 128) == digest_of(b"x")


def test_a_layer_that_is_already_there(strict_ecr: StrictECR, ecr: ECRClient, repository: str) -> None:
    digest = push_layer(ecr, repository, b"x")
    upload_id = upload(ecr, repository, b"x")
    with refused("LayerAlreadyExistsException") as answer:
        complete(ecr, repository, upload_id, digest)
    assert digest not in str(answer)
    assert strict_ecr.control.uploads(repository) == {upload_id: 1}
    # The digests come first.
    with refused("InvalidLayerException"):
        complete(ecr, repository, upload_id, ABSENT)


def test_a_completed_upload_is_gone(ecr: ECRClient, repository: str) -> None:
    upload_id = upload(ecr, repository, b"x")
    complete(ecr, repository, upload_id, digest_of(b"x"))
    with refused("UploadNotFoundException", upload_id):
        complete(ecr, repository, upload_id, digest_of(b"x"))


# GetDownloadUrlForLayer


def test_a_layer_has_a_url_once_an_image_refers_to_it(ecr: ECRClient, repository: str) -> None:
    with refused("LayersNotFoundException", ABSENT):
        ecr.get_download_url_for_layer(repositoryName=repository, layerDigest=ABSENT)
    manifest, layer = pushed_blobs(ecr, repository), digest_of(b"layer ")
    unreferenced = push_layer(ecr, repository, b"x")
    with refused("LayerInaccessibleException", layer):
        ecr.get_download_url_for_layer(repositoryName=repository, layerDigest=layer)
    put(ecr, repository, manifest)
    answer = ecr.get_download_url_for_layer(repositoryName=repository, layerDigest=layer)
    assert answer["layerDigest"] == layer
    assert answer["downloadUrl"].startswith("http://127.0.0.1:")
    with refused("LayerInaccessibleException", unreferenced):
        ecr.get_download_url_for_layer(repositoryName=repository, layerDigest=unreferenced)
