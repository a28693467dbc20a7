# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An HTTP proxy on 127.0.0.1 in front of an ECR server that records calls and layers."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import threading
import typing as t
from collections import Counter, defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import urllib3

_FORWARDED = ("Authorization", "Content-Type", "X-Amz-Date", "X-Amz-Target")
_WRITES = {"InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload", "PutImage"}


class RecordingProxy:
    """Forwards calls to a server; ``calls`` has the names of their operations, in the order of arrival."""

    def __init__(self, server_url: str) -> None:
        self.calls: list[str] = []
        self._uploads: defaultdict[str, bytes] = defaultdict(bytes)
        self._server_url = server_url
        self._pool = urllib3.PoolManager(maxsize=8)
        self._lock = threading.Lock()
        self._listener = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._listener.server_port}"

    @contextlib.contextmanager
    def running(self) -> t.Iterator[RecordingProxy]:
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

    def writes(self) -> dict[str, int]:
        """Return the number of calls of each operation that changes a repository."""
        with self._lock:
            return dict(Counter(call for call in self.calls if call in _WRITES))

    def blobs(self) -> dict[str, bytes]:
        """Return the uploaded blobs, by the digests of the bytes that arrived."""
        with self._lock:
            return {f"sha256:{hashlib.sha256(blob).hexdigest()}": blob for blob in self._uploads.values()}

    def _record(self, operation: str, body: bytes) -> None:
        with self._lock:
            self.calls.append(operation)
            if operation == "UploadLayerPart":
                call = json.loads(body)
                self._uploads[call["uploadId"]] += base64.b64decode(call["layerPartBlob"])

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body are written separately: with Nagle's algorithm, the body may wait for an acknowledgement.
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                proxy._record(self.headers["X-Amz-Target"].rpartition(".")[2], body)
                headers = {name: self.headers[name] for name in _FORWARDED if name in self.headers}
                answer = proxy._pool.request("POST", proxy._server_url, body=body, headers=headers, retries=False)
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.headers["Content-Type"])
                self.send_header("Content-Length", str(len(answer.data)))
                self.end_headers()
                self.wfile.write(answer.data)

            def log_message(self, *_arguments: t.Any) -> None:
                pass

        return Handler
