# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a repository enforces and answers: the figures of the live service, which a test may change per repository."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

MIB = 1024 * 1024

LayerAvailability = Literal["AVAILABLE", "UNAVAILABLE", "ARCHIVED"]


@dataclass
class Rules:
    """The rules of one repository; sizes are bytes (https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html)."""

    # The smallest part that may be followed by another one.
    min_part_bytes: int = 5 * MIB
    max_parts: int = 4_200
    max_layer_bytes: int = 52_000 * MIB
    # What InitiateLayerUpload advises.
    part_size: int = 10 * MIB
    # Whether InvalidLayerPartException carries lastValidByteReceived.
    tells_last_valid_byte: bool = True
    # Whether BatchGetImage gives an image by its tag out as another one, unless its media type is accepted.
    converts_manifests: bool = False
    # What BatchCheckLayerAvailability says of a digest, whatever the repository holds.
    availability: dict[str, LayerAvailability] = field(default_factory=dict)


class RuleBook:
    """The rules of every repository, by its name; they outlive the repository."""

    def __init__(self) -> None:
        self._rules: dict[str, Rules] = {}

    def of(self, repository_name: str) -> Rules:
        """Return the rules of the repository, to be read or changed in place."""
        return self._rules.setdefault(repository_name, Rules())
