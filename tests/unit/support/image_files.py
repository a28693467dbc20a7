# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of small image sources by name, and directories and archives of these files."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import typing as t
from pathlib import Path

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"

LAYERS = (b"first layer " * 1000, b"second layer " * 2000)
REF_NAME = "org.opencontainers.image.ref.name"

Files = dict[str, bytes]
Document = dict[str, t.Any]


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def blob_name(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def as_json(document: t.Any) -> bytes:
    return json.dumps(document).encode()


def config_of(layers: t.Iterable[bytes], **members: t.Any) -> bytes:
    """Return the configuration of an image of these layers."""
    rootfs = {"type": "layers", "diff_ids": [digest_of(layer) for layer in layers]}
    return as_json({"architecture": "amd64", "os": "linux", "rootfs": rootfs, **members})


def docker_archive(
    layers: t.Sequence[bytes] = LAYERS,
    tags: t.Sequence[str] | None = ("example.org/app:1.0",),
    stored: t.Sequence[bytes] | None = None,
) -> Files:
    """Return the files of a docker archive.

    :param stored: the files of the layers in the archive, if they are compressed
    """
    config = config_of(layers)
    name = f"{digest_of(config)[7:]}.json"
    paths = [f"{digest_of(layer)[7:]}/layer.tar" for layer in layers]
    entry = {"Config": name, "RepoTags": None if tags is None else list(tags), "Layers": paths}
    return {**dict(zip(paths, stored or layers, strict=True)), name: config, "manifest.json": as_json([entry])}


def write_directory(path: Path, files: Files) -> Path:
    for name, content in files.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return path


def entry_of(name: str, size: int = 0, **members: t.Any) -> tarfile.TarInfo:
    """Return the header of an entry; ``members`` are attributes of TarInfo."""
    entry = tarfile.TarInfo(name)
    entry.size = size
    for member, value in members.items():
        setattr(entry, member, value)
    return entry


def tar_of(files: Files, *more: tarfile.TarInfo, tar_format: int = tarfile.GNU_FORMAT) -> bytes:
    """Return an archive of files, and of more entries without content."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tar_format) as archive:
        for name, content in files.items():
            archive.addfile(entry_of(name, len(content)), io.BytesIO(content))
        for entry in more:
            archive.addfile(entry)
    return buffer.getvalue()
