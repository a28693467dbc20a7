# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sends one part, and decides what an error of UploadLayerPart means."""

from __future__ import annotations

import enum
import typing as t
from dataclasses import dataclass

from .._ecr.errors import CallError
from .._ecr.limits import MIN_PART

if t.TYPE_CHECKING:
    from .._ecr.layers import Layers


@dataclass(frozen=True)
class Part:
    """Consecutive bytes of a layer; ``first_byte`` and ``last_byte`` count from 0 and are both inclusive.

    ``ends_layer`` is None if it is not known whether more parts follow.
    """

    first_byte: int
    last_byte: int
    blob: bytes
    ends_layer: bool | None = None

    @property
    def is_too_small(self) -> bool:
        """Whether CompleteLayerUpload will refuse the upload because of this part: only the last may be under 5 MiB."""
        return self.ends_layer is False and len(self.blob) < MIN_PART


class PartAction(enum.Enum):
    """What became of a part."""

    SENT = "sent"
    ALREADY_RECEIVED = "already_received"


@dataclass(frozen=True)
class PartUpload:
    """The outcome of sending a part; ``last_byte_received`` counts from 0."""

    action: PartAction
    last_byte_received: int
    registry_id: str | None = None

    @property
    def changed(self) -> bool:
        """Whether this task brought the part to the registry."""
        return self.action is PartAction.SENT


def predict_part(part: Part) -> PartUpload:
    """Return what ``send_part`` will do. The API has no call that reports how much of an upload has arrived."""
    return PartUpload(PartAction.SENT, part.last_byte)


def send_part(layers: Layers, upload_id: str, part: Part) -> PartUpload:
    """Send the part unless the registry has its bytes.

    :raises EcrError: the part was refused, or does not follow what the registry has of the upload
    """
    try:
        received = layers.upload_part(upload_id, part.first_byte, part.last_byte, part.blob)
    except CallError as error:
        if error.code != "InvalidLayerPartException":
            raise
        return _resolved(part, error)
    return PartUpload(PartAction.SENT, received.last_byte, received.registry_id)


def _resolved(part: Part, error: CallError) -> PartUpload:
    """Decide whether a refused part is there; raise the error otherwise."""
    last_valid = error.last_valid_byte
    if last_valid is None or last_valid < part.last_byte:
        raise error
    sent_before = error.may_have_been_applied and last_valid == part.last_byte
    action = PartAction.SENT if sent_before else PartAction.ALREADY_RECEIVED
    return PartUpload(action, last_valid, error.registry_id)
