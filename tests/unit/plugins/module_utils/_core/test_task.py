# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The jobs of a task, and what stops them."""

from __future__ import annotations

import os
import threading
import time
import typing as t
from concurrent.futures import Future
from functools import partial

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core import task as _task
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import (
    InvalidInputError,
    TaskError,
    TaskStoppedError,
)
from ansible_collections.layerkit.ecr.plugins.module_utils._core.task import Task, is_waited_for, most_at_once
from ansible_collections.layerkit.ecr.tests.unit.support.refused_threads import refuse_threads

_LONG = 10


class Pipe:
    """Stands in for the standard output; ``close`` is what Ansible does when a task times out."""

    def __init__(self) -> None:
        self._reader, self.writer = os.pipe()
        self._is_open = True

    def close(self) -> None:
        if self._is_open:
            os.close(self._reader)
        self._is_open = False


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> t.Iterator[Pipe]:
    pipe = Pipe()
    monkeypatch.setattr(_task, "_STDOUT", pipe.writer)
    yield pipe
    pipe.close()
    os.close(pipe.writer)


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def task(pipe: Pipe, warnings: list[str]) -> Task:
    assert pipe
    return Task(warnings.append)


def wait_for_stop(task: Task) -> None:
    """Work until the task stops."""
    end = time.monotonic() + _LONG
    while time.monotonic() < end:
        task.check()
        time.sleep(0.001)
    raise TimeoutError


def test_a_warning_is_passed_on(task: Task, warnings: list[str]) -> None:
    task.warn("The format is old.")
    assert warnings == ["The format is old."]


def test_a_task_goes_on_while_ansible_waits(task: Task, pipe: Pipe) -> None:
    task.check()
    assert is_waited_for()
    pipe.close()
    assert not is_waited_for()
    with pytest.raises(TaskStoppedError) as error:
        task.check()
    assert error.value.problem == (
        "The task was stopped: its timeout expired and Ansible is no longer waiting for the result"
    )


def test_chunks_pass_while_ansible_waits(task: Task, pipe: Pipe) -> None:
    chunks = task.guard([b"one", b"two", b"three"])
    assert [next(chunks), next(chunks)] == [b"one", b"two"]
    pipe.close()
    with pytest.raises(TaskStoppedError, match="its timeout expired"):
        next(chunks)
    assert list(task.guard([])) == []


def test_no_jobs_are_no_work(task: Task) -> None:
    task.run_all([], 4)


def test_jobs_begin_in_their_order(task: Task) -> None:
    begun: list[int] = []
    task.run_all([partial(begun.append, number) for number in range(50)], 1)
    assert begun == list(range(50))


@pytest.mark.parametrize(("parallel", "jobs"), [(3, 12), (8, 2)])
def test_at_most_so_many_run_at_once(task: Task, parallel: int, jobs: int) -> None:
    together = min(parallel, jobs)
    # Passes only if so many jobs run at the same time.
    barrier = threading.Barrier(together)
    lock = threading.Lock()
    running, most = 0, 0

    def job() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        barrier.wait(_LONG)
        with lock:
            running -= 1

    task.run_all([job] * jobs, parallel)
    assert most == together


