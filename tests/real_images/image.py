# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests know of an image: where it is, and what skopeo says of it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .tools import Tools


@dataclass(frozen=True)
class RealImage:
    """An image in a source, by skopeo's account."""

    # The path of the source, and the choice that it needs when it holds several images.
    src: str
    image: str | None
    # What skopeo calls it: TRANSPORT:PATH[:NAME].
    reference: str
    # Of the manifest's bytes; None in a docker archive, which has no manifest.
    digest: str | None
    # The digests of an index's manifests, by platform: linux/arm64/v8.
    platforms: dict[str, str]
    # The config's digest, and those of the layers when they are not compressed; None and none for what has no config of
    # an image.
    config: str | None
    diff_ids: list[str]


def look_into(tools: Tools, src: Path, reference: str, image: str | None = None) -> RealImage:
    """Ask skopeo about an image of a source."""
    manifest = tools.skopeo("inspect", "--raw", reference)
    document = json.loads(manifest)
    config = b"" if "manifests" in document else _config(tools, reference, document)
    return RealImage(
        src=str(src),
        image=image,
        reference=reference,
        digest=None if reference.startswith("docker-archive:") else digest_of(manifest),
        platforms={platform_of(child): child["digest"] for child in document.get("manifests", [])},
        config=digest_of(config) if config else None,
        diff_ids=json.loads(config)["rootfs"]["diff_ids"] if config else [],
    )


def digest_of(content: bytes) -> str:
    """Return the digest as registries write it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def platform_of(child: dict[str, Any]) -> str:
    """Return the platform of an index's descriptor: linux/amd64, linux/arm64/v8."""
    platform = child["platform"]
    return "/".join(platform[name] for name in ("os", "architecture", "variant") if platform.get(name))


def _config(tools: Tools, reference: str, manifest: dict[str, Any]) -> bytes:
    if manifest["config"]["mediaType"] == "application/vnd.oci.empty.v1+json":
        return b""
    return tools.skopeo("inspect", "--config", "--raw", reference)
