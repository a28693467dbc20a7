# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An HTTP proxy on 127.0.0.1 in front of an ECR server that replaces answers by any bytes."""

from __future__ import annotations

import contextlib
import json
import threading
import typing as t
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import urllib3

_FORWARDED = ("Authorization", "Content-Type", "X-Amz-Date", "X-Amz-Target")

# What is written to the connection before it is closed, made of the body of the true answer.
Answer = t.Callable[[bytes], bytes]


class Meddling(t.NamedTuple):
    """What becomes of the calls of one operation.

    ``is_applied`` says whether the server receives them; ``sample`` is the true answer of those that it does not.
    ``repository`` is None for calls on any repository. The first ``skip`` calls pass.
    """

    operation: str
    answer: Answer
    is_applied: bool
    sample: bytes
    repository: str | None = None
    skip: int = 0


class MeddlingProxy:
    """Forwards calls to a server; ``meddle`` replaces answers."""

    def __init__(self, server_url: str) -> None:
        self._server_url = server_url
        self._pool = urllib3.PoolManager(maxsize=8)
        self._lock = threading.Lock()
        self._meddling: Meddling | None = None
        self._left = self._to_pass = 0
        self.replaced = 0
        self._listener = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._listener.server_port}"

    @contextlib.contextmanager
    def running(self) -> t.Iterator[MeddlingProxy]:
        """Forward calls for the duration of the block."""
        serving = threading.Thread(target=self._listener.serve_forever, args=(0.02,))
        serving.start()
        try:
            yield self
        finally:
            self._listener.shutdown()
            serving.join()
            self._listener.server_close()
            self._pool.clear()

    def meddle(self, meddling: Meddling, times: int) -> None:
        """Replace the next answers to an operation."""
        with self._lock:
            self._meddling, self._left, self.replaced = meddling, times, 0
            self._to_pass = meddling.skip

    def leave(self) -> None:
        """Replace no more answers."""
        with self._lock:
            self._meddling = None

    def _due(self, operation: str, body: bytes) -> Meddling | None:
        with self._lock:
            if self._meddling is None or self._left == 0 or not _is_meant(self._meddling, operation, body):
                return None
            if self._to_pass:
                self._to_pass -= 1
                return None
            self._left -= 1
            self.replaced += 1
            return self._meddling

    def _forward(self, headers: t.Mapping[str, str], body: bytes) -> urllib3.BaseHTTPResponse:
        forwarded = {name: headers[name] for name in _FORWARDED if name in headers}
        return self._pool.request("POST", self._server_url, body=body, headers=forwarded, retries=False)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                meddling = proxy._due(self.headers["X-Amz-Target"].rpartition(".")[2], body)
                # Where the server closes the connection, or the client does, so does the proxy.
                with contextlib.suppress(ConnectionError, urllib3.exceptions.HTTPError):
                    self.wfile.write(self._answer(meddling, body))
                self.close_connection = True

            def _answer(self, meddling: Meddling | None, body: bytes) -> bytes:
                if meddling and not meddling.is_applied:
                    return meddling.answer(meddling.sample)
                answer = proxy._forward(dict(self.headers), body)
                return meddling.answer(answer.data) if meddling else http_answer(answer.status, answer.data)

            def log_message(self, *_arguments: t.Any) -> None:
                pass

        return Handler


def _is_meant(meddling: Meddling, operation: str, body: bytes) -> bool:
    if meddling.operation != operation:
        return False
    request = json.loads(body)
    named = [request.get("repositoryName"), *request.get("repositoryNames", [])]
    return meddling.repository is None or meddling.repository in named


def http_answer(status: int, body: bytes, content_type: str = "application/x-amz-json-1.1", **headers: str) -> bytes:
    """Return an answer of HTTP/1.1. The names of the headers have ``_`` for ``-`` and replace those that are usual."""
    head = {"Content-Type": content_type, "Content-Length": str(len(body)), "Connection": "close"}
    head.update({name.replace("_", "-"): value for name, value in headers.items()})
    lines = [f"HTTP/1.1 {status} Answer", *(f"{name}: {value}" for name, value in head.items() if value), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def as_json(document: t.Any) -> bytes:
    return json.dumps(document).encode()
