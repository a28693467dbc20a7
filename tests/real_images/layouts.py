# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OCI image layouts, which are directories: https://github.com/opencontainers/image-spec/blob/main/image-layout.md."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from .image import digest_of
from .tools import Tools, busybox

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
REF_NAME = "org.opencontainers.image.ref.name"
PLATFORMS = ("linux/amd64", "linux/arm64/v8", "linux/arm/v7")
# More than one part of an upload, and random, so that compression does not make it smaller.
_LARGE = 11 * 1024 * 1024


def make_single(tools: Tools, layout: Path, files: Path) -> None:
    """Make a layout of one image, ``1.0``, which also has the blobs of umoci's earlier steps."""
    tools.umoci("init", "--layout", layout)
    tools.umoci("new", "--image", f"{layout}:1.0")
    tools.umoci("insert", "--image", f"{layout}:1.0", busybox(), "/bin/busybox")
    tools.umoci("insert", "--image", f"{layout}:1.0", _file(files, "single", b"a layer of its own"), "/etc/single")
    tools.umoci("config", "--image", f"{layout}:1.0", "--config.entrypoint", "/bin/busybox")


def make_family(tools: Tools, layout: Path, files: Path) -> None:
    """Make a layout of images with a common base: ``1.0`` and ``latest`` are the same, ``2.0`` has a large layer."""
    tools.umoci("init", "--layout", layout)
    tools.umoci("new", "--image", f"{layout}:base")
    tools.umoci("insert", "--image", f"{layout}:base", busybox(), "/bin/busybox")
    first = _file(files, "first", b"the first version")
    tools.umoci("insert", "--image", f"{layout}:base", "--tag", "1.0", first, "/etc/version")
    tools.umoci("tag", "--image", f"{layout}:1.0", "latest")
    second = _file(files, "second", random.Random(2).randbytes(_LARGE))
    tools.umoci("insert", "--image", f"{layout}:base", "--tag", "2.0", second, "/etc/version")
    tools.umoci("rm", "--image", f"{layout}:base")


def make_index(tools: Tools, layout: Path, files: Path) -> None:
    """Make a layout of one index, ``1.0``, with an image for each of PLATFORMS; the images share their first layer."""
    # A fixed time, so that the layers are the same in every run.
    commit = ("commit", "--quiet", "--timestamp", "0")
    base = tools.buildah("from", "scratch")
    tools.buildah("copy", base, busybox(), "/bin/busybox")
    tools.buildah(*commit, base, "base")
    tools.buildah("manifest", "create", "index")
    for platform in PLATFORMS:
        _os, architecture, *variant = platform.split("/")
        container = tools.buildah("from", "--pull-never", "localhost/base")
        tools.buildah("copy", container, _file(files, architecture, platform.encode()), "/etc/platform")
        options = ("--arch", architecture, *(word for name in variant for word in ("--variant", name)))
        tools.buildah("config", *options, "--entrypoint", '["/bin/busybox", "sh"]', container)
        tools.buildah("manifest", "add", "index", tools.buildah(*commit, container))
    tools.buildah("manifest", "push", "--quiet", "--all", "index", f"oci:{layout}:1.0")


def make_zstd(tools: Tools, layout: Path, single: Path) -> None:
    """Make a layout of the image of ``make_single`` with layers compressed by zstd."""
    tools.skopeo("copy", "--dest-compress-format", "zstd", f"oci:{single}:1.0", f"oci:{layout}:1.0")


def make_artifact(layout: Path) -> None:
    """Make a layout of an artifact with the empty config, as ORAS writes it; the other tools cannot."""
    content = json.dumps({"spdxVersion": "SPDX-2.3", "name": "busybox"}).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "artifactType": "application/spdx+json",
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", **put_blob(layout, b"{}"), "data": "e30="},
        "layers": [{"mediaType": "application/spdx+json", **put_blob(layout, content)}],
        "annotations": {"org.opencontainers.image.created": "2026-01-01T00:00:00Z"},
    }
    put_image(layout, manifest, {REF_NAME: "sbom"})


def put_blob(layout: Path, content: bytes) -> dict[str, Any]:
    """Write a blob into a layout, and return its digest and size for a descriptor."""
    digest = digest_of(content)
    path = layout / "blobs" / digest.replace(":", "/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return {"digest": digest, "size": len(content)}


def put_image(layout: Path, manifest: dict[str, Any], annotations: dict[str, str]) -> None:
    """Write a manifest into a layout, without white space as the tools do, and list it alone in the index."""
    content = json.dumps(manifest, separators=(",", ":")).encode()
    descriptor = {"mediaType": manifest["mediaType"], **put_blob(layout, content)}
    put_index(layout, [{**descriptor, "annotations": annotations}])


def put_index(layout: Path, manifests: list[dict[str, Any]] | None) -> None:
    """Write index.json and oci-layout."""
    index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": manifests}
    (layout / "index.json").write_text(json.dumps(index), encoding="utf-8")
    (layout / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}), encoding="utf-8")


def _file(files: Path, name: str, content: bytes) -> Path:
    files.mkdir(exist_ok=True)
    path = files / name
    path.write_bytes(content)
    return path
