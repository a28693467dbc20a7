# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The descriptors by which manifests, indexes and layouts refer to manifests and blobs.

Source: https://github.com/opencontainers/image-spec/blob/main/descriptor.md.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field
from functools import cached_property

from .._core.digest import SHA256_DIGEST, SHA256_RULE
from .._core.errors import InvalidInputError
from .._core.text import quoted
from .platform import Platform

if t.TYPE_CHECKING:
    from .._core.json_document import JsonObject

_MEDIA_TYPE = re.compile("[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}")


@dataclass(frozen=True)
class Descriptor:
    """The media type, the digest and the size in bytes of a blob or a manifest.

    ``urls`` are other places to download it from. ``annotations`` are free text.
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

        :raises InvalidInputError: a member is missing or breaks its rule. Of the algorithms that OCI registers for
            digests only sha256 is accepted.
        """
        digest = document.get("digest", str)
        if not SHA256_DIGEST.fullmatch(digest):
            raise document.refused("digest", f"{quoted(digest)} {SHA256_RULE}")
        size = document.get("size", int)
        if size < 0:
            raise document.refused("size", f"{size} must not be negative")
        return cls(
            media_type_of(document, "mediaType"),
            digest,
            size,
            tuple(document.strings("urls")),
            _platform_of(document),
            document.get("annotations", dict, {}),
        )


@dataclass(frozen=True)
class Entry:
    """An entry of an index. What is wrong with one that nobody uses does not matter."""

    document: JsonObject

    @cached_property
    def descriptor(self) -> Descriptor:
        """The descriptor.

        :raises InvalidInputError: as in ``Descriptor.from_json``
        """
        return Descriptor.from_json(self.document)

    @property
    def is_usable(self) -> bool:
        """Whether it is a descriptor."""
        try:
            return bool(self.descriptor)
        except InvalidInputError:
            return False

    @property
    def media_type(self) -> str | None:
        """The media type, as far as it is stated."""
        media_type = self.document.members.get("mediaType")
        return media_type if isinstance(media_type, str) else None

    @property
    def platform(self) -> Platform | None:
        """The platform, as far as it is stated."""
        try:
            return _platform_of(self.document)
        except InvalidInputError:
            return None


def _platform_of(document: JsonObject) -> Platform | None:
    return Platform.from_json(document.object("platform")) if document.members.get("platform") else None


def media_type_of(document: JsonObject, name: str) -> str:
    """Return a member that is a media type as RFC 6838 defines it, without parameters.

    :raises InvalidInputError: the member is missing or is not such a media type
    """
    media_type = document.get(name, str)
    if not _MEDIA_TYPE.fullmatch(media_type):
        raise document.refused(name, f"{quoted(media_type)} must be a media type without parameters")
    return media_type
