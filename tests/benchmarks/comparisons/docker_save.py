# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ``docker save`` writes: layers of real files, which are compressed on the way."""

from __future__ import annotations

import typing as t

from ..bench import Bench
from ..figures import by_ansible, decimal_size, ratio
from ..measure import Run, Runs
from ..real_files import saved_image
from ..report import Section, Target

_WHY = (
    "zlib at level 4 alone takes as much processor time as all of skopeo's compression. Base64 and Python come on top, "
    "and the first layer is compressed before anything is sent. Other levels trade time for bytes."
)


def compare(bench: Bench) -> Section:
    """Compare the push of a docker archive whose layers are compressed on the way."""
    sizes = bench.scale.saved_layers
    archive = saved_image(bench.work / f"saved-{len(sizes)}-{sum(sizes)}.tar", sizes)
    ours, theirs = "`ecr_image`, ad hoc", by_ansible(bench.tools.skopeo) if bench.tools.skopeo else ""
    contenders = {ours: bench.contenders.ecr_image_of(archive)}
    for copier in bench.tools.copiers:
        contenders[by_ansible(copier)] = bench.contenders.copy_of(copier, archive, by_ansible=True)
        contenders[copier.name] = bench.contenders.copy_of(copier, archive)
    runs = bench.run(contenders)
    name = f"{decimal_size(sum(sizes))} of real files, {len(sizes)} layers"
    targets = []
    if theirs in runs:
        time = runs[ours].seconds / runs[theirs].seconds
        sent = _layer_bytes(runs[ours]) / _layer_bytes(runs[theirs])
        targets = [Target(f"{name}: time against ansible with skopeo", time, 1.15, why=_WHY)]
        targets.append(Target(f"{name}: compressed bytes against skopeo", sent, 1.0, why=_WHY))
    return Section(
        f"docker save, {name}",
        "Complete commands. The layers of the archive are not compressed, so each client compresses them, to the sink. "
        "The bytes are those of the layers. The AWS API adds a third to them as base64.",
        ["Command", "Seconds", "CPU seconds", "Requests", "MB of layers", "`ecr_image` against it"],
        [
            [
                command,
                f"{run.seconds:.2f}",
                f"{run.cpu_seconds:.2f}",
                f"{run.request_count}",
                f"{_layer_bytes(run) / 1e6:.1f}",
                ratio(runs[ours], run),
            ]
            for command, run in runs.items()
        ],
        targets,
    )


def _layer_bytes(runs: Runs) -> float:
    def of_run(run: Run) -> float:
        body: int = run.printed["body_bytes"]
        return body * 3 / 4 if "UploadLayerPart" in run.requests else float(body)

    return runs.median(t.cast("t.Callable[[Run], float]", of_run))
