# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a server receives has the signature of its bytes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import importlib
import json
import random
import re
import socket
import struct
import sys
import threading
import typing as t
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.blob import FileBlob
from ansible_collections.layerkit.ecr.plugins.module_utils._core.task import Task
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr import part_body
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.call import Repository
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.client import EcrClient
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.layers import Layers
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.limits import DEFAULT_PART
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.part_body import (
    BLOCK_SIZE,
    MAX_BLOCKS,
    BlobPart,
    stream_parts,
)
from ansible_collections.layerkit.ecr.tests.strict_ecr.fixtures import ecr_client
from botocore import compat
from botocore.auth import AUTH_TYPE_MAPS, SigV4Auth

# More than two blocks, no two alike.
CONTENT = random.Random(7).randbytes(2 * BLOCK_SIZE)
UPLOAD = "5e9ba2c1-1a3d-4b36-8c2e-5a4d5c1bb9d7"
RESET_AT_ONCE = struct.pack("ii", 1, 0)


class SigningServer(ThreadingHTTPServer):
    """Keeps the parts that it receives, and answers them; ``faults`` strike first, one a part."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.faults: list[str] = []
        self.received: list[tuple[dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """Answers InitiateLayerUpload and UploadLayerPart."""

    protocol_version = "HTTP/1.1"
    server: SigningServer

    def do_POST(self) -> None:
        size = int(self.headers["Content-Length"])
        is_part = self.headers["X-Amz-Target"].endswith(".UploadLayerPart")
        fault = self.server.faults.pop(0) if is_part and self.server.faults else None
        if fault == "reset":
            self.rfile.read(size // 2)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_ONCE)
            self.connection.close()
            self.close_connection = True
            return
        body = self.rfile.read(size)
        if is_part:
            self.server.received.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.answer(
            500 if fault else 200, {"uploadId": UPLOAD, "partSize": DEFAULT_PART, "lastByteReceived": len(CONTENT) - 1}
        )

    def answer(self, status: int, document: dict[str, t.Any]) -> None:
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *_arguments: t.Any) -> None:  # noqa: A002  # the name in the base class
        """Say nothing."""


@pytest.fixture
def server() -> t.Iterator[SigningServer]:
    with SigningServer() as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield listening
        finally:
            listening.shutdown()
            thread.join()


def signature_of(headers: dict[str, str], body: bytes) -> tuple[str, str]:
    """Return the signature that a request has, and the one that it must have.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.
    """
    found = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=[^/]+/(?P<scope>[^,]+), "
        r"SignedHeaders=(?P<names>[^,]+), Signature=(?P<signature>\w+)",
        headers["authorization"],
    )
    assert found
    lines = [f"{name}:{headers[name].strip()}" for name in found["names"].split(";")]
    canonical = "\n".join(["POST", "/", "", *lines, "", found["names"], hashlib.sha256(body).hexdigest()])
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = "\n".join(["AWS4-HMAC-SHA256", headers["x-amz-date"], found["scope"], digest])
    key = b"AWS4strict-ecr-secret-key"
    for step in found["scope"].split("/"):
        key = hmac.digest(key, step.encode(), "sha256")
    return found["signature"], hmac.new(key, to_sign.encode(), "sha256").hexdigest()


@pytest.fixture(params=["botocore", "awscrt"])
def signer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> type:
    """Return botocore's signer, or the one that it uses with awscrt, which environment.sh puts into a directory."""
    if request.param == "botocore":
        return SigV4Auth
    monkeypatch.syspath_prepend(str(Path(sys.prefix, "awscrt")))
    awscrt = importlib.import_module("awscrt")
    monkeypatch.setattr(compat, "awscrt", awscrt, raising=False)
    importlib.import_module("awscrt.auth")
    return t.cast("type", importlib.import_module("botocore.crt.auth").CrtSigV4Auth)


@pytest.mark.parametrize("faults", [[], ["error", "error"], ["reset"], ["error", "reset"]])
@pytest.mark.parametrize("kept", [MAX_BLOCKS, 1, 0])
def test_every_attempt_has_the_signature_of_its_bytes(
    server: SigningServer, tmp_path: Path, signer: type, faults: list[str], kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(AUTH_TYPE_MAPS, "v4", signer)
    monkeypatch.setattr(part_body, "MAX_BLOCKS", kept)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    client = ecr_client(server.url, attempts=len(faults) + 1)
    stream_parts(client.meta.events)
    layers = Layers(EcrClient(client, Repository("app"), Task(pytest.fail)))
    layers.initiate()
    (tmp_path / "layer").write_bytes(CONTENT)
    server.faults += faults
    with FileBlob.open(str(tmp_path / "layer"), "layer") as blob:
        layers.upload_part(UPLOAD, 0, len(CONTENT) - 1, BlobPart(blob, 0, len(CONTENT) - 1))
    assert server.faults == []
    assert len(server.received) == 1 + faults.count("error")
    for headers, body in server.received:
        signed, expected = signature_of(headers, body)
        assert signed == expected
        assert json.loads(body) == {
            "repositoryName": "app",
            "uploadId": UPLOAD,
            "partFirstByte": 0,
            "partLastByte": len(CONTENT) - 1,
            "layerPartBlob": base64.b64encode(CONTENT).decode(),
        }
