# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An image that the sink has from the start, whose layers it sends from files."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from .connection import Answer, FileRange, Request

REPOSITORY = "source"
TAG = "v1"
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass(frozen=True)
class ServedImage:
    """The image of a layout, in REPOSITORY under TAG; ``blobs`` are its config and its layers by digest."""

    manifest: bytes
    media_type: str
    blobs: dict[str, Path]

    @classmethod
    def of_layout(cls, layout: Path) -> ServedImage:
        """Return the first image of a layout."""
        files = layout / "blobs"
        described = json.loads((layout / "index.json").read_text())["manifests"][0]
        manifest = (files / described["digest"].replace(":", "/")).read_bytes()
        read = json.loads(manifest)
        digests = [blob["digest"] for blob in (read["config"], *read["layers"])]
        return cls(manifest, read["mediaType"], {digest: files / digest.replace(":", "/") for digest in digests})

    @property
    def digest(self) -> str:
        """The digest of the manifest."""
        return "sha256:" + hashlib.sha256(self.manifest).hexdigest()

    def answer(self, digest: str, request: Request) -> Answer:
        """Return a blob, or the range of it that a request asks for."""
        blob = self.blobs[digest]
        size = blob.stat().st_size
        asked = _RANGE.fullmatch(request.headers.get("range", ""))
        first = int(asked[1]) if asked else 0
        last = min(int(asked[2]), size - 1) if asked and asked[2] else size - 1
        headers = (("Content-Range", f"bytes {first}-{last}/{size}"),) if asked else ()
        return Answer(
            206 if asked else 200,
            headers=headers,
            media_type="application/octet-stream",
            file=FileRange(blob, first, last - first + 1),
        )
