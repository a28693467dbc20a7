# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Blobs that can be read forwards only, read as an upload reads them."""

from __future__ import annotations

import contextlib
import hashlib
import random
import threading
import typing as t

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.blob import CHUNK_SIZE, MAX_REREAD
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import ContentChangedError, InvalidInputError
from ansible_collections.layerkit.ecr.plugins.module_utils._core.text import MIB
from ansible_collections.layerkit.ecr.plugins.module_utils._local.stream import ForwardBlob, Stream
from ansible_collections.layerkit.ecr.tests.unit.support.image_reader import digest_by_parts
from hypothesis import given
from hypothesis import strategies as st

CONTENT = random.Random(1).randbytes(25 * MIB + 7)


class Recited(Stream):
    """Bytes in chunks of uneven sizes, from places that are 3 MiB apart; ``starts`` are the positions asked for."""

    def __init__(self, content: bytes = CONTENT, error: Exception | None = None) -> None:
        self.content = content
        self.starts: list[int] = []
        self._error = error

    def start(self, position: int, /) -> tuple[int, t.Iterator[bytes]]:
        self.starts.append(position)
        place = position - position % (3 * MIB)
        return place, self._chunks(place)

    def check_unchanged(self) -> None:
        raise ContentChangedError("it was changed")

    def _chunks(self, position: int) -> t.Iterator[bytes]:
        size = 1
        while position < len(self.content):
            yield self.content[position : position + size]
            position += size
            size = size * 3 % 700_001
        if self._error:
            raise self._error


def test_a_part_is_read_again_without_starting_over() -> None:
    stream = Recited()
    with ForwardBlob.opened("blob", stream, 0, len(CONTENT)) as blob:
        assert digest_by_parts(blob) == f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
    assert stream.starts == [0]


def test_what_lies_further_back_is_made_again() -> None:
    stream = Recited()
    with ForwardBlob.opened("blob", stream, 0, len(CONTENT)) as blob:
        assert blob.read(20 * MIB, 10) == CONTENT[20 * MIB :][:10]
        assert blob.read(10, 10) == CONTENT[10:20]
        assert blob.read(20 * MIB, 10) == CONTENT[20 * MIB :][:10]
    assert stream.starts == [20 * MIB, 10]


@given(ranges=st.lists(st.tuples(st.integers(0, 5 * MIB), st.integers(0, MIB)), min_size=1, max_size=10))
def test_any_order_of_reads_gives_the_same_bytes(ranges: list[tuple[int, int]]) -> None:
    with ForwardBlob.opened("blob", Recited(), 1000, 6 * MIB) as blob:
        for position, size in ranges:
            assert blob.read(position, size) == CONTENT[1000 + position :][:size]


@given(start=st.integers(0, 5 * MIB), size=st.integers(0, 3 * MIB))
def test_it_is_a_range_of_the_stream(start: int, size: int) -> None:
    with ForwardBlob.opened("blob", Recited(), start, size) as blob:
        chunks = list(blob.chunks(0, size))
    assert b"".join(chunks) == CONTENT[start : start + size]
    # Whole ones, so that what is made of them does not depend on how the stream was read.
    assert [len(chunk) for chunk in chunks[:-1]] == [CHUNK_SIZE] * (len(chunks) - 1)


def test_the_end_of_the_stream_is_a_change() -> None:
    with ForwardBlob.opened("blob", Recited(b"short"), 0, 6) as blob:
        assert blob.read(0, 5) == b"short"
        with pytest.raises(ContentChangedError, match="blob became shorter"):
            blob.read(0, 6)


def test_damage_is_a_change_as_there_was_none_before() -> None:
    stream = Recited(b"short", InvalidInputError("src 'app' is damaged"))
    with ForwardBlob.opened("blob", stream, 0, 6) as blob:
        for read in (lambda: blob.read(0, 6), lambda: list(blob.chunks(0, 6))):
            with pytest.raises(ContentChangedError, match="blob changed while it was read: src 'app' is damaged"):
                read()


def test_the_file_itself_is_asked_for_changes() -> None:
    with (
        ForwardBlob.opened("blob", Recited(), 0, 6) as blob,
        pytest.raises(ContentChangedError, match="it was changed"),
    ):
        blob.check_unchanged()


@pytest.fixture
def one_open() -> t.Iterator[threading.Event]:
    """Let another thread have a large blob open until the event is set."""
    opened, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with ForwardBlob.opened("blob", Recited(), 0, 2 * MIB):
            opened.set()
            assert let_go.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    assert opened.wait(10)
    yield let_go
    let_go.set()
    thread.join(10)


def test_a_second_large_one_waits_to_be_opened(one_open: threading.Event) -> None:
    is_open = threading.Event()

    def read() -> None:
        with ForwardBlob.opened("blob", Recited(), 0, 2 * MIB) as blob:
            is_open.set()
            blob.read(0, 10)

    second = threading.Thread(target=read)
    second.start()
    assert not is_open.wait(0.2)
    one_open.set()
    assert is_open.wait(10)
    second.join(10)


@pytest.mark.usefixtures("one_open")
def test_a_small_one_does_not_wait() -> None:
    with ForwardBlob.opened("blob", Recited(), 0, MIB) as blob:
        assert blob.read(0, 10) == CONTENT[:10]


def test_a_thread_does_not_wait_for_itself() -> None:
    with contextlib.ExitStack() as stack:
        blobs = [stack.enter_context(ForwardBlob.opened("blob", Recited(), 0, 2 * MIB)) for _blob in range(3)]
        assert {blob.read(0, 10) for blob in blobs} == {CONTENT[:10]}


def test_large_reads_need_no_large_window() -> None:
    with ForwardBlob.opened("blob", Recited(), 5, 20 * MIB) as blob:
        assert blob.read(7, MAX_REREAD + 1) == CONTENT[12:][: MAX_REREAD + 1]


def test_no_more_than_the_largest_part_is_kept() -> None:
    stream = Recited()
    with ForwardBlob.opened("blob", stream, 0, len(CONTENT)) as blob:
        for position in range(0, 24 * MIB, MIB):
            blob.read(position, MIB)
        blob.read(24 * MIB - MAX_REREAD, MIB)
        assert stream.starts == [0]
        blob.read(24 * MIB - MAX_REREAD - 2 * MIB, MIB)
        assert stream.starts == [0, 24 * MIB - MAX_REREAD - 2 * MIB]
