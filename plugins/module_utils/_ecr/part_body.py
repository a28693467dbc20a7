# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The body of an UploadLayerPart request, encoded while it is read.

boto3 serialises a part of 10 MiB through several copies of its base64. This body has the same bytes, and is encoded
block by block: once to be hashed and, if no memory was left to keep a block until it is sent, once more. Other threads
hash what was encoded while the next block is encoded. botocore's public event hooks put the body in place, so signing,
sending and errors remain botocore's:
https://botocore.amazonaws.com/v1/documentation/api/latest/topics/events.html.
"""

from __future__ import annotations

import binascii
import hashlib
import io
import mmap
import os
import secrets
import typing as t
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from .._core.task import submitted
from .encoding import SPARE_BYTES, base64_size, encode

if t.TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest

    from .._core.blob import Blob, RunningDigest

# Each thread that sends a part whose blocks are not kept has memory for one.
_PIECE_SIZE = 64 * 1024
# To hash this much takes longer than to wake the thread that does it, and holds no lock of Python's.
BLOCK_SIZE = 8 * _PIECE_SIZE
# 13.5 MiB, which hold one part of the default size.
MAX_BLOCKS = 27
_CONTEXT = "layerkit_ecr_part"


@dataclass(frozen=True)
class BlobPart:
    """A range of a blob, used as ``layerPartBlob`` of a request; both positions are inclusive.

    ``on_sent`` is called while the part is sent, with the number of bytes that an attempt has sent of it.
    """

    blob: Blob
    first_byte: int
    last_byte: int
    running_digest: RunningDigest | None = None
    on_sent: t.Callable[[int], None] | None = None

    def prepare(self) -> None:
        """Make the part ready to be read, unless it is."""
        self.blob.prepare(self.first_byte, len(self))

    def read(self, position: int, size: int) -> bytes:
        """Return bytes of the part, by their position in the part."""
        return self.blob.read(self.first_byte + position, size)

    def read_into(self, position: int, buffer: memoryview) -> None:
        """Fill a buffer with bytes of the part."""
        self.blob.read_into(self.first_byte + position, buffer)

    def was_read(self, position: int, chunk: bytes | memoryview) -> None:
        """Hash bytes that will be sent."""
        if self.running_digest:
            self.running_digest.update(self.first_byte + position, chunk)

    def was_sent(self, size: int) -> None:
        """Note how many bytes of the part have been sent."""
        self.blob.forget(self.first_byte + size)
        if self.on_sent:
            self.on_sent(size)

    def __len__(self) -> int:
        return self.last_byte - self.first_byte + 1


class Blocks:
    """Memory for blocks of encoded parts, at most ``MAX_BLOCKS`` of them."""

    def __init__(self) -> None:
        self._made = 0
        self._free: list[bytearray] = []

    def take(self) -> bytearray | None:
        """Return a block, None if all are in use. Only one thread may call this."""
        if self._free:
            return self._free.pop()
        if self._made == MAX_BLOCKS:
            return None
        self._made += 1
        return bytearray(BLOCK_SIZE + SPARE_BYTES)

    def give_back(self, block: bytearray) -> None:
        """Make a block available again. Any thread may call this."""
        self._free.append(block)


class PartBody(io.RawIOBase):
    """``prefix``, the part as base64, and ``suffix``, as a file that can be read more than once."""

    def __init__(self, prefix: bytes, part: BlobPart, suffix: bytes, blocks: Blocks) -> None:
        super().__init__()
        self.prefix = prefix
        self.part = part
        self.suffix = suffix
        self.base64_size = base64_size(len(part))
        self._blocks = blocks
        self._kept: dict[int, bytearray] = {}
        self._position = 0

    def __len__(self) -> int:
        return len(self.prefix) + self.base64_size + len(self.suffix)

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def seekable(self) -> bool:
        """Return that it can be read again."""
        return True

    def tell(self) -> int:
        """Return the position of the next byte."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a position, as files do."""
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: len(self)}[whence]
        self._position = max(0, origin + offset)
        return self._position

    def readinto(self, buffer: t.Any) -> int:
        """Fill the buffer as far as one read does. Return the number of bytes, 0 at the end."""
        chunk = self._chunk(len(buffer))
        buffer[: len(chunk)] = chunk
        self._position += len(chunk)
        return len(chunk)

    def keep(self, position: int, block: bytearray) -> None:
        """Keep the block of base64 that begins at a position, until it is sent."""
        self._kept[position] = block

    def pieces(self) -> t.Iterator[bytes | memoryview]:
        """Yield the complete body. A piece is valid until the next one is requested."""
        self.part.prepare()
        yield self.prefix
        for first in range(0, self.base64_size, BLOCK_SIZE):
            end = min(first + BLOCK_SIZE, self.base64_size)
            block = self._kept.get(first)
            if block is None:
                yield from self._encoded_again(first, end)
            else:
                yield memoryview(block)[: end - first]
                # A block is sent once. The rare request that is repeated is encoded again.
                self._blocks.give_back(self._kept.pop(first))
            self.part.was_sent(min(end // 4 * 3, len(self.part)))
        yield self.suffix

    def close(self) -> None:
        """Release the memory. What is read from now on is encoded again."""
        while self._kept:
            self._blocks.give_back(self._kept.popitem()[1])
        super().close()

    def _chunk(self, size: int) -> bytes:
        position = self._position
        if position < len(self.prefix):
            return self.prefix[position : position + size]
        position -= len(self.prefix)
        if position < self.base64_size:
            return self._encoded(position, min(size, _PIECE_SIZE))
        position -= self.base64_size
        return self.suffix[position : position + size]

    def _encoded_again(self, first: int, end: int) -> t.Iterator[memoryview]:
        raw = memoryview(bytearray(_PIECE_SIZE // 4 * 3))
        encoded = memoryview(bytearray(_PIECE_SIZE + SPARE_BYTES))
        for position in range(first, end, _PIECE_SIZE):
            start = position // 4 * 3
            size = min((end - position) // 4 * 3, len(self.part) - start, len(raw))
            self.part.read_into(start, raw[:size])
            yield encoded[: encode(raw[:size], encoded)]

    def _encoded(self, position: int, size: int) -> bytes:
        skip = position % 4
        # Complete groups of three bytes, except the last, so that there is no padding in the middle.
        raw = self._raw(position // 4 * 3, (skip + size + 3) // 4 * 3)
        return binascii.b2a_base64(raw, newline=False)[skip : skip + size]

    def _raw(self, first: int, size: int) -> bytes:
        return self.part.read(first, min(size, len(self.part) - first))


class _InPieces:
    """A body that is not a file, so http.client sends its pieces as they are."""

    def __init__(self, body: PartBody) -> None:
        self._body = body

    def __iter__(self) -> t.Iterator[bytes | memoryview]:
        return self._body.pieces()

    def seek(self, _position: int) -> None:
        """Accept that the body will be sent again, from its beginning."""


class _Hashing:
    """Runs two works in threads while its caller continues. The caller does not touch what they read until they end."""

    def __init__(self) -> None:
        # One thread each, so that pieces are hashed in their order.
        self._threads = [ThreadPoolExecutor(max_workers=1) for _work in range(2)]
        self._running: list[Future[None]] = []

    def begin(self, *works: t.Callable[[], None]) -> None:
        """Start up to two works, then wait for those that were started before."""
        before = self._running
        self._running = [submitted(thread, work) for thread, work in zip(self._threads, works)]
        for work in before:
            work.result()


class Encoder:
    """Encodes bodies in one thread. With those that hash, it occupies two processors and more."""

    def __init__(self) -> None:
        self.blocks = Blocks()
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._hashing = _Hashing()
        # One is filled while the bytes of the other are hashed. The second of each pair is for a block that is not kept
        # and uses no memory until there is one.
        self._buffers = [
            (bytearray(BLOCK_SIZE // 4 * 3), mmap.mmap(-1, BLOCK_SIZE + SPARE_BYTES)) for _turn in range(2)
        ]

    def sha256(self, body: PartBody) -> str:
        """Encode the body, keep what there is memory for, and return its SHA-256 as 64 hexadecimal digits."""
        return submitted(self._thread, self._sha256_or_close, body).result()

    def _sha256_or_close(self, body: PartBody) -> str:
        try:
            return self._sha256(body)
        except BaseException:
            body.close()
            raise

    def _sha256(self, body: PartBody) -> str:
        hasher = hashlib.sha256(body.prefix)
        try:
            for position in range(0, body.base64_size, BLOCK_SIZE):
                raw, encoded = self._encode(body, position)
                seen = partial(body.part.was_read, position // 4 * 3, raw)
                self._hashing.begin(seen, partial(hasher.update, encoded))
        finally:
            self._hashing.begin()
        hasher.update(body.suffix)
        return hasher.hexdigest()

    def _encode(self, body: PartBody, position: int) -> tuple[memoryview, memoryview]:
        """Return the bytes of one block and their base64."""
        raw_buffer, spare = self._buffers[position // BLOCK_SIZE % 2]
        first = position // 4 * 3
        raw = memoryview(raw_buffer)[: len(body.part) - first]
        body.part.read_into(first, raw)
        block = None if body.part.blob.holds_last_part else self.blocks.take()
        if block is not None:
            body.keep(position, block)
        encoded = memoryview(spare if block is None else block)
        return raw, encoded[: encode(raw, encoded)]


class _PartStream:
    """The handlers of one client's events.

    Parts are streamed only after another call has shown that botocore emits the events and serialises the body as JSON.
    Until then boto3's serialiser handles them.
    """

    def __init__(self) -> None:
        self._encoder = Encoder()
        self._sends_json = False

    def set_part_aside(self, params: dict[str, t.Any], context: dict[str, t.Any], **_event: t.Any) -> None:
        part = params.get("layerPartBlob")
        if not isinstance(part, BlobPart):
            return
        if not self._sends_json:
            part.prepare()
            params["layerPartBlob"] = blob = part.read(0, len(part))
            part.was_read(0, blob)
            return
        token = secrets.token_bytes(24)
        context[_CONTEXT] = (part, token)
        params["layerPartBlob"] = token

    def inspect_body(self, params: dict[str, t.Any], context: dict[str, t.Any], **_event: t.Any) -> None:
        if _CONTEXT not in context:
            self._sends_json = isinstance(params["body"], bytes) and params["body"].startswith(b"{")

    def insert_part(self, params: dict[str, t.Any], context: dict[str, t.Any], **_event: t.Any) -> None:
        if _CONTEXT not in context:
            return
        part, token = context[_CONTEXT]
        part.prepare()
        prefix, suffix = params["body"].split(binascii.b2a_base64(token, newline=False))
        body = context[_CONTEXT] = params["body"] = PartBody(prefix, part, suffix, self._encoder.blocks)
        # The signer uses this digest, so a file that cannot be read fails here and not in the signer.
        params["headers"]["X-Amz-Content-SHA256"] = self._encoder.sha256(body)

    def send_in_pieces(self, request: AWSPreparedRequest, **_event: t.Any) -> None:
        if isinstance(request.body, PartBody):
            request.body = _InPieces(request.body)

    def release(self, context: dict[str, t.Any], **_event: t.Any) -> None:
        if _CONTEXT in context:
            context[_CONTEXT].close()


def stream_parts(events: t.Any) -> None:
    """Let a client accept a BlobPart as ``layerPartBlob`` of UploadLayerPart, and stream it.

    :param events: botocore's hooks into the requests of the client
    """
    stream = _PartStream()
    for event, handler in (
        ("before-parameter-build.ecr.UploadLayerPart", stream.set_part_aside),
        ("before-call.ecr", stream.inspect_body),
        ("before-call.ecr.UploadLayerPart", stream.insert_part),
        ("before-send.ecr.UploadLayerPart", stream.send_in_pieces),
        ("after-call.ecr.UploadLayerPart", stream.release),
        ("after-call-error.ecr.UploadLayerPart", stream.release),
    ):
        events.register(event, handler, unique_id=f"layerkit.ecr.{event}")
