# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Time, processor time and requests of processes that run in turn."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
import typing as t
from dataclasses import dataclass, field, replace
from pathlib import Path

from .sink import Sink

RunOnce = t.Callable[[], "Run"]


class FailedRunError(Exception):
    """A measured command failed."""


@dataclass(frozen=True)
class Run:
    """The cost of one run; ``printed`` is the JSON object that the command printed."""

    seconds: float
    cpu_seconds: float
    requests: dict[str, int] = field(default_factory=dict)
    printed: dict[str, t.Any] = field(default_factory=dict)


def timed(command: t.Sequence[str | Path], environment: dict[str, str], log: Path) -> Run:
    """Run a command and return the cost of it and its child processes.

    :param log: the file for the command's output
    :raises FailedRunError: the exit status is not 0
    """
    with log.open("w+b") as output:
        started = time.perf_counter()
        process = subprocess.Popen([str(word) for word in command], env=environment, stdout=output, stderr=output)
        _pid, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode(errors="replace")
    if process.returncode:
        raise FailedRunError(f"exit status {process.returncode} of {' '.join(map(str, command))}\n{text[-4000:]}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, printed=_json_of(text))


def _json_of(text: str) -> dict[str, t.Any]:
    """Return the last line as a JSON object; empty if it is none."""
    last = text.rstrip().rpartition("\n")[2]
    return t.cast("dict[str, t.Any]", json.loads(last)) if last.startswith("{") and last.endswith("}") else {}


@dataclass(frozen=True)
class Link:
    """The seconds of delay per request and the bytes per second of a connection; no limits by default."""

    latency: float = 0.0
    bandwidth: float | None = None

    def to_sink(self, run: t.Callable[[Sink], Run], served: Path | None = None) -> RunOnce:
        """Return a run that starts a sink for itself, with the image of a layout, and counts the requests to it."""

        def run_once() -> Run:
            with Sink.running(self.latency, self.bandwidth, served) as sink:
                finished = run(sink)
                requests = sink.tally().requests
            return replace(finished, requests=finished.requests or requests)

        return run_once


DIRECT = Link()


@dataclass(frozen=True)
class Runs:
    """The runs of one command."""

    runs: list[Run]

    def median(self, value: t.Callable[[Run], float]) -> float:
        """Return the median of a value of the runs."""
        return statistics.median(map(value, self.runs))

    @property
    def seconds(self) -> float:
        """The median duration of the process."""
        return self.median(lambda run: run.seconds)

    @property
    def printed_seconds(self) -> float:
        """The median duration that the command itself measured."""
        return self.median(lambda run: float(run.printed["seconds"]))

    @property
    def cpu_seconds(self) -> float:
        """The median of the processor time."""
        return self.median(lambda run: run.cpu_seconds)

    @property
    def printed_peak(self) -> float:
        """The median peak memory that the command itself measured, in MiB."""
        return self.median(lambda run: float(run.printed["peak_kib"])) / 1024

    @property
    def request_count(self) -> int:
        """The requests of the last run."""
        return sum(self.runs[-1].requests.values())


def interleaved(contenders: dict[str, RunOnce], rounds: int, warm_up: bool = True) -> dict[str, Runs]:
    """Run all contenders in turn ``rounds`` times, after one warm-up run each.

    Each round starts with the next contender, so that none always runs after the same one.
    """
    if warm_up:
        for run_once in contenders.values():
            run_once()
    runs: dict[str, list[Run]] = {name: [] for name in contenders}
    names = list(contenders)
    for number in range(rounds):
        first = number % len(names)
        for name in (*names[first:], *names[:first]):
            runs[name].append(contenders[name]())
    return {name: Runs(finished) for name, finished in runs.items()}
