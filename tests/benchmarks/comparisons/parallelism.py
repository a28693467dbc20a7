# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Layers in parallel, over the slow link."""

from __future__ import annotations

from ..bench import Bench
from ..chart import Chart
from ..figures import image_name
from ..measure import RunOnce
from ..report import Section


def compare(bench: Bench) -> Section:
    """Compare the throughput over the slow link by the number of layers in parallel."""
    image = bench.image(*bench.scale.image)
    link = bench.scale.link
    contenders: dict[str, RunOnce] = {}
    for parallel in bench.scale.parallel:
        contenders[f"ours {parallel}"] = bench.contenders.ecr_image(image, parallel, link)
        contenders[f"boto3 {parallel}"] = bench.contenders.boto3_push(image.path, threads=parallel, link=link)
    runs = bench.run_over_link(contenders)
    speed = {name: image.size / 1e6 / run.seconds for name, run in runs.items()}
    lines = {
        "ecr_image, ad hoc": [(float(count), speed[f"ours {count}"]) for count in bench.scale.parallel],
        "boto3 script": [(float(count), speed[f"boto3 {count}"]) for count in bench.scale.parallel],
    }
    chart = Chart(
        f"Throughput against parallelism, {image_name(bench.scale.image)}",
        "layers in parallel",
        "MB/s",
        [(float(count), str(count)) for count in bench.scale.parallel],
        lines,
    )
    return Section(
        "Parallelism",
        f"{image_name(bench.scale.image)} over the slow link, complete commands, the median of "
        f"{bench.scale.link_rounds} runs.",
        ["Layers in parallel", "`ecr_image`, s", "MB/s", "boto3 script, s", "MB/s"],
        [
            [
                str(count),
                f"{runs[f'ours {count}'].seconds:.2f}",
                f"{speed[f'ours {count}']:.1f}",
                f"{runs[f'boto3 {count}'].seconds:.2f}",
                f"{speed[f'boto3 {count}']:.1f}",
            ]
            for count in bench.scale.parallel
        ],
        charts={"throughput-parallelism": chart},
    )
