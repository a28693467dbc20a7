# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An image that is downloaded or copied to another repository, over a link like that to the live service."""

from __future__ import annotations

from ..bench import Bench
from ..figures import by_ansible, image_name
from ..links import link_name
from ..report import Section, Target

_COPY = (
    "The bound for memory allows three parts of 5 MiB, the least that Amazon ECR takes. A part is complete in memory "
    "before it is sent, and its memory takes up the next ones while it is sent, so a copy fills about six connections. "
    "A push that reads files fills eight."
)
_DOWNLOAD = "The start of the task weighs more the faster the layer arrives. See *The way to the first request*."


def compare(bench: Bench) -> Section:
    """Compare a download with skopeo's, and a copy with its two halves."""
    link = bench.scale.service_link
    shape = (1, bench.scale.big_layer)
    big, image = bench.image(*shape), bench.image(*bench.scale.image)
    ours, theirs = "`ecr_image_download`", by_ansible(bench.tools.skopeo) if bench.tools.skopeo else ""
    downloads = {ours: bench.contenders.download(big, link)}
    if bench.tools.skopeo:
        downloads[theirs] = bench.contenders.pull(bench.tools.skopeo, big, link)
    downloaded = bench.run_over_link(downloads)
    copy, push = "`ecr_image_copy`", "`ecr_image`, its push alone"
    half = "`ecr_image_download`, its download alone"
    copied = bench.run_over_link(
        {
            copy: bench.contenders.across(image, link),
            half: bench.contenders.download(image, link),
            push: bench.contenders.ecr_image(image, link=link),
        }
    )
    targets = []
    if theirs in downloaded:
        ratio = downloaded[ours].seconds / downloaded[theirs].seconds
        text = f"Download of {image_name(shape)} against ansible with skopeo"
        targets.append(Target(text, ratio, 0.35, why=_DOWNLOAD))
    ratio = copied[copy].seconds / max(copied[half].seconds, copied[push].seconds)
    text = f"Copy of {image_name(bench.scale.image)} against the slower of its two halves"
    targets.append(Target(text, ratio, 1.2, why=_COPY))
    measured = [(shape, downloaded), (bench.scale.image, copied)]
    return Section(
        f"Download and copy. {link_name(link)}",
        "The sink sends the layers from files, each connection at this bandwidth. skopeo reads a layer over one "
        f"connection. Complete commands, the median of {bench.scale.link_rounds} runs.",
        ["Image and command", "Seconds", "Requests"],
        [
            [f"{image_name(shape)}, {who}", f"{run.seconds:.2f}", f"{run.request_count}"]
            for shape, runs in measured
            for who, run in runs.items()
        ],
        targets,
    )
