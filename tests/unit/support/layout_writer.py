# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes OCI image layouts for tests, including invalid ones."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from ansible_collections.layerkit.ecr.tests.unit.support.image_files import (
    OCI_CONFIG,
    OCI_INDEX,
    OCI_MANIFEST,
    REF_NAME,
    blob_name,
    digest_of,
)

LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"

Descriptor = dict[str, t.Any]


class LayoutWriter:
    """A layout in a directory; most methods write a blob and return its descriptor."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "blobs/sha256").mkdir(parents=True)
        (path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')

    def blob(self, content: bytes, media_type: str = LAYER_TYPE, **members: t.Any) -> Descriptor:
        """Write any blob; ``members`` are added last and can replace others."""
        digest = digest_of(content)
        self.path_of(digest).write_bytes(content)
        return {"mediaType": media_type, "digest": digest, "size": len(content), **members}

    def document(self, document: t.Any, media_type: str, **members: t.Any) -> Descriptor:
        """Write a JSON blob."""
        return self.blob(json.dumps(document).encode(), media_type, **members)

    def image(self, *layers: bytes | Descriptor, platform: str = "linux/amd64", **members: t.Any) -> Descriptor:
        """Write an image of these layers; ``members`` are added last to the manifest and can replace others."""
        config = self.document({**_platform(platform), "rootfs": {"type": "layers", "diff_ids": []}}, OCI_CONFIG)
        descriptors = [self.blob(layer) if isinstance(layer, bytes) else layer for layer in layers]
        manifest = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": descriptors, **members}
        return self.document({name: value for name, value in manifest.items() if value is not None}, OCI_MANIFEST)

    def index(self, images: t.Mapping[str, Descriptor], **members: t.Any) -> Descriptor:
        """Write an index of images by platform."""
        entries = [{**image, "platform": _platform(platform)} for platform, image in images.items()]
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries, **members}
        return self.document(index, OCI_INDEX)

    def finish(self, *images: Descriptor, **names: Descriptor) -> Path:
        """Write index.json with unnamed images and images by tag, and return the path of the layout."""
        named = [{**image, "annotations": {REF_NAME: name}} for name, image in names.items()]
        index = {"schemaVersion": 2, "manifests": [*images, *named]}
        (self.path / "index.json").write_text(json.dumps(index))
        return self.path

    def path_of(self, digest: str) -> Path:
        """Return the path of a blob."""
        return self.path / blob_name(digest)


def _platform(name: str) -> dict[str, str]:
    return dict(zip(("os", "architecture", "variant"), name.split("/"), strict=False))
