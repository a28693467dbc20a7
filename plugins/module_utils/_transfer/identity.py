# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recognises an image that the registry has by its configuration, whoever compressed its layers.

The digest of an image whose layers are compressed depends on the compressor. Its configuration states the digests of
the uncompressed layers: images with the same configuration have the same content. Source:
https://github.com/opencontainers/image-spec/blob/main/config.md#imageid.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .._core.errors import InvalidInputError
from .._oci.image import Image
from .._oci.manifest import Manifest
from .._oci.store import DraftImage

if t.TYPE_CHECKING:
    from .._ecr.image_records import StoredImage, StoredImages


def recognised(image: Image, tags: t.Iterable[str], stored: StoredImages) -> list[Image]:
    """Return the image as the registry has it under the tags, in their order, once for each manifest.

    Only a draft can be recognised: the digest of any other image is known.
    """
    found = [stored.by_tag[tag] for tag in tags if tag in stored.by_tag] if isinstance(image.reader, DraftImage) else []
    manifests = {entry.digest: manifest_of(entry) for entry in found}
    return [
        replace(image, root=manifest, foreign=frozenset())
        for manifest in manifests.values()
        if manifest and _is_same(image.root, manifest)
    ]


def manifest_of(stored: StoredImage) -> Manifest | None:
    """Return a manifest of the registry, None if it cannot be trusted or understood."""
    if not stored.is_intact:
        return None
    try:
        return Manifest.parse(stored.manifest.encode(), stored.media_type or "", f"manifest {stored.digest}")
    except InvalidInputError:
        return None


def _is_same(ours: Manifest, theirs: Manifest) -> bool:
    if theirs.is_index:
        return False
    return theirs.blobs[0].digest == ours.blobs[0].digest and len(theirs.blobs) == len(ours.blobs)
