# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares what a tag of a referrer is on with the referrer that is to get it.

cosign adds each further signature to the manifest that its tag is on: the later version has all layers of the earlier
one. Signatures of the same text have the same layer, and differ by its annotations. Source:
https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md.
"""

from __future__ import annotations

import json
import typing as t

from .._core.errors import InvalidInputError
from .._oci.manifest import Manifest

if t.TYPE_CHECKING:
    from .._ecr.image_records import StoredImages
    from .._oci.referrer import Referrer


def is_superseded(referrer: Referrer, stored: StoredImages) -> bool:
    """Return whether the tag is on a later version of the referrer, which has more than it."""
    theirs = _layers_under(referrer, stored)
    return bool(theirs) and set(_layers(referrer.manifest)) < set(theirs)


def layers_lost(referrer: Referrer, stored: StoredImages) -> int:
    """Return how many layers the tag leads to that it would no longer lead to if it moved."""
    return len(set(_layers_under(referrer, stored)) - set(_layers(referrer.manifest)))


def _layers_under(referrer: Referrer, stored: StoredImages) -> list[str]:
    found = stored.by_tag.get(referrer.tag) if referrer.tag else None
    if found is None or not found.is_intact:
        return []
    try:
        return _layers(Manifest.parse(found.manifest.encode(), found.media_type or "", ""))
    except InvalidInputError:
        return []


def _layers(manifest: Manifest) -> list[str]:
    return [f"{blob.digest} {json.dumps(blob.annotations, sort_keys=True)}" for blob in manifest.blobs[1:]]
