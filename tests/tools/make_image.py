# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pack a directory into an image, as an OCI archive. The same files always give the same bytes.

Source: https://github.com/opencontainers/image-spec/blob/main/image-layout.md.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from ansible_collections.layerkit.ecr.tests.tools.make_layer import make_layer

_TYPE = "application/vnd.oci.image"


def make_image(directory: Path, archive: Path) -> None:
    """Write an image of one layer to ``archive``, for linux/amd64, with the tag 1.0."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=archive.parent) as temporary:
        layer = Path(temporary, "layer.tar.gz")
        make_layer(directory, layer)
        packed = layer.read_bytes()
    config = {
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [_digest(gzip.decompress(packed))]},
    }
    blobs: dict[str, bytes] = {}

    def describe(media_type: str, content: bytes) -> dict[str, Any]:
        digest = _digest(content)
        blobs[digest] = content
        return {"mediaType": f"{_TYPE}.{media_type}", "digest": digest, "size": len(content)}

    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{_TYPE}.manifest.v1+json",
        "config": describe("config.v1+json", _json(config)),
        "layers": [describe("layer.v1.tar+gzip", packed)],
    }
    root = describe("manifest.v1+json", _json(manifest))
    index = {
        "schemaVersion": 2,
        "manifests": [{**root, "annotations": {"org.opencontainers.image.ref.name": "1.0"}}],
    }
    files = {"oci-layout": _json({"imageLayoutVersion": "1.0.0"}), "index.json": _json(index)}
    files |= {f"blobs/{digest.replace(':', '/')}": content for digest, content in blobs.items()}
    _pack(files, archive)


def _pack(files: dict[str, bytes], archive: Path) -> None:
    with tarfile.open(archive, "w") as target:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            target.addfile(member, io.BytesIO(content))


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document).encode()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("archive", type=Path)
    arguments = parser.parse_args()
    make_image(arguments.directory, arguments.archive)


if __name__ == "__main__":
    main()
