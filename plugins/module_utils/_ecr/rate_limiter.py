# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lets at most so many calls begin in a second."""

from __future__ import annotations

import collections
import threading
import time


class RateLimiter:
    """Lets at most ``calls`` calls begin in any ``seconds``, from any threads."""

    def __init__(self, calls: int, seconds: float = 1.0) -> None:
        self._seconds = seconds
        self._began: collections.deque[float] = collections.deque(maxlen=calls)
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return when the next call may begin."""
        with self._lock:
            if len(self._began) == self._began.maxlen:
                time.sleep(max(0.0, self._began[0] + self._seconds - time.monotonic()))
            self._began.append(time.monotonic())
