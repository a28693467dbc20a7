# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recognises layers that the registry has by the digests of their uncompressed content, whoever compressed them.

The configuration of an image states these digests, its manifest those of the layers as they are stored, both in the
same order. Source: https://github.com/opencontainers/image-spec/blob/main/config.md#properties, ``diff_ids``.
"""

from __future__ import annotations

import typing as t

from .._core.errors import InvalidInputError
from .._core.json_document import MAX_DOCUMENT, JsonObject
from .._ecr.errors import EcrError
from .._ecr.images import Images
from .._ecr.layers import Layers
from .identity import manifest_of

if t.TYPE_CHECKING:
    from .._ecr.client import EcrClient
    from .._ecr.image_records import StoredImage
    from .._ecr.layer_records import Layer
    from .._oci.descriptor import Descriptor
    from .._oci.image import Image
    from .._oci.manifest import Manifest
    from .._oci.platform import Platform

# Each takes a few requests. More images under the tags of one push are rare.
_MAX_IMAGES = 3


class KnownLayers:
    """Layers that images of a client's repository share with a draft.

    ``found`` is what the registry reports of them, by their digests as they are stored.
    """

    def __init__(self, client: EcrClient) -> None:
        self._client = client
        self.found: dict[str, Layer] = {}

    def of(self, draft: Image, stored: t.Iterable[StoredImage]) -> dict[str, Descriptor]:
        """Return the layers of a draft that the registry has, by the digests of their uncompressed content.

        What cannot be read of an image is no failure: its layers are not recognised.

        :param stored: images that are likely to share layers with the draft
        :raises TaskStoppedError: the task stopped
        """
        wanted = {layer.digest for layer in draft.root.blobs[1:]}
        distinct = list({image.digest: image for image in stored}.values())
        layers: dict[str, Descriptor] = {}
        for image in distinct[:_MAX_IMAGES]:
            for diff_id, layer in self._layers_of(image, draft.platforms).items():
                if diff_id in wanted and not layer.urls:
                    layers.setdefault(diff_id, layer)
        self._look_up(layers.values())
        return {diff_id: layer for diff_id, layer in layers.items() if self._has(layer)}

    def _look_up(self, layers: t.Iterable[Descriptor]) -> None:
        digests = [layer.digest for layer in layers]
        if digests:
            look = Layers(self._client).available
            self.found = self._client.unless_denied(lambda: look(digests)) or {}

    def _has(self, layer: Descriptor) -> bool:
        found = self.found.get(layer.digest)
        return found is not None and found.is_stored and found.size in (None, layer.size)

    def _layers_of(self, image: StoredImage, platforms: t.Sequence[Platform]) -> dict[str, Descriptor]:
        """Return the layers of an image by the digests of their uncompressed content, none if these are unknown."""
        # Python compiles a file in every task that imports it, and few tasks read from Amazon S3.
        from .._ecr.glimpse import glimpse

        try:
            manifest = self._manifest(image, platforms)
            if manifest is None or manifest.blobs[0].size > MAX_DOCUMENT:
                return {}
            config, *layers = manifest.blobs
            content = glimpse(self._client, config.digest, config.size)
            if content is None:
                return {}
            diff_ids = JsonObject.parse(content, f"configuration {config.digest}").object("rootfs").strings("diff_ids")
        except (EcrError, InvalidInputError):
            return {}
        return dict(zip(diff_ids, layers)) if len(diff_ids) == len(layers) else {}

    def _manifest(self, image: StoredImage, platforms: t.Sequence[Platform]) -> Manifest | None:
        """Return the manifest of an image for one of the platforms, None if it has none or cannot be trusted."""
        manifest = manifest_of(image)
        if manifest is None or not manifest.is_index:
            return manifest
        entries = [entry for entry in manifest.entries if entry.is_usable and entry.platform in platforms]
        if not entries:
            return None
        digest = entries[0].descriptor.digest
        child = Images(self._client).get([digest]).by_digest.get(digest)
        inner = manifest_of(child) if child else None
        return None if inner is None or inner.is_index else inner
