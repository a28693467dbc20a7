# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Blobs that are passed on part by part, within a bound of memory."""

from __future__ import annotations

import contextlib
import threading
import typing as t

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.blob import Blob
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import TaskError
from ansible_collections.layerkit.ecr.plugins.module_utils._core.task import Task
from ansible_collections.layerkit.ecr.plugins.module_utils._core.text import MIB
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.descriptor import Descriptor
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.store import SourceImage
from ansible_collections.layerkit.ecr.plugins.module_utils._transfer.piece_memory import PIECE_SIZE
from ansible_collections.layerkit.ecr.plugins.module_utils._transfer.relay import Relay

DATA = bytes(range(251)) * 45_000
PART = 5 * MIB
PIECES = PART // PIECE_SIZE


class RecordingBlob(Blob):
    """DATA; records the ranges that are read."""

    def __init__(self) -> None:
        super().__init__("layer", len(DATA))
        self.ranges: list[tuple[int, int]] = []
        self.is_broken = False

    @property
    def bytes_read(self) -> int:
        return sum(end - start for start, end in self.ranges)

    def read(self, position: int, size: int) -> bytes:
        return b"".join(self.chunks(position, position + size))

    def chunks(self, start: int, end: int) -> t.Iterator[bytes]:
        self.ranges.append((start, end))
        if self.is_broken:
            raise TaskError("it is broken")
        yield from super().chunks(start, start)
        for position in range(start, end, 100_000):
            yield DATA[position : min(position + 100_000, end)]

    def check_unchanged(self) -> None:
        pass


class OneBlob(SourceImage):
    """An image that has one blob under every digest."""

    def __init__(self) -> None:
        super().__init__(Descriptor("type", "sha256:0", 1))
        self.blob = RecordingBlob()

    def manifest(self, _descriptor: Descriptor) -> bytes:
        return b"manifest"

    def size(self, _digest: str) -> int | None:
        return len(DATA)

    def open(self, _digest: str) -> contextlib.AbstractContextManager[Blob]:
        return contextlib.nullcontext(self.blob)


@pytest.fixture
def task() -> t.Iterator[Task]:
    """Return a task that stops what waits for memory that nobody gives back."""
    warnings: list[str] = []
    task = Task(warnings.append)
    alarm = threading.Timer(30, task._stopped.set)
    alarm.start()
    yield task
    alarm.cancel()


def end_of(position: int) -> int:
    return min(position + PART, len(DATA))


def sent(blob: Blob) -> bytes:
    """Read a blob as an upload does: each part twice."""
    found = b""
    for position in range(0, blob.size, PART):
        end = end_of(position)
        blob.prepare(position, end - position)
        buffer = bytearray(end - position)
        blob.read_into(position, memoryview(buffer))
        assert blob.read(position, end - position) == buffer
        for sent in range(position, end, 100_000):
            blob.forget(sent)
        blob.forget(end)
        found += buffer
    return found


def until(is_reached: t.Callable[[], bool]) -> None:
    """Wait until something is so, half a minute at most."""
    pause = threading.Event()
    for _turn in range(3000):
        if is_reached():
            return
        pause.wait(0.01)
    raise AssertionError("it was never reached")


def test_each_byte_is_fetched_once_although_it_is_read_twice(task: Task) -> None:
    source = OneBlob()
    with Relay(source, task) as relay, relay.open("sha256:0") as blob:
        assert sent(blob) == DATA
        assert blob.holds_last_part
    assert min(source.blob.ranges)[0] == 0
    assert source.blob.bytes_read == len(DATA)


def test_a_part_is_fetched_in_ranges_and_the_next_one_meanwhile(task: Task) -> None:
    source = OneBlob()
    with Relay(source, task) as relay, relay.open("sha256:0") as blob:
        blob.prepare(0, PART)
        assert len([start for start, _end in source.blob.ranges if start < PART]) == PIECES
        until(lambda: source.blob.bytes_read >= 2 * PART)
        assert max(end for _start, end in source.blob.ranges) == 2 * PART


