# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A streamed body has the bytes that boto3 would send, however it is read."""

from __future__ import annotations

import base64
import hashlib
import io
import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._blob import BlobChangedError, FileBlob, Witness
from ansible_collections.layerkit.ecr.plugins.module_utils._part_body import BlobPart, PartBody
from ansible_collections.layerkit.ecr.plugins.module_utils._repository import Repository
from ansible_collections.layerkit.ecr.plugins.modules import ecr_layer
from ansible_collections.layerkit.ecr.tests.unit.module_runner import run_module
from hypothesis import given
from hypothesis import strategies as st

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR

CONTENT = bytes(range(256)) * 3000
PREFIX, SUFFIX = b'{"layerPartBlob": "', b'", "uploadId": "x"}'


@pytest.fixture(scope="module")
def blob(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[FileBlob]:
    path = tmp_path_factory.mktemp("blob") / "layer"
    path.write_bytes(CONTENT)
    with FileBlob.open(str(path)) as opened:
        yield opened


def body_of(blob: FileBlob, first: int, last: int) -> tuple[PartBody, bytes]:
    expected = PREFIX + base64.b64encode(CONTENT[first : last + 1]) + SUFFIX
    return PartBody(PREFIX, BlobPart(blob, first, last), SUFFIX), expected


ranges = st.tuples(st.integers(0, len(CONTENT) - 1), st.integers(0, len(CONTENT) - 1)).map(sorted)


@given(part=ranges, sizes=st.lists(st.integers(1, 300_000), min_size=1))
def test_reads_of_any_size_make_the_same_bytes(blob: FileBlob, part: list[int], sizes: list[int]) -> None:
    body, expected = body_of(blob, *part)
    assert len(body) == len(expected)
    read = b"".join(body.read(size) for size in sizes)
    assert read == expected[: len(read)]
    assert read + body.read() == expected
    assert body.read(1) == b""


@given(part=ranges, position=st.integers(0, len(CONTENT) * 2), size=st.integers(1, 1000))
def test_it_can_be_read_from_any_position(blob: FileBlob, part: list[int], position: int, size: int) -> None:
    body, expected = body_of(blob, *part)
    assert body.seek(position) == position
    read = body.read(size)
    assert read == expected[position : position + size][: len(read)]
    assert bool(read) == (position < len(expected))
    assert body.tell() == position + len(read)


def test_it_is_a_file_that_signers_and_senders_know(blob: FileBlob) -> None:
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


def test_its_digest_leaves_it_at_its_beginning(blob: FileBlob) -> None:
    body, expected = body_of(blob, 5, 500_000)
    body.read(10)
    assert body.sha256() == hashlib.sha256(expected).hexdigest()
    assert body.read() == expected


def test_one_read_holds_no_more_than_a_chunk(blob: FileBlob) -> None:
    body, _expected = body_of(blob, 0, len(CONTENT) - 1)
    body.read(len(PREFIX))
    assert 0 < len(body.read(100 * 1024 * 1024)) <= 192 * 1024


def test_file_that_becomes_shorter_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "layer"
    path.write_bytes(CONTENT)
    with FileBlob.open(str(path)) as opened:
        path.write_bytes(CONTENT[:10])
        with pytest.raises(BlobChangedError, match="shorter"):
            PartBody(PREFIX, BlobPart(opened, 0, 100), SUFFIX).read()


def test_request_is_the_one_that_boto3_makes_of_bytes(
    blob: FileBlob, strict_ecr: StrictECR, repository: str, connection: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies: list[bytes] = []

    def capture(request: t.Any, **_event: t.Any) -> None:
        body = request.body
        bodies.append(body if isinstance(body, bytes) else body.read())
        if not isinstance(body, bytes):
            body.seek(0)

    connect = Repository.connect.__func__  # type: ignore[attr-defined]  # the plain function behind the class method

    def connect_and_listen(cls: type[Repository], *args: t.Any) -> Repository:
        made = t.cast(Repository, connect(cls, *args))
        made._client.meta.events.register("before-send.ecr.UploadLayerPart", capture)
        upload_id = made.initiate_upload()["uploadId"]
        made.upload_part(upload_id, 0, 999, CONTENT[:1000])
        second = made.initiate_upload()["uploadId"]
        made.upload_part(second, 0, 999, BlobPart(blob, 0, 999))
        bodies[1] = bodies[1].replace(second.encode(), upload_id.encode())
        return made

    monkeypatch.setattr(Repository, "connect", classmethod(connect_and_listen))
    run_module(ecr_layer, check=True, connection=connection, repository_name=repository, src=blob.path)
    assert len(bodies) == 2
    assert bodies[0] == bodies[1]
    assert strict_ecr.control.calls.bytes_received(repository) == 2000


class TestWitness:
    def test_bytes_seen_again_count_once(self, blob: FileBlob) -> None:
        witness = Witness(blob)
        for position, size in ((0, 100), (0, 100), (50, 100), (150, 10)):
            witness.saw(position, CONTENT[position : position + size])
        assert witness.digest() == "sha256:" + hashlib.sha256(CONTENT).hexdigest()

    def test_it_tells_when_other_bytes_were_sent(self, blob: FileBlob) -> None:
        witness = Witness(blob)
        witness.saw(0, b"other bytes")
        assert witness.digest() != "sha256:" + hashlib.sha256(CONTENT).hexdigest()

    def test_it_catches_up_with_what_was_sent_before(self, blob: FileBlob) -> None:
        witness = Witness(blob)
        witness.catch_up(1000)
        witness.catch_up(10)
        witness.saw(1000, CONTENT[1000:2000])
        assert witness.digest() == blob.digest()
