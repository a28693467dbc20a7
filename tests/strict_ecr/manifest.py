# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parts of image manifests and indexes that PutImage checks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from moto.ecr.exceptions import InvalidParameterException

from .exceptions import invalid_parameter
from .request_check import layer_digest_pattern

Descriptor = dict[str, Any]


def _refused(rule: str) -> InvalidParameterException:
    return invalid_parameter("imageManifest", rule)


@dataclass(frozen=True)
class Manifest:
    """The digests that a manifest or an index refers to."""

    media_type: str
    # The config and the layers that the repository must have.
    blobs: tuple[str, ...] = ()
    # The images of an index.
    images: tuple[str, ...] = ()
    # All layers of an image, also those that are listed twice or not uploaded.
    layer_count: int = 0

    @classmethod
    def parse(cls, text: str, media_type: str | None) -> Manifest:
        """Read a manifest; the media type of the request takes precedence over the manifest's own.

        Raises InvalidParameterException for the manifests that ECR refuses: not a JSON object, no media type, media
        types or artifact types with parameters, image manifests without config or layers.
        """
        document = _json_object(text)
        media_type = media_type or document.get("mediaType")
        if not media_type:
            raise _refused("must have a mediaType, or be sent with imageManifestMediaType")
        _require_plain_media_type(media_type)
        _require_plain_media_type(document.get("artifactType", ""))
        if "manifests" in document:
            return cls(media_type, images=tuple(child["digest"] for child in _descriptors(document["manifests"])))
        layers = _descriptors(document.get("layers"))
        if not layers:
            raise _refused("must have at least one layer")
        config = _descriptors([document.get("config")])
        # Clients fetch a layer with urls from there; it is never uploaded.
        uploaded = [layer for layer in layers if not layer.get("urls")]
        return cls(media_type, blobs=tuple(blob["digest"] for blob in config + uploaded), layer_count=len(layers))


def _json_object(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError:
        raise _refused("Invalid JSON syntax") from None
    if not isinstance(document, dict):
        raise _refused("Invalid JSON syntax: must be an object")
    return document


def _require_plain_media_type(media_type: object) -> None:
    if not isinstance(media_type, str) or ";" in media_type:
        raise _refused(f"must have media types without parameters, not {media_type!r}")


def _descriptors(value: object) -> list[Descriptor]:
    """Return the descriptors of a list; empty if the manifest has no such list."""
    if not isinstance(value, list):
        return []
    for descriptor in value:
        digest = descriptor.get("digest") if isinstance(descriptor, dict) else None
        if not isinstance(digest, str) or not layer_digest_pattern().fullmatch(digest):
            raise _refused(f"must have descriptors with a digest, not {descriptor!r}")
        _require_plain_media_type(descriptor.get("mediaType", ""))
    return value
