# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the registry answers about layers and uploads, as typed values.

A record is made of an answer that has the types of the service model. An answer that lacks what a registry always
answers, or that contradicts the request, raises UnreadableAnswerError. Records are named tuples, because each dataclass
takes the start of a task half a millisecond.
"""

from __future__ import annotations

import re
import typing as t

from .._core.digest import SHA256_DIGEST, is_sha256
from .._core.text import printable
from . import limits
from .answers import UnreadableAnswerError, check_accounted, needed, size_in

AVAILABLE = "AVAILABLE"
UNAVAILABLE = "UNAVAILABLE"
ARCHIVED = "ARCHIVED"

# AVAILABLE, UNAVAILABLE, ARCHIVED, and what may be added to them.
_AVAILABILITY = re.compile("[A-Z_]{1,64}")

Entry = t.Mapping[str, t.Any]


def _check_upload(response: Entry, upload_id: str) -> None:
    answered = response.get("uploadId")
    if answered not in (None, upload_id):
        raise UnreadableAnswerError(f"uploadId is {printable(answered)}, and {upload_id} was sent")


class Layer(t.NamedTuple):
    """One entry of BatchCheckLayerAvailability's answer.

    ``availability`` is ``AVAILABLE``, ``UNAVAILABLE`` or ``ARCHIVED``; ``size`` is in bytes. Size and media type are
    None if the registry does not report them. Source:
    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_Layer.html.
    """

    digest: str
    availability: str = UNAVAILABLE
    size: int | None = None
    media_type: str | None = None

    @classmethod
    def from_response(cls, entry: Entry) -> Layer:
        """Return an entry of the answer's ``layers``."""
        availability = needed(entry, "layerAvailability")
        if not _AVAILABILITY.fullmatch(availability):
            raise UnreadableAnswerError("layerAvailability is not one word in capitals")
        return cls(
            digest=needed(entry, "layerDigest"),
            availability=availability,
            size=size_in(entry, "layerSize"),
            media_type=entry.get("mediaType"),
        )

    @property
    def is_archived(self) -> bool:
        """Whether only archived images refer to the layer. A push of such an image restores it."""
        return self.availability == ARCHIVED

    @property
    def is_stored(self) -> bool:
        """Whether the registry has the layer, archived or not."""
        return self.availability in (AVAILABLE, ARCHIVED)


class UnknownLayer(t.NamedTuple):
    """One of the failures of BatchCheckLayerAvailability's answer; ``code`` and ``reason`` say why.

    Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_LayerFailure.html.
    """

    digest: str
    code: str
    reason: str

    @classmethod
    def from_response(cls, entry: Entry) -> UnknownLayer:
        """Return an entry of the answer's ``failures``."""
        return cls(needed(entry, "layerDigest"), needed(entry, "failureCode"), entry.get("failureReason") or "")

    @property
    def is_absent(self) -> bool:
        """Whether the repository has no such layer."""
        return self.code == "MissingLayerDigest"

    @property
    def is_malformed(self) -> bool:
        """Whether the registry does not accept the digest."""
        return self.code == "InvalidLayerDigest"


class CheckedLayers(t.NamedTuple):
    """The answer of BatchCheckLayerAvailability: the layers by digest, and what the registry did not look up."""

    layers: dict[str, Layer]
    failures: tuple[UnknownLayer, ...]

    @classmethod
    def from_response(cls, response: Entry, digests: t.Sequence[str]) -> CheckedLayers:
        """Return the answer to a look-up of these digests."""
        layers = {layer.digest: layer for layer in map(Layer.from_response, response.get("layers") or ())}
        failures = tuple(map(UnknownLayer.from_response, response.get("failures") or ()))
        found = [*layers, *(failure.digest for failure in failures)]
        strange = [digest for digest in found if digest not in digests]
        if strange:
            raise UnreadableAnswerError(f"it lists layer {printable(strange[0])}, which was not asked for")
        if response.get("layers") is None:
            check_accounted(digests, found)
        return cls(layers, tuple(failure for failure in failures if not failure.is_absent))


class OpenUpload(t.NamedTuple):
    """The answer of InitiateLayerUpload; ``part_size`` is the recommended size of the parts in bytes."""

    upload_id: str
    part_size: int

    @classmethod
    def from_response(cls, response: Entry) -> OpenUpload:
        """Return the answer."""
        part_size = needed(response, "partSize")
        if not limits.MIN_PART <= part_size <= limits.MAX_PART:
            raise UnreadableAnswerError(f"partSize is {part_size}, which is no size of a part")
        return cls(needed(response, "uploadId"), part_size)


class ReceivedPart(t.NamedTuple):
    """The answer of UploadLayerPart; ``last_byte`` counts from 0."""

    last_byte: int
    registry_id: str | None = None

    @classmethod
    def from_response(cls, response: Entry, upload_id: str, last_byte: int) -> ReceivedPart:
        """Return the answer to a part of this upload that ends with ``last_byte``."""
        _check_upload(response, upload_id)
        received = needed(response, "lastByteReceived")
        if received != last_byte:
            raise UnreadableAnswerError(f"lastByteReceived is {received}, and {last_byte} was sent")
        return cls(received, response.get("registryId"))


class CompletedLayer(t.NamedTuple):
    """The answer of CompleteLayerUpload: which of the digests listed is the layer's."""

    digest: str
    registry_id: str | None = None

    @classmethod
    def from_response(cls, response: Entry, upload_id: str, digests: t.Sequence[str]) -> CompletedLayer:
        """Return the answer to the completion of this upload as a layer with one of these digests."""
        _check_upload(response, upload_id)
        digest = needed(response, "layerDigest")
        if any(map(is_sha256, digests)) and not SHA256_DIGEST.fullmatch(digest):
            raise UnreadableAnswerError("layerDigest is not a SHA-256 digest")
        return cls(digest, response.get("registryId"))
