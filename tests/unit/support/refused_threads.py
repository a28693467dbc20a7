# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A system that allows executors a number of threads, and refuses the next one."""

from __future__ import annotations

import threading
import typing as t

if t.TYPE_CHECKING:
    import pytest


def refuse_threads(monkeypatch: pytest.MonkeyPatch, allowed: int) -> None:
    """Let executors start ``allowed`` threads. Servers in the same process start theirs without them."""
    start = threading.Thread.start
    started: list[threading.Thread] = []

    def start_few(thread: threading.Thread) -> None:
        if thread.name.startswith("ThreadPoolExecutor"):
            if len(started) == allowed:
                raise RuntimeError("can't start new thread")
            started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_few)
