# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module processes: each run is forked from a program that has imported the modules, so that thousands are affordable.

A client of the program is :class:`Processes`. The program reads lists of runs, one line of JSON each, carries out the
runs of a line at the same time, and prints the list of their ends.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import typing as t
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import SimpleNamespace

from ansible_collections.layerkit.ecr.tests.unit.support.botocore_files import botocore_read_once, read_botocore

_PROGRAM = "ansible_collections.layerkit.ecr.tests.faults.processes"
_MODULES = "ansible_collections.layerkit.ecr.plugins.modules"
# How long a run may take before it counts as one that hangs.
HANG_SECONDS = 180
_LOOK_SECONDS = 0.01


@dataclass(frozen=True)
class Run:
    """A run of a module.

    ``kill_after`` are the seconds after which it is killed with SIGKILL. ``waits`` says whether the delays between
    attempts take their time. ``temporary`` is the directory for temporary files, None for that of the system.
    """

    module: str
    options: dict[str, t.Any]
    check: bool = False
    kill_after: float | None = None
    waits: bool = False
    temporary: str | None = None


@dataclass(frozen=True)
class End:
    """How a run ended: killed, hanging, with an exception that no user should see, or with a result."""

    killed: bool = False
    hung: bool = False
    crash: str = ""
    printed: str = ""
    result: dict[str, t.Any] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def failed(self) -> bool:
        """Whether the module reported a failure."""
        return bool(self.result.get("failed"))

    @property
    def message(self) -> str:
        """The message of the module."""
        return str(self.result.get("msg", ""))


class Processes:
    """Runs modules, each in a process of its own."""

    def __init__(self) -> None:
        self._program: subprocess.Popen[str] | None = None

    @contextlib.contextmanager
    def running(self) -> t.Iterator[Processes]:
        """Keep the program for the duration of the block."""
        with subprocess.Popen(
            [sys.executable, "-m", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as program:
            self._program = program
            try:
                yield self
            finally:
                assert program.stdin
                program.stdin.close()

    def run(self, module: str, options: dict[str, t.Any], **more: t.Any) -> End:
        """Run a module, and return how it ended."""
        return self.run_all([Run(module, options, **more)])[0]

    def run_all(self, runs: t.Sequence[Run]) -> list[End]:
        """Run modules at the same time, and return how each ended."""
        assert self._program
        assert self._program.stdin
        assert self._program.stdout
        self._program.stdin.write(json.dumps([asdict(run) for run in runs]) + "\n")
        self._program.stdin.flush()
        return [End(**end) for end in json.loads(self._program.stdout.readline())]


def _prepare() -> None:
    """Import what every run needs, and allow parts of any size."""
    from ansible_collections.layerkit.ecr.plugins.module_utils._ecr import limits

    # Before others import it.
    limits.MIN_PART = 1

    from ansible_collections.layerkit.ecr.tests.unit.support import module_runner

    assert module_runner
    for path in sorted((Path(__file__).parents[2] / "plugins/modules").glob("*.py")):
        importlib.import_module(f"{_MODULES}.{path.stem}")


def _skip_delays() -> None:
    from ansible_collections.amazon.aws.plugins.module_utils import cloud
    from ansible_collections.layerkit.ecr.plugins.module_utils._core import task

    nothing = SimpleNamespace(sleep=lambda _seconds: None)
    for module in t.cast("tuple[t.Any, ...]", (cloud, task)):
        module.time = nothing


def _carry_out(run: Run, end_path: Path) -> None:
    """Run a module in this process, and write how it ended."""
    from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import ModuleFailedError, run_module

    if not run.waits:
        _skip_delays()
    end: dict[str, t.Any] = {}
    tempfile.tempdir = run.temporary
    module = importlib.import_module(f"{_MODULES}.{run.module}")
    with end_path.with_suffix(".printed").open("w+") as printed:
        os.dup2(printed.fileno(), 2)
        try:
            end["result"] = run_module(module, check=run.check, connection={}, **run.options)
        except ModuleFailedError as failed:
            end["result"] = failed.result
        except BaseException:
            end["crash"] = traceback.format_exc()
        printed.seek(0)
        end["printed"] = printed.read()
    end_path.write_text(json.dumps(end), encoding="utf-8")


def _fork(run: Run, end_path: Path) -> int:
    child = os.fork()
    if child == 0:
        try:
            _carry_out(run, end_path)
        finally:
            os._exit(0)
    return child


def _carry_out_all(runs: list[Run], directory: Path) -> list[dict[str, t.Any]]:
    began = time.monotonic()
    paths = [directory / str(number) for number in range(len(runs))]
    children = {_fork(run, path): number for number, (run, path) in enumerate(zip(runs, paths, strict=True))}
    ends: list[dict[str, t.Any]] = [{} for _run in runs]
    while children:
        child, status = os.waitpid(-1, os.WNOHANG)
        passed = time.monotonic() - began
        if child:
            number = children.pop(child)
            ends[number]["killed"] = os.WIFSIGNALED(status) and not ends[number].get("hung")
            ends[number]["seconds"] = passed
            if paths[number].exists() and not os.WIFSIGNALED(status):
                ends[number].update(json.loads(paths[number].read_text(encoding="utf-8")))
            continue
        _end_those_due(children, runs, ends, passed)
        time.sleep(_LOOK_SECONDS)
    return ends


def _end_those_due(children: dict[int, int], runs: list[Run], ends: list[dict[str, t.Any]], passed: float) -> None:
    for child, number in children.items():
        due = runs[number].kill_after
        if passed > HANG_SECONDS:
            ends[number]["hung"] = True
        if passed > (HANG_SECONDS if due is None else due):
            os.kill(child, signal.SIGKILL)


def main() -> None:
    """Carry out lines of runs until the input ends."""
    _prepare()
    with botocore_read_once():
        read_botocore()
        for line in sys.stdin:
            with tempfile.TemporaryDirectory() as directory:
                print(json.dumps(_carry_out_all([Run(**run) for run in json.loads(line)], Path(directory))), flush=True)


if __name__ == "__main__":
    main()
