# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An image that a tool made: its location, and its description by skopeo."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .tools import Tools


@dataclass(frozen=True)
class RealImage:
    """An image in a source, as skopeo describes it."""

    # The path of the source, and the name of the image if the source has several.
    src: str
    image: str | None
    # The reference for skopeo: TRANSPORT:PATH[:NAME].
    reference: str
    # The digest of the manifest; None in a docker archive, which has no manifest.
    digest: str | None
    # The digests of an index's manifests, by platform: linux/arm64/v8.
    platforms: dict[str, str]
    # The digests of the config and of the uncompressed layers; None and empty for an index and for an artifact.
    config: str | None
    diff_ids: list[str]


def look_into(tools: Tools, src: Path, reference: str, image: str | None = None) -> RealImage:
    """Inspect an image of a source with skopeo."""
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
    """Return a digest in the form ``sha256:HEX``."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def platform_of(child: dict[str, Any]) -> str:
    """Return the platform of a descriptor in an index, for example linux/arm64/v8."""
    platform = child["platform"]
    return "/".join(platform[name] for name in ("os", "architecture", "variant") if platform.get(name))


def _config(tools: Tools, reference: str, manifest: dict[str, Any]) -> bytes:
    if manifest["config"]["mediaType"] == "application/vnd.oci.empty.v1+json":
        return b""
    return tools.skopeo("inspect", "--config", "--raw", reference)
