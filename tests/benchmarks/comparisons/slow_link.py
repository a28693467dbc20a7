# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images over a link with latency and little bandwidth."""

from __future__ import annotations

from ..bench import Bench
from ..figures import by_ansible, image_name
from ..links import api_bound, gains_over, link_name, link_text, push_over
from ..report import Section, Target

_START = "The start of the task takes most of the rest. See *The way to the first request*."
_IMAGE = f"Nine answers, one after another, take 0.27 s. {_START} See *Experiments* for what encoding ahead would save."
_SMALL_LAYERS = f"All layers are sent at the same time, and seven answers, one after another, take 0.21 s. {_START}"
_BIG_LAYER = "The next part is not encoded while one is sent. See *Experiments* for what that would save."


def compare(bench: Bench) -> Section:
    """Compare pushes over a link with latency and little bandwidth."""
    link = bench.scale.link
    rows, targets, gains = [], [], []
    ping = bench.run({"ping": bench.contenders.ping()})["ping"].seconds
    for shape, bound, why in ((bench.scale.image, 0.30, _IMAGE), (bench.scale.small_layers, 0.25, _SMALL_LAYERS)):
        runs, shape_rows = push_over(bench, link, shape)
        rows += shape_rows
        gains += gains_over(link, shape, runs)
        name = image_name(shape)
        if bench.tools.skopeo:
            ratio = runs["`ecr_image`"].seconds / runs[by_ansible(bench.tools.skopeo)].seconds
            targets.append(Target(f"Slow link: {name} against ansible with skopeo", ratio, bound, why=why))
        if shape == bench.scale.image:
            share = (api_bound(bench, link, shape) + ping) / runs["`ecr_image`"].seconds
            text = f"Slow link: {name}, share of the API's bound for the bytes and `ansible -m ping`"
            targets.append(Target(text, share, 0.80, at_most=False, why=why))
    shape = (1, bench.scale.big_layer)
    runs, shape_rows = push_over(bench, link, shape, peers=False)
    rows += shape_rows
    share = api_bound(bench, link, shape) / runs["`ecr_image`"].seconds
    text = f"Slow link: {image_name(shape)}, share of the API's upper bound"
    targets.append(Target(text, share, 0.88, at_most=False, why=_BIG_LAYER))
    return Section(
        link_name(link), link_text(bench), ["Image and command", "Seconds", "Requests"], rows, targets, gains=gains
    )
