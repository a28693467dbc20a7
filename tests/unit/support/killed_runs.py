# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a module that is killed at a step in its state directory, then runs it again; a program of its own.

The first argument is a JSON object with the name of the ``module``, its ``options``, and the ``state`` directories: at
the first step of the run in the first one the process is killed with SIGKILL, at the second in the second one, and so
on. A step is whatever Python reports to audit hooks with a path in that directory, or on a file lock. Prints a JSON
list with an entry for each of them: ``killed``, the files ``left`` by the run that was killed, the files ``kept`` after
the run that followed, and its ``result``. The list ends with the first run that was not killed.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import typing as t
from pathlib import Path

from ansible_collections.layerkit.ecr.tests.unit.support.botocore_files import botocore_read_once, read_botocore
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import ModuleFailedError, run_module

FILE_EVENTS = {"open", "os.mkdir", "os.rename", "os.remove", "os.scandir", "fcntl.flock"}


def kill_at(step: int, directory: str) -> None:
    """Kill this process when it is about to take the step, counted from 1."""
    steps = 0

    def count(event: str, arguments: tuple[t.Any, ...]) -> None:
        nonlocal steps
        is_ours = event == "fcntl.flock" or (event in FILE_EVENTS and str(arguments[0]).startswith(directory))
        steps += is_ours
        if is_ours and steps == step:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


def in_child(run: t.Callable[[], None]) -> bool:
    """Run in a process of its own, and return whether it was killed."""
    child = os.fork()
    if child == 0:
        try:
            run()
        finally:
            os._exit(0)
    _pid, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def files(directory: str) -> list[str]:
    return sorted(path.name for path in Path(directory).iterdir()) if Path(directory).exists() else []


def main() -> None:
    task = json.loads(sys.argv[1])
    module = importlib.import_module(f"ansible_collections.layerkit.ecr.plugins.modules.{task['module']}")
    runs = []
    for number, state in enumerate(task["state"], start=1):
        options = {**task["options"], "repository_name": f"{task['options']['repository_name']}/{number}"}

        def run(state: str = state, options: dict[str, t.Any] = options) -> None:
            try:
                result = run_module(module, connection=task["connection"], state_dir=state, **options)
            except ModuleFailedError as failed:
                result = failed.result
            Path(f"{state}.result").write_text(json.dumps(result), encoding="utf-8")

        def killed_run(number: int = number, state: str = state, run: t.Callable[[], None] = run) -> None:
            kill_at(number, state)
            run()

        killed = in_child(killed_run)
        left = files(state)
        in_child(run)
        result = json.loads(Path(f"{state}.result").read_text(encoding="utf-8"))
        runs.append({"killed": killed, "left": left, "kept": files(state), "result": result})
        if not killed:
            break
    print(json.dumps(runs))


if __name__ == "__main__":
    with botocore_read_once():
        read_botocore()
        main()
