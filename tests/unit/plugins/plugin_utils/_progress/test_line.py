# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.progress import Report
from ansible_collections.layerkit.ecr.plugins.plugin_utils._progress.line import ProgressLine

MIB = 1024 * 1024


def report(done: float, size: float = 200, layers_done: int = 3, retries: int = 0, layers: int = 8) -> Report:
    """Return a report whose bytes are given in MiB."""
    return Report("my-app", layers_done, layers, round(done * MIB), round(size * MIB), retries)


def line_of(*reports: tuple[float, Report], now: float) -> str:
    line = ProgressLine("ecr_image")
    for at, each in reports:
        line.update(each, at)
    return line.text(now)


def test_line_has_layers_bytes_rate_time_and_retries() -> None:
    line = line_of((10, report(0)), (13, report(75, retries=1)), now=13)
    assert line == "ecr_image my-app: 3 of 8 layers, 75.0 of 200.0 MiB, 25.0 MiB/s, 5 s left, 1 retry"


def test_there_is_no_line_before_the_first_report() -> None:
    assert ProgressLine("ecr_image").text(1) == ""


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (200, "50.0 of 200.0 MiB"),
        (1023, "255.8 of 1023.0 MiB"),
        (10 * 1024, "2.50 of 10.00 GiB"),
        (0.5, "128.0 of 512.0 KiB"),
        (0, "0.0 of 0.0 KiB"),
    ],
)
def test_sizes_have_the_unit_of_the_whole(size: float, shown: str) -> None:
    assert shown in line_of((0, report(size / 4, size)), now=0)


@pytest.mark.parametrize(
    ("rate", "size", "shown"),
    [
        (1, 101, "1.0 MiB/s, 99 s left"),
        (1, 102, "1.0 MiB/s, 2 min left"),
        (1, 5000, "1.0 MiB/s, 83 min left"),
        (0.5, 3000, "0.5 MiB/s, 1 h 40 min left"),
        (0.01, 1, "10 KiB/s, 98 s left"),
        (10, 21, "10.0 MiB/s, 1 s left"),
    ],
)
def test_rate_and_time_are_short(rate: float, size: float, shown: str) -> None:
    assert line_of((0, report(0, size)), (2, report(2 * rate, size)), now=2).endswith(f", {shown}")


def test_rate_is_that_of_the_last_seconds() -> None:
    slow = [(float(second), report(second)) for second in range(100)]
    fast = [(100.0 + second, report(100 + 3 * second)) for second in range(30)]
    assert "3.0 MiB/s" in line_of(*slow, *fast, now=129)


def test_rate_falls_while_nothing_arrives() -> None:
    reports = [(0.0, report(0)), (5.0, report(50))]
    assert "10.0 MiB/s, 15 s left" in line_of(*reports, now=5)
    assert "5.0 MiB/s, 30 s left" in line_of(*reports, now=10)


def test_nothing_arriving_at_all_has_no_time_left() -> None:
    assert line_of((0, report(0)), (9, report(0)), now=10).endswith("MiB, 0 KiB/s")


def test_rate_of_less_than_a_second_is_not_shown() -> None:
    assert line_of((0, report(0)), (0.5, report(50)), now=0.5).endswith("50.0 of 200.0 MiB")


def test_layer_that_is_begun_again_begins_the_rate_again() -> None:
    reports = [(0.0, report(0)), (5.0, report(50)), (6.0, report(10)), (8.0, report(14))]
    assert "2.0 MiB/s" in line_of(*reports, now=8)


def test_line_of_what_is_complete_has_no_rate() -> None:
    line = ProgressLine("ecr_layer")
    line.update(report(0, layers_done=0, layers=1), 0)
    assert not line.is_complete
    line.update(report(200, layers_done=1, layers=1, retries=2), 5)
    assert line.is_complete
    assert line.text(9) == "ecr_layer my-app: 1 of 1 layer, 200.0 of 200.0 MiB, 2 retries"
