# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which answers are lost, when they are asked for again, and what a message says of them."""

from __future__ import annotations

import contextlib
import email.utils
import json
import socket
import threading
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core import task
from ansible_collections.layerkit.ecr.plugins.module_utils._core.blob import FileBlob
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import ContentChangedError, TaskStoppedError
from ansible_collections.layerkit.ecr.plugins.module_utils._core.task import Task
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr import part_body
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.answers import UnreadableAnswerError, answered
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.call import Repository
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.client import EcrClient
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.errors import CallError, ForeignAnswerError
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.layers import Layers
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.part_body import BlobPart, stream_parts
from ansible_collections.layerkit.ecr.plugins.modules import ecr_initiate_layer_upload as module
from ansible_collections.layerkit.ecr.tests.strict_ecr.fixtures import ecr_client
from ansible_collections.layerkit.ecr.tests.unit.support.meddling_proxy import (
    Meddling,
    MeddlingProxy,
    as_json,
    http_answer,
)
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import ModuleFailedError, run_module
from botocore.exceptions import HTTPClientError
from urllib3.exceptions import LocationParseError

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR

OPERATION = "InitiateLayerUpload"
SIGN_IN = b"<html>Sign in \xe4</html>"
SECRET = "pr0xy-passw0rd"

pytestmark = pytest.mark.usefixtures("delays")


@pytest.fixture
def proxy(strict_ecr: StrictECR) -> t.Iterator[MeddlingProxy]:
    with MeddlingProxy(strict_ecr.url).running() as proxy:
        yield proxy


def meddle(proxy: MeddlingProxy, content: bytes, times: int = 1, operation: str = OPERATION) -> None:
    proxy.meddle(Meddling(operation, lambda _true: content, False, b""), times)


@pytest.fixture
def layers(proxy: MeddlingProxy, repository: str) -> Layers:
    client = ecr_client(proxy.url)
    stream_parts(client.meta.events)
    return Layers(EcrClient(client, Repository(repository), Task(pytest.fail)))


