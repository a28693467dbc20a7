# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decides, before anything is sent, what putting a layer into a repository will do."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._ecr.limits import parts_of
from .._ecr.records import AVAILABLE, Layer

if t.TYPE_CHECKING:
    from .state import SavedUpload


@dataclass(frozen=True)
class LayerPlan:
    """What a run will do with one layer; sizes are in bytes.

    ``found`` is what the registry said of the layer, None when it could not be asked. ``saved`` is the upload to go
    on with.
    """

    digest: str
    size: int
    part_size: int
    found: Layer | None
    saved: SavedUpload | None = None

    @property
    def is_present(self) -> bool:
        """Whether there is nothing to send."""
        return self.found is not None and self.found.is_available

    @property
    def bytes_to_send(self) -> int:
        """The bytes that the registry does not have."""
        if self.is_present:
            return 0
        return self.size - (self.saved.next_byte if self.saved else 0)

    @property
    def parts_to_send(self) -> int:
        """The parts that these bytes are sent in."""
        return parts_of(self.bytes_to_send, self.part_size)

    def diff(self, changed: bool, bytes_sent: int, part_count: int) -> dict[str, t.Any]:
        """Return Ansible's ``diff`` of the repository's layer, and of what is sent for it."""
        availability = self.found.availability if self.found else "unknown"
        before = {"layer_digest": self.digest, "layer_availability": availability, "sent": _sent(0, 0)}
        after = {**before, "layer_availability": AVAILABLE, "sent": _sent(bytes_sent, part_count)}
        return {"before": before, "after": after if changed else before}


def _sent(size: int, parts: int) -> str:
    return f"{size} bytes in {parts} parts"
