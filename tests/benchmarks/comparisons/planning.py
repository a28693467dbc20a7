# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The requests for an image that is there already, or in part."""

from __future__ import annotations

from ..bench import Bench
from ..report import Section, Target
from ..sink import Sink


def compare(bench: Bench) -> Section:
    """Count the requests for an image which is there already, or in part."""
    count = bench.scale.many_layers
    image = bench.image(count, 1000)
    with Sink.running() as sink:
        bench.contenders.program("boto3_push.py", sink.url, "bench", "1", *image.blobs[1 : count // 2 + 1])
        sink.tally()
        bench.contenders.push_image(sink, image.path)
        half = sink.tally()
        bench.contenders.push_image(sink, image.path)
        whole = sink.tally().requests
    rows = {
        "half of it there: planning": half.before_upload,
        "half of it there: the whole push": half.requests,
        "there under its tag": whole,
    }
    operations = sorted({*half.requests, *whole})
    return Section(
        f"Requests for an image of {count} layers",
        "What is asked before anything is sent, what the push takes then, and what an image costs that is there.",
        ["Image", *operations],
        [[state, *(str(tally[name]) for name in operations)] for state, tally in rows.items()],
        [
            Target(f"Requests for {count} layers that are there", float(whole.total()), 1, unit=""),
            Target(
                f"Availability calls to plan {count} layers, half of them there",
                float(half.before_upload["BatchCheckLayerAvailability"]),
                2,
                unit="",
            ),
        ],
    )
