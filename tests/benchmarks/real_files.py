# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A docker archive of layers with real files, as ``docker save`` writes it.

How well and how fast layers are compressed depends on what is in them, which random bytes do not show.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import typing as t
from pathlib import Path

# What an image of a distribution mostly consists of.
_SOURCE = Path("/usr/lib")


def saved_image(path: Path, layer_sizes: t.Sequence[int]) -> Path:
    """Return a docker archive of layers of about these sizes in bytes; create it if it does not exist."""
    if path.exists():
        return path
    draft = path.with_suffix(".draft")
    files = _files(_SOURCE)
    names, diff_ids = [], []
    with tarfile.open(draft, "w") as archive:
        for number, size in enumerate(layer_sizes):
            layer = _layer(files, size)
            diff_ids.append("sha256:" + hashlib.sha256(layer).hexdigest())
            names.append(f"{number}/layer.tar")
            _add(archive, names[-1], layer)
        rootfs = {"type": "layers", "diff_ids": diff_ids}
        _add(archive, "config.json", json.dumps({"architecture": "amd64", "os": "linux", "rootfs": rootfs}).encode())
        manifest = [{"Config": "config.json", "RepoTags": ["bench:v1"], "Layers": names}]
        _add(archive, "manifest.json", json.dumps(manifest).encode())
    draft.rename(path)
    return path


def _files(directory: Path) -> t.Iterator[Path]:
    """Yield the regular files below a directory, always in the same order."""
    for parent, directories, names in os.walk(directory):
        directories.sort()
        paths = (Path(parent, name) for name in sorted(names))
        yield from (path for path in paths if path.is_file() and not path.is_symlink() and os.access(path, os.R_OK))


def _layer(files: t.Iterator[Path], size: int) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.PAX_FORMAT) as layer:
        for path in files:
            if path.stat().st_size <= size:
                layer.add(path, recursive=False)
            if content.tell() >= size:
                break
    return content.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))
