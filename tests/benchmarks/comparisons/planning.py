# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The requests for an image that the registry has, completely or in part."""

from __future__ import annotations

from ..bench import Bench
from ..report import Section, Target
from ..sink import Sink


def compare(bench: Bench) -> Section:
    """Count the requests for an image that the registry has, completely or in part."""
    count = bench.scale.many_layers
    image = bench.image(count, 1000)
    with Sink.running() as sink:
        bench.contenders.program("boto3_push.py", sink.url, "bench", "1", *image.blobs[1 : count // 2 + 1])
        sink.tally()
        bench.contenders.push_image(sink, image.path)
        half = sink.tally()
        bench.contenders.push_image(sink, image.path)
        present = sink.tally().requests
    rows = {
        "half of the layers present: planning": half.before_upload,
        "half of the layers present: complete push": half.requests,
        "image and tag present": present,
    }
    operations = sorted({*half.requests, *present})
    return Section(
        f"Requests for an image of {count} layers",
        "The requests before the first upload, those of the complete push, and those for an image that exists already.",
        ["Image", *operations],
        [[state, *(str(tally[name]) for name in operations)] for state, tally in rows.items()],
        [
            Target(f"Requests for an existing image of {count} layers", float(present.total()), 1, unit=""),
            Target(
                f"Availability calls to plan {count} layers, half of them present",
                float(half.before_upload["BatchCheckLayerAvailability"]),
                2,
                unit="",
            ),
        ],
    )
