# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The quotas of a private registry, and the check of a layer against them.

Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html. The limit of layers in an image is
not documented; PutImage answers InvalidParameterException to an image that has more.
"""

from __future__ import annotations

from .._core.errors import InvalidInputError
from .._core.text import MIB

MIN_PART = 5 * MIB
MAX_PART = 10 * MIB
# The size that InitiateLayerUpload has always recommended.
DEFAULT_PART = 10 * MIB
MAX_PARTS = 4_200
MAX_LAYER = 52_000 * MIB
MAX_LAYERS_PER_IMAGE = 500
MAX_TAGS_PER_IMAGE = 1_000
MAX_PUTS_PER_SECOND = 10


def parts_of(size: int, part_size: int) -> int:
    """Return how many parts of ``part_size`` bytes a layer, or the rest of one, of ``size`` bytes has."""
    return -(-size // part_size)


def check_layer(name: str, size: int, part_size: int) -> None:
    """Check the size of a layer.

    :param name: names the layer in errors
    :param size: the size of the layer in bytes
    :param part_size: the size of its parts in bytes
    :raises InvalidInputError: Amazon ECR cannot store such a layer
    """
    parts = parts_of(size, part_size)
    if size == 0:
        raise InvalidInputError(f"{name} is empty. Amazon ECR cannot store a layer of 0 bytes")
    if size > MAX_LAYER:
        raise InvalidInputError(
            f"{name} is {size} bytes. Amazon ECR accepts layers of at most {MAX_LAYER} bytes (52000 MiB)"
        )
    if parts > MAX_PARTS:
        raise InvalidInputError(
            f"{name} is {size} bytes, which is {parts} parts of {part_size} bytes. Amazon ECR accepts at most "
            f"{MAX_PARTS} parts, which is {MAX_PARTS * part_size} bytes at this part size"
        )
