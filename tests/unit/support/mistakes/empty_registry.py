# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A registry that has no image and no layer, and that answers some operations as a test says.

A layer is there after its completion."""

from __future__ import annotations

import http.server
import json
import threading
import typing as t

from ansible_collections.layerkit.ecr.tests.unit.support.mistakes.mistake import Answer

ACCOUNT = "123456789012"
UPLOAD = "5e9ba2c1-1a3d-4b36-8c2e-5a4d5c1bb9d7"
Document = dict[str, t.Any]


class EmptyRegistry:
    """Serves on 127.0.0.1 until ``close``; ``answers`` replace those of some operations."""

    def __init__(self) -> None:
        self.answers: t.Mapping[str, Answer] = {}
        registry = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                operation = self.headers["X-Amz-Target"].rpartition(".")[2]
                status, body = {**_ANSWERS, **registry.answers}[operation](request)
                if operation == "CompleteLayerUpload" and isinstance(body, dict) and status == 200:
                    registry.answers = {**registry.answers, "BatchCheckLayerAvailability": _all_layers}
                is_html = isinstance(body, str)
                content = (body if is_html else json.dumps(body)).encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/html" if is_html else "application/x-amz-json-1.1")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_arguments: t.Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _no_images(request: Document) -> tuple[int, Document]:
    failures = [
        {"imageId": image, "failureCode": "ImageNotFound", "failureReason": "Requested image not found"}
        for image in request["imageIds"]
    ]
    return 200, {"images": [], "failures": failures}


def _no_layers(request: Document) -> tuple[int, Document]:
    layers = [{"layerDigest": digest, "layerAvailability": "UNAVAILABLE"} for digest in request["layerDigests"]]
    return 200, {"layers": layers, "failures": []}


def _all_layers(request: Document) -> tuple[int, Document]:
    layer = {"layerAvailability": "AVAILABLE", "mediaType": "application/x-layer"}
    return 200, {"layers": [{"layerDigest": digest, **layer} for digest in request["layerDigests"]], "failures": []}


def _upload(_request: Document) -> tuple[int, Document]:
    return 200, {"uploadId": UPLOAD, "partSize": 10485760}


def _part(request: Document) -> tuple[int, Document]:
    names = {member: request[member] for member in ("repositoryName", "uploadId")}
    return 200, {"registryId": ACCOUNT, **names, "lastByteReceived": request["partLastByte"]}


def _completed(request: Document) -> tuple[int, Document]:
    names = {member: request[member] for member in ("repositoryName", "uploadId")}
    return 200, {"registryId": ACCOUNT, **names, "layerDigest": request["layerDigests"][0]}


def _put(request: Document) -> tuple[int, Document]:
    names = {"registryId": ACCOUNT, "repositoryName": request["repositoryName"]}
    image = {"imageDigest": request["imageDigest"], "imageTag": request.get("imageTag")}
    return 200, {"image": {**names, "imageId": {name: value for name, value in image.items() if value}}}


def _repository(request: Document) -> tuple[int, Document]:
    name = request["repositoryNames"][0]
    settings = {"imageTagMutability": "MUTABLE"}
    uri = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/{name}"
    return 200, {"repositories": [{"registryId": ACCOUNT, "repositoryName": name, "repositoryUri": uri, **settings}]}


_ANSWERS: dict[str, Answer] = {
    "BatchCheckLayerAvailability": _no_layers,
    "BatchDeleteImage": _no_images,
    "BatchGetImage": _no_images,
    "CompleteLayerUpload": _completed,
    "DescribeImages": lambda _request: (400, {"__type": "ImageNotFoundException", "message": "no such image"}),
    "DescribeRepositories": _repository,
    "InitiateLayerUpload": _upload,
    "ListImageReferrers": lambda _request: (200, {"referrers": []}),
    "PutImage": _put,
    "UploadLayerPart": _part,
}
