# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The WSGI layer in front of moto: logs the calls of ECR, applies the faults and serves the control API."""

from __future__ import annotations

import io
import json
import re
import threading
import uuid
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import ClientDisconnected
from werkzeug.wrappers import Request, Response

from .connection import drop
from .control import Control
from .control_api import PREFIX, ControlAPI
from .downloads import PREFIX as DOWNLOADS
from .downloads import DownloadApp
from .faults import Fault, Kind
from .request_check import service_model
from .responses import DOCUMENT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# HTTP status, error code and message, by the kind of the fault.
_ERRORS: dict[Kind, tuple[int, str, str]] = {
    "throttle": (400, "ThrottlingException", "Rate exceeded"),
    "server_error": (500, "ServerException", "These errors are usually caused by a server-side issue."),
    "access_denied": (400, "AccessDeniedException", "User is not authorized to perform this action"),
    "expired_token": (400, "ExpiredTokenException", "The security token included in the request is expired"),
    "kms": (400, "KmsException", "The operation failed due to a KMS exception."),
    "upstream": (
        400,
        "UnableToGetUpstreamLayerException",
        "The upstream registry did not return the layer.",
    ),
    "limit": (400, "LimitExceededException", "The operation would have exceeded a service limit for your account."),
}
_BARE_STATUS: dict[Kind, int] = {"bare_500": 500, "bare_503": 503}


class Gate:
    """The WSGI application in front of moto's."""

    def __init__(self, app: WSGIApplication, control: Control, stopping: threading.Event) -> None:
        self._app = app
        self._control = control
        self._control_api = ControlAPI(control)
        self._downloads = DownloadApp(control, stopping)
        self._stopping = stopping

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request to the control API, for a layer, to ECR, or to another service of moto."""
        if environ["PATH_INFO"].startswith(PREFIX):
            return self._control_api(environ, start_response)
        if environ["PATH_INFO"].startswith(DOWNLOADS):
            return self._downloads(environ, start_response)
        operation = _operation(environ)
        if operation is None:
            return self._app(environ, start_response)
        return self._ecr_call(operation, environ)(environ, start_response)

    def _ecr_call(self, operation: str, environ: WSGIEnvironment) -> WSGIApplication:
        body = _read_body(environ)
        try:
            document = json.loads(body)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            return _error(400, "SerializationException", "The request is not a JSON object")
        # moto reads the body again.
        environ["wsgi.input"] = io.BytesIO(body)
        environ[DOCUMENT] = document
        named = _named_repositories(document)
        repository = named[0] if len(named) == 1 else None
        sent = _decoded_length(document.get("layerPartBlob"))
        self._control.calls.record(operation, repository, sent, _access_key(environ))
        if not self._is_allowed(operation, document):
            return _denied(operation, document)
        fault = self._control.faults.strike(operation, repository)
        return self._app if fault is None else self._struck(fault, environ, document)

    def _is_allowed(self, operation: str, document: dict[str, Any]) -> bool:
        allowed = [self._control.rules(name).allowed for name in _named_repositories(document)]
        return all(operations is None or operation in operations for operations in allowed)

    def _struck(self, fault: Fault, environ: WSGIEnvironment, document: dict[str, Any]) -> WSGIApplication:
        if fault.kind in _ERRORS:
            members = {"kmsError": fault.kms_error} if fault.kind == "kms" else {}
            return _error(*_ERRORS[fault.kind], members)
        if fault.kind in _BARE_STATUS:
            return Response("<html><body>unavailable</body></html>", _BARE_STATUS[fault.kind], mimetype="text/html")
        if fault.kind == "drop_before":
            drop(environ)
        if fault.kind == "expire_upload":
            self._control.forget_upload(str(document.get("repositoryName")), str(document.get("uploadId")))
            return self._app
        answer = Response.from_app(self._app, environ, buffered=True)
        if fault.kind == "drop_after":
            drop(environ)
        # The wait ends when the server stops.
        self._stopping.wait(fault.seconds)
        return answer


def _operation(environ: WSGIEnvironment) -> str | None:
    """Return the ECR operation that a request calls; None for another service."""
    prefix, _dot, operation = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")
    known = prefix == service_model().metadata["targetPrefix"] and operation in service_model().operation_names
    return operation if known else None


def _access_key(environ: WSGIEnvironment) -> str:
    """Return the access key that signed a request."""
    signed = re.search(r"Credential=([^/]+)/", environ.get("HTTP_AUTHORIZATION", ""))
    return signed[1] if signed else ""


def _named_repositories(document: dict[str, Any]) -> list[str]:
    """Return the repositories that a request names; DescribeRepositories names several."""
    named = document.get("repositoryNames")
    names = [document.get("repositoryName"), *(named if isinstance(named, list) else [])]
    return [name for name in names if isinstance(name, str)]


def _denied(operation: str, document: dict[str, Any]) -> Response:
    name = _named_repositories(document)[0]
    message = (
        f"User: arn:aws:iam::123456789012:user/strict-ecr is not authorized to perform: ecr:{operation} on resource: "
        f"arn:aws:ecr:eu-central-1:123456789012:repository/{name} because no identity-based policy allows the ecr:"
        f"{operation} action"
    )
    return _error(400, "AccessDeniedException", message)


def _read_body(environ: WSGIEnvironment) -> bytes:
    try:
        return Request(environ).get_data(cache=False)
    except ClientDisconnected as error:
        # The body is incomplete because the client has closed the connection: nothing to answer.
        raise ConnectionAbortedError from error


def _decoded_length(blob: object) -> int:
    """Return the number of bytes that a base64 string encodes."""
    return len(blob) // 4 * 3 - blob[-2:].count("=") if isinstance(blob, str) else 0


def _error(status: int, code: str, message: str, members: dict[str, str] | None = None) -> Response:
    """Return an error answer of the JSON 1.1 protocol (https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html)."""
    headers = {"x-amzn-RequestId": str(uuid.uuid4()), "x-amzn-ErrorType": code}
    body = json.dumps({"__type": code, "message": message, **(members or {})})
    return Response(body, status, headers, content_type="application/x-amz-json-1.1")