class Counted:
    """Jobs of two kinds, and how many of each ran at once."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.running = {"small": 0, "other": 0}
        self.seen: set[tuple[int, int]] = set()

    def job(self, kind: str, together: threading.Barrier | None = None) -> t.Callable[[], None]:
        def run() -> None:
            with self.lock:
                self.running[kind] += 1
                self.seen.add((self.running["other"], self.running["small"]))
            if together:
                together.wait(_LONG)
            with self.lock:
                self.running[kind] -= 1

        return run


@pytest.mark.parametrize(("parallel", "most"), [(1, 1), (2, 8), (3, 12), (8, 32), (20, 32), (32, 32)])
def test_so_many_small_jobs_run_at_once(task: Task, parallel: int, most: int) -> None:
    counted = Counted()
    together = threading.Barrier(most)
    jobs = [counted.job("small", together) for _number in range(2 * most)]
    task.run_all(jobs, parallel, jobs)
    assert max(small for _other, small in counted.seen) == most == most_at_once(parallel)


def test_four_small_jobs_run_in_place_of_another(task: Task) -> None:
    counted = Counted()
    together = threading.Barrier(6)
    # Passes only if two of three places are taken by large jobs and the third by four small ones.
    large = [counted.job("other", together) for _number in range(2)]
    small = [counted.job("small", together) for _number in range(4)]
    task.run_all([*large, *small], 3, small)
    assert (2, 4) in counted.seen


def test_large_job_waits_until_enough_small_ones_have_ended(task: Task) -> None:
    counted = Counted()
    small = [counted.job("small") for _number in range(40)]
    large = [counted.job("other") for _number in range(20)]
    task.run_all([job for pair in zip(small[:20], large, strict=True) for job in pair] + small[20:], 2, small)
    assert all(4 * other + small_ones <= 8 for other, small_ones in counted.seen)


def test_the_first_failure_is_raised_and_stops_the_others(task: Task) -> None:
    others_run = threading.Barrier(3)
    stopped: list[str] = []
    never: list[str] = []

    def fail() -> None:
        others_run.wait(_LONG)
        raise InvalidInputError("The first failure")

    def stop() -> None:
        others_run.wait(_LONG)
        try:
            wait_for_stop(task)
        except TaskStoppedError as error:
            stopped.append(error.problem)
            raise

    with pytest.raises(InvalidInputError, match="The first failure"):
        task.run_all([stop, fail, stop, *[partial(never.append, "begun")] * 20], 3)
    assert stopped == ["The task was stopped because another part of it failed"] * 2
    assert never == []


def test_a_failure_that_comes_later_is_not_raised(task: Task) -> None:
    has_failed = threading.Event()

    def fail_first() -> None:
        has_failed.set()
        raise InvalidInputError("The first failure")

    def fail_later() -> None:
        assert has_failed.wait(_LONG)
        with pytest.raises(TaskStoppedError):
            wait_for_stop(task)
        raise InvalidInputError("Its consequence")

    with pytest.raises(InvalidInputError, match="The first failure"):
        task.run_all([fail_later, fail_first], 2)


def test_failures_of_any_kind_are_raised(task: Task) -> None:
    def fail() -> None:
        raise KeyError("a bug")

    with pytest.raises(KeyError, match="a bug"):
        task.run_all([fail], 1)


def test_a_task_can_be_used_again_after_a_failure(task: Task) -> None:
    def fail() -> None:
        raise InvalidInputError("A failure")

    for _run in range(2):
        with pytest.raises(InvalidInputError, match="A failure"):
            task.run_all([fail, fail], 2)
        task.check()
    done: list[int] = []
    task.run_all([partial(done.append, 1)], 2)
    assert done == [1]


def test_jobs_stop_when_ansible_no_longer_waits(task: Task, pipe: Pipe) -> None:
    begun = threading.Barrier(3)

    def job() -> None:
        begun.wait(_LONG)
        wait_for_stop(task)

    def close() -> None:
        begun.wait(_LONG)
        pipe.close()

    with pytest.raises(TaskStoppedError, match="its timeout expired"):
        task.run_all([job, job, close], 3)


@pytest.mark.parametrize("threads", [0, 1])
def test_a_system_without_threads_is_reported(task: Task, monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
    refuse_threads(monkeypatch, threads)
    with pytest.raises(TaskError, match="does not allow another thread: can't start new thread") as error:
        task.run_all([partial(wait_for_stop, task)] * 3, 3)
    assert "ulimit -u" in str(error.value.remedy)


def test_a_failure_that_comes_of_the_first_does_not_replace_it(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped, others_ended = threading.Event(), threading.Event()
    set_exception = Future.set_exception

    def arrive(future: Future[None], failure: BaseException) -> None:
        if isinstance(failure, InvalidInputError):
            # It arrives last.
            stopped.set()
            others_ended.wait(_LONG)
        set_exception(future, failure)

    monkeypatch.setattr(Future, "set_exception", arrive)

    def first() -> None:
        raise InvalidInputError("the first")

    def other() -> None:
        stopped.wait(_LONG)
        threading.Timer(0.05, others_ended.set).start()
        raise TaskStoppedError("its consequence")

    with pytest.raises(InvalidInputError, match=r"^the first$"):
        task.run_all([other, first], 2)
