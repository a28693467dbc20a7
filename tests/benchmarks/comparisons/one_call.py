# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One API call, as a task."""

from __future__ import annotations

from ..bench import Bench
from ..figures import ratio
from ..report import Section, Target

_START = "See *The way to the first request*."


def compare(bench: Bench) -> Section:
    """Compare a task that makes one API call with tasks of other modules."""
    ping, ecs_ecr, ours = "`ansible -m ping`", "`community.aws.ecs_ecr`", "`ecr_complete_layer_upload`"
    runs = bench.run(
        {
            ping: bench.contenders.ping(),
            ecs_ecr: bench.contenders.ecs_ecr(),
            ours: bench.contenders.complete_layer_upload(),
        }
    )
    return Section(
        "One call, ad hoc",
        "The cost of a task that sends no data.",
        ["Command", "Seconds", "CPU seconds", "Requests", "against ping"],
        [
            [name, f"{run.seconds:.2f}", f"{run.cpu_seconds:.2f}", f"{run.request_count}", ratio(run, runs[ping])]
            for name, run in runs.items()
        ],
        [
            Target(f"{ours} against {ecs_ecr}", runs[ours].seconds / runs[ecs_ecr].seconds, 0.90, why=_START),
            Target(f"{ours} against {ping}", runs[ours].seconds / runs[ping].seconds, 1.25, why=_START),
        ],
    )
