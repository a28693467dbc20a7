# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The URLs of layers, and how they are called: with the options of the client."""

from __future__ import annotations

import io
import typing as t
from types import SimpleNamespace

import boto3
import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.task import Task
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr import object_store
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.answers import UnreadableAnswerError
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.call import Repository
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.client import EcrClient
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.download_url import DownloadUrl
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.object_store import ObjectStore
from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError, ProxyConnectionError
from botocore.httpsession import URLLib3Session

BUCKET = "https://prod-eu-west-1-starport-layer-bucket.s3.eu-west-1.amazonaws.com"
REGISTRY = "https://api.ecr.eu-west-1.amazonaws.com"
DIGEST = "sha256:" + "1" * 64


class RecordingSession(URLLib3Session):
    """Records its options, and fails before it connects."""

    made: t.ClassVar[list[dict[str, t.Any]]] = []
    sent: t.ClassVar[list[t.Any]] = []

    def __init__(self, **options: t.Any) -> None:
        self.made.append(options)
        super().__init__(**options)

    def send(self, request: t.Any) -> t.Any:
        self.sent.append(request)
        raise EndpointConnectionError(endpoint_url=request.url)


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> type[RecordingSession]:
    monkeypatch.setattr(object_store, "URLLib3Session", RecordingSession)
    RecordingSession.made.clear()
    RecordingSession.sent.clear()
    return RecordingSession


def read(verify: str | bool = True, **config: t.Any) -> None:
    client = boto3.client(
        "ecr",
        region_name="eu-west-1",
        aws_access_key_id="AKIAUNITTESTS",
        aws_secret_access_key="not-a-secret",
        config=Config(**config),
    )
    warnings: list[str] = []
    connected = EcrClient(client, Repository("app"), Task(warnings.append), verify=verify)
    store = ObjectStore(connected, 4)
    for _turn in range(2):
        with pytest.raises(EndpointConnectionError):
            list(store.read(DownloadUrl(f"{BUCKET}/layer?X-Amz-Signature=canary"), 0, 9, 10))


def test_options_of_the_client_hold_for_downloads(session: type[RecordingSession]) -> None:
    read("/etc/bundle.pem", read_timeout=7, connect_timeout=3, proxies={"https": "http://proxy:3128"})
    (options,) = session.made
    assert (options["verify"], options["timeout"]) == ("/etc/bundle.pem", (3, 7))
    assert options["proxies"] == {"https": "http://proxy:3128"}


