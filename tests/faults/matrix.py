# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fault matrix: every operation of every task, at its first, middle and last call, struck by every trouble.

Each cell ends in the right content, or in one clear message with nothing wrong left; the next run finishes, and the one
after it changes nothing.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import random
import socket
import tempfile
import threading
import time
import typing as t
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.layerkit.ecr.tests.faults.processes import End, Processes
from ansible_collections.layerkit.ecr.tests.faults.scenarios import SCENARIOS, SECRET_KEY, Place, Scenario
from ansible_collections.layerkit.ecr.tests.faults.troubles import READ_TIMEOUT, REFUSED, Trouble, troubles
from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import Fault
from ansible_collections.layerkit.ecr.tests.strict_ecr.server import serve
from ansible_collections.layerkit.ecr.tests.unit.support.cutting_proxy import CuttingProxy
from ansible_collections.layerkit.ecr.tests.unit.support.meddling_proxy import Meddling, MeddlingProxy

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR

PATIENCE = 30.0
_LISTENS_AFTER = 0.4
_MAX_MESSAGE = 3000
# What is in pre-signed URLs.
_SECRETS = (SECRET_KEY, "X-Amz-Signature", "strict-s3")
OVERCOME, FAILED = "done all the same", "failed with a clear message"


@dataclass(frozen=True)
class Cell:
    """One trouble of one call; ``skip`` calls of the operation pass before."""

    scenario: type[Scenario]
    side: str
    operation: str
    skip: int
    where: str
    trouble: Trouble

    def __str__(self) -> str:
        call = f"{self.where} {self.operation}" + (f" on the {self.side}" if self.side else "")
        return f"{self.scenario.title()}: {call}: {self.trouble}"


@dataclass(frozen=True)
class Bench:
    """What runs cells: the server, the proxy in front of it, and processes of modules."""

    place: Place
    proxy: MeddlingProxy
    processes: Processes

    def run(self, scenario: Scenario, connection: dict[str, t.Any] | None = None, **how: t.Any) -> End:
        """Run the task of a scenario, and check what no run may do.

        :param how: the fields of the ``Run`` besides its module and its options
        """
        options = {**scenario.connection(), **scenario.options(), **(connection or {})}
        end = self.processes.run(scenario.module, options, **how)
        assert not end.hung, "it hangs"
        assert not end.crash, end.crash
        assert not end.printed, end.printed
        said = json.dumps(end.result)
        assert not [secret for secret in _SECRETS if secret in said], "a secret is in the result"
        return end


@contextlib.contextmanager
def bench(given: StrictECR | None = None) -> t.Iterator[Bench]:
    """Keep a server and a program for processes for the duration of the block.

    :param given: a server that runs already
    """
    with (
        contextlib.nullcontext(given) if given else serve() as server,
        MeddlingProxy(server.url).running() as proxy,
        Processes().running() as processes,
        tempfile.TemporaryDirectory() as directory,
    ):
        yield Bench(Place(server, proxy.url, Path(directory)), proxy, processes)


def cells(bench: Bench, scenarios: t.Sequence[type[Scenario]] = SCENARIOS) -> list[Cell]:
    """Return all cells of tasks, from the calls that each makes without troubles."""
    found: list[Cell] = []
    for scenario_class in scenarios:
        scenario = scenario_class(bench.place)
        end = bench.run(scenario)
        assert not end.failed, f"{scenario_class.title()}: {end.message}"
        for side, repository in scenario.repositories().items():
            counts = bench.place.server.control.calls.counts(repository)
            for operation, count in counts.items():
                found += _of_operation(scenario_class, side, operation, count)
            if side in ("", "target"):
                found.append(Cell(scenario_class, side, next(iter(counts)), 0, "first", REFUSED))
        scenario.check_done(end.result)
    return found


def _of_operation(scenario: type[Scenario], side: str, operation: str, count: int) -> t.Iterator[Cell]:
    for skip, where in places(count).items():
        for trouble in troubles(operation):
            yield Cell(scenario, side, operation, skip, where, trouble)


