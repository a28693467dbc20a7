# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Words the progress of a task: one line with what is done, how fast it is, and how long it will take."""

from __future__ import annotations

import typing as t
from collections import deque

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.plugins.module_utils._core.progress import Report

_KIB = 1024
_MIB = 1024 * _KIB
# Each with its name, and the digits of its fractions.
_UNITS = ((1024 * _MIB, "GiB", 2), (_MIB, "MiB", 1), (_KIB, "KiB", 1))
# The rate is the mean of so many seconds.
_WINDOW_SECONDS = 20.0
_SHORTEST_SECONDS = 1.0


class ProgressLine:
    """The line of one task. Times are in seconds, by any clock that only goes forward.

    :param label: what the line begins with
    """

    def __init__(self, label: str) -> None:
        self._label = label
        self._report: Report | None = None
        self._samples: deque[tuple[float, int]] = deque()

    @property
    def is_complete(self) -> bool:
        """Whether every layer is transferred."""
        return self._report is not None and self._report.layers_done == self._report.layers

    def update(self, report: Report, now: float) -> None:
        """Take note of a report."""
        if self._report and report.bytes_done < self._report.bytes_done:
            # A layer was begun again.
            self._samples.clear()
        self._report = report
        self._samples.append((now, report.bytes_done))
        while now - self._samples[0][0] > _WINDOW_SECONDS:
            self._samples.popleft()

    def text(self, now: float) -> str:
        """Return the line, empty before the first report."""
        report = self._report
        if report is None:
            return ""
        words = [
            f"{report.layers_done} of {_counted(report.layers, 'layer', 'layers')}",
            _sizes(report.bytes_done, report.bytes_in_all),
            *self._pace(report.bytes_in_all - report.bytes_done, now),
        ]
        if report.retries:
            words.append(_counted(report.retries, "retry", "retries"))
        return f"{self._label} {report.name}: {', '.join(words)}"

    def _pace(self, left: int, now: float) -> list[str]:
        began, before = self._samples[0]
        if left <= 0 or now - began < _SHORTEST_SECONDS:
            return []
        rate = (self._samples[-1][1] - before) / (now - began)
        words = [f"{rate / _MIB:.1f} MiB/s" if rate >= _MIB / 10 else f"{rate / _KIB:.0f} KiB/s"]
        return [*words, f"{_duration(left / rate)} left"] if rate >= 1 else words


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _sizes(done: int, size: int) -> str:
    unit, name, digits = next(each for each in _UNITS if size >= each[0] or each[0] == _KIB)
    return f"{done / unit:.{digits}f} of {size / unit:.{digits}f} {name}"


def _duration(seconds: float) -> str:
    whole = max(1, round(seconds))
    if whole < 100:
        return f"{whole} s"
    minutes = round(whole / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
