# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far a task has got, reported through a pipe to whoever shows it.

A report is one line of JSON. The reader creates a FIFO and names it in an environment variable. Without the variable,
or if the FIFO cannot be opened, nothing is reported. The task never waits for the reader: a report that does not fit
into the pipe is dropped.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import threading
import time
import typing as t
from dataclasses import asdict, dataclass, fields

PIPE_VARIABLE = "LAYERKIT_ECR_PROGRESS_PIPE"
# A line that is not longer is written completely or not at all: the smallest PIPE_BUF that POSIX allows.
MAX_LINE = 512
# Amazon ECR's limit for the name of a repository.
MAX_NAME = 256
_INTERVAL_SECONDS = 0.25
_MAX_COUNT = 2**63


@dataclass(frozen=True)
class Report:
    """How far a task has got. ``name`` is that of the repository; bytes are those to transfer, not those there."""

    name: str
    layers_done: int
    layers: int
    bytes_done: int
    bytes_in_all: int
    retries: int

    def line(self) -> bytes:
        """Return the report as a line."""
        return json.dumps(asdict(self), separators=(",", ":")).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Report | None:
        """Return the report of a line, None for anything else."""
        try:
            members = json.loads(line)
        except (ValueError, RecursionError):
            return None
        if not isinstance(members, dict) or members.keys() != {field.name for field in fields(cls)}:
            return None
        name, *counts = (members[field.name] for field in fields(cls))
        is_name = isinstance(name, str) and name.isprintable() and len(name) <= MAX_NAME
        are_counts = all(_is_count(count) for count in counts)
        return cls(**members) if is_name and are_counts else None


class Progress:
    """Counts what a task transfers, and reports it: a change at most every quarter of a second. Any thread may call it.

    ``name`` is that of the repository.

    :param pipe: the path of the FIFO, None to report nothing
    """

    def __init__(self, pipe: str | None = None) -> None:
        self.name = ""
        self._pipe = _opened(pipe) if pipe else None
        self._lock = threading.Lock()
        self._sizes: dict[str, int] = {}
        self._left: dict[str, int] = {}
        # Both in all, because these change with every chunk.
        self._size = 0
        self._missing = 0
        self._retries = 0
        self._next_report = 0.0

    def begin(self, sizes: t.Mapping[str, int]) -> None:
        """Count layers that are to be transferred.

        :param sizes: how many bytes of each are missing, by digest
        """
        if self._pipe is None or not sizes:
            return
        with self._lock:
            for digest, size in sizes.items():
                self._set_size(digest, size)
                self._set_left(digest, size)
            self._report()

    def set_left(self, digest: str, size: int) -> None:
        """Note how many bytes of a layer are still missing. There can be more than at its beginning."""
        if self._pipe is None:
            return
        with self._lock:
            self._set_size(digest, max(self._sizes.get(digest, 0), size))
            self._set_left(digest, size)
            self._report()

    def advance(self, digest: str, size: int) -> None:
        """Note that further bytes of a layer have arrived."""
        if self._pipe is None:
            return
        with self._lock:
            self._set_left(digest, max(self._left.get(digest, 0) - size, 0))
            self._report()

    def finish(self, digest: str) -> None:
        """Note that a layer is complete, however many of its bytes were transferred."""
        if self._pipe is None:
            return
        with self._lock:
            self._set_left(digest, 0)
            del self._left[digest]
            self._report()

    def retry(self) -> None:
        """Count a request that is sent again."""
        if self._pipe is None:
            return
        with self._lock:
            self._retries += 1
            # A pause comes before each.
            self._report(is_due=True)

    def _set_size(self, digest: str, size: int) -> None:
        self._size += size - self._sizes.get(digest, 0)
        self._sizes[digest] = size

    def _set_left(self, digest: str, size: int) -> None:
        self._missing += size - self._left.get(digest, 0)
        self._left[digest] = size

    def _report(self, is_due: bool = False) -> None:
        now = time.monotonic()
        # When no byte is missing, no further report may come for long.
        if not self._sizes or not (is_due or now >= self._next_report or not self._missing):
            return
        self._next_report = now + _INTERVAL_SECONDS
        report = Report(
            name=self.name,
            layers_done=len(self._sizes) - len(self._left),
            layers=len(self._sizes),
            bytes_done=self._size - self._missing,
            bytes_in_all=self._size,
            retries=self._retries,
        )
        line = report.line()
        # The reader is slow, or has gone.
        with contextlib.suppress(OSError):
            if len(line) <= MAX_LINE:
                os.write(t.cast(int, self._pipe), line)


def _is_count(value: object) -> bool:
    # JSON's true is an int in Python.
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MAX_COUNT


def _opened(path: str) -> int | None:
    """Return a descriptor of the FIFO, None if it cannot be written to or nobody reads it."""
    try:
        pipe = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (OSError, ValueError):
        return None
    if stat.S_ISFIFO(os.fstat(pipe).st_mode):
        return pipe
    os.close(pipe)
    return None
