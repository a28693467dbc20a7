# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bytes of one layer part: a range of a file, or a base64 string."""

from __future__ import annotations

import base64
import binascii
import typing as t
from dataclasses import dataclass

from .._core.blob import FileBlob
from .._ecr.limits import SMALLEST_PART
from .._ecr.service_model import largest
from .._ecr.validation import InvalidInputError


@dataclass(frozen=True)
class Part:
    """Consecutive bytes of a layer; ``first_byte`` and ``last_byte`` count from 0 and are both inclusive.

    ``ends_layer`` is None where it is not known whether more parts follow.
    """

    first_byte: int
    last_byte: int
    blob: bytes
    ends_layer: bool | None = None

    @property
    def is_too_small(self) -> bool:
        """Whether CompleteLayerUpload will refuse the upload for this part: only the last may be under 5 MiB."""
        return self.ends_layer is False and len(self.blob) < SMALLEST_PART


def read_part(first_byte: int, last_byte: int, src: str | None, text: t.Any) -> Part:
    """Return the part as bytes, from the file ``src`` if it is given, else from base64.

    :raises InvalidInputError: no source, an impossible range, or a source that does not have these bytes
    """
    check_range(first_byte, last_byte)
    if src is not None:
        return part_of_file(src, first_byte, last_byte)
    if text is None:
        raise InvalidInputError(
            "src or layer_part_blob is required, or layerPartBlob in cli_input_json, nothing was sent: "
            "the part has no bytes"
        )
    return part_of_base64(text, first_byte, last_byte)


def check_range(first_byte: int, last_byte: int) -> None:
    """Raise InvalidInputError unless the range has at least one byte, and no more than UploadLayerPart takes."""
    size = last_byte - first_byte + 1
    most = largest("UploadLayerPart", "layerPartBlob")
    given = f"part_first_byte {first_byte} to part_last_byte {last_byte}"
    if size < 1:
        raise InvalidInputError(f"{given} is an empty range, nothing was sent: part_last_byte is inclusive")
    if size > most:
        raise InvalidInputError(f"{given} are {size} bytes, nothing was sent: a part must have at most {most} bytes")


def part_of_file(path: str, first_byte: int, last_byte: int) -> Part:
    """Read a part from a layer file.

    :raises InvalidInputError: the file cannot be read, or has no such bytes
    :raises BlobChangedError: the file has become shorter meanwhile
    """
    with FileBlob.open(path) as layer:
        if last_byte >= layer.size:
            raise InvalidInputError(
                f"src {path!r} has {layer.size} bytes, nothing was sent: part_last_byte {last_byte} lies past its end"
            )
        blob = layer.read(first_byte, last_byte - first_byte + 1)
        return Part(first_byte, last_byte, blob, ends_layer=last_byte == layer.size - 1)


def part_of_base64(text: t.Any, first_byte: int, last_byte: int) -> Part:
    """Decode a part that the task carries itself.

    :raises InvalidInputError: not base64 (RFC 4648, section 4), or not as many bytes as the range says
    """
    if not isinstance(text, str):
        raise InvalidInputError(
            f"layer_part_blob must be a base64 string, not a {type(text).__name__}, nothing was sent"
        )
    try:
        blob = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInputError(
            f"layer_part_blob must be base64 without line breaks, nothing was sent: {error}"
        ) from error
    size = last_byte - first_byte + 1
    if len(blob) != size:
        raise InvalidInputError(
            f"layer_part_blob has {len(blob)} bytes, nothing was sent: part_first_byte {first_byte} to part_last_byte "
            f"{last_byte} are {size} bytes"
        )
    return Part(first_byte, last_byte, blob)
