# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lines of the diff of a push, a copy, a download and a removal: what changes, and nothing else.

Ansible shows a ``prepared`` diff as it is. It would sort the keys of ``before`` and ``after``, so that tags came last.
"""

from __future__ import annotations

import typing as t

from .._core.text import scaled, shortened

if t.TYPE_CHECKING:
    from .._oci.descriptor import Descriptor
    from .._oci.manifest import Manifest
    from .._oci.platform import Platform
    from .entries import Result

# Blobs that a diff lists.
_MAX_BLOBS = 100


def diff_of(lines: t.Sequence[str]) -> Result:
    """Return Ansible's ``diff`` of these lines, which is empty if nothing changes."""
    return {"prepared": "".join(f"{line}\n" for line in lines)}


def move(name: str, before: str | None, after: str | None) -> str:
    """Return the line of a name that goes from one image to another; None stands for no image."""
    old, new = (shortened(digest) if digest else "no image" for digest in (before, after))
    return f"{name}: {old} -> {new}"


def transfer(blobs: t.Sequence[Descriptor], count: int, size: int, verb: str, labels: t.Mapping[str, str]) -> list[str]:
    """Return the lines of the blobs that are transferred: one for all, and one for each.

    :param count: how many blobs there are altogether
    :param size: the bytes that are transferred
    :param verb: what is done with them
    :param labels: what the blobs are, by digest
    """
    if not blobs:
        return []
    more = len(blobs) - _MAX_BLOBS
    return [
        f"{len(blobs)} of {count} layers to {verb}, {scaled(size)}",
        *(_blob_line(blob, labels.get(blob.digest)) for blob in blobs[:_MAX_BLOBS]),
        *([f"+ {more} more"] if more > 0 else []),
    ]


def _blob_line(blob: Descriptor, label: str | None) -> str:
    return "  ".join(filter(None, (f"+ {shortened(blob.digest)}", scaled(blob.size), label)))


def manifest_line(manifest: Manifest, platform: Platform | None) -> str:
    """Return the line of a manifest that is new in its place."""
    kind = "index" if manifest.is_index else "manifest"
    about = f"  refers to {shortened(manifest.subject)}" if manifest.subject else f"  {platform}" if platform else ""
    return f"+ {kind} {shortened(manifest.digest)}{about}"


def labels_of(images: t.Iterable[tuple[Manifest, Platform | None]]) -> dict[str, str]:
    """Return what blobs are, by digest: whether it is the configuration, and the platforms that have it."""
    owners: dict[str, dict[str, None]] = {}
    configs: set[str] = set()
    for manifest, platform in images:
        configs.update(blob.digest for blob in manifest.blobs[:1])
        for blob in manifest.blobs:
            owners.setdefault(blob.digest, {}).update({str(platform): None} if platform else {})
    return {
        digest: " ".join(filter(None, ("config" if digest in configs else "", ", ".join(platforms))))
        for digest, platforms in owners.items()
    }
