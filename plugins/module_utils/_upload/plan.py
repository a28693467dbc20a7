# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run will do with one layer."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._ecr.call import Call
from .._ecr.errors import AnswerError
from .._ecr.limits import parts_of

if t.TYPE_CHECKING:
    from .._ecr.call import Repository
    from .._ecr.layer_records import Layer


@dataclass(frozen=True)
class LayerIdentity:
    """What an upload belongs to. ``registry_id`` is None for the caller's own registry."""

    repository_name: str
    registry_id: str | None
    region: str
    layer_digest: str
    layer_size: int


@dataclass(frozen=True)
class SavedUpload:
    """An open upload: ``next_byte`` counts from 0, ``part_size`` is in bytes."""

    upload_id: str
    part_size: int
    next_byte: int


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


def check_size(plan: LayerPlan, layer: Layer | None, repository: Repository, changed: bool = False) -> None:
    """Check that a layer that is there has the size of ours.

    :param layer: what the registry reports of it now
    :param changed: whether it is there because of this run
    :raises AnswerError: the registry reports another size for the same digest
    """
    if layer is None or not layer.is_stored or layer.size in (None, plan.size):
        return
    raise AnswerError(
        Call("BatchCheckLayerAvailability", repository, digests=(plan.digest,)),
        f"The registry reports layer {plan.digest} of {repository} with {layer.size} bytes, but the layer with this "
        f"digest has {plan.size}",
        "Something between the host and Amazon ECR may change answers, such as a proxy. Run the task again",
        changed=changed,
    )
