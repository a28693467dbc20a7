# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a command beside a local Galaxy server, which serves collections from files.

``galaxy_server.py COLLECTION... -- COMMAND...`` listens before the command starts and ends with it, with its exit
status. A collection is a tarball, or the directory of an installed collection, which is packed by its own manifest.
The command finds the server by ``ANSIBLE_GALAXY_SERVER``. Its log is standard error: one line for each request.

Source of the API, version 3: ansible-core's lib/ansible/galaxy/api.py.
"""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import os
import subprocess
import sys
import tarfile
import threading
import typing as t
from pathlib import Path

COLLECTIONS = "/api/v3/collections"
ARTIFACTS = "/download"
# Clients compare it with that of their cache.
UPDATED = "2026-01-01T00:00:00.000000Z"


class Collection:
    """One version of a collection: its tarball, and what the manifest in it says."""

    def __init__(self, path: Path) -> None:
        self.tarball = _pack(path) if path.is_dir() else path.read_bytes()
        with tarfile.open(fileobj=io.BytesIO(self.tarball)) as tar:
            manifest = tar.extractfile("MANIFEST.json")
            assert manifest is not None
            info: dict[str, t.Any] = json.load(manifest)["collection_info"]
        self.namespace, self.name, self.version = info["namespace"], info["name"], info["version"]
        self.dependencies = info["dependencies"]
        self.page = f"{COLLECTIONS}/{self.namespace}/{self.name}"
        self.file = f"{ARTIFACTS}/{self.namespace}-{self.name}-{self.version}.tar.gz"

    def pages(self, url: str) -> dict[str, bytes]:
        """Return the answers by path without the slash at its end, for a server at ``url``."""
        version = f"{self.page}/versions/{self.version}"
        answers = {
            self.page: {"namespace": self.namespace, "name": self.name, "created_at": UPDATED, "updated_at": UPDATED},
            f"{self.page}/versions": {
                "meta": {"count": 1},
                "links": {"next": None},
                "data": [{"version": self.version, "href": f"{version}/"}],
            },
            version: {
                "version": self.version,
                "href": f"{version}/",
                "namespace": {"name": self.namespace},
                "collection": {"name": self.name},
                "metadata": {"dependencies": self.dependencies},
                "download_url": url + self.file,
                "artifact": {"sha256": hashlib.sha256(self.tarball).hexdigest(), "size": len(self.tarball)},
                "signatures": [],
            },
        }
        return {path: json.dumps(answer).encode() for path, answer in answers.items()} | {self.file: self.tarball}


def _pack(directory: Path) -> bytes:
    """Pack an installed collection, listing only the files that are there: the package `ansible` lacks some."""
    files = json.loads((directory / "FILES.json").read_text(encoding="utf-8"))
    files["files"] = [entry for entry in files["files"] if (directory / entry["name"]).exists()]
    listed = json.dumps(files).encode()
    manifest = json.loads((directory / "MANIFEST.json").read_text(encoding="utf-8"))
    manifest["file_manifest_file"]["chksum_sha256"] = hashlib.sha256(listed).hexdigest()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as tar:
        for name, content in (("MANIFEST.json", json.dumps(manifest).encode()), ("FILES.json", listed)):
            header = tarfile.TarInfo(name)
            header.size = len(content)
            tar.addfile(header, io.BytesIO(content))
        for entry in files["files"]:
            if entry["name"] != ".":
                tar.add(directory / entry["name"], arcname=entry["name"], recursive=False)
    return packed.getvalue()


class GalaxyServer(http.server.ThreadingHTTPServer):
    """A server on a free port of 127.0.0.1. It listens as soon as it exists."""

    def __init__(self, collections: t.Iterable[Collection]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.pages = {"/api": json.dumps({"available_versions": {"v3": "v3/"}}).encode()}
        for collection in collections:
            self.pages |= collection.pages(self.url)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: GalaxyServer

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].rstrip("/")
        page = self.server.pages.get(path)
        body = page if page is not None else b'{"errors": [{"status": "404", "title": "Not found."}]}'
        self.send_response(404 if page is None else 200)
        self.send_header("Content-Type", "application/gzip" if path.startswith(ARTIFACTS) else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> int:
    """Read the command line, and run the command."""
    try:
        end = sys.argv.index("--")
    except ValueError:
        sys.exit(__doc__)
    with GalaxyServer(Collection(Path(path)) for path in sys.argv[1:end]) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        environment = {**os.environ, "ANSIBLE_GALAXY_SERVER": server.url}
        try:
            return subprocess.run(sys.argv[end + 1 :], env=environment, check=False).returncode
        finally:
            server.shutdown()


if __name__ == "__main__":
    sys.exit(main())
