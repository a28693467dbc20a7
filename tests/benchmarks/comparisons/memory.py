# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The peak memory of the processes that push."""

from __future__ import annotations

from ..bench import Bench
from ..figures import image_name
from ..layouts import docker_archive
from ..report import Gain, Section, Target

_WHY = (
    "A module of this collection and of amazon.aws takes more than the bare client before it sends anything. The "
    "encoded blocks and the parts of a copy come on top."
)


def compare(bench: Bench) -> Section:
    """Compare the peak memory of the processes that push."""
    image = bench.image(*bench.scale.image)
    big = bench.image(1, bench.scale.big_layer)
    bare, threads = "boto3 client, one call", "boto3 script, 8 threads"
    ours = {
        f"`ecr_image`, {image_name(bench.scale.image)}, {parallel} in parallel": bench.contenders.module_process(
            image.path, parallel
        )
        for parallel in bench.scale.module_parallel
    }
    ours[f"`ecr_image`, {image_name((1, bench.scale.big_layer))}"] = bench.contenders.module_process(big.path)
    many = bench.image(4 * bench.scale.image[0], bench.scale.layer // 20)
    name = image_name((4 * bench.scale.image[0], bench.scale.layer // 20))
    ours[f"`ecr_image`, {name}, 32 in parallel"] = bench.contenders.module_process(many.path, 32)
    small = bench.image(*bench.scale.small_layers)
    ours[f"`ecr_image`, {image_name(bench.scale.small_layers)}"] = bench.contenders.module_process(small.path)
    for kind in ("tar", "tar.gz"):
        archive = docker_archive(bench.work / f"archive.{kind}", *bench.scale.archive)
        push = f"`ecr_image` with `compress: gzip`, docker archive ({kind}) of {image_name(bench.scale.archive)}"
        ours[push] = bench.contenders.module_process(archive, options="compress=gzip")
    ours[f"`ecr_image_download`, {image_name((1, bench.scale.big_layer))}"] = bench.contenders.download_process(big)
    ours[f"`ecr_image_copy`, {image_name(bench.scale.image)}"] = bench.contenders.across_process(image)
    runs = bench.run(
        {
            bare: bench.contenders.bare_client(),
            threads: bench.contenders.boto3_push(image.path, threads=8),
            **ours,
        }
    )
    peaks = {name: run.printed_peak for name, run in runs.items()}
    most = max(peaks[name] for name in ours)
    return Section(
        "Memory",
        "The peak memory of the process that pushes, downloads or copies: the module as Ansible runs it, and scripts.",
        ["Process", "MiB", "above the bare client, MiB"],
        [[name, f"{peak:.0f}", f"{peak - peaks[bare]:.0f}"] for name, peak in peaks.items()],
        [
            Target("Peak memory of the module above a bare boto3 client", most - peaks[bare], 32, unit="MiB", why=_WHY),
            Target("Peak memory of the module against boto3 with 8 threads", most / peaks[threads], 0.15, why=_WHY),
        ],
        gains=[Gain("Memory of a push, the most of any kind of source", most, threads, peaks[threads], "MiB")],
    )
