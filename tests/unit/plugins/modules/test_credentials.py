# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Credentials that cannot be had, or that AWS does not accept: the message names the cause and what to do."""

from __future__ import annotations

import contextlib
import datetime
import errno
import io
import json
import os
import socketserver
import sys
import threading
import typing as t
from email.utils import format_datetime
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.failure import message
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.answers import Arrived, UnreadableAnswerError
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.call import Call, Repository
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.errors import CallError, ForeignAnswerError
from ansible_collections.layerkit.ecr.plugins.modules import (
    ecr_image_info,
    ecr_initiate_layer_upload,
    ecr_layer,
    ecr_upload_layer_part,
)
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import digest_of
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import CREDENTIALS, ModuleFailedError, run_module
from ansible_collections.layerkit.ecr.tests.unit.support.stubbed_registry import StubbedRegistry
from botocore.exceptions import TokenRetrievalError, UnauthorizedSSOTokenError

MIB = 1024 * 1024
UPLOAD = "5e9ba2c1-1a3d-4b36-8c2e-5a4d5c1bb9d7"
REPOSITORY = {"repositoryName": "app"}


def failure_of(module: t.Any, **options: t.Any) -> ModuleFailedError:
    with pytest.raises(ModuleFailedError) as failed:
        run_module(module, repository_name="app", **options)
    return failed.value


def failure_with_profile(settings: str, unused_port: int, profile: str | None = "ci") -> ModuleFailedError:
    section = f"profile {profile}" if profile else "default"
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(f"[{section}]\n{settings}\n", encoding="utf-8")
    connection = {"region": "eu-west-1", "endpoint_url": f"http://127.0.0.1:{unused_port}"}
    return failure_of(ecr_initiate_layer_upload, connection={**connection, **({"profile": profile} if profile else {})})


class TestUnsendable:
    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    @pytest.mark.parametrize("option", ["session_token", "access_key"])
    def test_credentials_that_no_header_can_have_are_not_shown(self, unused_port: int, option: str, end: str) -> None:
        value = f"n0t-a-token-{option}-0nly-for-unit-tests"
        connection = {**CREDENTIALS, "endpoint_url": f"http://127.0.0.1:{unused_port}", option: value + end}
        failed = failure_of(ecr_initiate_layer_upload, connection=connection)
        assert "the access key or the session token has a line break, which no HTTP header can have" in failed.msg
        assert "outcome is unknown" not in failed.msg
        shown = {key: text for key, text in failed.result.items() if key != "invocation"}
        assert value not in json.dumps(shown)


class TestEndpoint:
    @pytest.mark.parametrize("url", ["http://127.0.0.1:99999", "http://127.0.0.1:0", "ftp://127.0.0.1"])
    def test_url_that_nothing_can_be_sent_to_is_no_matter_of_the_credentials(self, url: str) -> None:
        words = failure_of(ecr_initiate_layer_upload, connection={**CREDENTIALS, "endpoint_url": url}).msg
        assert "A connection option is not valid. Check endpoint_url and aws_config." in words


class TestRole:
    @pytest.mark.parametrize(
        "answer", [b"", b"SSH-2.0-OpenSSH_9.2p1\r\n", b"HTTP/1.1 200 OK\r\n\r\n<html>Sign in</html>"]
    )
    def test_answer_in_place_of_the_role_is_not_blamed_on_the_registry(
        self, unused_port: int, monkeypatch: pytest.MonkeyPatch, answer: bytes, delays: list[float]
    ) -> None:
        assert not delays
        keys = "aws_access_key_id = AKIAUNITTESTS\naws_secret_access_key = not-a-secret-0nly-for-unit-tests"
        role = f"role_arn = arn:aws:iam::123456789012:role/push\nsource_profile = ci\n{keys}"
        with answering(answer) as url:
            monkeypatch.setenv("AWS_ENDPOINT_URL_STS", url)
            words = failure_with_profile(role, unused_port).msg
        assert f"127.0.0.1:{unused_port}" not in words
        assert "not Amazon ECR's answer" not in words
        assert "The source of the credentials failed." in words
        assert "No answer arrived" not in words


