# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bytes of one layer part: a range of a file, or a base64 string."""

from __future__ import annotations

import base64
import os
import typing as t

from .._core.blob import FileBlob
from .._core.errors import InvalidInputError
from .._ecr.service_model import largest
from .._upload.part import Part


def read_part(first_byte: int, last_byte: int, src: str | None, text: t.Any) -> Part:
    """Return the part, from the file ``src`` if it is given, else from base64.

    :raises InvalidInputError: no source, an impossible range, or a source that does not have these bytes
    """
    check_range(first_byte, last_byte)
    if src is not None:
        return part_of_file(src, first_byte, last_byte)
    if text is None:
        raise InvalidInputError(
            "The part has no bytes. src or layer_part_blob is required, or layerPartBlob in cli_input_json"
        )
    return part_of_base64(text, first_byte, last_byte)


def is_content(src: str | None, size: int) -> bool:
    """Return whether a path is the base64 of so many bytes, and no file."""
    if src is None or os.path.lexists(src):
        return False
    try:
        return len(base64.b64decode(src, validate=True)) == size
    except ValueError:
        return False


def check_range(first_byte: int, last_byte: int) -> None:
    """Raise InvalidInputError unless the range has at least one byte, and no more than UploadLayerPart accepts."""
    size = last_byte - first_byte + 1
    max_size = largest("UploadLayerPart", "layerPartBlob")
    given = f"part_first_byte {first_byte} to part_last_byte {last_byte}"
    if size < 1:
        raise InvalidInputError(f"{given} is an empty range. part_last_byte is inclusive")
    if size > max_size:
        raise InvalidInputError(f"{given} are {size} bytes. A part has at most {max_size} bytes")


def part_of_file(path: str, first_byte: int, last_byte: int) -> Part:
    """Read a part from a layer file.

    :raises InvalidInputError: the file cannot be read, or does not have these bytes
    :raises ContentChangedError: the file became shorter
    """
    with FileBlob.open(path, f"src {path!r}") as layer:
        if last_byte >= layer.size:
            raise InvalidInputError(
                f"src {path!r} is {layer.size} bytes. part_last_byte {last_byte} is past its end",
                "Bytes are counted from 0",
            )
        blob = layer.read(first_byte, last_byte - first_byte + 1)
        return Part(first_byte, last_byte, blob, ends_layer=last_byte == layer.size - 1)


def part_of_base64(text: t.Any, first_byte: int, last_byte: int) -> Part:
    """Decode a part that the task carries.

    :raises InvalidInputError: it is not base64 (RFC 4648, section 4), or does not have as many bytes as the range
    """
    if not isinstance(text, str):
        raise InvalidInputError(f"layer_part_blob must be a base64 string, not a {type(text).__name__}")
    try:
        blob = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise InvalidInputError(f"layer_part_blob must be base64 without line breaks: {error}") from error
    size = last_byte - first_byte + 1
    if len(blob) != size:
        raise InvalidInputError(
            f"layer_part_blob has {len(blob)} bytes, but part_first_byte {first_byte} to part_last_byte {last_byte} "
            f"are {size} bytes"
        )
    return Part(first_byte, last_byte, blob)
