# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a module as Ansible does, and shows on standard error how far it is.

The module reports through a FIFO, which only a module on this host can open. A thread of the worker process reads the
reports, and passes a line to Display from time to time. Whatever fails here, the task does not.
"""

from __future__ import annotations

import contextlib
import os
import select
import tempfile
import threading
import time
import typing as t

from ansible import constants
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible.utils.display import Display
from ansible_collections.layerkit.ecr.plugins.module_utils._core.progress import MAX_LINE, PIPE_VARIABLE, Report
from ansible_collections.layerkit.ecr.plugins.plugin_utils._progress.line import ProgressLine

SETTING = "ANSIBLE_ECR_PROGRESS"
# What ansible-runner, and so AWX, sets for every playbook.
_RUNNER_VARIABLE = "AWX_ISOLATED_DATA_DIR"

# Less than this from the first bytes to the last is not worth a line.
_FIRST_SECONDS = 2.0
_REDRAW_SECONDS = 2.0
_LINE_SECONDS = 3.0
# The longer a task takes, the fewer lines it writes.
_MAX_LINE_SECONDS = 30.0
_SHARE_OF_TIME = 0.1
# With so many v's, Ansible writes lines of its own while a module runs.
_CHATTY = 3

_display = Display()


def _columns_of_terminal() -> int:
    """Return the width of the terminal on standard error if a line can be redrawn there, else 0."""
    try:
        return os.get_terminal_size(2).columns if os.environ.get("TERM", "dumb") != "dumb" else 0
    except OSError:
        return 0


# Ansible imports an action before it starts a worker process, which has no terminal.
_COLUMNS = _columns_of_terminal()


class _Screen(t.Protocol):
    def show(self, text: str) -> None: ...

    def clear(self) -> None: ...

    def interval(self, seconds: float) -> float:
        """Return how long a line stays, in seconds, when the task has taken so many."""


class _Lines:
    """Shows one line after another."""

    def show(self, text: str) -> None:
        """Show a line."""
        _display.display(text, stderr=True)

    def clear(self) -> None:
        """Leave the lines as they are."""

    def interval(self, seconds: float) -> float:
        """Return the seconds from one line to the next."""
        return min(max(_LINE_SECONDS, seconds * _SHARE_OF_TIME), _MAX_LINE_SECONDS)


class _RedrawnLine:
    """Shows a line in place of the last one. Nothing else may write to the terminal meanwhile."""

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._is_drawn = False

    def show(self, text: str) -> None:
        """Redraw the line."""
        self._is_drawn = True
        # A line that is too long would continue on the next one.
        self._draw(text[: self._columns - 1])

    def clear(self) -> None:
        """Remove the line."""
        if self._is_drawn:
            self._draw("")

    def interval(self, _seconds: float) -> float:
        """Return the seconds until the line is redrawn."""
        return _REDRAW_SECONDS

    def _draw(self, text: str) -> None:
        # At a carriage return, Python writes what it has.
        _display.display(f"\r{text}\x1b[K\r", stderr=True, screen_only=True, newline=False)


class _Follower(threading.Thread):
    """Shows the reports that come through a FIFO.

    :param pipe: a descriptor of the FIFO that reads and writes without waiting
    """

    def __init__(self, pipe: int, line: ProgressLine, screen: _Screen) -> None:
        super().__init__(daemon=True)
        self._pipe = pipe
        self._line = line
        self._screen = screen
        self._rest = b""
        self._began: float | None = None
        # When to show the line, None for not before the next report.
        self._due: float | None = None
        self._has_ended = False

    def run(self) -> None:
        """Follow the task until ``end``."""
        poll = select.poll()
        poll.register(self._pipe, select.POLLIN)
        # A line that cannot be shown does not matter to the task.
        with contextlib.suppress(Exception):
            while not self._has_ended:
                left = None if self._due is None else max(self._due - time.monotonic(), 0) * 1000
                if poll.poll(left):
                    self._read()
                self._show_if_due(time.monotonic())

    def end(self) -> None:
        """Stop, and leave the screen to others."""
        self._has_ended = True
        # Wake the thread. If the FIFO is full, it is awake.
        with contextlib.suppress(OSError):
            os.write(self._pipe, b"\n")
        self.join()
        self._screen.clear()

    def _read(self) -> None:
        *lines, rest = (self._rest + os.read(self._pipe, select.PIPE_BUF)).split(b"\n")
        self._rest = rest[:MAX_LINE]
        for report in filter(None, map(Report.from_line, lines)):
            self._take(report, time.monotonic())

    def _take(self, report: Report, now: float) -> None:
        self._line.update(report, now)
        if self._began is None:
            self._began, self._due = now, now + _FIRST_SECONDS
        elif self._due is None:
            self._due = now + self._screen.interval(now - self._began)

    def _show_if_due(self, now: float) -> None:
        if self._began is None or self._due is None or now < self._due:
            return
        self._screen.show(self._line.text(now))
        self._due = None if self._line.is_complete else now + self._screen.interval(now - self._began)


class ProgressAction(NormalAction):
    """Run the module of the same name, and show its progress if it runs on this host."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Run the module, and return its result."""
        with contextlib.ExitStack() as stack:
            if self._is_wanted():
                # Without a place for the FIFO, the module runs all the same.
                with contextlib.suppress(OSError):
                    self._follow(stack, task_vars or {})
            # ansible-core 2.17 and 2.18 do not annotate it.
            run_module: t.Callable[..., dict[str, t.Any]] = super().run
            return run_module(tmp, task_vars)

    def _is_wanted(self) -> bool:
        task = self._task
        if self._connection.transport != "local" or task.async_val or task.check_mode or task.no_log:
            return False
        setting = os.environ.get(SETTING)
        return boolean(setting, strict=False) if setting else _RUNNER_VARIABLE not in os.environ

    def _follow(self, stack: contextlib.ExitStack, task_vars: t.Mapping[str, t.Any]) -> None:
        """Show the progress of the module until the stack is closed."""
        # Only this user can open what is in there.
        directory = stack.enter_context(tempfile.TemporaryDirectory(dir=t.cast(t.Any, constants).DEFAULT_LOCAL_TMP))
        path = os.path.join(directory, "progress")  # noqa: PTH118  a string for the environment
        os.mkfifo(path, 0o600)
        # Opened for both, it neither waits for a writer nor ends with one.
        pipe = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        stack.callback(os.close, pipe)
        follower = _Follower(pipe, ProgressLine(self._label(task_vars)), self._screen(task_vars))
        follower.start()
        stack.callback(follower.end)
        stack.callback(setattr, self._task, "environment", self._task.environment)
        # A list of its own: the items of a loop share that of the task.
        self._task.environment = [*(self._task.environment or []), {PIPE_VARIABLE: path}]

    def _label(self, task_vars: t.Mapping[str, t.Any]) -> str:
        """Return what names the task in its lines: the module, and the host if there are several."""
        module = self._task.action.rpartition(".")[2]
        return f"[{task_vars['inventory_hostname']}] {module}" if _has_several_hosts(task_vars) else str(module)

    def _screen(self, task_vars: t.Mapping[str, t.Any]) -> _Screen:
        is_alone = not _has_several_hosts(task_vars) and _display.verbosity < _CHATTY
        return _RedrawnLine(_COLUMNS) if is_alone and _COLUMNS and _RUNNER_VARIABLE not in os.environ else _Lines()


def _has_several_hosts(task_vars: t.Mapping[str, t.Any]) -> bool:
    return len(task_vars.get("ansible_play_hosts_all", ())) > 1
