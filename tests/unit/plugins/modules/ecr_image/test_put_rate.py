# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rate of PutImage calls."""

from __future__ import annotations

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr import rate_limiter
from ansible_collections.layerkit.ecr.tests.unit.support.image_bench import ImageBench


class StoppedClock:
    """A clock that goes on only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_puts_keep_to_their_pace(bench: ImageBench, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = StoppedClock()
    monkeypatch.setattr(rate_limiter, "time", clock)
    images = [bench.layout.image(b"layer", platform=f"linux/arch{number}") for number in range(25)]
    index = bench.layout.index({f"linux/arch{number}": image for number, image in enumerate(images)})
    bench.layout.finish(index)
    bench.run(tags=["1"])
    assert bench.calls().count("PutImage") == 26
    # Ten begin at once, the eleventh when the first is a second old, and so on.
    assert clock.now == 2.0