def test_part_that_begins_elsewhere_than_the_next_one_is_fetched(task: Task) -> None:
    source = OneBlob()
    with Relay(source, task) as relay, relay.open("sha256:0") as blob:
        blob.prepare(0, PART)
        # As after a correction by the registry.
        blob.prepare(MIB, PART)
        count = len(source.blob.ranges)
        assert blob.read(MIB, PART) == DATA[MIB : MIB + PART]
        assert [first for first, _end in source.blob.ranges[count:] if first < MIB + PART] == []


def test_the_memory_of_what_was_sent_is_filled_while_the_rest_is_sent(task: Task) -> None:
    source = OneBlob()
    with Relay(source, task, pieces=PIECES) as relay, relay.open("sha256:0") as blob:
        blob.prepare(0, PART)
        blob.forget(2 * PIECE_SIZE - 1)
        until(lambda: source.blob.bytes_read == PART + PIECE_SIZE)
        assert (PART, PART + PIECE_SIZE) in source.blob.ranges
        assert blob.read(2 * PIECE_SIZE, 10) == DATA[2 * PIECE_SIZE : 2 * PIECE_SIZE + 10]
        assert source.blob.bytes_read == PART + PIECE_SIZE


def test_a_part_that_is_sent_again_is_fetched_again(task: Task) -> None:
    source = OneBlob()
    with Relay(source, task, pieces=PIECES) as relay, relay.open("sha256:0") as blob:
        blob.prepare(0, PART)
        blob.prepare(0, PART)
        assert source.blob.bytes_read == PART
        blob.forget(PIECE_SIZE)
        blob.prepare(0, PART)
        assert source.blob.ranges.count((0, PIECE_SIZE)) == 2
        assert blob.read(0, PART) == DATA[:PART]


@pytest.mark.parametrize("pieces", [PIECES, 3 * PIECES])
def test_parts_that_are_all_sent_again_do_not_wait_for_each_other(task: Task, pieces: int) -> None:
    found: list[bytes] = []
    with Relay(OneBlob(), task, pieces) as relay:

        def job() -> None:
            with relay.open("sha256:0") as blob:
                for end in (PIECE_SIZE, PART):
                    blob.prepare(0, PART)
                    blob.forget(end)
                found.append(sent(blob))

        task.run_all([job] * 4, 4)
    assert found == [DATA] * 4


def test_what_is_no_part_comes_from_the_source(task: Task) -> None:
    source = OneBlob()
    with Relay(source, task, pieces=PIECES) as relay, relay.open("sha256:0") as blob:
        blob.prepare(PART, PART)
        assert blob.read(0, 10) == DATA[:10]
        assert b"".join(blob.chunks(5, 300_000)) == DATA[5:300_000]
        assert blob.read(PART, 10) == DATA[PART : PART + 10]
    assert (0, 10) in source.blob.ranges


def test_parts_of_many_blobs_share_the_memory(task: Task) -> None:
    found: list[bytes] = []
    with Relay(OneBlob(), task, pieces=2 * PIECES) as relay:

        def job() -> None:
            with relay.open("sha256:0") as blob:
                found.append(sent(blob))

        task.run_all([job] * 4, 4)
        memory = relay._memory
        assert len(memory._free) == memory._made == 2 * PIECES
    assert found == [DATA] * 4


def test_a_failure_ends_the_part_and_gives_its_memory_back(task: Task) -> None:
    source = OneBlob()
    with Relay(source, task, pieces=PIECES) as relay:
        source.blob.is_broken = True
        with pytest.raises(TaskError, match="it is broken"), relay.open("sha256:0") as blob:
            blob.prepare(0, PART)
        source.blob.is_broken = False
        with relay.open("sha256:0") as blob:
            assert sent(blob) == DATA


def test_nothing_is_read_to_be_checked(task: Task) -> None:
    source = OneBlob()
    with Relay(source, task) as relay:
        assert relay.was_read("sha256:0")
        assert (relay.size("sha256:0"), relay.manifest(relay.root)) == (len(DATA), b"manifest")
    assert source.blob.ranges == []
