# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The layers and images to push, created once below a working directory.

The layers of layouts are gzip streams of random bytes, so that every client sends them unchanged.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import tarfile
import typing as t
from dataclasses import dataclass
from pathlib import Path

MIB = 1024 * 1024
_OCI = "application/vnd.oci.image"


def sparse_file(path: Path, size: int) -> Path:
    """Create a file of zeros that takes no disk space; hashing and encoding cost the same for any bytes."""
    with path.open("wb") as file:
        file.truncate(size)
    return path


@dataclass(frozen=True)
class ImageLayout:
    """An OCI image layout with one image; ``blobs`` are its config and its layers."""

    path: Path
    manifest: Path
    blobs: list[Path]

    @property
    def size(self) -> int:
        """The bytes of all blobs."""
        return sum(blob.stat().st_size for blob in self.blobs)


def image_layout(path: Path, layer_count: int, layer_size: int) -> ImageLayout:
    """Return a layout with layers of about ``layer_size`` bytes each; create it if it does not exist."""
    index = path / "index.json"
    if not index.exists():
        _make_layout(path, layer_count, layer_size)
    manifest_path = _blob(path, json.loads(index.read_text())["manifests"][0]["digest"])
    manifest = json.loads(manifest_path.read_text())
    blobs = [_blob(path, blob["digest"]) for blob in (manifest["config"], *manifest["layers"])]
    return ImageLayout(path, manifest_path, blobs)


def docker_archive(path: Path, layer_count: int, layer_size: int) -> Path:
    """Create a docker archive of uncompressed layers; compress it if its name ends in ``.gz``."""
    layers = [random.Random(number).randbytes(layer_size) for number in range(layer_count)]
    diff_ids = ["sha256:" + hashlib.sha256(layer).hexdigest() for layer in layers]
    files = {f"{number}/layer.tar": layer for number, layer in enumerate(layers)}
    manifest = [{"Config": "config.json", "RepoTags": None, "Layers": list(files)}]
    files["config.json"] = _document(
        {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    )
    files["manifest.json"] = _document(manifest)
    mode: t.Literal["w:gz", "w:"] = "w:gz" if path.suffix == ".gz" else "w:"
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def _blob(path: Path, digest: str) -> Path:
    return path / "blobs" / "sha256" / digest.removeprefix("sha256:")


def _make_layout(path: Path, layer_count: int, layer_size: int) -> None:
    (path / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)
    layers, diff_ids = [], []
    for number in range(layer_count):
        diff_id, layer = _store_layer(path, layer_size, random.Random(f"{path.name} {number}"))
        diff_ids.append(diff_id)
        layers.append(layer)
    rootfs = {"type": "layers", "diff_ids": diff_ids}
    config = _document({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": rootfs})
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{_OCI}.manifest.v1+json",
        "config": _store(path, config, f"{_OCI}.config.v1+json"),
        "layers": layers,
    }
    stored = _store(path, _document(manifest), f"{_OCI}.manifest.v1+json")
    (path / "oci-layout").write_bytes(_document({"imageLayoutVersion": "1.0.0"}))
    # Written last: a layout with an index is complete.
    (path / "index.json").write_bytes(_document({"schemaVersion": 2, "manifests": [stored]}))


def _store_layer(path: Path, size: int, content: random.Random) -> tuple[str, dict[str, t.Any]]:
    """Write a layer in pieces, so that this process needs little memory beside the measured ones."""
    draft = path / "draft"
    hasher = hashlib.sha256()
    with draft.open("wb") as file, gzip.GzipFile("", "wb", 0, file, mtime=0) as layer:
        for position in range(0, size, MIB):
            piece = content.randbytes(min(MIB, size - position))
            hasher.update(piece)
            layer.write(piece)
    with draft.open("rb") as written:
        digest = "sha256:" + hashlib.file_digest(written, "sha256").hexdigest()
    stored = {"mediaType": f"{_OCI}.layer.v1.tar+gzip", "digest": digest, "size": draft.stat().st_size}
    draft.rename(_blob(path, digest))
    return "sha256:" + hasher.hexdigest(), stored


def _store(path: Path, content: bytes, media_type: str) -> dict[str, t.Any]:
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    _blob(path, digest).write_bytes(content)
    return {"mediaType": media_type, "digest": digest, "size": len(content)}


def _document(document: t.Any) -> bytes:
    return json.dumps(document).encode()
