# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The URLs of layers, and how they are called: with the options of the client."""

from __future__ import annotations

import typing as t

import boto3
import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.task import Task
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr import object_store
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.answers import UnreadableAnswerError
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.call import Repository
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.client import EcrClient
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.download_url import DownloadUrl
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.object_store import ObjectStore
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError
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
    ],
)
def test_what_is_no_url_of_the_layer_is_refused(answer: dict[str, t.Any], flaw: str) -> None:
    with pytest.raises(UnreadableAnswerError, match=flaw) as refused:
        DownloadUrl.from_response(answer, DIGEST, REGISTRY)
    assert "canary" not in str(refused.value)


def test_a_url_without_tls_is_accepted_from_an_endpoint_without_tls() -> None:
    answer = {"downloadUrl": "http://127.0.0.1:4566/layer", "layerDigest": DIGEST}
    assert DownloadUrl.from_response(answer, DIGEST, "http://127.0.0.1:4566").origin == "http://127.0.0.1:4566"
