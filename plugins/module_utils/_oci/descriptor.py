# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The descriptors by which manifests, indexes and layouts name what they refer to.

Source: https://github.com/opencontainers/image-spec/blob/main/descriptor.md.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._ecr.records import SHA256_DIGEST
from .platform import Platform

if t.TYPE_CHECKING:
    from .._core.json_document import JsonObject


@dataclass(frozen=True)
class Descriptor:
    """A blob or a manifest by its media type, its digest and its size in bytes.

    ``urls`` are where else it can be had. ``annotations`` are free text.
    """

    media_type: str
    digest: str
    size: int
    urls: tuple[str, ...] = ()
    platform: Platform | None = None
    annotations: t.Mapping[str, t.Any] = field(default_factory=dict, compare=False)

    @classmethod
    def from_json(cls, document: JsonObject) -> Descriptor:
        """Read a descriptor.

        :raises InvalidInputError: a member is missing or breaks its rule; Amazon ECR knows sha256 digests alone, and no
            media types with parameters
        """
        digest = document.get("digest", str)
        if not SHA256_DIGEST.fullmatch(digest):
            raise document.refused("digest", f"{digest!r:.200} must match {SHA256_DIGEST.pattern}")
        size = document.get("size", int)
        if size < 0:
            raise document.refused("size", f"{size} must not be negative")
        platform = Platform.from_json(document.object("platform")) if document.members.get("platform") else None
        return cls(
            media_type_of(document, "mediaType"),
            digest,
            size,
            tuple(document.strings("urls")),
            platform,
            document.get("annotations", dict, {}),
        )


def media_type_of(document: JsonObject, name: str) -> str:
    """Return a member that is a media type.

    :raises InvalidInputError: it is not there, or has parameters, which Amazon ECR refuses
    """
    media_type = document.get(name, str)
    if not media_type or ";" in media_type:
        rule = "must be a media type without parameters: Amazon ECR refuses any other"
        raise document.refused(name, f"{media_type!r:.200} {rule}")
    return media_type
