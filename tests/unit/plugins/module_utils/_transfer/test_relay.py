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
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import TaskError, TaskStoppedError
from ansible_collections.layerkit.ecr.plugins.module_utils._core.task import Task
from ansible_collections.layerkit.ecr.plugins.module_utils._core.text import MIB
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.descriptor import Descriptor
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.store import SourceImage
from ansible_collections.layerkit.ecr.plugins.module_utils._transfer.relay import Memory, Relay

DATA = bytes(range(251)) * 45_000
PART = 5 * MIB


class RecordingBlob(Blob):
    """DATA; records the ranges that are read."""

    def __init__(self) -> None:
        super().__init__("layer", len(DATA))
        self.ranges: list[tuple[int, int]] = []
        self.is_broken = False

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
def task() -> Task:
    warnings: list[str] = []
    return Task(warnings.append)


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
        found += buffer
    return found


def test_each_byte_is_fetched_once_although_it_is_read_twice(task: Task) -> None:
    source = OneBlob()
    with Relay(source, task) as relay, relay.open("sha256:0") as blob:
        assert sent(blob) == DATA
        assert blob.holds_last_part
    assert min(source.blob.ranges)[0] == 0
    assert sum(end - start for start, end in source.blob.ranges) == len(DATA)


def test_a_part_is_fetched_in_ranges_and_the_next_one_meanwhile(task: Task) -> None:
    source = OneBlob()
    with Relay(source, task) as relay, relay.open("sha256:0") as blob:
        blob.prepare(0, PART)
        assert len([start for start, _end in source.blob.ranges if start < PART]) == 4
        deadline = threading.Event()
        while not deadline.wait(0.01) and sum(end - start for start, end in source.blob.ranges) < 2 * PART:
            pass
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


def test_what_is_no_part_comes_from_the_source(task: Task) -> None:
    source = OneBlob()
    with Relay(source, task, max_held=PART) as relay, relay.open("sha256:0") as blob:
        blob.prepare(PART, PART)
        assert blob.read(0, 10) == DATA[:10]
        assert b"".join(blob.chunks(5, 300_000)) == DATA[5:300_000]
        assert blob.read(PART, 10) == DATA[PART : PART + 10]
    assert (0, 10) in source.blob.ranges


def test_parts_of_many_blobs_share_the_memory(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    held, most = 0, 0
    take, take_if_free, give_back = Memory.take, Memory.take_if_free, Memory.give_back
    lock = threading.Lock()

    def count(size: int) -> None:
        nonlocal held, most
        with lock:
            held += size
            most = max(most, held)

    def counting_take(memory: Memory, size: int) -> None:
        take(memory, size)
        count(size)

    def counting_take_if_free(memory: Memory, size: int) -> bool:
        taken = take_if_free(memory, size)
        count(size if taken else 0)
        return taken

    def counting_give_back(memory: Memory, size: int) -> None:
        count(-size)
        give_back(memory, size)

    monkeypatch.setattr(Memory, "take", counting_take)
    monkeypatch.setattr(Memory, "take_if_free", counting_take_if_free)
    monkeypatch.setattr(Memory, "give_back", counting_give_back)
    found: list[bytes] = []
    with Relay(OneBlob(), task, max_held=2 * PART) as relay:

        def job() -> None:
            with relay.open("sha256:0") as blob:
                found.append(sent(blob))

        task.run_all([job] * 4, 4)
    assert found == [DATA] * 4
    assert (held, most) == (0, 2 * PART)


def test_a_part_larger_than_the_memory_is_held_alone(task: Task) -> None:
    memory = Memory(10, task)
    memory.take(25)
    assert not memory.take_if_free(1)
    memory.give_back(25)
    assert memory.take_if_free(10)


def test_nobody_overtakes_who_waits_for_memory(task: Task) -> None:
    memory = Memory(10, task)
    memory.take(6)
    waiting = threading.Thread(target=memory.take, args=(8,))
    waiting.start()
    while not memory._waiting:
        pass
    assert not memory.take_if_free(2)
    memory.give_back(6)
    waiting.join(10)
    assert not waiting.is_alive()


def test_a_stopped_task_waits_for_no_memory(task: Task) -> None:
    memory = Memory(10, task)
    memory.take(10)
    task._stopped.set()
    with pytest.raises(TaskStoppedError):
        memory.take(1)


def test_a_failure_ends_the_part_and_gives_its_memory_back(task: Task) -> None:
    source = OneBlob()
    with Relay(source, task, max_held=PART) as relay:
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
