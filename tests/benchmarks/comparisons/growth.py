# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Layers of growing size."""

from __future__ import annotations

import itertools

from ..bench import Bench
from ..chart import Chart
from ..figures import decimal_size
from ..measure import RunOnce
from ..report import Section, Target


def compare(bench: Bench) -> Section:
    """Compare layers of growing size."""
    sizes = bench.scale.growth
    contenders: dict[str, RunOnce] = {}
    for size in sizes:
        contenders[f"ours {size}"] = bench.contenders.upload_path(bench.layer(size))
        if size <= bench.scale.boto3_growth:
            contenders[f"boto3 {size}"] = bench.contenders.boto3_push(bench.layer(size))
    runs = bench.run(contenders)
    speed = {name: float(name.split()[1]) / 1e6 / run.printed_seconds for name, run in runs.items()}
    lines = {
        label: [(float(size), speed[f"{who} {size}"]) for size in sizes if f"{who} {size}" in speed]
        for who, label in (("ours", "layerkit.ecr"), ("boto3", "boto3 loop"))
    }
    chart = Chart(
        "Throughput against the size of the layer, without Ansible",
        "size of the layer",
        "MB/s",
        [(float(size), decimal_size(size)) for size in sizes],
        lines,
    )
    ours = {size: runs[f"ours {size}"] for size in sizes}
    smallest, largest = sizes[0], sizes[-1]
    span = f"{decimal_size(smallest)} to {decimal_size(largest)}"
    peaks = [run.printed_peak for run in ours.values()]
    per_byte = {size: run.printed_seconds / size for size, run in ours.items()}
    # The number of parts grows with the size; the number of other calls must not.
    beside = {size: run.request_count - run.runs[-1].requests["UploadLayerPart"] for size, run in ours.items()}
    return Section(
        f"Growth from {span}",
        "The upload without Ansible, measured inside the process. The layers are sparse files.",
        ["Layer", "Seconds", "MB/s", "ns per byte", "Requests", "Parts", "Peak memory, MiB", "boto3, MB/s"],
        [
            [
                decimal_size(size),
                f"{run.printed_seconds:.2f}",
                f"{speed[f'ours {size}']:.0f}",
                f"{per_byte[size] * 1e9:.2f}",
                f"{run.request_count}",
                f"{run.runs[-1].requests['UploadLayerPart']}",
                f"{run.printed_peak:.0f}",
                f"{speed[f'boto3 {size}']:.0f}" if f"boto3 {size}" in speed else "",
            ]
            for size, run in ours.items()
        ],
        [
            Target(
                f"Time per byte, {span}: the largest ratio of a layer to a smaller one",
                max(per_byte[larger] / per_byte[size] for size, larger in itertools.combinations(sizes, 2)),
                1.1,
            ),
            Target(f"Memory, {span}: the largest peak minus the smallest", max(peaks) - min(peaks), 4, unit="MiB"),
            Target(
                f"Calls other than parts, {decimal_size(largest)} minus {decimal_size(smallest)}",
                float(beside[largest] - beside[smallest]),
                0,
                unit="",
            ),
        ],
        {"throughput-size": chart},
    )
