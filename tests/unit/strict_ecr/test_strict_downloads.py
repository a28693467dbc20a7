# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Downloads of layers, as S3 serves them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import boto3
import pytest
import urllib3
from ansible_collections.layerkit.ecr.tests.strict_ecr import Fault, StrictECR
from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import DOWNLOAD
from ansible_collections.layerkit.ecr.tests.strict_ecr.fixtures import REGION, ecr_client
from ansible_collections.layerkit.ecr.tests.unit.support.pushing import (
    complete,
    digest_of,
    image_manifest,
    push_layer,
    put,
    refused,
    upload,
)
from urllib3.exceptions import HTTPError, ProtocolError

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

DATA = bytes(range(256)) * 1000


@pytest.fixture(autouse=True)
def no_fault_is_left(strict_ecr: StrictECR) -> Iterator[None]:
    yield
    pending = strict_ecr.control.faults.pending()
    strict_ecr.control.faults.clear()
    assert pending == []


@pytest.fixture
def layer(ecr: ECRClient, repository: str) -> str:
    """The digest of a layer with DATA, sent in two parts, to which an image refers."""
    digest = complete(ecr, repository, upload(ecr, repository, DATA * 30, DATA), digest_of(DATA * 31))
    put(ecr, repository, image_manifest(push_layer(ecr, repository, b"{}"), digest))
    return digest


def url_of(ecr: ECRClient, repository: str, digest: str) -> str:
    answer = ecr.get_download_url_for_layer(repositoryName=repository, layerDigest=digest)
    assert answer["layerDigest"] == digest
    return answer["downloadUrl"]


def get(url: str, headers: dict[str, str] | None = None, **options: Any) -> urllib3.BaseHTTPResponse:
    return urllib3.request("GET", url, headers=headers, retries=False, **options)


@pytest.fixture
def url(ecr: ECRClient, repository: str, layer: str) -> str:
    return url_of(ecr, repository, layer)


def test_a_layer_comes_as_it_was_sent(strict_ecr: StrictECR, repository: str, url: str) -> None:
    assert url.startswith(f"{strict_ecr.url}/")
    answer = get(url)
    assert (answer.status, answer.data) == (200, DATA * 31)
    assert strict_ecr.control.calls.bytes_served(repository) == len(DATA) * 31
    assert strict_ecr.control.calls.counts(repository)[DOWNLOAD] == 1


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("0-0", 0, 0), ("100-299", 100, 299), ("7935990-", 7_935_990, 7_935_999), ("-10", 7_935_990, 7_935_999),
     ("7935990-9999999", 7_935_990, 7_935_999)],
)  # fmt: skip
def test_a_range_comes_with_its_position(url: str, asked: str, first: int, last: int) -> None:
    answer = get(url, {"Range": f"bytes={asked}"})
    assert (answer.status, answer.headers["Content-Range"]) == (206, f"bytes {first}-{last}/7936000")
    assert answer.data == (DATA * 31)[first : last + 1]


def test_a_range_past_the_end_is_refused(url: str) -> None:
    answer = get(url, {"Range": "bytes=7936000-"})
    assert (answer.status, answer.headers["Content-Range"]) == (416, "bytes */7936000")
    assert b"<Code>InvalidRange</Code>" in answer.data


def test_a_second_kind_of_authentication_is_refused(url: str) -> None:
    assert get(url, {"Authorization": "AWS4-HMAC-SHA256 Credential=x"}).status == 400


def test_a_wrong_signature_is_refused(ecr: ECRClient, repository: str, url: str) -> None:
    other = push_layer(ecr, repository, b"other")
    put(ecr, repository, image_manifest(other, other))
    for wrong in (
        f"{url}0",
        url.partition("?")[0],
        url_of(ecr, repository, other).replace(other, digest_of(DATA * 31)),
    ):
        answer = get(wrong)
        assert (answer.status, b"<Code>SignatureDoesNotMatch</Code>" in answer.data) == (403, True)
    assert urllib3.request("HEAD", url, retries=False).status == 403


def test_a_url_expires(strict_ecr: StrictECR, ecr: ECRClient, repository: str, url: str) -> None:
    strict_ecr.control.expire_urls(repository)
    answer = get(url)
    assert (answer.status, b"Request has expired" in answer.data) == (403, True)
    strict_ecr.control.rules(repository).url_lifetime = 0.05
    short_lived = url_of(ecr, repository, digest_of(DATA * 31))
    time.sleep(0.1)
    assert get(short_lived).status == 403


