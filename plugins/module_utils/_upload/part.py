# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sends one part, and tells a part that the registry has already from one that does not fit."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._ecr.errors import EcrError

if t.TYPE_CHECKING:
    from .._ansible.part_source import Part
    from .._ecr.client import Repository

SENT = "sent"
ALREADY_RECEIVED = "already_received"


@dataclass(frozen=True)
class PartUpload:
    """The outcome of sending a part; ``last_byte_received`` counts from 0."""

    action: str
    last_byte_received: int
    registry_id: str | None = None

    @property
    def changed(self) -> bool:
        """Whether this task brought the part to the registry."""
        return self.action == SENT


def predict(part: Part) -> PartUpload:
    """Return what ``upload_part`` will do; how much of an upload the registry has cannot be asked."""
    return PartUpload(SENT, part.last_byte)


def upload_part(repository: Repository, upload_id: str, part: Part) -> PartUpload:
    """Send the part unless the registry has its bytes.

    :raises EcrError: the part was refused, or does not follow what the registry has of the upload
    """
    try:
        response = repository.upload_part(upload_id, part.first_byte, part.last_byte, part.blob)
    except EcrError as error:
        if error.code != "InvalidLayerPartException":
            raise
        return _resolved(part, error)
    return PartUpload(SENT, part.last_byte, response.get("registryId"))


def _resolved(part: Part, error: EcrError) -> PartUpload:
    last_valid = error.response.get("lastValidByteReceived")
    if last_valid is None:
        raise error
    if last_valid < part.last_byte:
        error.kwargs["next_byte_expected"] = last_valid + 1
        raise error
    sent_before = error.may_have_been_applied and last_valid == part.last_byte
    return PartUpload(SENT if sent_before else ALREADY_RECEIVED, last_valid, error.response.get("registryId"))
