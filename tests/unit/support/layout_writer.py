# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OCI image layouts for tests, in memory or in a directory, including invalid ones."""

from __future__ import annotations

import gzip
import json
import typing as t
from pathlib import Path

from ansible_collections.layerkit.ecr.tests.unit.support.image_files import (
    LAYERS,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER,
    OCI_MANIFEST,
    REF_NAME,
    Document,
    Files,
    as_json,
    blob_name,
    config_of,
    digest_of,
    write_directory,
)

LAYER_TYPE = f"{OCI_LAYER}+gzip"


class LayoutWriter:
    """An OCI image layout under construction: its files, and the entries of its index.

    :param path: the directory that ``finish`` writes; not needed for ``complete``
    """

    def __init__(self, path: Path | None = None) -> None:
        self.files: Files = {"oci-layout": as_json({"imageLayoutVersion": "1.0.0"})}
        self.entries: list[Document] = []
        self._path = path

    @property
    def path(self) -> Path:
        """The directory of the layout."""
        assert self._path
        return self._path

    def blob(self, content: bytes, media_type: str = LAYER_TYPE, **members: t.Any) -> Document:
        """Add any blob, and return its descriptor; ``members`` are added last and can replace others."""
        digest = digest_of(content)
        self.files[blob_name(digest)] = content
        return {"mediaType": media_type, "digest": digest, "size": len(content), **members}

    def document(self, document: t.Any, media_type: str, **members: t.Any) -> Document:
        """Add a JSON blob, and return its descriptor."""
        return self.blob(as_json(document), media_type, **members)

    def manifest(self, layers: t.Sequence[bytes] = LAYERS, **members: t.Any) -> Document:
        """Add the blobs of a valid image of uncompressed layers, and return its manifest."""
        config = self.blob(config_of(layers), OCI_CONFIG)
        return _manifest(config, [self.blob(layer, OCI_LAYER) for layer in layers], members)

    def image(self, *layers: bytes | Document, platform: str = "linux/amd64", **members: t.Any) -> Document:
        """Add an image of these layers, and return its descriptor.

        :param members: added last to the manifest, so they can replace others; None removes one
        """
        config = self.document({**_platform(platform), "rootfs": {"type": "layers", "diff_ids": []}}, OCI_CONFIG)
        descriptors = [self.blob(layer) if isinstance(layer, bytes) else layer for layer in layers]
        manifest = _manifest(config, descriptors, members)
        return self.document({name: value for name, value in manifest.items() if value is not None}, OCI_MANIFEST)

    def index(self, images: t.Mapping[str, Document], **members: t.Any) -> Document:
        """Add an index of images by platform, and return its descriptor."""
        entries = [{**image, "platform": _platform(platform)} for platform, image in images.items()]
        return self.document({**index_of(*entries), **members}, OCI_INDEX)

    def add_entry(self, manifest: Document, name: str | None = None) -> Document:
        """Add a manifest or an index, list it in the index of the layout, and return its entry."""
        entry = self.document(manifest, manifest.get("mediaType", OCI_MANIFEST))
        if name is not None:
            entry["annotations"] = {REF_NAME: name}
        self.entries.append(entry)
        return entry

    def of_platform(self, platform: str, is_there: bool = True, text: str = "layer") -> Document:
        """Return the descriptor of a valid image for a platform; add its files unless the layout is to lack it."""
        files = dict(self.files)
        layer = f"{text} for {platform} ".encode() * 100
        config = self.blob(config_of((layer,), **_platform(platform)), OCI_CONFIG)
        manifest = _manifest(config, [self.blob(gzip.compress(layer, mtime=0))], {})
        descriptor = self.document(manifest, OCI_MANIFEST, platform=_platform(platform))
        if not is_there:
            self.files = files
        return descriptor

    def save(self, *images: Document, tags: t.Sequence[str] | None = None) -> None:
        """Add the manifest.json by which Docker reads images of the layout."""
        entries = []
        for image in images:
            manifest = json.loads(self.files[blob_name(image["digest"])])
            config, *layers = (blob_name(blob["digest"]) for blob in (manifest["config"], *manifest["layers"]))
            entries.append({"Config": config, "RepoTags": None if tags is None else list(tags), "Layers": layers})
        self.files["manifest.json"] = as_json(entries)

    def complete(self, **members: t.Any) -> Files:
        """Return all files; ``members`` are added last to index.json, so they can replace others."""
        return {**self.files, "index.json": as_json({**index_of(*self.entries), **members})}

    def finish(self, *images: Document, **names: Document) -> Path:
        """Write the layout with an index of unnamed images and of images by tag, and return its path."""
        self.entries = [*images, *({**image, "annotations": {REF_NAME: name}} for name, image in names.items())]
        return write_directory(self.path, self.complete())

    def path_of(self, digest: str) -> Path:
        """Return the path of a blob."""
        return self.path / blob_name(digest)


def index_of(*entries: Document) -> Document:
    return {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(entries)}


def oci_layout(*names: str) -> Files:
    """Return the files of a layout with an image for each name; their layers differ."""
    layout = LayoutWriter()
    for number, name in enumerate(names or ("1.0",)):
        layout.add_entry(layout.manifest((*LAYERS, b"layer %d" % number) if number else LAYERS), name)
    return layout.complete()


def _manifest(config: Document, layers: list[Document], members: dict[str, t.Any]) -> Document:
    return {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": layers, **members}


def _platform(name: str) -> dict[str, str]:
    return dict(zip(("os", "architecture", "variant"), name.split("/"), strict=False))
