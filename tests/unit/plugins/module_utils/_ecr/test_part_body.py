# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A streamed body has the bytes that boto3 would send, however it is read."""

from __future__ import annotations

import base64
import hashlib
import io
import random
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.blob import Blob, FileBlob, RunningDigest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import ContentChangedError
from ansible_collections.layerkit.ecr.plugins.module_utils._core.task import Task
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.call import Repository
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.client import EcrClient
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.layers import Layers
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.limits import DEFAULT_PART
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.part_body import (
    BLOCK_SIZE,
    MAX_BLOCKS,
    BlobPart,
    Encoder,
    PartBody,
    stream_parts,
)
from ansible_collections.layerkit.ecr.plugins.modules import ecr_layer
from ansible_collections.layerkit.ecr.tests.strict_ecr.fixtures import ecr_client
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import run_module
from botocore.exceptions import EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR
    from botocore.awsrequest import AWSPreparedRequest
    from mypy_boto3_ecr import ECRClient

# Four blocks, no two alike.
CONTENT = random.Random(5).randbytes(4 * BLOCK_SIZE // 4 * 3)
PREFIX, SUFFIX = b'{"layerPartBlob": "', b'", "uploadId": "x"}'


@pytest.fixture(scope="module")
def blob(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[FileBlob]:
    path = tmp_path_factory.mktemp("blob") / "layer"
    path.write_bytes(CONTENT)
    with FileBlob.open(str(path), "layer") as opened:
        yield opened


def body_of(blob: Blob, first: int, last: int, *, encoder: Encoder | None = None) -> tuple[PartBody, bytes]:
    expected = PREFIX + base64.b64encode(CONTENT[first : last + 1]) + SUFFIX
    blocks = (encoder or Encoder()).blocks
    return PartBody(PREFIX, BlobPart(blob, first, last), SUFFIX, blocks), expected


def encoder_with(count: int) -> Encoder:
    """Return an encoder that has memory for so many blocks."""
    encoder = Encoder()
    for _block in range(MAX_BLOCKS - count):
        assert encoder.blocks.take() is not None
    return encoder


def sent(body: PartBody) -> bytes:
    """Return the body as it is sent."""
    # A piece is good until the next one is asked for.
    return b"".join([bytes(piece) for piece in body.pieces()])


ranges = st.tuples(st.integers(0, len(CONTENT) - 1), st.integers(0, len(CONTENT) - 1)).map(sorted)


@given(part=ranges, sizes=st.lists(st.integers(1, 300_000), min_size=1))
def test_reads_of_any_size_make_the_same_bytes(blob: Blob, part: list[int], sizes: list[int]) -> None:
    body, expected = body_of(blob, *part)
    assert len(body) == len(expected)
    read = b"".join(body.read(size) for size in sizes)
    assert read == expected[: len(read)]
    assert read + body.read() == expected
    assert body.read(1) == b""


@given(part=ranges, position=st.integers(0, len(CONTENT) * 2), size=st.integers(1, 1000))
def test_it_can_be_read_from_any_position(blob: Blob, part: list[int], position: int, size: int) -> None:
    body, expected = body_of(blob, *part)
    assert body.seek(position) == position
    read = body.read(size)
    assert read == expected[position : position + size][: len(read)]
    assert bool(read) == (position < len(expected))
    assert body.tell() == position + len(read)


def test_it_is_a_file_that_signers_know(blob: FileBlob) -> None:
    body, expected = body_of(blob, 5, 1000)
    assert isinstance(body, io.RawIOBase)
    assert body.readable()
    assert body.seekable()
    assert body.seek(0, io.SEEK_END) == len(expected)
    assert body.seek(-4, io.SEEK_CUR) == len(expected) - 4
    assert body.read() == expected[-4:]


@given(part=ranges, size=st.integers(1, 1000))
def test_it_fills_buffers(blob: FileBlob, part: list[int], size: int) -> None:
    body, expected = body_of(blob, *part)
    buffer = bytearray(size)
    count = body.readinto(buffer)
    assert count == min(size, len(PREFIX))
    assert bytes(buffer[:count]) == expected[:count]


# All blocks of the content, some or none of them are kept.
@given(part=ranges, kept=st.sampled_from([4, 2, 0]))
def test_its_digest_is_that_of_its_bytes_each_time_that_it_is_sent(blob: Blob, part: list[int], kept: int) -> None:
    encoder = encoder_with(kept)
    body, expected = body_of(blob, *part, encoder=encoder)
    assert encoder.sha256(body) == hashlib.sha256(expected).hexdigest()
    assert sent(body) == expected
    assert sent(body) == expected


@pytest.mark.parametrize("kept", [4, 0])
def test_no_piece_is_larger_than_a_block(blob: Blob, kept: int) -> None:
    encoder = encoder_with(kept)
    body, expected = body_of(blob, 0, len(CONTENT) - 1, encoder=encoder)
    encoder.sha256(body)
    sizes = [len(piece) for piece in body.pieces()]
    assert sum(sizes) == len(expected)
    assert max(sizes) <= BLOCK_SIZE


class CountingBlob(Blob):
    """CONTENT, and how many bytes were read of it."""

    def __init__(self) -> None:
        super().__init__("content", len(CONTENT))
        self.bytes_read = 0

    def read(self, position: int, size: int) -> bytes:
        self.bytes_read += size
        return CONTENT[position : position + size]

    def check_unchanged(self) -> None:
        """Nothing can change."""


class PreparedBlob(CountingBlob):
    """CONTENT, which can be read only between the part that is prepared and what is forgotten of it."""

    holds_last_part = True

    def __init__(self) -> None:
        super().__init__()
        self.ready = (0, 0)
        self.prepared: list[tuple[int, int]] = []

    def prepare(self, position: int, size: int) -> None:
        if self.ready != (position, position + size):
            self.prepared.append((position, size))
        self.ready = (position, position + size)

    def forget(self, end: int) -> None:
        self.ready = (max(end, self.ready[0]), self.ready[1])

    def read(self, position: int, size: int) -> bytes:
        assert self.ready[0] <= position
        assert position + size <= self.ready[1]
        return super().read(position, size)


def test_a_part_is_forgotten_as_it_is_sent_and_prepared_again_when_it_is_sent_again() -> None:
    blob = PreparedBlob()
    blob.prepare(1, len(CONTENT) - 1)
    body, expected = body_of(blob, 1, len(CONTENT) - 1)
    left = [blob.ready[1] - blob.ready[0] for _piece in body.pieces()]
    assert left == sorted(left, reverse=True)
    # A block of base64 and more is forgotten before the last one is sent.
    assert len(set(left)) == 5
    assert left[-1] == 0
    assert sent(body) == expected
    assert blob.prepared == [(1, len(CONTENT) - 1)] * 2


class TestEncoder:
    @pytest.mark.parametrize(("kept", "encoded"), [(4, 1.0), (2, 1.5), (0, 2.0)])
    def test_what_there_is_memory_for_is_encoded_once(self, kept: int, encoded: float) -> None:
        blob = CountingBlob()
        encoder = encoder_with(kept)
        body, expected = body_of(blob, 0, len(CONTENT) - 1, encoder=encoder)
        encoder.sha256(body)
        assert sent(body) == expected
        assert blob.bytes_read == encoded * len(CONTENT)

    def test_blocks_are_free_again_when_they_were_sent(self, blob: Blob) -> None:
        encoder = encoder_with(1)
        body, expected = body_of(blob, 0, 99, encoder=encoder)
        encoder.sha256(body)
        assert encoder.blocks.take() is None
        assert sent(body) == expected
        assert encoder.blocks.take() is not None

    def test_block_is_not_free_while_it_is_sent(self, blob: Blob) -> None:
        encoder = encoder_with(1)
        body, expected = body_of(blob, 0, 99, encoder=encoder)
        encoder.sha256(body)
        pieces = body.pieces()
        assert next(pieces) == PREFIX
        assert next(pieces) == expected.removeprefix(PREFIX).removesuffix(SUFFIX)
        assert encoder.blocks.take() is None
        assert next(pieces) == SUFFIX
        assert encoder.blocks.take() is not None

    def test_no_block_is_kept_of_what_the_blob_holds_itself(self, blob: Blob, monkeypatch: pytest.MonkeyPatch) -> None:
        encoder = encoder_with(1)
        body, expected = body_of(blob, 0, 99, encoder=encoder)
        monkeypatch.setattr(blob, "holds_last_part", True)
        assert encoder.sha256(body) == hashlib.sha256(expected).hexdigest()
        assert encoder.blocks.take() is not None
        assert sent(body) == expected

    def test_blocks_are_free_again_when_the_body_is_closed(self, blob: Blob) -> None:
        encoder = encoder_with(3)
        body, expected = body_of(blob, 0, len(CONTENT) - 1, encoder=encoder)
        encoder.sha256(body)
        assert encoder.blocks.take() is None
        body.close()
        assert [encoder.blocks.take() is not None for _block in range(4)] == [True, True, True, False]
        assert sent(body) == expected

    @pytest.mark.parametrize("kept", [4, 0])
    def test_running_digest_sees_every_byte_in_its_order(self, kept: int) -> None:
        blob = CountingBlob()
        running_digest = RunningDigest(blob)
        encoder = encoder_with(kept)
        for first in range(0, len(CONTENT), 700_000):
            part = BlobPart(blob, first, min(first + 700_000, len(CONTENT)) - 1, running_digest)
            encoder.sha256(PartBody(PREFIX, part, SUFFIX, encoder.blocks))
        assert running_digest.digest() == "sha256:" + hashlib.sha256(CONTENT).hexdigest()
        assert blob.bytes_read == len(CONTENT)

    def test_bodies_that_are_encoded_at_once_keep_their_own_bytes(self, blob: Blob) -> None:
        encoder = encoder_with(5)

        def push(first: int) -> bool:
            body, expected = body_of(blob, first, len(CONTENT) - 1, encoder=encoder)
            is_right = encoder.sha256(body) == hashlib.sha256(expected).hexdigest() and sent(body) == expected
            body.close()
            return is_right

        with ThreadPoolExecutor(max_workers=8) as pool:
            assert all(pool.map(push, range(0, 32_000, 1000)))

    @pytest.mark.parametrize("work", ["read_into", "was_read"])
    def test_what_fails_on_the_way_is_raised_and_nothing_stays(
        self, blob: Blob, work: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        encoder = encoder_with(4)
        body, expected = body_of(blob, 0, len(CONTENT) - 1, encoder=encoder)

        works = getattr(BlobPart, work)

        def fail(part: BlobPart, position: int, what: t.Any) -> t.Any:
            if position:
                raise ContentChangedError("changed")
            return works(part, position, what)

        with monkeypatch.context() as patched:
            patched.setattr(BlobPart, work, fail)
            with pytest.raises(ContentChangedError):
                encoder.sha256(body)
        assert [encoder.blocks.take() is not None for _block in range(5)] == [True, True, True, True, False]
        assert encoder.sha256(body) == hashlib.sha256(expected).hexdigest()

    def test_one_part_of_the_usual_size_fits_in(self) -> None:
        assert MAX_BLOCKS * BLOCK_SIZE <= 14 * 1024 * 1024
        assert MAX_BLOCKS * BLOCK_SIZE * 3 // 4 >= DEFAULT_PART


def test_file_that_becomes_shorter_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "layer"
    path.write_bytes(CONTENT)
    with FileBlob.open(str(path), "layer") as opened:
        path.write_bytes(CONTENT[:10])
        body, _expected = body_of(opened, 0, 100)
        with pytest.raises(ContentChangedError, match="shorter"):
            body.read()
        with pytest.raises(ContentChangedError, match="shorter"):
            Encoder().sha256(body)


def test_request_is_the_one_that_boto3_makes_of_bytes(
    blob: FileBlob,
    strict_ecr: StrictECR,
    repository: str,
    connection: dict[str, t.Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bodies: list[bytes] = []

    def capture(request: t.Any, **_event: t.Any) -> None:
        bodies.append(request.body if isinstance(request.body, bytes) else b"".join(map(bytes, request.body)))

    connect = EcrClient.connect.__func__  # type: ignore[attr-defined]  # the plain function behind the class method

    def connect_and_listen(cls: type[EcrClient], *args: t.Any, **options: t.Any) -> EcrClient:
        client = t.cast(EcrClient, connect(cls, *args, **options))
        client.events.register("before-send.ecr.UploadLayerPart", capture)
        stream_parts(client.events)
        layers = Layers(client)
        upload_id = layers.initiate().upload_id
        layers.upload_part(upload_id, 0, 999, CONTENT[:1000])
        second = layers.initiate().upload_id
        layers.upload_part(second, 0, 999, BlobPart(blob, 0, 999))
        bodies[1] = bodies[1].replace(second.encode(), upload_id.encode())
        return client

    monkeypatch.setattr(EcrClient, "connect", classmethod(connect_and_listen))
    run_module(ecr_layer, check=True, connection=connection, repository_name=repository, src=blob.path)
    assert len(bodies) == 2
    assert bodies[0] == bodies[1]
    assert strict_ecr.control.calls.bytes_received(repository) == 2000


def streaming_layers(client: ECRClient, repository: str) -> Layers:
    stream_parts(client.meta.events)
    return Layers(EcrClient(client, Repository(repository), Task(pytest.fail)))


class TestClient:
    """What the hooks do with a client, and without one of them."""

    @pytest.fixture
    def client(self, strict_ecr: StrictECR) -> ECRClient:
        return ecr_client(strict_ecr.url)

    @pytest.fixture
    def bodies(self, client: ECRClient) -> list[t.Any]:
        """The bodies of the parts, as they are sent."""
        sent: list[t.Any] = []

        def record(request: AWSPreparedRequest, **_event: t.Any) -> None:
            sent.append(request.body)

        client.meta.events.register("before-send.ecr.UploadLayerPart", record)
        return sent

    def send(self, client: ECRClient, repository: str, part: BlobPart) -> str:
        layers = streaming_layers(client, repository)
        upload_id = layers.initiate().upload_id
        layers.upload_part(upload_id, part.first_byte, part.last_byte, part)
        return upload_id

    def test_part_is_streamed(
        self, client: ECRClient, bodies: list[t.Any], strict_ecr: StrictECR, repository: str, blob: Blob
    ) -> None:
        upload_id = self.send(client, repository, BlobPart(blob, 0, 999))
        assert [type(body) for body in bodies] == [PartBody]
        assert strict_ecr.control.uploads(repository) == {upload_id: 1000}

    def test_part_is_read_once(self, client: ECRClient, strict_ecr: StrictECR, repository: str) -> None:
        content = CountingBlob()
        upload_id = self.send(client, repository, BlobPart(content, 0, len(CONTENT) - 1))
        assert strict_ecr.control.uploads(repository) == {upload_id: len(CONTENT)}
        assert content.bytes_read == len(CONTENT)

    def test_memory_is_free_again_after_an_answer_and_after_none(
        self, client: ECRClient, bodies: list[t.Any], strict_ecr: StrictECR, repository: str, blob: Blob
    ) -> None:
        def lose(request: AWSPreparedRequest, **_event: t.Any) -> None:
            if len(bodies) == 1:
                raise EndpointConnectionError(endpoint_url=request.url)

        client.meta.events.register_last("before-send.ecr.UploadLayerPart", lose)
        upload_id = self.send(client, repository, BlobPart(blob, 0, 999))
        assert strict_ecr.control.uploads(repository) == {upload_id: 1000}
        assert [body.closed for body in bodies] == [True, True]

    def test_part_is_sent_as_a_file_where_it_cannot_be_sent_in_pieces(
        self, client: ECRClient, strict_ecr: StrictECR, repository: str, blob: Blob
    ) -> None:
        layers = streaming_layers(client, repository)
        event = "before-send.ecr.UploadLayerPart"
        client.meta.events.unregister(event, unique_id=f"layerkit.ecr.{event}")
        upload_id = layers.initiate().upload_id
        layers.upload_part(upload_id, 0, 699_999, BlobPart(blob, 0, 699_999))
        layers.complete(upload_id, ["sha256:" + hashlib.sha256(CONTENT[:700_000]).hexdigest()])
        assert strict_ecr.control.calls.bytes_received(repository) == 700_000

    @pytest.mark.parametrize("missing", ["before-call", "json"])
    def test_part_goes_through_boto3_where_a_hook_is_missing(
        self,
        client: ECRClient,
        bodies: list[t.Any],
        strict_ecr: StrictECR,
        repository: str,
        blob: Blob,
        missing: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        events: t.Any = client.meta.events
        emit = events.emit_until_response

        def emit_without(event: str, **arguments: t.Any) -> t.Any:
            if not event.startswith("before-call."):
                return emit(event, **arguments)
            if missing == "json":
                # A protocol whose bodies are binary.
                emit(event, **{**arguments, "params": {**arguments["params"], "body": b"\xbf\xff"}})
            return (None, None)

        monkeypatch.setattr(events, "emit_until_response", emit_without)
        upload_id = self.send(client, repository, BlobPart(blob, 0, 999))
        assert [type(body) for body in bodies] == [bytes]
        assert base64.b64encode(CONTENT[:1000]) in bodies[0]
        assert strict_ecr.control.uploads(repository) == {upload_id: 1000}


class TestRunningDigest:
    def test_bytes_seen_again_count_once(self, blob: FileBlob) -> None:
        running_digest = RunningDigest(blob)
        for position, size in ((0, 100), (0, 100), (50, 100), (150, 10)):
            running_digest.update(position, CONTENT[position : position + size])
        assert running_digest.digest() == "sha256:" + hashlib.sha256(CONTENT).hexdigest()

    def test_it_tells_when_other_bytes_were_sent(self, blob: FileBlob) -> None:
        running_digest = RunningDigest(blob)
        running_digest.update(0, b"other bytes")
        assert running_digest.digest() != "sha256:" + hashlib.sha256(CONTENT).hexdigest()

    def test_it_catches_up_with_what_was_sent_before(self, blob: FileBlob) -> None:
        running_digest = RunningDigest(blob)
        running_digest.catch_up(1000)
        running_digest.catch_up(10)
        running_digest.update(1000, CONTENT[1000:2000])
        assert running_digest.digest() == blob.digest()
