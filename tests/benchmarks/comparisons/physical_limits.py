# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The speed of the work that no push can avoid."""

from __future__ import annotations

from .. import limits
from ..bench import Bench
from ..report import Section


def compare(bench: Bench) -> Section:
    """Measure the speeds that no client can exceed."""
    speeds = limits.measure(bench.scale.rounds, bench.scale.limits)
    return Section(
        "Physical limits",
        "The speed of one core at the work that no push can avoid: hash the layer, encode it, hash it again for the "
        "signature, and send it (to another core, which receives it). boto3's `upload_layer_part` also converts the "
        "base64 to a JSON string.",
        ["Work", "MB/s"],
        [[name, f"{speed:.0f}"] for name, speed in speeds.items()],
    )
