# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sink's answers to clients that push or pull over the OCI registry protocol, and to downloads of layers.

Source: https://github.com/opencontainers/distribution-spec/blob/main/spec.md.
"""

from __future__ import annotations

import hashlib
import re
import threading
import uuid
from urllib.parse import parse_qs, urlsplit

from .connection import Answer, Request
from .served import REPOSITORY, TAG, ServedImage

_BLOB = re.compile(r"/v2/(.+)/blobs/(sha256:[0-9a-f]{64})")
_UPLOAD = re.compile(r"/v2/(.+)/blobs/uploads/([^/]*)")
_MANIFEST = re.compile(r"/v2/(.+)/manifests/([^/]+)")
_NOT_FOUND = Answer.of_json({"errors": [{"code": "BLOB_UNKNOWN", "message": "not found"}]}, 404)


class OciAnswers:
    """Answers to the requests whose path begins with ``/v2/``."""

    def __init__(self, served: ServedImage | None = None) -> None:
        self._served = served
        self._lock = threading.Lock()
        self._blobs: set[tuple[str, str]] = set()
        self._manifests: dict[tuple[str, str], Answer] = {}
        if served:
            headers = (("Docker-Content-Digest", served.digest),)
            stored = Answer(200, served.manifest, headers, served.media_type)
            self._manifests = {(REPOSITORY, TAG): stored, (REPOSITORY, served.digest): stored}

    def name_of(self, request: Request) -> str:
        """Return the name under which the sink counts this kind of request."""
        path = urlsplit(request.path).path
        kinds = (("upload", _UPLOAD), ("blob", _BLOB), ("manifest", _MANIFEST))
        return request.method + " " + next((kind for kind, pattern in kinds if pattern.fullmatch(path)), "base")

    def answer(self, request: Request) -> Answer:
        """Answer a request."""
        split = urlsplit(request.path)
        with self._lock:
            if upload := _UPLOAD.fullmatch(split.path):
                return self._upload(upload[1], upload[2], request, parse_qs(split.query))
            if blob := _BLOB.fullmatch(split.path):
                return self._blob(blob[1], blob[2], request)
            if manifest := _MANIFEST.fullmatch(split.path):
                return self._manifest(manifest[1], manifest[2], request)
        return Answer(body=b"{}", headers=(("Docker-Distribution-Api-Version", "registry/2.0"),))

    def _blob(self, name: str, digest: str, request: Request) -> Answer:
        if self._served and name == REPOSITORY and digest in self._served.blobs:
            return self._served.answer(digest, request)
        return Answer() if (name, digest) in self._blobs else _NOT_FOUND

    def _upload(self, name: str, upload: str, request: Request, query: dict[str, list[str]]) -> Answer:
        if request.method == "PUT":
            digest = query["digest"][0]
            self._blobs.add((name, digest))
            return Answer(201, headers=(("Location", f"/v2/{name}/blobs/{digest}"), ("Docker-Content-Digest", digest)))
        upload = upload or str(uuid.uuid4())
        location = ("Location", f"/v2/{name}/blobs/uploads/{upload}")
        return Answer(202, headers=(location, ("Range", f"0-{max(0, request.body_size - 1)}")))

    def _manifest(self, name: str, reference: str, request: Request) -> Answer:
        if request.method != "PUT":
            return self._manifests.get((name, reference), _NOT_FOUND)
        digest = "sha256:" + hashlib.sha256(request.body).hexdigest()
        headers = (("Docker-Content-Digest", digest),)
        stored = Answer(200, request.body, headers, request.headers.get("content-type", "application/json"))
        self._manifests[(name, reference)] = self._manifests[(name, digest)] = stored
        return Answer(201, headers=(("Location", f"/v2/{name}/manifests/{digest}"), *headers))
