# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much the benchmarks push, and how often."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .layouts import MIB
from .measure import Link


@dataclass(frozen=True)
class Scale:
    """The amounts of one run; sizes are in bytes, images are (layers, size of each layer)."""

    rounds: int
    warm_up: bool
    layer: int
    growth: t.Sequence[int]
    boto3_growth: int
    image: tuple[int, int]
    small_layers: tuple[int, int]
    saved_layers: t.Sequence[int]
    big_layer: int
    many_parts: tuple[int, int]
    link: Link
    service_link: Link
    link_rounds: int
    parallel: t.Sequence[int]
    module_parallel: t.Sequence[int]
    archive: tuple[int, int]
    many_layers: int
    limits: float


FULL = Scale(
    rounds=5,
    warm_up=True,
    layer=200 * MIB,
    growth=(10_000_000, 50_000_000, 200_000_000, 1_000_000_000, 5_000_000_000),
    boto3_growth=1_000_000_000,
    image=(8, 25 * MIB),
    small_layers=(30, MIB // 4),
    saved_layers=(200_000_000, *[25_000_000] * 8),
    big_layer=500 * MIB,
    many_parts=(40, 5 * MIB),
    link=Link(latency=0.03, bandwidth=20e6),
    service_link=Link(latency=0.03, bandwidth=25e6),
    link_rounds=2,
    parallel=(1, 2, 4, 8),
    module_parallel=(1, 8, 32),
    archive=(5, 11 * MIB),
    many_layers=100,
    limits=1.0,
)
# Shows that everything runs; the figures mean nothing.
QUICK = Scale(
    rounds=1,
    warm_up=False,
    layer=MIB,
    growth=(100_000, 1_000_000),
    boto3_growth=1_000_000,
    image=(2, MIB),
    small_layers=(3, 1000),
    saved_layers=(1_000_000, 100_000),
    big_layer=MIB,
    many_parts=(4, MIB),
    link=Link(latency=0.001, bandwidth=100e6),
    service_link=Link(latency=0.001, bandwidth=100e6),
    link_rounds=1,
    parallel=(2,),
    module_parallel=(),
    archive=(2, MIB),
    many_layers=4,
    limits=0.01,
)
