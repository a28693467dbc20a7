# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The memory that a process has needed."""

from __future__ import annotations

import re
from pathlib import Path


def peak_kib() -> int:
    """Return the peak of this process's resident memory, in KiB.

    Not by getrusage(): its peak is inherited from the process that started this one.
    """
    found = re.search(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(encoding="ascii"), re.MULTILINE)
    assert found
    return int(found[1])
