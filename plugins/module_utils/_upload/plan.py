# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run will do with one layer."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._ecr.limits import parts_of

if t.TYPE_CHECKING:
    from .._ecr.records import Layer
    from .state import SavedUpload


@dataclass(frozen=True)
class LayerPlan:
    """What a run will do with one layer; sizes are in bytes.

    ``found`` is what the registry reports of the layer, None if it could not be asked. ``saved`` is the upload to
    resume.
    """

    digest: str
    size: int
    part_size: int
    found: Layer | None
    saved: SavedUpload | None = None

    @property
    def is_present(self) -> bool:
        """Whether there is nothing to send."""
        return self.found is not None and self.found.is_stored

    @property
    def bytes_to_send(self) -> int:
        """The bytes that the registry lacks."""
        if self.is_present:
            return 0
        return self.size - (self.saved.next_byte if self.saved else 0)

    @property
    def parts_to_send(self) -> int:
        """The parts in which these bytes are sent."""
        return parts_of(self.bytes_to_send, self.part_size)
