# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The peak memory of a process."""

from __future__ import annotations

import re
from pathlib import Path


def peak_kib() -> int:
    """Return the peak of this process's resident memory, in KiB.

    getrusage() is no alternative: a process inherits its peak from the parent.
    """
    found = re.search(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(encoding="ascii"), re.MULTILINE)
    assert found
    return int(found[1])
