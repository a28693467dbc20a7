# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One large layer, without Ansible."""

from __future__ import annotations

from ..bench import Bench
from ..figures import binary_size
from ..report import Section, Target

_WHY = (
    "Reading, hashing and encoding take most of the time, and all run at the speed of the machine's processors. See "
    "*Experiments* for what made them faster and what did not."
)


def compare(bench: Bench) -> Section:
    """Compare the collection's upload with a boto3 loop."""
    layer = bench.layer(bench.scale.layer)
    ours, naive = "layerkit.ecr", "boto3 loop over `upload_layer_part`"
    runs = bench.run(
        {naive: bench.contenders.boto3_push(layer), ours: bench.contenders.upload_path(layer)},
    )
    size = bench.scale.layer / 1e6
    return Section(
        f"One layer of {binary_size(bench.scale.layer)}, without Ansible",
        "From the start of the upload to its completion, measured inside the process.",
        ["Client", "Seconds", "MB/s", "Requests", "Peak memory, MiB"],
        [
            [
                name,
                f"{run.printed_seconds:.2f}",
                f"{size / run.printed_seconds:.0f}",
                f"{run.request_count}",
                f"{run.printed_peak:.0f}",
            ]
            for name, run in runs.items()
        ],
        [
            Target(
                f"One layer of {binary_size(bench.scale.layer)}, throughput against the boto3 loop",
                runs[naive].printed_seconds / runs[ours].printed_seconds,
                4.0,
                at_most=False,
                why=_WHY,
            )
        ],
    )