def test_the_environment_decides_on_the_proxy_of_s3_alone(
    session: type[RecordingSession], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("https_proxy", "no_proxy"):
        # Where both spellings are set, this one counts.
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", "api.ecr.eu-west-1.amazonaws.com")
    read()
    monkeypatch.setenv("NO_PROXY", ".s3.eu-west-1.amazonaws.com")
    read()
    assert [options["proxies"].get("https") for options in session.made] == ["http://proxy:3128", None]


def test_the_password_of_a_proxy_is_in_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def send(_request: t.Any) -> t.NoReturn:
        # What botocore makes of a scheme that it does not know.
        raise ProxyConnectionError(proxy_url="http://socks5://user:canary@proxy:1080")

    session = SimpleNamespace(send=send)
    with pytest.raises(ProxyConnectionError, match=r"socks5://\*\*\*:\*\*\*@proxy:1080") as failed:
        received_by(monkeypatch, session, 0, 9, 10)
    assert "canary" not in str(failed.value)


def test_a_request_has_its_range_and_no_second_authentication(session: type[RecordingSession]) -> None:
    read(verify=False)
    request = session.sent[0]
    assert request.method == "GET"
    assert request.headers["Range"] == "bytes=0-9"
    assert request.headers["Accept-Encoding"] == "identity"
    assert "Authorization" not in request.headers
    assert request.stream_output is True
    assert session.made[0]["verify"] is False


@pytest.mark.parametrize(
    ("answer", "flaw"),
    [
        ({}, "downloadUrl is missing"),
        ({"downloadUrl": f"{BUCKET}/layer", "layerDigest": "sha256:2"}, "layerDigest is sha256:2"),
        ({"downloadUrl": "http://bucket/layer?canary"}, "downloadUrl is not a URL with https"),
        ({"downloadUrl": "file:///etc/passwd"}, "downloadUrl is not a URL with https"),
        ({"downloadUrl": "https://"}, "downloadUrl is not a URL with https"),
        ({"downloadUrl": "https://[canary/layer"}, "downloadUrl is not a URL with https"),
        ({"downloadUrl": f"{BUCKET}/layer\r\nX: canary"}, "downloadUrl is not a URL with https"),
        ({"downloadUrl": "https://bucket:99999/canary"}, "downloadUrl is not a URL with https"),
        ({"downloadUrl": "https://bucket:0/canary"}, "downloadUrl is not a URL with https"),
        ({"downloadUrl": "https://bucket:port/canary"}, "downloadUrl is not a URL with https"),
        ({"downloadUrl": "https://a bucket/canary"}, "downloadUrl is not a URL with https"),
        ({"downloadUrl": "https://.../canary"}, "downloadUrl is not a URL with https"),
        ({"downloadUrl": f"https://{64 * 'a'}.test/canary"}, "downloadUrl is not a URL with https"),
        ({"downloadUrl": "https://bucket/c\u00e4nary"}, "downloadUrl is not a URL with https"),
    ],
)
def test_what_is_no_url_of_the_layer_is_refused(answer: dict[str, t.Any], flaw: str) -> None:
    with pytest.raises(UnreadableAnswerError, match=flaw) as refused:
        DownloadUrl.from_response(answer, DIGEST, REGISTRY)
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("origin", [BUCKET, "https://10.0.0.7:8443", "https://[fd00::1]:8443", "https://Bucket.test."])
def test_hosts_of_all_kinds_are_accepted(origin: str) -> None:
    assert DownloadUrl.from_response({"downloadUrl": f"{origin}/layer?canary"}, DIGEST, REGISTRY).origin == origin


def test_a_url_without_tls_is_accepted_from_an_endpoint_without_tls() -> None:
    answer = {"downloadUrl": "http://127.0.0.1:4566/layer", "layerDigest": DIGEST}
    assert DownloadUrl.from_response(answer, DIGEST, "http://127.0.0.1:4566").origin == "http://127.0.0.1:4566"


def answer_of(status: int, body: bytes, **headers: str) -> AWSResponse:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    # The stubs know neither how its headers nor how its body are made.
    return AWSResponse(BUCKET, status, t.cast(t.Any, HeadersDict(names)), t.cast(t.Any, io.BytesIO(body)))


def received(monkeypatch: pytest.MonkeyPatch, answer: AWSResponse, first: int, last: int, size: int) -> bytes:
    """Return the bytes of a range of an object of ``size`` bytes to which this is the answer."""
    return received_by(monkeypatch, SimpleNamespace(send=lambda _request: answer), first, last, size)


def received_by(monkeypatch: pytest.MonkeyPatch, session: SimpleNamespace, first: int, last: int, size: int) -> bytes:
    """Return the bytes of a range that a session of botocore receives."""
    monkeypatch.setattr(object_store, "URLLib3Session", lambda **_options: session)
    config = SimpleNamespace(proxies={}, connect_timeout=1, read_timeout=1, client_cert=None, proxies_config=None)
    store = ObjectStore(t.cast(t.Any, SimpleNamespace(config=config, verify=True)), 1)
    return b"".join(store.read(DownloadUrl(f"{BUCKET}/layer?canary"), first, last, size))


@pytest.mark.parametrize(
    ("answer", "flaw"),
    [
        (
            answer_of(206, b"0123456789", Content_Range="bytes 0-9/100"),
            "it has bytes 0 to 9, and 10 to 19 were asked for",
        ),
        (answer_of(206, b"0123456789", Content_Range="bytes 10-19/99"), "is 99 bytes, and the manifest states 100"),
        (answer_of(206, b"0123456789", Content_Range="items 10-19/100"), "does not say which bytes it has"),
        (answer_of(206, b"0123456789"), "does not say which bytes it has"),
        (
            answer_of(206, b"0123456789", Content_Range="bytes 10-19/100", Content_Length="11"),
            "its length contradicts its range",
        ),
        (
            answer_of(206, b"0123456789", Content_Range="bytes 10-19/100", Content_Encoding="gzip"),
            "the body is compressed",
        ),
        (answer_of(206, b"012345678", Content_Range="bytes 10-19/100"), "only 9 of 10 bytes arrived"),
        (answer_of(200, bytes(100), Content_Length="100"), "it is not the range of bytes that was asked for"),
        (answer_of(503, b"<Code>SlowDown</Code>"), "the error of Amazon S3 is SlowDown"),
        (answer_of(403, b"canary"), "it is not an error of Amazon S3"),
        (answer_of(303, b"canary", Location="http://portal.test/?canary"), "it leads to http://portal.test$"),
    ],
)
def test_what_is_not_the_range_is_refused(monkeypatch: pytest.MonkeyPatch, answer: AWSResponse, flaw: str) -> None:
    with pytest.raises(UnreadableAnswerError, match=flaw) as refused:
        received(monkeypatch, answer, 10, 19, 100)
    assert "canary" not in str(refused.value)


def test_the_object_is_accepted_for_its_beginning_and_no_page_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert received(monkeypatch, answer_of(200, bytes(100), Content_Length="100"), 0, 9, 100) == bytes(10)
    for length in ({"Content_Length": "99"}, {}):
        with pytest.raises(UnreadableAnswerError, match="it is not the range"):
            received(monkeypatch, answer_of(200, bytes(99), **length), 0, 9, 100)


@pytest.mark.parametrize("size", ["100", "*"])
def test_the_range_is_accepted_without_the_size_of_the_object(monkeypatch: pytest.MonkeyPatch, size: str) -> None:
    answer = answer_of(206, b"0123456789", Content_Range=f"bytes 10-19/{size}", Content_Encoding="aws-chunked")
    assert received(monkeypatch, answer, 10, 19, 100) == b"0123456789"
