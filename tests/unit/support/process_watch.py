# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ps shows of processes while they run: their arguments, and to their owner their environment."""

from __future__ import annotations

import threading
import typing as t
import uuid
from pathlib import Path

MARK = "LAYERKIT_WATCHED"


class ProcessWatch:
    """Reads the arguments and the environment of the processes that inherited a mark, until the end of the block.

    A process that ends within 20 ms can be missed. What it inherits is seen in others.
    """

    def __init__(self) -> None:
        self.environment = {MARK: uuid.uuid4().hex}
        self._mark = f"{MARK}={self.environment[MARK]}".encode()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.arguments: set[bytes] = set()
        self.environments: set[bytes] = set()

    def __enter__(self) -> t.Self:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopped.wait(0.02):
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    environment = (process / "environ").read_bytes()
                    if self._mark in environment:
                        self.environments.add(environment)
                        self.arguments.add((process / "cmdline").read_bytes())
                except OSError:
                    # It has ended, or belongs to another user.
                    continue
