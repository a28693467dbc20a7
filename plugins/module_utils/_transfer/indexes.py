# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the indexes of a repository that list an image."""

from __future__ import annotations

import typing as t

from .._core.errors import InvalidInputError
from .._oci.manifest import INDEXES
from .identity import manifest_of

if t.TYPE_CHECKING:
    from .._ecr.client import EcrClient
    from .._ecr.image_records import StoredImage
    from .._ecr.images import Images

_UNKNOWN = "The task cannot check whether an index lists the images"


def indexes_of(
    client: EcrClient, images: Images, children: t.Collection[str], ignored: t.Container[str] = ()
) -> dict[str, list[str]]:
    """Return the indexes that list each of the images, by digest; an image that none lists has no entry.

    Without the permission to read indexes, it warns and finds none.

    :param ignored: indexes that do not count
    :raises EcrError: a look-up failed for another reason
    """
    found = images.list_all("ACTIVE").values()
    indexes = [image.digest for image in found if image.media_type in INDEXES and image.digest not in ignored]
    stored = client.unless_denied(lambda: images.get(indexes), _UNKNOWN)
    listed = {index.digest: _images_of(index) for index in stored.by_digest.values()} if stored else {}
    listing = {child: [index for index, digests in listed.items() if child in digests] for child in children}
    return {child: listed_by for child, listed_by in listing.items() if listed_by}


def _images_of(stored: StoredImage) -> set[str]:
    manifest = manifest_of(stored)
    try:
        return {entry.descriptor.digest for entry in manifest.entries} if manifest else set()
    except InvalidInputError:
        return set()
