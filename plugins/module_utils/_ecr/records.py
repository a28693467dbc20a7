# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A layer as the registry describes it, and the digests that name layers."""

from __future__ import annotations

import hashlib
import re
import typing as t
from dataclasses import dataclass

# https://github.com/opencontainers/image-spec/blob/main/descriptor.md#sha-256
SHA256_DIGEST = re.compile("sha256:[a-f0-9]{64}")

# The digest of zero bytes, which Amazon ECR cannot store as a layer.
EMPTY_BLOB = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

AVAILABLE = "AVAILABLE"
UNAVAILABLE = "UNAVAILABLE"
ARCHIVED = "ARCHIVED"

_DIGESTS_IN_A_MESSAGE = 3


@dataclass(frozen=True)
class Layer:
    """One entry of BatchCheckLayerAvailability's answer.

    ``availability`` is ``AVAILABLE``, ``UNAVAILABLE`` or ``ARCHIVED``; ``size`` is in bytes. Size and media type are
    ``None`` where the registry does not tell them. Source:
    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_Layer.html.
    """

    digest: str
    availability: str = UNAVAILABLE
    size: int | None = None
    media_type: str | None = None

    @classmethod
    def from_response(cls, entry: t.Mapping[str, t.Any]) -> Layer:
        """Make a layer of an entry of the answer's ``layers``."""
        return cls(
            digest=entry["layerDigest"],
            availability=entry.get("layerAvailability", UNAVAILABLE),
            size=entry.get("layerSize"),
            media_type=entry.get("mediaType"),
        )

    @property
    def is_available(self) -> bool:
        """Whether the layer can be pulled and referenced now; an archived one cannot."""
        return self.availability == AVAILABLE


def sha256_of(chunks: t.Iterable[bytes]) -> str:
    """Return the digest of bytes that come in chunks, ``sha256:`` and 64 hexadecimal digits."""
    hasher = hashlib.sha256()
    for chunk in chunks:
        hasher.update(chunk)
    return f"sha256:{hasher.hexdigest()}"


def is_sha256(digest: str) -> bool:
    """Tell whether ECR uses this digest to validate an upload."""
    return digest.startswith("sha256:")


def listed(digests: t.Sequence[str]) -> str:
    """Return the digests for a message, at most three by name."""
    more = len(digests) - _DIGESTS_IN_A_MESSAGE
    return ", ".join(digests[:_DIGESTS_IN_A_MESSAGE]) + (f" and {more} more" if more > 0 else "")
