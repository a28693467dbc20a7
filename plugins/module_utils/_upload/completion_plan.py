# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decides, before anything is sent, what completing an upload will do."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._ecr.records import AVAILABLE, Layer, is_sha256


@dataclass(frozen=True)
class CompletionPlan:
    """What a run will do with one upload.

    ``layers`` holds what the registry said of the sha256 digests, in the order of the task; None when it could not be
    asked.
    """

    upload_id: str
    digests: tuple[str, ...]
    layers: tuple[Layer, ...] | None

    @property
    def sha256_digests(self) -> tuple[str, ...]:
        """The digests that ECR validates an upload with; the others prove nothing."""
        return tuple(filter(is_sha256, self.digests))

    @property
    def present(self) -> Layer | None:
        """The layer that makes sending needless, if every sha256 digest is available.

        ECR accepts an upload when any digest matches, so one available digest among several says nothing about this
        upload.
        """
        if self.layers and all(layer.is_available for layer in self.layers):
            return self.layers[0]
        return None

    @property
    def expected_digest(self) -> str | None:
        """The digest that the registry will answer with; None when several are possible."""
        if self.present:
            return self.present.digest
        candidates = set(self.sha256_digests)
        return candidates.pop() if len(candidates) == 1 else None

    def was_available(self, digest: str) -> bool:
        """Tell whether the registry had this layer when the plan was made."""
        return any(layer.digest == digest and layer.is_available for layer in self.layers or ())

    def diff(self, changed: bool, digest: str | None) -> dict[str, t.Any]:
        """Return Ansible's ``diff`` of the repository's layers, with ``digest`` completed by this upload."""
        before = {layer.digest: layer.availability for layer in self.layers or ()}
        for unknown in self.digests:
            before.setdefault(unknown, "unknown")
        completed = {digest or "one of the above": AVAILABLE} if changed else {}
        return {"before": before, "after": {**before, **completed}}


def plan_completion(upload_id: str, digests: t.Sequence[str], layers: t.Mapping[str, Layer] | None) -> CompletionPlan:
    """Make the plan from what the task asks for and what the registry has.

    :param layers: the answer of ``Repository.layers`` for the sha256 digests; None when the caller may not ask
    """
    found = None if layers is None else tuple(layers.values())
    return CompletionPlan(upload_id, tuple(digests), found)
