# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads an image of a source whole, as a push does, and in the pattern in which a push reads."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ansible_collections.layerkit.ecr.plugins.module_utils._core.blob import Blob, BlobChangedError
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.limits import LARGEST_PART
from ansible_collections.layerkit.ecr.plugins.module_utils._local.load import open_sources
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.image import Image, load_image

_READ = 144 * 1024


def read_image(src: Path, image: str | None = None, compress: str = "none", warnings: list[str] | None = None) -> Image:
    """Return an image after each of its blobs was found to have its digest and its size.

    :param warnings: takes what the task would warn of
    :raises TaskError: it is damaged
    """
    with open_sources(str(src), compress, 2) as sources:
        found = load_image(sources, str(src), image, [], LARGEST_PART, ([] if warnings is None else warnings).append)
        for blob in found.blobs.values():
            with found.source.open(blob.digest) as opened:
                assert opened.size == blob.size
                digest = digest_by_parts(opened)
                if digest != blob.digest:
                    raise BlobChangedError(f"{opened} has the digest {digest}, not {blob.digest}")
                opened.check_unchanged()
    return found


def digest_by_parts(blob: Blob) -> str:
    """Read a blob as an upload does, each part twice, and return its digest."""
    hasher = hashlib.sha256()
    for first in range(0, blob.size, LARGEST_PART):
        end = min(first + LARGEST_PART, blob.size)
        signed, sent = (_hashed(blob, first, end, hasher) for _pass in range(2))
        assert signed.digest() == sent.digest()
        hasher = sent
    return f"sha256:{hasher.hexdigest()}"


def _hashed(blob: Blob, first: int, end: int, before: hashlib._Hash) -> hashlib._Hash:
    hasher = before.copy()
    for position in range(first, end, _READ):
        hasher.update(blob.read(position, min(_READ, end - position)))
    return hasher
