# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands in for Amazon S3: layers behind pre-signed URLs that expire.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html and
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html.
"""

from __future__ import annotations

import re
import secrets
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from werkzeug.wrappers import Request, Response

from .connection import drop
from .faults import DOWNLOAD, Fault

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from .control import Control

PREFIX = "/strict-s3/"
_CHUNK = 64 * 1024
_PAGE = "<html><head><title>Sign in</title></head><body>Sign in to use this network.</body></html>"


@dataclass(frozen=True)
class Grant:
    """What a URL allows until a point of ``time.monotonic``."""

    repository: str
    digest: str
    expires_at: float


class DownloadURLs:
    """The URLs that were given out, by their signatures."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._grants: dict[str, Grant] = {}

    def sign(self, origin: str, repository: str, digest: str, seconds: float) -> str:
        """Return a URL of a layer that is valid for some seconds."""
        signature = secrets.token_hex(32)
        with self._lock:
            self._grants[signature] = Grant(repository, digest, time.monotonic() + seconds)
        query = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Date": time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()),
            "X-Amz-Expires": round(seconds),
            "X-Amz-SignedHeaders": "host",
            "X-Amz-Signature": signature,
        }
        return f"{origin}{PREFIX}{digest}?{urlencode(query)}"

    def grant(self, signature: str, digest: str) -> Grant | None:
        """Return what a signature allows; None if it is not one of this layer."""
        with self._lock:
            grant = self._grants.get(signature)
        return grant if grant and grant.digest == digest else None

    def expire(self, repository: str) -> None:
        """Let all URLs of a repository expire."""
        with self._lock:
            for signature, grant in self._grants.items():
                if grant.repository == repository:
                    self._grants[signature] = replace(grant, expires_at=0.0)


class DownloadApp:
    """The WSGI application below PREFIX.

    :param stopping: ends the delays of faults when the server stops
    """

    def __init__(self, control: Control, stopping: threading.Event) -> None:
        self._control = control
        self._stopping = stopping

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a GET request with a layer, or with the bytes of it that the request asks for."""
        return self._answer(Request(environ), environ)(environ, start_response)

    def _answer(self, request: Request, environ: WSGIEnvironment) -> Response:
        digest = request.path.removeprefix(PREFIX)
        grant = self._control.urls.grant(request.args.get("X-Amz-Signature", ""), digest)
        if grant is None or request.method != "GET":
            return _error(403, "SignatureDoesNotMatch", "The request signature we calculated does not match.")
        self._control.calls.record(DOWNLOAD, grant.repository, 0)
        fault = self._control.faults.strike(DOWNLOAD, grant.repository)
        if "Authorization" in request.headers:
            return _error(400, "InvalidArgument", "Only one auth mechanism allowed")
        if grant.expires_at < time.monotonic() or (fault and fault.kind == "expire_url"):
            return _error(403, "AccessDenied", "Request has expired")
        layer = self._control.store.layer(digest)
        if layer is None:
            return _error(404, "NoSuchKey", "The specified key does not exist.")
        if fault and fault.kind in _ERRORS:
            return _ERRORS[fault.kind]()
        if fault and fault.kind == "drop_before":
            drop(environ)
        return self._layer(request, environ, grant.repository, layer, fault)

    def _layer(
        self, request: Request, environ: WSGIEnvironment, repository: str, layer: Path, fault: Fault | None
    ) -> Response:
        total = layer.stat().st_size
        ignores_range = fault is not None and fault.kind == "ignore_range"
        wanted = None if ignores_range else _range(request.headers.get("Range", ""), total)
        first, last = wanted or (0, total - 1)
        if first > last:
            answer = _error(416, "InvalidRange", "The requested range is not satisfiable")
            answer.headers["Content-Range"] = f"bytes */{total}"
            return answer
        chunks = self._counted(repository, _chunks(layer, first, last))
        if fault:
            chunks = self._struck(fault, chunks, last - first + 1, environ)
        headers = {"Accept-Ranges": "bytes", "Content-Length": str(last - first + 1), "ETag": '"strict"'}
        if wanted:
            headers["Content-Range"] = f"bytes {first}-{last}/{total}"
        return Response(chunks, 206 if wanted else 200, headers, mimetype="application/octet-stream")

    def _counted(self, repository: str, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self._control.calls.count_served(repository, len(chunk))
            yield chunk

    def _struck(self, fault: Fault, chunks: Iterator[bytes], size: int, environ: WSGIEnvironment) -> Iterator[bytes]:
        if fault.kind == "delay":
            self._stopping.wait(fault.seconds)
        passed, is_due = 0, fault.kind in ("cut_body", "stall")
        for chunk in chunks:
            half = size // 2 - passed
            if is_due and half < len(chunk):
                yield chunk[:half]
                if fault.kind == "cut_body":
                    drop(environ)
                self._stopping.wait(fault.seconds)
                chunk, is_due = chunk[half:], False
                passed += half
            passed += len(chunk)
            yield bytes(byte ^ 0xFF for byte in chunk) if fault.kind == "wrong_bytes" else chunk


def _range(header: str, total: int) -> tuple[int, int] | None:
    """Return the first and the last byte of a Range header; None for the whole layer, as S3 reads other headers."""
    matched = re.fullmatch(r"bytes=(\d*)-(\d*)", header)
    if matched is None or matched[0] == "bytes=-":
        return None
    first, last = matched.groups()
    if not first:
        return max(0, total - int(last)), total - 1
    return int(first), min(int(last), total - 1) if last else total - 1


def _chunks(path: Path, first: int, last: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(first)
        left = last - first + 1
        while left > 0 and (chunk := file.read(min(_CHUNK, left))):
            left -= len(chunk)
            yield chunk


def _error(status: int, code: str, message: str) -> Response:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{escape(message)}</Message><RequestId>{uuid.uuid4()}</RequestId></Error>"
    )
    return Response(body, status, content_type="application/xml")


_ERRORS: dict[str, Callable[[], Response]] = {
    "slow_down": lambda: _error(503, "SlowDown", "Please reduce your request rate."),
    "html": lambda: Response(_PAGE, 200, mimetype="text/html"),
    "bare_500": lambda: Response("<html><body>unavailable</body></html>", 500, mimetype="text/html"),
    "bare_503": lambda: Response("<html><body>unavailable</body></html>", 503, mimetype="text/html"),
}
