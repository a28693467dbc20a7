# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The body of an UploadLayerPart request, made while it is read.

boto3 serialises a part of 10 MiB through several copies of its base64. This body has the same bytes, and is encoded
block by block: once to be hashed and, where no memory was left to keep a block until it is sent, once more. It is put
in place through botocore's public event hooks, so that signing, sending and errors stay botocore's:
https://botocore.amazonaws.com/v1/documentation/api/latest/topics/events.html.
"""

from __future__ import annotations

import binascii
import hashlib
import io
import os
import secrets
import threading
import typing as t
from dataclasses import dataclass

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.plugins.module_utils._blob import Blob, Witness

# Up to 192 KiB of base64 are encoded twice as fast as more at once.
BLOCK_SIZE = 128 * 1024
# 14 MiB, which one part of the usual size fits in.
MOST_BLOCKS = 112
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


class Blocks:
    """Memory for blocks of encoded parts; there is never more of it than ``MOST_BLOCKS``."""

    def __init__(self) -> None:
        self._made = 0
        self._free: list[bytearray] = []

    def take(self) -> bytearray | None:
        """Return a block, None when all are in use; only one thread may take at a time."""
        if self._free:
            return self._free.pop()
        if self._made == MOST_BLOCKS:
            return None
        self._made += 1
        return bytearray(BLOCK_SIZE)

    def give_back(self, block: bytearray) -> None:
        """Let the block be taken again, from any thread."""
        self._free.append(block)


class PartBody(io.RawIOBase):
    """``prefix``, the part as base64, and ``suffix``, as a file that can be read again from its beginning."""

    def __init__(self, prefix: bytes, part: BlobPart, suffix: bytes, blocks: Blocks) -> None:
        super().__init__()
        self._prefix = prefix
        self._part = part
        self._suffix = suffix
        self._blocks = blocks
        self._kept: dict[int, bytearray] = {}
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
        chunk = self._chunk(size)
        self._position += len(chunk)
        return chunk

    def readinto(self, buffer: t.Any) -> int:
        """Fill the buffer as far as one read does, and return the number of bytes."""
        chunk = self.read(len(buffer))
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def readall(self) -> bytes:
        """Return all bytes that are left."""
        return b"".join(iter(lambda: self.read(BLOCK_SIZE), b""))

    def sha256(self) -> str:
        """Encode the whole body, keep what there is memory for, and return its digest as 64 hexadecimal digits."""
        hasher = hashlib.sha256(self._prefix)
        for position in range(0, self._base64_size, BLOCK_SIZE):
            chunk = self._encoded(position, BLOCK_SIZE)
            hasher.update(chunk)
            block = self._blocks.take()
            if block is not None:
                block[: len(chunk)] = chunk
                self._kept[position] = block
        hasher.update(self._suffix)
        return hasher.hexdigest()

    def close(self) -> None:
        """Give the memory back; what is read from now on is encoded again."""
        while self._kept:
            self._blocks.give_back(self._kept.popitem()[1])
        super().close()

    def _chunk(self, size: int) -> bytes:
        position = self._position
        if position < len(self._prefix):
            return self._prefix[position : position + size]
        position -= len(self._prefix)
        if position < self._base64_size:
            return self._base64(position, size)
        position -= self._base64_size
        return self._suffix[position : position + size]

    def _base64(self, position: int, size: int) -> bytes:
        """Return base64 from one block."""
        offset = position % BLOCK_SIZE
        first = position - offset
        size = min(size, BLOCK_SIZE - offset, self._base64_size - position)
        block = self._kept.get(first)
        if block is None:
            return self._encoded(position, size)
        chunk = memoryview(block)[offset : offset + size].tobytes()
        if position + size in (first + BLOCK_SIZE, self._base64_size):
            # Sent once is enough, but for the rare request that is repeated: that one is encoded again.
            self._blocks.give_back(self._kept.pop(first))
        return chunk

    def _encoded(self, position: int, size: int) -> bytes:
        skip = position % 4
        first = position // 4 * 3
        # Whole groups of three bytes, but for the last, so that there is no padding in the middle.
        last = min(first + (skip + size + 3) // 4 * 3, len(self._part))
        return binascii.b2a_base64(self._part.read(first, last - first), newline=False)[skip : skip + size]


class _PartStream:
    """The handlers of one client's events.

    Parts are streamed only after another call has shown that the events come, and bring the body as JSON; until then
    they go through boto3's serialiser.
    """

    def __init__(self) -> None:
        self._blocks = Blocks()
        self._encoding = threading.Lock()
        self._sends_json = False

    def set_part_aside(self, params: dict[str, t.Any], context: dict[str, t.Any], **_event: t.Any) -> None:
        part = params.get("layerPartBlob")
        if not isinstance(part, BlobPart):
            return
        if not self._sends_json:
            params["layerPartBlob"] = part.read(0, len(part))
            return
        token = secrets.token_bytes(24)
        context[_CONTEXT] = (part, token)
        params["layerPartBlob"] = token

    def look_at_body(self, params: dict[str, t.Any], context: dict[str, t.Any], **_event: t.Any) -> None:
        if _CONTEXT not in context:
            self._sends_json = isinstance(params["body"], bytes) and params["body"].startswith(b"{")

    def put_part_in(self, params: dict[str, t.Any], context: dict[str, t.Any], **_event: t.Any) -> None:
        if _CONTEXT not in context:
            return
        part, token = context[_CONTEXT]
        prefix, suffix = params["body"].split(binascii.b2a_base64(token, newline=False))
        body = context[_CONTEXT] = params["body"] = PartBody(prefix, part, suffix, self._blocks)
        # One at a time: threads that encode at once slow each other down, and would have to share the memory.
        with self._encoding:
            # The signer takes the digest from here, so that whatever goes wrong with the file goes wrong here.
            params["headers"]["X-Amz-Content-SHA256"] = body.sha256()

    def let_go(self, context: dict[str, t.Any], **_event: t.Any) -> None:
        if _CONTEXT in context:
            context[_CONTEXT].close()


def stream_parts(client: t.Any) -> None:
    """Let the client take a BlobPart for the ``layerPartBlob`` of UploadLayerPart, and stream it."""
    stream = _PartStream()
    for event, handler in (
        ("before-parameter-build.ecr.UploadLayerPart", stream.set_part_aside),
        ("before-call.ecr", stream.look_at_body),
        ("before-call.ecr.UploadLayerPart", stream.put_part_in),
        ("after-call.ecr.UploadLayerPart", stream.let_go),
        ("after-call-error.ecr.UploadLayerPart", stream.let_go),
    ):
        client.meta.events.register(event, handler, unique_id=f"layerkit.ecr.{event}")
