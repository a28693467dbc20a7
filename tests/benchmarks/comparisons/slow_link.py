# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images over a link with latency and little bandwidth."""

from __future__ import annotations

from ..bench import Bench
from ..contenders import SKOPEO
from ..figures import image_name
from ..report import Section, Target

# Base64 turns three bytes into four.
_API_SHARE = 0.75


def compare(bench: Bench) -> Section:
    """Compare pushes over a link with latency and little bandwidth."""
    link = bench.scale.link
    rows, targets = [], []
    for shape in (bench.scale.image, bench.scale.small_layers):
        image = bench.image(*shape)
        ours, peer = "`ecr_image`", "`ansible -m command -a 'skopeo copy …'`"
        contenders = {ours: bench.contenders.ecr_image(image, link=link)}
        if bench.tools.has(SKOPEO):
            contenders[peer] = bench.contenders.skopeo(image, link=link, by_ansible=True)
        runs = bench.run(contenders)
        name = image_name(shape)
        rows += [[f"{name}, {who}", f"{run.seconds:.2f}", f"{run.request_count}"] for who, run in runs.items()]
        if peer in runs:
            ratio = runs[ours].seconds / runs[peer].seconds
            targets.append(Target(f"Slow link: {name} against ansible with skopeo", ratio, 0.30))
    big = bench.image(1, bench.scale.big_layer)
    run = bench.run({"": bench.contenders.ecr_image(big, link=link)})[""]
    share = big.size / run.seconds / (_API_SHARE * (link.bandwidth or 0))
    name = image_name((1, bench.scale.big_layer))
    rows.append([f"{name}, `ecr_image`", f"{run.seconds:.2f}", f"{run.request_count}"])
    targets.append(Target(f"Slow link: {name}, share of the API's upper bound", share, 0.88, at_most=False))
    return Section(
        f"A link of {link.latency * 1000:.0f} ms per request and {(link.bandwidth or 0) / 1e6:.0f} MB/s per connection",
        "The sink delays each answer and limits each connection accordingly. The upper bound of the API is 0.75 of the "
        "link, because base64 turns three bytes into four. skopeo sends the layers of a layout one after another over "
        "one connection; `ecr_image` sends eight in parallel, its default. Complete commands.",
        ["Image and command", "Seconds", "Requests"],
        rows,
        targets,
    )
