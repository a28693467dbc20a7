# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A FIFO that reports of progress arrive in."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

from ansible_collections.layerkit.ecr.plugins.module_utils._core.progress import Report


class ReportPipe:
    """A FIFO in a directory, read by this process until the block ends."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "pipe"
        os.mkfifo(self.path)
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_NONBLOCK)

    def __enter__(self) -> ReportPipe:
        return self

    def __exit__(self, *_failure: object) -> None:
        os.close(self._descriptor)

    def fill(self) -> None:
        """Write until there is no space left."""
        try:
            while True:
                os.write(self._descriptor, b"\n")
        except BlockingIOError:
            pass

    def lines(self) -> list[bytes]:
        """Return the lines that arrived since the last call."""
        arrived = b""
        try:
            while True:
                arrived += os.read(self._descriptor, 65536)
        except BlockingIOError:
            return arrived.splitlines(keepends=True)

    def reports(self) -> list[Report]:
        """Return the reports that arrived since the last call."""
        reports = [Report.from_line(line) for line in self.lines()]
        assert None not in reports
        return t.cast("list[Report]", reports)
