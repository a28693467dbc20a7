# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rate of PutImage calls."""

from __future__ import annotations

import time

from ansible_collections.layerkit.ecr.tests.unit.support.image_bench import ImageBench


def test_puts_keep_to_their_pace(bench: ImageBench, delays: list[float]) -> None:
    images = [bench.layout.image(b"layer", platform=f"linux/arch{number}") for number in range(25)]
    index = bench.layout.index({f"linux/arch{number}": image for number, image in enumerate(images)})
    bench.layout.finish(index)
    began = time.monotonic()
    bench.run(tags=["1"])
    assert bench.calls().count("PutImage") == 26
    # The eleventh call waits for the first to be a second old, and so on.
    assert time.monotonic() - began >= 2
    assert delays == []
