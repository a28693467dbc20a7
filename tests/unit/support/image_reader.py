# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads all of an image, as a push does, in the pattern in which a push reads."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ansible_collections.layerkit.ecr.plugins.module_utils._core.blob import MAX_REREAD, Blob
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import ContentChangedError
from ansible_collections.layerkit.ecr.plugins.module_utils._core.task import Task
from ansible_collections.layerkit.ecr.plugins.module_utils._local.load import load_image, open_source
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.image import Image, settled_image
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.store import LayerFollower

_READ = 144 * 1024


def read_image(src: Path, image: str | None = None, compress: bool = False, warnings: list[str] | None = None) -> Image:
    """Return an image after a check of the digest and the size of each of its blobs.

    :param warnings: receives the warnings of the task
    :raises TaskError: the image is damaged
    """
    name, task = f"src {str(src)!r}", Task(([] if warnings is None else warnings).append)
    with open_source(str(src), name, compress, 2, task) as source:
        found = settled_image(load_image(source, image, [], accept_any, task), LayerFollower(), {})
        for blob in found.blobs.values():
            if blob.digest in found.foreign:
                continue
            with found.reader.open(blob.digest) as opened:
                assert opened.size == blob.size
                digest = digest_by_parts(opened)
                if digest != blob.digest:
                    raise ContentChangedError(f"{opened} has the digest {digest}, not {blob.digest}")
                opened.check_unchanged()
    return found


def accept_any(_image: Image) -> None:
    """Check nothing: what a registry refuses is not the subject."""


def digest_by_parts(blob: Blob) -> str:
    """Read a blob as an upload does, each part twice, and return its digest."""
    hasher = hashlib.sha256()
    for first in range(0, blob.size, MAX_REREAD):
        end = min(first + MAX_REREAD, blob.size)
        signed, sent = (_hashed(blob, first, end, hasher) for _pass in range(2))
        assert signed.digest() == sent.digest()
        hasher = sent
    return f"sha256:{hasher.hexdigest()}"


def _hashed(blob: Blob, first: int, end: int, before: hashlib._Hash) -> hashlib._Hash:
    hasher = before.copy()
    for position in range(first, end, _READ):
        hasher.update(blob.read(position, min(_READ, end - position)))
    return hasher