def places(count: int) -> dict[int, str]:
    """Return the first, the middle and the last of so many calls, by the number of calls before."""
    if count == 1:
        return {0: "only"}
    return {0: "first", **({count // 2: "middle"} if count > 2 else {}), count - 1: "last"}


def sample(every: t.Sequence[Cell], count: int, seed: int) -> list[Cell]:
    """Draw cells, none of them twice, so that each task and each group of troubles has its share."""
    draw = random.Random(seed)
    by_share: dict[tuple[str, str], list[Cell]] = {}
    # The order in which the calls arrived, several at once, differs from run to run.
    for cell in draw.sample(sorted(every, key=str), len(every)):
        by_share.setdefault((cell.scenario.title(), cell.trouble.group), []).append(cell)
    shares = list(by_share.values())
    draw.shuffle(shares)
    # The first of each share, then the second of each.
    rounds = itertools.zip_longest(*shares)
    return list(itertools.islice((cell for one in rounds for cell in one if cell), count))


def try_out(bench: Bench, cell: Cell) -> str:
    """Run a cell, and return its outcome.

    :raises AssertionError: it is none that may be
    """
    scenario = cell.scenario(bench.place)
    with _armed(bench, cell, scenario) as connection:
        end = bench.run(scenario, connection, waits=cell.trouble is REFUSED)
    assert not (end.failed and cell.trouble.passes), f"it should pass: {end.message}"
    return judged(bench, scenario, end)


def judged(bench: Bench, scenario: Scenario, end: End) -> str:
    """Return the outcome of a run with faults, after two runs without.

    :raises AssertionError: it is none that may be
    """
    if end.failed:
        _check_message(end.message)
        scenario.check_left()
    else:
        scenario.check_done(end.result)
    scenario.recover()
    following = bench.run(scenario)
    assert not following.failed, f"the next run fails: {following.message}"
    scenario.check_done(following.result)
    if scenario.is_idempotent:
        last = bench.run(scenario)
        assert not last.failed, f"the run after the next fails: {last.message}"
        assert last.result["changed"] is False, "the run after the next changes something"
        scenario.check_done(last.result)
    return FAILED if end.failed else OVERCOME


@contextlib.contextmanager
def _armed(bench: Bench, cell: Cell, scenario: Scenario) -> t.Iterator[dict[str, t.Any]]:
    """Let the trouble strike in the block, and yield the options of a connection that meets it."""
    trouble, repository = cell.trouble, scenario.repositories()[cell.side]
    control = bench.place.server.control
    patience = READ_TIMEOUT if trouble.seconds else PATIENCE
    connection: dict[str, t.Any] = {"aws_config": {"read_timeout": patience}}
    if trouble.fault:
        fault = Fault(trouble.fault, cell.operation, repository, cell.skip, trouble.times, trouble.seconds)
        control.faults.add(fault)
        yield connection
        control.faults.clear()
        assert control.calls.counts(repository).get(cell.operation, 0) > cell.skip, "it struck nothing"
    elif trouble.foreign:
        meddling = Meddling(cell.operation, trouble.foreign.answer, trouble.is_applied, b"{}", repository, cell.skip)
        bench.proxy.meddle(meddling, trouble.times)
        yield connection
        bench.proxy.leave()
        assert bench.proxy.replaced, "it struck nothing"
    else:
        with _listening_late(bench.place.url) as url:
            yield {**connection, "endpoint_url": url}


@contextlib.contextmanager
def _listening_late(url: str) -> t.Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    over = threading.Event()

    def listen() -> None:
        time.sleep(_LISTENS_AFTER)
        with CuttingProxy(url, [], port).running():
            over.wait()

    thread = threading.Thread(target=listen)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        over.set()
        thread.join()


def _check_message(message: str) -> None:
    assert message.strip(), "there is no message"
    assert message.isprintable(), f"the message is not printable: {message!r}"
    assert len(message) < _MAX_MESSAGE, f"the message is too long: {message}"
    assert "Traceback" not in message, message
    assert not message.startswith("Module failed"), message


class Tally:
    """Counts the outcomes of cells."""

    def __init__(self) -> None:
        # By task, trouble, operation and outcome.
        self.outcomes: Counter[tuple[str, str, str, str]] = Counter()
        self.wrong: list[str] = []

    def add(self, bench: Bench, cell: Cell) -> None:
        """Try a cell out."""
        try:
            outcome = try_out(bench, cell)
        except Exception as error:
            outcome = "wrong"
            self.wrong.append(f"{cell}: {type(error).__name__}: {error}")
        self.outcomes[cell.scenario.title(), cell.trouble.group, cell.operation, outcome] += 1

    def merge(self, other: Tally) -> None:
        """Add what another one counted."""
        self.outcomes += other.outcomes
        self.wrong += other.wrong