def test_urls_expire_over_the_control_api(strict_ecr: StrictECR, repository: str, url: str) -> None:
    path = f"{strict_ecr.url}/strict-ecr/urls?repository={quote(repository, safe='')}"
    assert urllib3.request("DELETE", path, retries=False).status == 200
    assert get(url).status == 403


@pytest.mark.parametrize(
    ("kind", "status", "words"),
    [
        ("slow_down", 503, b"<Code>SlowDown</Code>"),
        ("expire_url", 403, b"Request has expired"),
        ("html", 200, b"<html>"),
        ("bare_503", 503, b"<html>"),
    ],
)
def test_another_answer_comes_in_place_of_the_layer(
    strict_ecr: StrictECR, repository: str, url: str, kind: Any, status: int, words: bytes
) -> None:
    strict_ecr.control.faults.add(Fault(kind, DOWNLOAD, repository))
    answer = get(url)
    assert (answer.status, words in answer.data) == (status, True)
    assert get(url).data == DATA * 31


def test_a_body_is_cut(strict_ecr: StrictECR, repository: str, url: str) -> None:
    strict_ecr.control.faults.add(Fault("cut_body", DOWNLOAD, repository))
    with pytest.raises(ProtocolError, match="50000 bytes read, 50000 more expected"):
        get(url, {"Range": "bytes=0-99999"})


def test_a_connection_is_dropped(strict_ecr: StrictECR, repository: str, url: str) -> None:
    strict_ecr.control.faults.add(Fault("drop_before", DOWNLOAD, repository))
    with pytest.raises(HTTPError):
        get(url)


def test_a_body_stalls_in_the_middle(strict_ecr: StrictECR, repository: str, url: str) -> None:
    strict_ecr.control.faults.add(Fault("stall", DOWNLOAD, repository, seconds=0.3))
    before = time.monotonic()
    assert get(url).data == DATA * 31
    assert time.monotonic() - before >= 0.3


def test_other_bytes_come(strict_ecr: StrictECR, repository: str, url: str) -> None:
    strict_ecr.control.faults.add(Fault("wrong_bytes", DOWNLOAD, repository))
    answer = get(url, {"Range": "bytes=0-9"})
    assert (answer.status, answer.data) == (206, bytes(255 - number for number in range(10)))


def test_a_range_is_ignored(strict_ecr: StrictECR, repository: str, url: str) -> None:
    strict_ecr.control.faults.add(Fault("ignore_range", DOWNLOAD, repository))
    answer = get(url, {"Range": "bytes=5-9"})
    assert (answer.status, answer.data) == (200, DATA * 31)


def test_an_upstream_registry_fails(strict_ecr: StrictECR, ecr: ECRClient, repository: str, layer: str) -> None:
    strict_ecr.control.faults.add(Fault("upstream", "GetDownloadUrlForLayer", repository))
    with refused("UnableToGetUpstreamLayerException"):
        url_of(ecr, repository, layer)


@pytest.mark.parametrize(
    ("document", "rule"),
    [
        ({"kind": "cut_body", "operation": "UploadLayerPart"}, "cut_body strikes DownloadLayer alone"),
        ({"kind": "throttle", "operation": DOWNLOAD}, "throttle cannot strike a download"),
        ({"kind": "stall", "operation": DOWNLOAD}, "given for a delay or a stall"),
    ],
)
def test_a_fault_that_could_never_strike_is_refused(document: object, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        Fault.from_json(document)


def test_repositories_of_another_account_are_found_by_its_number(strict_ecr: StrictECR, repository: str) -> None:
    sts = boto3.client(
        "sts",
        endpoint_url=strict_ecr.url,
        region_name=REGION,
        aws_access_key_id="strict-ecr-key-id",
        aws_secret_access_key="strict-ecr-secret-key",
    )
    role = sts.assume_role(RoleArn="arn:aws:iam::210987654321:role/push", RoleSessionName="tests")["Credentials"]
    there = boto3.client(
        "ecr",
        endpoint_url=strict_ecr.url,
        region_name=REGION,
        aws_access_key_id=role["AccessKeyId"],
        aws_secret_access_key=role["SecretAccessKey"],
        aws_session_token=role["SessionToken"],
    )
    there.create_repository(repositoryName=f"{repository}-there")
    digest = push_layer(there, f"{repository}-there", b"x")
    here = ecr_client(strict_ecr.url)
    with refused("RepositoryNotFoundException"):
        here.initiate_layer_upload(repositoryName=f"{repository}-there")
    put(there, f"{repository}-there", image_manifest(digest, digest))
    answer = here.get_download_url_for_layer(
        registryId="210987654321", repositoryName=f"{repository}-there", layerDigest=digest
    )
    assert get(answer["downloadUrl"]).data == b"x"
