# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images over a link on which a connection is as fast as one to the live service."""

from __future__ import annotations

from ..bench import Bench
from ..links import gains_over, link_name, link_text, push_over
from ..report import Section


def compare(bench: Bench) -> Section:
    """Compare pushes of few large and of many smaller layers."""
    link = bench.scale.service_link
    rows, gains = [], []
    for shape in ((1, bench.scale.big_layer), bench.scale.image, bench.scale.many_parts):
        runs, shape_rows = push_over(bench, link, shape)
        rows += shape_rows
        gains += gains_over(link, shape, runs)
    text = f"{link_text(bench)} One connection to the live service was measured at this bandwidth."
    return Section(link_name(link), text, ["Image and command", "Seconds", "Requests"], rows, gains=gains)
