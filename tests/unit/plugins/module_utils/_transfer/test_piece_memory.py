# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pieces of memory are lent in an order in which every part gets all of its own."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import TaskStoppedError
from ansible_collections.layerkit.ecr.plugins.module_utils._core.task import Task
from ansible_collections.layerkit.ecr.plugins.module_utils._transfer.piece_memory import PIECE_SIZE, Claim, PieceMemory
from hypothesis import given
from hypothesis import strategies as st

if t.TYPE_CHECKING:
    import mmap


@pytest.fixture
def task() -> Task:
    warnings: list[str] = []
    return Task(warnings.append)


class Part:
    """A part that holds the pieces it is lent."""

    def __init__(self, memory: PieceMemory, pieces: int, is_urgent: bool = True) -> None:
        self.held: list[mmap.mmap] = []
        self._memory = memory
        self.claim = Claim(pieces * PIECE_SIZE - 1, self.held.append, is_urgent)
        memory.ask(self.claim)

    def give_back(self, count: int = 1) -> None:
        for _piece in range(count):
            self._memory.give_back(self.held.pop())

    def release(self) -> None:
        self._memory.withdraw(self.claim)
        self.give_back(len(self.held))


def test_pieces_are_lent_as_they_become_free(task: Task) -> None:
    memory = PieceMemory(3, task)
    first, second = Part(memory, 2), Part(memory, 3)
    assert (len(first.held), len(second.held)) == (2, 1)
    first.give_back()
    assert len(second.held) == 2
    first.give_back()
    assert len(second.held) == 3
    assert not {id(piece) for piece in first.held} & {id(piece) for piece in second.held}


def test_who_asks_first_is_served_first(task: Task) -> None:
    memory = PieceMemory(2, task)
    sent, second, third = Part(memory, 2), Part(memory, 1), Part(memory, 1)
    sent.give_back()
    assert (len(second.held), len(third.held)) == (1, 0)
    sent.give_back()
    assert len(third.held) == 1


def test_a_part_that_a_thread_waits_for_is_served_before_one_that_is_fetched_ahead(task: Task) -> None:
    memory = PieceMemory(2, task)
    sent = Part(memory, 2)
    ahead, urgent = Part(memory, 1, is_urgent=False), Part(memory, 1)
    sent.give_back()
    assert (len(ahead.held), len(urgent.held)) == (0, 1)


def test_a_part_that_has_got_a_piece_gets_its_others_first(task: Task) -> None:
    memory = PieceMemory(3, task)
    sent = Part(memory, 2)
    ahead, urgent = Part(memory, 3, is_urgent=False), Part(memory, 1)
    sent.give_back(2)
    assert (len(ahead.held), len(urgent.held)) == (3, 0)


def test_a_claim_that_is_withdrawn_gets_nothing_more(task: Task) -> None:
    memory = PieceMemory(3, task)
    sent, withdrawn, other = Part(memory, 2), Part(memory, 2), Part(memory, 1)
    memory.withdraw(withdrawn.claim)
    sent.give_back()
    assert (len(withdrawn.held), len(other.held)) == (1, 1)


def test_no_more_pieces_exist_than_may_be_lent(task: Task) -> None:
    memory = PieceMemory(2, task)
    seen: set[int] = set()
    for _part in range(3):
        part = Part(memory, 2)
        seen.update(map(id, part.held))
        part.release()
    assert len(seen) == 2
    assert all(len(piece) == PIECE_SIZE for piece in memory._free)


def test_a_part_larger_than_the_memory_is_refused(task: Task) -> None:
    with pytest.raises(ValueError, match="3 pieces of 2"):
        Part(PieceMemory(2, task), 3)


def test_a_stopped_task_waits_for_no_memory(task: Task) -> None:
    memory = PieceMemory(1, task)
    Part(memory, 1)
    task._stopped.set()
    with pytest.raises(TaskStoppedError):
        memory.wait_for(Part(memory, 1).claim)


class Upload:
    """A layer whose parts are sent one after another, the next one fetched ahead, as RelayedBlob does."""

    def __init__(self, memory: PieceMemory, parts: t.Sequence[int]) -> None:
        self._memory = memory
        self._left = list(parts)
        self._ahead: Part | None = None
        self._part = Part(memory, self._left[0])

    @property
    def is_done(self) -> bool:
        return not self._left

    @property
    def can_continue(self) -> bool:
        return not self.is_done and self._part.claim.missing == 0

    def step(self, breaks: bool) -> None:
        """Send a piece, or lose the connection and begin again with the part."""
        if self._ahead is None and len(self._left) > 1:
            self._ahead = Part(self._memory, self._left[1], is_urgent=False)
        if breaks:
            self._part.release()
            if self._ahead:
                self._ahead.release()
            self._ahead, self._part = None, Part(self._memory, self._left[0])
        elif self._part.held:
            self._part.give_back()
        else:
            self._left.pop(0)
            if self._ahead:
                self._part, self._ahead = self._ahead, None
                self._part.claim.is_urgent = True


@given(
    uploads=st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=4), min_size=1, max_size=6),
    turns=st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=60),
)
def test_parts_never_wait_for_each_other_for_ever(uploads: list[list[int]], turns: list[tuple[int, bool]]) -> None:
    memory = PieceMemory(4, Task(lambda _warning: None))
    running = [Upload(memory, parts) for parts in uploads]
    for number, breaks in turns:
        able = [upload for upload in running if upload.can_continue]
        if able:
            able[number % len(able)].step(breaks)
    while not all(upload.is_done for upload in running):
        able = [upload for upload in running if upload.can_continue]
        assert able
        able[-1].step(breaks=False)
    assert len(memory._free) == memory._made <= 4
