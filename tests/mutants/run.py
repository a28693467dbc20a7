# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs tests in copies of the checkout, one of whose places is broken at a time."""

from __future__ import annotations

import enum
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ansible_collections.layerkit.ecr.tests.mutants.places import ROOT, Place

WORK = ROOT / ".work/mutants"
# The tests of one place take a minute at most. What takes longer hangs.
_TIME_LIMIT_SECONDS = 150
# All tests, which run once with nothing broken.
_MAX_SECONDS = 3600
_TESTS_FAILED = 1
# pytest's code when a file of tests cannot be imported, as happens when the broken code is imported.
_INTERRUPTED = 2


_PROBE = "ansible_collections.layerkit.ecr.plugins.module_utils._core.errors"


class Outcome(enum.Enum):
    """What became of a mutant."""

    KILLED = "killed"
    HUNG = "killed by the time limit"
    SURVIVED = "survived"


class Copy:
    """A copy of the checkout, in which one place can be broken."""

    def __init__(self, number: int) -> None:
        self._search_path = WORK / str(number)
        self._root = self._search_path / "ansible_collections/layerkit/ecr"
        shutil.rmtree(self._search_path, ignore_errors=True)
        names = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for name in filter(None, names.split("\0")):
            if (ROOT / name).is_file():
                (self._root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / name, self._root / name)
        self._time = int((self._root / "galaxy.yml").stat().st_mtime)

    def run(self, place: Place) -> Outcome:
        """Break a place, run its tests, and mend it.

        :raises RuntimeError: the tests cannot be run
        """
        path = self._root / place.path
        whole = path.read_text(encoding="utf-8")
        self._write(path, place.broken(whole))
        try:
            return self._tested(["-x"], place.test_paths)
        finally:
            self._write(path, whole)

    def check(self, tests: t.Sequence[str]) -> None:
        """Run tests with the code as it is.

        :raises RuntimeError: they fail, or the copy is not what they test
        """
        _code, where = self._python(_MAX_SECONDS, "-c", f"from {_PROBE} import __file__ as f; print(f)")
        if not where.startswith(str(self._root)):
            raise RuntimeError(f"the tests would import {where}")
        # A test with a time-out can fail on a busy machine. It gets a second turn.
        if Outcome.SURVIVED not in (self._tested(again, tests, _MAX_SECONDS) for again in ((), ("--lf",))):
            raise RuntimeError("the tests fail although nothing is broken")

    def _write(self, path: Path, content: str) -> None:
        path.write_text(content, encoding="utf-8")
        # Python recognises bytecode of another version by the time in whole seconds and by the size.
        self._time += 1
        os.utime(path, (self._time, self._time))

    def _tested(
        self, options: t.Sequence[str], tests: t.Sequence[str], seconds: float = _TIME_LIMIT_SECONDS
    ) -> Outcome:
        try:
            code, output = self._python(seconds, "-m", "pytest", "-q", *options, *tests)
        except subprocess.TimeoutExpired:
            return Outcome.HUNG
        if code in (_TESTS_FAILED, _INTERRUPTED):
            return Outcome.KILLED
        if code:
            raise RuntimeError(f"pytest ended with {code}: {output}")
        return Outcome.SURVIVED

    def _python(self, seconds: float, *arguments: str) -> tuple[int, str]:
        """Run Python on the copy, and return its exit code and its output."""
        with subprocess.Popen(
            [sys.executable, *arguments],
            cwd=self._root,
            env={**os.environ, "PYTHONPATH": str(self._search_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        ) as process:
            try:
                output, _errors = process.communicate(timeout=seconds)
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        return process.returncode, output


class Outcomes:
    """The outcomes of the last runs, in a file, so that a run can be resumed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._known: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def get(self, place: Place) -> Outcome | None:
        """Return how a place ended, None if that is not known."""
        return Outcome(self._known[repr(place)]) if repr(place) in self._known else None

    def add(self, place: Place, outcome: Outcome) -> None:
        """Note how a place ended."""
        with self._lock:
            self._known[repr(place)] = outcome.value
            self._path.write_text(json.dumps(self._known), encoding="utf-8")


def run_all(places: t.Sequence[Place], jobs: int, resume: bool) -> tuple[dict[Place, Outcome], int]:
    """Run the tests of each place, several at once. Print each outcome as it comes.

    Returns the outcomes, and how many of them are those of earlier runs.

    :param resume: whether to leave out the places that tests noticed in earlier runs
    """
    copies: queue.Queue[Copy] = queue.Queue()
    for number in range(jobs):
        copies.put(Copy(number))
    outcomes = Outcomes(WORK / "outcomes.json")
    open_places = [place for place in places if not resume or outcomes.get(place) in (None, Outcome.SURVIVED)]

    def run(numbered: tuple[int, Place]) -> None:
        number, place = numbered
        copy = copies.get()
        try:
            outcome = copy.run(place)
        finally:
            copies.put(copy)
        outcomes.add(place, outcome)
        change = f"{place.path}: {place.text!r} -> {place.replacement!r}"
        print(f"{number} of {len(open_places)}: {outcome.value}: {change}", flush=True)

    first = copies.get()
    first.check(sorted({test for place in open_places for test in place.test_paths}))
    copies.put(first)
    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(run, enumerate(open_places, start=1)))
    return {place: t.cast(Outcome, outcomes.get(place)) for place in places}, len(places) - len(open_places)
