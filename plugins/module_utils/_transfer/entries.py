# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The entries of results that a push, a copy and a download have in common."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    import enum

    from .._oci.descriptor import Descriptor
    from .._oci.manifest import Manifest
    from .._oci.platform import Platform
    from .._oci.referrer import Referrer

Result = dict[str, t.Any]

# Actions of blobs that the task left as they are.
_THERE = ("present", "skipped")


def manifest_entry(manifest: Manifest, platform: Platform | None, action: enum.Enum) -> Result:
    """Return the entry of a manifest; the value of ``action`` says what becomes of it."""
    return {
        "digest": manifest.digest,
        "media_type": manifest.media_type,
        "size": len(manifest.content),
        "platform": str(platform) if platform else None,
        "action": action.value,
    }


def referrer_entry(referrer: Referrer, action: enum.Enum) -> Result:
    """Return the entry of a referrer; the value of ``action`` says what becomes of it."""
    return {
        "digest": referrer.manifest.digest,
        "media_type": referrer.manifest.media_type,
        "artifact_type": referrer.manifest.artifact_type,
        "subject": referrer.subject,
        "tag": referrer.tag,
        "action": action.value,
    }


def layers_of_failure(layers: Result) -> Result:
    """Return the entries of blobs without those that were there: they say nothing of a failure.

    :param layers: the part of a result with the key ``layers``
    """
    entries = [entry for entry in layers["layers"] if entry["action"] not in _THERE]
    return {**layers, "layers": entries}


def blob_entry(blob: Descriptor, action: enum.Enum, reason: enum.Enum) -> Result:
    """Return the entry of a blob; the values of ``action`` and ``reason`` say what becomes of it, and why."""
    return {
        "digest": blob.digest,
        "size": blob.size,
        "media_type": blob.media_type,
        "action": action.value,
        "reason": reason.value,
    }
