# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the peak memory of a Python process when it ends, if this directory is on its path."""

from __future__ import annotations

import atexit
import os
import sys
from pathlib import Path


def _write() -> None:
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    peak = next(line.split()[1] for line in status if line.startswith("VmHWM:"))
    program = getattr(sys.modules["__main__"], "__file__", "")
    with Path(os.environ["BENCH_PEAKS"]).open("a", encoding="utf-8") as peaks:
        peaks.write(f"{peak} {program}\n")


if "BENCH_PEAKS" in os.environ:
    atexit.register(_write)
