# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a layer is cut into parts, and what Amazon ECR takes.

Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html.
"""

from __future__ import annotations

from .service_model import largest
from .validation import InvalidInputError

MIB = 1024 * 1024
SMALLEST_PART = 5 * MIB
LARGEST_PART = 10 * MIB
MOST_PARTS = 4_200
LARGEST_LAYER = 52_000 * MIB
# What InitiateLayerUpload has always advised.
USUAL_PART = 10 * MIB


def parts_of(size: int, part_size: int) -> int:
    """Return how many parts of ``part_size`` bytes a layer, or the rest of one, of ``size`` bytes has."""
    return -(-size // part_size)


def usable_part_size(advised: object) -> int:
    """Return the size that the registry advises, or the usual one when the API does not allow that size."""
    largest_part = largest("UploadLayerPart", "layerPartBlob")
    return advised if isinstance(advised, int) and 1 <= advised <= largest_part else USUAL_PART


def check_part_size(part_size: int | None) -> None:
    """Raise InvalidInputError unless Amazon ECR takes parts of this size; None stands for the one that it advises."""
    if part_size is not None and not SMALLEST_PART <= part_size <= LARGEST_PART:
        raise InvalidInputError(
            f"part_size {part_size} must be at least {SMALLEST_PART} (5 MiB) and at most {LARGEST_PART} (10 MiB), "
            "nothing was sent"
        )


def check_layer_size(name: str, size: int, part_size: int) -> None:
    """Raise InvalidInputError unless Amazon ECR can store a layer of ``size`` bytes in parts of ``part_size`` bytes."""
    if size == 0:
        raise InvalidInputError(f"{name} has 0 bytes, nothing was sent: Amazon ECR cannot store an empty layer")
    if size > LARGEST_LAYER:
        raise InvalidInputError(
            f"{name} has {size} bytes, nothing was sent: "
            f"Amazon ECR takes layers of at most {LARGEST_LAYER} bytes (52000 MiB)"
        )
    if parts_of(size, part_size) > MOST_PARTS:
        raise InvalidInputError(
            f"{name} has {size} bytes, which are {parts_of(size, part_size)} parts of {part_size} bytes, nothing was "
            f"sent: Amazon ECR takes at most {MOST_PARTS} parts, here {MOST_PARTS * part_size} bytes"
        )