class TestRetryAfter:
    @pytest.mark.parametrize("status", [408, 429, 500, 503])
    def test_seconds_are_waited(self, layers: Layers, proxy: MeddlingProxy, delays: list[float], status: int) -> None:
        meddle(proxy, http_answer(status, b"later", "text/plain", Retry_After="7"))
        layers.initiate()
        assert 6.5 <= sum(delays[1:]) <= 7
        assert max(delays) <= 1, "the task is checked every second"

    def test_date_is_waited_for(self, layers: Layers, proxy: MeddlingProxy, delays: list[float]) -> None:
        later = email.utils.formatdate(time.time() + 30, usegmt=True)
        meddle(proxy, http_answer(503, b"later", "text/plain", Retry_After=later))
        layers.initiate()
        assert 27 <= sum(delays[1:]) <= 30

    @pytest.mark.parametrize("value", ["3600", "999999999", "9" * 10, "9" * 400, "Fri, 31 Dec 2999 23:59:59 GMT"])
    def test_wait_is_bounded(self, layers: Layers, proxy: MeddlingProxy, delays: list[float], value: str) -> None:
        meddle(proxy, http_answer(429, b"later", "text/plain", Retry_After=value))
        layers.initiate()
        assert 59 <= sum(delays[1:]) <= 60

    @pytest.mark.parametrize("value", ["-5", "soon", "1e3", "Thu, 01 Jan 1970 00:00:00 GMT", "\xb2", ""])
    def test_what_cannot_be_read_is_ignored(
        self, layers: Layers, proxy: MeddlingProxy, delays: list[float], value: str
    ) -> None:
        meddle(proxy, http_answer(503, b"later", "text/plain", Retry_After=value))
        layers.initiate()
        assert len(delays) == 1
        assert delays[0] <= 0.5

    def test_error_of_python_39_for_what_is_no_time_is_ignored(
        self, layers: Layers, proxy: MeddlingProxy, delays: list[float], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def read(value: str) -> t.NoReturn:
            # "Jan 1970 , Jan" ends so there.
            raise IndexError(value)

        monkeypatch.setattr(email.utils, "parsedate_to_datetime", read)
        meddle(proxy, http_answer(503, b"later", "text/plain", Retry_After="Jan 1970 , Jan"))
        layers.initiate()
        assert len(delays) == 1

    def test_answer_of_aws_is_obeyed_as_well(self, layers: Layers, proxy: MeddlingProxy, delays: list[float]) -> None:
        throttled = as_json({"__type": "ThrottlingException", "message": "Rate exceeded"})
        meddle(proxy, http_answer(400, throttled, Retry_After="7"))
        layers.initiate()
        assert 6.5 <= sum(delays[1:]) <= 7

    def test_wait_ends_when_the_task_stops(
        self, layers: Layers, proxy: MeddlingProxy, delays: list[float], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        meddle(proxy, http_answer(503, b"later", "text/plain", Retry_After="60"))
        monkeypatch.setattr(task, "is_waited_for", lambda: len(delays) < 4)
        with pytest.raises(TaskStoppedError):
            layers.initiate()
        assert len(delays) == 4


class TestWhatIsLost:
    @pytest.mark.parametrize("status", [200, 400, 408, 500, 503])
    def test_outcome_is_unknown(self, layers: Layers, proxy: MeddlingProxy, status: int) -> None:
        meddle(proxy, http_answer(status, SIGN_IN, "text/html"), times=7)
        with pytest.raises(ForeignAnswerError) as failed:
            layers.initiate()
        assert failed.value.may_have_been_applied
        assert failed.value.attempts == 7

    @pytest.mark.parametrize(("status", "attempts"), [(407, 1), (413, 1), (429, 7)])
    def test_what_a_proxy_did_not_forward_was_not_applied(
        self, layers: Layers, proxy: MeddlingProxy, status: int, attempts: int
    ) -> None:
        meddle(proxy, http_answer(status, SIGN_IN, "text/html"), times=7)
        with pytest.raises(ForeignAnswerError) as failed:
            layers.initiate()
        assert not failed.value.may_have_been_applied
        assert failed.value.attempts == attempts

    def test_status_408_is_retried_whatever_its_code(self, layers: Layers, proxy: MeddlingProxy) -> None:
        late = as_json({"__type": "Timeout", "message": "late"})
        meddle(proxy, http_answer(408, late))
        assert layers.initiate().upload_id
        meddle(proxy, http_answer(408, late), times=7)
        with pytest.raises(CallError) as failed:
            layers.initiate()
        assert failed.value.may_have_been_applied

    def test_unknown_members_and_null_are_accepted(self, layers: Layers, proxy: MeddlingProxy) -> None:
        upload_id = "5e9ba2c1-1a3d-4b36-8c2e-5a4d5c1bb9d7"
        meddle(proxy, http_answer(200, as_json({"uploadId": upload_id, "partSize": 10485760, "new": [None, 1.5]})))
        assert layers.initiate().upload_id == upload_id

    def test_error_with_a_namespace_is_one_of_aws(self, layers: Layers, proxy: MeddlingProxy) -> None:
        error = {"__type": "com.amazonaws.ecr#RepositoryNotFoundException", "Message": "no such repository"}
        meddle(proxy, http_answer(400, as_json(error)))
        with pytest.raises(CallError) as failed:
            layers.initiate()
        assert failed.value.code == "RepositoryNotFoundException"

    def test_botocore_without_an_event_before_it_parses(self, layers: Layers, proxy: MeddlingProxy) -> None:
        events = layers._client.events
        events.unregister("before-parse.ecr", unique_id="layerkit.ecr.answers.before-parse.ecr")
        for content in (
            http_answer(502, SIGN_IN, "text/html"),
            http_answer(200, b"[]"),
            http_answer(200, b'{"uploadId": 5}'),
        ):
            meddle(proxy, content)
            assert layers.initiate().upload_id
            assert proxy.replaced == 1


class TestOwnFailures:
    def test_bug_of_a_handler_is_not_hidden(self, layers: Layers) -> None:
        def handler(**_event: t.Any) -> None:
            raise TypeError("a bug")

        layers._client.events.register("before-call.ecr.InitiateLayerUpload", handler)
        with pytest.raises(TypeError, match="a bug"):
            layers.initiate()

    def test_source_that_changes_while_it_is_sent_is_not_a_lost_answer(
        self, layers: Layers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def changed(*_arguments: t.Any) -> bytes:
            raise ContentChangedError("changed")

        # Nothing is kept after it was hashed, so the part is read again while it is sent.
        monkeypatch.setattr(part_body, "MAX_BLOCKS", 0)
        (tmp_path / "layer").write_bytes(b"layer")
        upload = layers.initiate()
        monkeypatch.setattr(BlobPart, "read_into", changed)
        with FileBlob.open(str(tmp_path / "layer"), "layer") as blob, pytest.raises(ContentChangedError):
            layers.upload_part(upload.upload_id, 0, 4, BlobPart(blob, 0, 4))


@pytest.fixture
def no_exemption(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy", "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)


class TestMessage:
    def run(self, connection: dict[str, t.Any], endpoint: str) -> ModuleFailedError:
        with pytest.raises(ModuleFailedError) as failed:
            run_module(module, connection={**connection, "endpoint_url": endpoint}, repository_name="app")
        assert SECRET not in json.dumps(failed.value.result)
        return failed.value

    def test_says_what_came_and_from_where(self, proxy: MeddlingProxy, connection: dict[str, t.Any]) -> None:
        meddle(proxy, http_answer(200, SIGN_IN + b"\x1b[31m" * 10000, "text/html"), times=7)
        failed = self.run(connection, proxy.url)
        assert f"This was not Amazon ECR's answer. It came from {proxy.url}, without a proxy." in failed.msg
        assert "HTTP status 200, content type text/html, the body is not JSON, and it begins with '<html>" in failed.msg
        assert failed.msg.isprintable()
        assert len(failed.msg) < 1200
        assert failed.result["error"]["code"] == "UnreadableAnswer"

    @pytest.mark.usefixtures("no_exemption")
    @pytest.mark.parametrize(("status", "words"), [(403, "proxy or a gateway refused"), (407, "user and password")])
    def test_names_the_proxy_without_its_password(
        self,
        proxy: MeddlingProxy,
        connection: dict[str, t.Any],
        monkeypatch: pytest.MonkeyPatch,
        status: int,
        words: str,
    ) -> None:
        address = proxy.url.partition("//")[2]
        monkeypatch.setenv("HTTP_PROXY", f"http://someone:{SECRET}@{address}")
        meddle(proxy, http_answer(status, SIGN_IN, "text/html"))
        failed = self.run(connection, "http://registry.test")
        assert f"It came from http://registry.test, through the proxy http://***:***@{address}." in failed.msg
        assert words in failed.msg
        assert failed.result["error"]["code"] == str(status)
        assert failed.result["attempts"] == 1

    @pytest.mark.usefixtures("no_exemption")
    def test_proxy_that_refuses_the_tunnel(self, connection: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch) -> None:
        with refusing_proxy() as address:
            monkeypatch.setenv("HTTPS_PROXY", f"someone:{SECRET}@{address}")
            failed = self.run(connection, "https://registry.test")
        assert f"through the proxy http://***:***@{address}." in failed.msg
        assert "user and password" in failed.msg
        assert failed.result["error"]["code"] == "407"
        assert failed.result["attempts"] == 1


@contextlib.contextmanager
def refusing_proxy() -> t.Iterator[str]:
    """Listen on 127.0.0.1 as a proxy that wants authentication."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _address = listener.accept()
                    with client:
                        client.recv(65536)
                        client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=refuse)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


class TestFlaws:
    TRUE = b'{"uploadId": "11111111-2222-3333-4444-555555555555", "partSize": 10485760}'

    @pytest.mark.parametrize(
        ("answer", "flaw"),
        [
            (http_answer(302, TRUE), "HTTP status 302.*it leads elsewhere"),
            (http_answer(200, TRUE.replace(b"10485760", b"NaN")), "the body is not JSON"),
            (http_answer(200, TRUE.replace(b"10485760", str(2**63).encode())), "partSize is not a whole number"),
            (http_answer(200, TRUE[:-1] + b" " * 9, Content_Length="99"), "only [0-9]+ of 99 bytes arrived"),
        ],
    )
    def test_is_named(self, layers: Layers, proxy: MeddlingProxy, answer: bytes, flaw: str) -> None:
        meddle(proxy, answer, times=7)
        with pytest.raises(ForeignAnswerError, match=flaw):
            layers.initiate()

    def test_beginning_of_a_body_with_a_url_is_not_shown(self, layers: Layers, proxy: MeddlingProxy) -> None:
        meddle(proxy, http_answer(200, b"<html>downloadUrl https://bucket?canary"), times=7)
        with pytest.raises(ForeignAnswerError, match="the body is not JSON") as failed:
            layers.initiate()
        assert "canary" not in str(failed.value)

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_redirection_names_the_host_it_leads_to_and_no_more(
        self, layers: Layers, proxy: MeddlingProxy, status: int
    ) -> None:
        portal = http_answer(status, SIGN_IN, "text/html", Location="http://canary@portal.test:81/sign-in?canary")
        meddle(proxy, portal)
        flaw = rf"status {status}.*it leads to http://portal\.test:81,"
        with pytest.raises(ForeignAnswerError, match=flaw) as failed:
            layers.initiate()
        assert "canary" not in str(failed.value)
        assert failed.value.attempts == 1

    @pytest.mark.parametrize("location", ["/sign-in", "", "portal.test"])
    def test_redirection_that_names_no_host_leads_elsewhere(
        self, layers: Layers, proxy: MeddlingProxy, location: str
    ) -> None:
        meddle(proxy, http_answer(303, SIGN_IN, "text/html", Location=location))
        with pytest.raises(ForeignAnswerError, match=r"status 303.*it leads elsewhere,"):
            layers.initiate()

    def test_redirection_to_what_is_no_url_is_not_quoted(self) -> None:
        def send() -> t.NoReturn:
            # urllib3 reads the URL, although it is not to follow it.
            raise HTTPClientError(error=LocationParseError("http://portal.test:99999/?canary"))

        # The complete text, which so quotes nothing.
        with pytest.raises(UnreadableAnswerError, match=r"^it leads to what is not a URL$"):
            answered(OPERATION, send, dict)
