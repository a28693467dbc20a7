# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What everything in a task shares: its warnings, whether it must stop, and its threads."""

from __future__ import annotations

import select
import threading
import time
import typing as t
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, as_completed, wait

from .errors import TaskError, TaskStoppedError
from .progress import Progress

_STDOUT = 1
# So many small jobs run in place of another one, because they wait for answers most of their time.
_SMALL_JOBS = 4
# No more threads than this are made for them.
_MAX_SMALL_JOBS = 32

Job = t.Callable[[], None]
ResultT = t.TypeVar("ResultT")


def submitted(pool: ThreadPoolExecutor, work: t.Callable[..., ResultT], *arguments: t.Any) -> Future[ResultT]:
    """Let a thread of the pool do the work.

    :raises TaskError: the system does not allow the thread
    """
    try:
        return pool.submit(work, *arguments)
    except RuntimeError as error:
        raise TaskError(
            f"The system does not allow another thread: {error}",
            "Let less run in parallel on the host, or raise the limit of processes and threads for the user (ulimit "
            "-u)",
        ) from error


def most_at_once(parallel: int) -> int:
    """Return how many jobs ``Task.run_all`` runs at once if all of them are small."""
    return 1 if parallel == 1 else max(parallel, min(_SMALL_JOBS * parallel, _MAX_SMALL_JOBS))


def is_waited_for() -> bool:
    """Return whether something still reads the output of the module.

    Ansible reads it through a pipe, and closes the pipe when the ``timeout`` of the task expires. The module keeps
    running then.
    """
    poll = select.poll()
    poll.register(_STDOUT, 0)
    return not any(event & (select.POLLERR | select.POLLHUP) for _descriptor, event in poll.poll(0))


class Task:
    """The run that a call is part of. One object is passed down to everything that runs for the task.

    ``has_sent`` is set before the first byte of a layer, or the first manifest, is sent.

    :param warn: shows the user a warning, a sentence with its period
    :param progress: reports how far the task has got; by default to nobody
    """

    def __init__(self, warn: t.Callable[[str], None], progress: Progress | None = None) -> None:
        self.warn = warn
        self.progress = progress or Progress()
        self.has_sent = False
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def check(self) -> None:
        """Return if the task may take its next step.

        :raises TaskStoppedError: another job failed, or Ansible no longer waits for the result
        """
        if self._stopped.is_set():
            raise TaskStoppedError("The task was stopped because another part of it failed")
        if not is_waited_for():
            raise TaskStoppedError(
                "The task was stopped: its timeout expired and Ansible is no longer waiting for the result"
            )

    def pause(self, seconds: float) -> None:
        """Wait, and check every second.

        :raises TaskStoppedError: as in ``check``
        """
        while seconds > 0:
            self.check()
            time.sleep(min(seconds, 1))
            seconds -= 1

    def guard(self, chunks: t.Iterable[bytes]) -> t.Iterator[bytes]:
        """Yield the chunks, and check before each.

        :raises TaskStoppedError: as in ``check``
        """
        for chunk in chunks:
            self.check()
            yield chunk

    def run_all(self, jobs: t.Sequence[Job], parallel: int, small: t.Collection[Job] = ()) -> None:
        """Run the jobs, at most ``parallel`` of them at once, and begin them in their order.

        Up to four small jobs run in place of another one, unless ``parallel`` is 1.

        The first failure stops the others at their next ``check``, and is the one that is raised. Jobs do not call
        ``run_all`` themselves.

        :param small: those of the jobs that wait for answers most of their time
        :raises TaskError: the system does not allow another thread; or as in the jobs
        """
        if not jobs:
            return
        most = most_at_once(parallel)
        # As many shares as can be divided among jobs of either kind.
        shares = [parallel if job in small else most for job in jobs]
        try:
            with ThreadPoolExecutor(max_workers=min(most, len(jobs))) as pool:
                try:
                    self._run_by_shares(pool, list(zip(jobs, shares)), parallel * most)
                except BaseException:
                    self._stopped.set()
                    pool.shutdown(wait=False, cancel_futures=True)
                    raise
        finally:
            # Every job has ended, so what comes next may run.
            self._stopped.clear()

    def _run_by_shares(self, pool: ThreadPoolExecutor, jobs: t.Sequence[tuple[Job, int]], free: int) -> None:
        running: dict[Future[None], int] = {}
        for job, share in jobs:
            while free < share:
                ended, _others = wait(running, return_when=FIRST_COMPLETED)
                for future in ended:
                    free += running.pop(future)
                    future.result()
            free -= share
            running[submitted(pool, self._run, job)] = share
        for future in as_completed(running):
            future.result()

    def _run(self, job: Job) -> None:
        """Run a job unless another one failed. A failure that comes after the first is its consequence."""
        if self._stopped.is_set():
            return
        try:
            job()
        except BaseException:
            # Set here, because the next job begins before the failure reaches the thread that waits for it.
            with self._lock:
                is_first = not self._stopped.is_set()
                self._stopped.set()
            if is_first:
                raise
