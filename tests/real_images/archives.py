# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archives: OCI layouts in a tar file, docker archives, and files that are both, as Docker saves them since version 25.

The tests run without Docker. The archives are converted from skopeo's to those that Docker writes, with the defects
that were reported: https://github.com/moby/moby/issues/47210 (``by_digest``), https://github.com/moby/moby/issues/47065
(``without_layers``) and https://github.com/kubernetes-sigs/kind/issues/3795 (``make_docker_save_of_one_platform``).
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import tempfile
from pathlib import Path
from typing import Any, Literal, cast

from .image import platform_of
from .layouts import MANIFEST_TYPE, PLATFORMS, REF_NAME, put_blob, put_image, put_index
from .tools import Tools

REPOSITORY = "example.com/app"
_CONTAINERD_NAME = "io.containerd.image.name"
_LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"

Defect = Literal["by_digest", "without_layers"]


def make_oci_archive(tools: Tools, layout: Path, archive: Path) -> None:
    """Pack the image or the index ``1.0`` of a layout."""
    tools.skopeo("copy", "--all", f"oci:{layout}:1.0", f"oci-archive:{archive}:1.0")


def compress(archive: Path, compressed: Path) -> None:
    """Compress an archive with gzip."""
    compressed.write_bytes(gzip.compress(archive.read_bytes(), compresslevel=1, mtime=0))


def make_docker_archive(tools: Tools, layout: Path, tag: str, archive: Path) -> None:
    """Save an image of a layout as ``docker save`` did before version 25, under its tag in REPOSITORY."""
    tools.skopeo("copy", f"oci:{layout}:{tag}", f"docker-archive:{archive}:{REPOSITORY}:{tag}")


def join_docker_archives(archives: list[Path], joined: Path) -> None:
    """Join several archives, as ``docker save`` does for several names."""
    manifest: list[dict[str, Any]] = []
    seen = {"manifest.json", "repositories"}
    with tarfile.open(joined, "w") as target:
        for archive in archives:
            with tarfile.open(archive) as source:
                manifest += _manifest_of(source)
                for member in source:
                    if member.name not in seen:
                        seen.add(member.name)
                        target.addfile(member, source.extractfile(member) if member.isreg() else None)
        content = json.dumps(manifest).encode()
        member = tarfile.TarInfo("manifest.json")
        member.size = len(content)
        target.addfile(member, io.BytesIO(content))


def make_docker_save(docker_archive: Path, archive: Path, defect: Defect | None = None) -> None:
    """Save an image of a docker archive as Docker does since version 25.

    :param defect: ``by_digest``: the index has no list of manifests, and the image has no name; ``without_layers``: the
        OCI manifest lists no layers
    """
    with tempfile.TemporaryDirectory(dir=archive.parent) as name, tarfile.open(docker_archive) as source:
        layout = Path(name)
        [image] = _manifest_of(source)
        config = put_blob(layout, _read(source, image["Config"]))
        layers = [{"mediaType": _LAYER_TYPE, **put_blob(layout, _read(source, path))} for path in image["Layers"]]
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **config},
            "layers": [] if defect == "without_layers" else layers,
        }
        [tagged] = image["RepoTags"]
        put_image(layout, manifest, {_CONTAINERD_NAME: tagged, REF_NAME: tagged.rpartition(":")[2]})
        if defect == "by_digest":
            put_index(layout, None)
        sources = {"LayerSources": {layer["digest"]: layer for layer in layers}}
        _put_docker_manifest(layout, None if defect == "by_digest" else [tagged], config, layers, sources)
        _pack(layout, archive)


def make_docker_save_of_one_platform(index: Path, archive: Path) -> None:
    """Save the index of a layout as Docker does from containerd's store when only the first of PLATFORMS was pulled.

    The index still lists all platforms and keeps its digest; the manifests of the others are not in the archive.
    """
    [root] = _json_file(index / "index.json")["manifests"]
    root_path = _blob_path(index, root)
    [child] = [child for child in _json_file(root_path)["manifests"] if platform_of(child) == PLATFORMS[0]]
    manifest = _json_file(_blob_path(index, child))
    with tempfile.TemporaryDirectory(dir=archive.parent) as name:
        layout = Path(name)
        for path in (
            root_path,
            *(_blob_path(index, held) for held in (child, manifest["config"], *manifest["layers"])),
        ):
            put_blob(layout, path.read_bytes())
        tagged = f"{REPOSITORY}:1.0"
        put_index(layout, [{**root, "annotations": {_CONTAINERD_NAME: tagged, REF_NAME: "1.0"}}])
        _put_docker_manifest(layout, [tagged], manifest["config"], manifest["layers"], {})
        _pack(layout, archive)


def _put_docker_manifest(
    layout: Path,
    tags: list[str] | None,
    config: dict[str, Any],
    layers: list[dict[str, Any]],
    members: dict[str, Any],
) -> None:
    """Write the manifest.json that makes a layout also a docker archive."""
    names = [f"blobs/{blob['digest'].replace(':', '/')}" for blob in (config, *layers)]
    image = {"Config": names[0], "RepoTags": tags, "Layers": names[1:], **members}
    (layout / "manifest.json").write_text(json.dumps([image]), encoding="utf-8")


def _manifest_of(archive: tarfile.TarFile) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", json.loads(_read(archive, "manifest.json")))


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.extractfile(name)
    if member is None:
        raise ValueError(f"{name} is not a file")
    return member.read()


def _blob_path(layout: Path, descriptor: dict[str, Any]) -> Path:
    return layout / "blobs" / str(descriptor["digest"]).replace(":", "/")


def _json_file(path: Path) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(path.read_bytes()))


def _pack(directory: Path, archive: Path) -> None:
    with tarfile.open(archive, "w") as target:
        for path in sorted(directory.iterdir()):
            target.add(path, path.name)
