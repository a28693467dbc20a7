# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The speed of the work that no push can avoid."""

from __future__ import annotations

from .. import limits
from ..bench import Bench
from ..report import Section


def compare(bench: Bench) -> Section:
    """Measure what no client can exceed."""
    speeds = limits.measure(bench.scale.rounds, bench.scale.limits)
    return Section(
        "Physical limits",
        "What one core makes of the work that no push can do without: the layer is hashed, encoded and hashed "
        "again to be signed, and sent (to another core, as it takes a receiver). boto3's own `upload_layer_part` "
        "makes a JSON string of the base64 besides.",
        ["Work", "MB/s"],
        [[name, f"{speed:.0f}"] for name, speed in speeds.items()],
    )