@contextlib.contextmanager
def answering(answer: bytes) -> t.Iterator[str]:
    """Answer everything with these bytes."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            self.request.sendall(answer)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


class TestSource:
    @pytest.mark.parametrize(
        "printed",
        [
            "garbage",
            "",
            "[]",
            "null",
            '{"Version": 1}',
            '{"Version": 2}',
            '{"Version": 1, "AccessKeyId": null, "SecretAccessKey": 5}',
            '{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "b", "Expiration": "soon"}',
            "[" * 100_000,
        ],
        ids=["text", "nothing", "list", "null", "no keys", "another version", "no text", "no date", "deep"],
    )
    def test_garbage_of_a_credential_process(self, unused_port: int, tmp_path: Path, printed: str) -> None:
        (tmp_path / "printed").write_text(printed, encoding="utf-8")
        error = failure_with_profile(f"credential_process = cat {tmp_path}/printed", unused_port)
        assert "The source of the credentials failed" in error.msg
        assert "credential_process" in error.msg
        assert error.result["error"]["code"] == "CredentialRetrievalError"

    @pytest.mark.parametrize("command", ["/no/such/program", "false", "head -c 9 /dev/urandom", "kill 0"])
    def test_credential_process_that_fails(self, unused_port: int, tmp_path: Path, command: str) -> None:
        program = tmp_path / "program"
        program.write_text(f"#!/bin/sh\n{command.replace('kill 0', 'kill $$')}\n", encoding="utf-8")
        program.chmod(0o700)
        process = command if command.startswith("/no") else str(program)
        error = failure_with_profile(f"credential_process = {process}", unused_port)
        assert "The source of the credentials failed" in error.msg

    @pytest.mark.filterwarnings("ignore::getpass.GetPassWarning")
    def test_profile_that_needs_a_code(self, unused_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
        opened = os.open

        def without_terminal(name: t.Any, *arguments: t.Any, **options: t.Any) -> int:
            if name == "/dev/tty":
                raise OSError(errno.ENXIO, "No such device or address")
            return opened(name, *arguments, **options)

        monkeypatch.setattr(os, "open", without_terminal)
        monkeypatch.setattr(sys, "stdin", io.StringIO())
        keys = "aws_access_key_id = AKIAUNITTESTS\naws_secret_access_key = n0t-a-secret-at-all"
        role = "role_arn = arn:aws:iam::123456789012:role/push\nmfa_serial = arn:aws:iam::123456789012:mfa/me"
        settings = f"{role}\nsource_profile = base\n[profile base]\n{keys}"
        error = failure_with_profile(settings, unused_port)
        assert "a code for multi-factor authentication is needed, which a task cannot enter" in error.msg
        assert "aws sts get-session-token" in error.msg

    @pytest.mark.parametrize(
        "settings",
        [
            "sso_start_url = https://example.awsapps.com/start\nsso_region = eu-west-1",
            "sso_session = s\n[sso-session s]\nsso_start_url = https://example.awsapps.com\nsso_region = eu-west-1",
        ],
        ids=["profile", "session"],
    )
    @pytest.mark.parametrize(
        ("profile", "command"), [("ci", "aws sso login --profile ci. "), (None, "aws sso login. ")]
    )
    def test_sso_without_a_session(self, unused_port: int, settings: str, profile: str | None, command: str) -> None:
        account = "sso_account_id = 123456789012\nsso_role_name = push"
        assert f": {command}" in failure_with_profile(f"{account}\n{settings}", unused_port, profile).msg

    @pytest.mark.parametrize(
        "error", [UnauthorizedSSOTokenError(), TokenRetrievalError(provider="sso", error_msg="Token has expired")]
    )
    @pytest.mark.parametrize(("profile", "quoted"), [("ci", "ci"), ("my team; $(id)", "'my team; $(id)'")])
    def test_sso_with_an_old_session(self, error: Exception, profile: str, quoted: str) -> None:
        call = Call("InitiateLayerUpload", Repository("app"), profile=profile)
        assert message(CallError(call, error)).endswith(f": aws sso login --profile {quoted}.")


def hours_from_now(hours: float) -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=hours)


class TestClock:
    @pytest.mark.parametrize("code", ["RequestTimeTooSkewed", "InvalidSignatureException", "SignatureDoesNotMatch"])
    @pytest.mark.parametrize("hours", [-3, 3])
    def test_both_times_are_named(self, registry: StubbedRegistry, code: str, hours: int) -> None:
        there = hours_from_now(hours)
        registry.stubber.add_client_error(
            "initiate_layer_upload",
            code,
            "The signature is not accepted",
            expected_params=REPOSITORY,
            response_meta={"HTTPHeaders": {"date": format_datetime(there, usegmt=False)}},
        )
        words = failure_of(ecr_initiate_layer_upload).msg
        assert "The clock of the host that runs the module is wrong" in words
        assert f"The clock of the host shows {hours_from_now(0):%Y-%m-%dT%H:}" in words
        assert f"that of AWS {there:%Y-%m-%dT%H:%M:%SZ}" in words

    def test_time_in_the_words_of_aws(self, registry: StubbedRegistry) -> None:
        words = "Signature expired: 20260101T000000Z is now earlier than 20260101T005500Z (20260101T010000Z - 5 min.)"
        registry.stubber.add_client_error(
            "initiate_layer_upload",
            "InvalidSignatureException",
            words,
            expected_params=REPOSITORY,
            response_meta={"HTTPHeaders": {"date": format_datetime(hours_from_now(0))}},
        )
        message = failure_of(ecr_initiate_layer_upload).msg
        assert "The clock of the host that runs the module is wrong" in message
        assert "that of AWS 2026-01-01T01:00:00Z" in message

    @pytest.mark.parametrize("date", [None, "yesterday", "Mon, 99 Foo 2026 00:00:00 GMT"])
    @pytest.mark.parametrize(
        ("code", "words", "is_wrong"),
        [
            ("InvalidSignatureException", "Signature expired: 1 is now earlier than 2", True),
            ("InvalidSignatureException", "Signature not yet current: 2 is still later than 1", True),
            ("InvalidSignatureException", "The request signature we calculated does not match", False),
            ("RequestTimeTooSkewed", "The difference between the times is too large", True),
            ("RequestExpired", "The request has expired", True),
        ],
    )
    def test_time_of_aws_is_not_known(
        self, registry: StubbedRegistry, date: str | None, code: str, words: str, is_wrong: bool
    ) -> None:
        registry.stubber.add_client_error(
            "initiate_layer_upload",
            code,
            words,
            expected_params=REPOSITORY,
            response_meta={"HTTPHeaders": {"date": date} if date else {}},
        )
        message = failure_of(ecr_initiate_layer_upload).msg
        assert ("is wrong. The clock of the host shows 20" in message) == is_wrong
        assert ("Check access_key" in message) != is_wrong

    def test_wrong_key_is_no_matter_of_the_clock(self, registry: StubbedRegistry) -> None:
        registry.stubber.add_client_error(
            "initiate_layer_upload",
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided",
            expected_params=REPOSITORY,
            response_meta={"HTTPHeaders": {"date": format_datetime(hours_from_now(0.05))}},
        )
        message = failure_of(ecr_initiate_layer_upload).msg
        assert "AWS does not accept the credentials" in message
        assert "is wrong" not in message


class TestExpired:
    def test_push_says_that_nothing_is_lost(self, registry: StubbedRegistry, tmp_path: Path) -> None:
        layer = tmp_path / "layer"
        layer.write_bytes(b"x" * (6 * MIB))
        registry.has("app", absent=[digest_of(layer.read_bytes())])
        registry.stubber.add_response("initiate_layer_upload", {"uploadId": UPLOAD, "partSize": 5 * MIB})
        registry.stubber.add_response("upload_layer_part", {"lastByteReceived": 5 * MIB - 1})
        registry.stubber.add_client_error("upload_layer_part", "ExpiredTokenException", "The token is expired")
        words = failure_of(ecr_layer, src=str(layer), state_dir=str(tmp_path / "state")).msg
        assert "What was sent stays in the registry, and the next run sends only what is missing" in words
        assert "the registry has 5242880 of its 6291456 bytes. Run the task again with the same state_dir" in words

    def test_look_up_says_nothing_of_what_was_sent(self, registry: StubbedRegistry) -> None:
        registry.stubber.add_client_error("batch_get_image", "ExpiredToken", "The token is expired")
        assert "What was sent" not in failure_of(ecr_image_info, tags=["1"]).msg


class TestTooLarge:
    """HTTP 413 of a proxy or a gateway."""

    PAGE = "<html><h1>413 Request Entity Too Large</h1></html>"

    def test_large_parts(self, registry: StubbedRegistry, tmp_path: Path) -> None:
        layer = tmp_path / "layer"
        layer.write_bytes(b"x" * (10 * MIB))
        registry.has("app", absent=[digest_of(layer.read_bytes())])
        registry.stubber.add_response("initiate_layer_upload", {"uploadId": UPLOAD, "partSize": 10 * MIB})
        registry.stubber.add_client_error("upload_layer_part", "413", self.PAGE, 413)
        words = failure_of(ecr_layer, src=str(layer), state_dir=str(tmp_path / "state")).msg
        assert "The request, whose body has 13.3 MiB, is larger than a proxy or a gateway" in words
        assert (
            "Raise its limit to 13.3 MiB or more, or send parts of 5242880 bytes (5 MiB, part_size of ecr_layer and "
            "ecr_image), which make bodies of" in words
        )
        assert "6.7 MiB" in words
        assert "un the task again" not in words

    def test_smallest_parts(self, registry: StubbedRegistry) -> None:
        registry.stubber.add_client_error("upload_layer_part", "413", self.PAGE, 413)
        part = {"upload_id": UPLOAD, "part_first_byte": 0, "part_last_byte": 0, "layer_part_blob": "AA=="}
        words = failure_of(ecr_upload_layer_part, **part).msg
        assert "Raise its limit to" in words
        assert "part_size" not in words

    def test_other_request(self, registry: StubbedRegistry) -> None:
        registry.stubber.add_client_error("initiate_layer_upload", "413", self.PAGE, 413)
        words = failure_of(ecr_initiate_layer_upload).msg
        assert "The request is larger than a proxy or a gateway between the host and Amazon ECR allows" in words

    def test_answer_that_is_not_json(self) -> None:
        page = Arrived(413, {"content-type": "text/html"}, self.PAGE.encode())
        call = Call("UploadLayerPart", Repository("app"), UPLOAD, first_byte=0, last_byte=10 * MIB - 1)
        answer = UnreadableAnswerError("the body is not JSON", page)
        words = message(ForeignAnswerError(call, answer, [], "https://api.example", "http://proxy.example:3128"))
        assert "through the proxy http://proxy.example:3128" in words
        assert "or send parts of 5242880 bytes (5 MiB, part_size of ecr_layer and ecr_image)" in words
