# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The body of an UploadLayerPart request, made while it is read.

boto3 serialises a part of 10 MiB through several copies of its base64. This body has the same bytes, and holds no
more than a chunk of them at a time. It is put in place through botocore's public event hooks, so that signing,
sending and errors stay botocore's: https://botocore.amazonaws.com/v1/documentation/api/latest/topics/events.html.
"""

from __future__ import annotations

import binascii
import hashlib
import io
import os
import secrets
import typing as t
from dataclasses import dataclass

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.plugins.module_utils._blob import Blob, Witness

# Chunks of up to 192 KiB of base64 are encoded twice as fast as larger ones; 3 bytes make 4 characters.
_LARGEST_READ = 192 * 1024
_CONTEXT = "layerkit_ecr_part"


@dataclass(frozen=True)
class BlobPart:
    """A range of a blob, in the place of a request's ``layerPartBlob``; both positions are inclusive."""

    blob: Blob
    first_byte: int
    last_byte: int
    witness: Witness | None = None

    def read(self, position: int, size: int) -> bytes:
        """Return bytes of the part, by their position in the part."""
        start = self.first_byte + position
        chunk = self.blob.read(start, size)
        if self.witness:
            self.witness.saw(start, chunk)
        return chunk

    def __len__(self) -> int:
        return self.last_byte - self.first_byte + 1


class PartBody(io.RawIOBase):
    """``prefix``, the part as base64, and ``suffix``, as a file that can be read again from its beginning."""

    def __init__(self, prefix: bytes, part: BlobPart, suffix: bytes) -> None:
        super().__init__()
        self._prefix = prefix
        self._part = part
        self._suffix = suffix
        self._base64_size = 4 * ((len(part) + 2) // 3)
        self._position = 0

    def __len__(self) -> int:
        return len(self._prefix) + self._base64_size + len(self._suffix)

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it can be read again."""
        return True

    def tell(self) -> int:
        """Return the position of the next byte."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a position, as every file does."""
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: len(self)}[whence]
        self._position = max(0, origin + offset)
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes, all that are left for -1, and none at the end."""
        if size < 0:
            return self.readall()
        chunk = self._chunk(min(size, _LARGEST_READ))
        self._position += len(chunk)
        return chunk

    def readinto(self, buffer: t.Any) -> int:
        """Fill the buffer as far as one read does, and return the number of bytes."""
        chunk = self.read(len(buffer))
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def readall(self) -> bytes:
        """Return all bytes that are left."""
        return b"".join(iter(lambda: self.read(_LARGEST_READ), b""))

    def sha256(self) -> str:
        """Read the whole body, and return its digest as 64 hexadecimal digits."""
        self.seek(0)
        hasher = hashlib.sha256()
        for chunk in iter(lambda: self.read(_LARGEST_READ), b""):
            hasher.update(chunk)
        self.seek(0)
        return hasher.hexdigest()

    def _chunk(self, size: int) -> bytes:
        position = self._position
        if position < len(self._prefix):
            return self._prefix[position : position + size]
        position -= len(self._prefix)
        if position < self._base64_size:
            return self._base64(position, min(size, self._base64_size - position))
        position -= self._base64_size
        return self._suffix[position : position + size]

    def _base64(self, position: int, size: int) -> bytes:
        skip = position % 4
        first = position // 4 * 3
        # Whole groups of three bytes, but for the last, so that there is no padding in the middle.
        last = min(first + (skip + size + 3) // 4 * 3, len(self._part))
        return binascii.b2a_base64(self._part.read(first, last - first), newline=False)[skip : skip + size]


def stream_parts(client: t.Any) -> None:
    """Let the client take a BlobPart for the ``layerPartBlob`` of UploadLayerPart, and stream it."""
    register = client.meta.events.register
    register("before-parameter-build.ecr.UploadLayerPart", _set_part_aside, unique_id="layerkit.ecr.set-part-aside")
    register("before-call.ecr.UploadLayerPart", _put_part_in, unique_id="layerkit.ecr.put-part-in")


def _set_part_aside(params: dict[str, t.Any], context: dict[str, t.Any], **_event: t.Any) -> None:
    part = params.get("layerPartBlob")
    if isinstance(part, BlobPart):
        token = secrets.token_bytes(24)
        context[_CONTEXT] = (part, token)
        params["layerPartBlob"] = token


def _put_part_in(params: dict[str, t.Any], context: dict[str, t.Any], **_event: t.Any) -> None:
    if _CONTEXT in context:
        part, token = context[_CONTEXT]
        prefix, suffix = params["body"].split(binascii.b2a_base64(token, newline=False))
        body = PartBody(prefix, part, suffix)
        params["body"] = body
        # The signer takes the digest from here, so that whatever goes wrong with the file goes wrong here.
        params["headers"]["X-Amz-Content-SHA256"] = body.sha256()
