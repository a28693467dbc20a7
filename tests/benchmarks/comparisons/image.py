# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An image of large layers, over a fast link."""

from __future__ import annotations

from ..bench import Bench
from ..contenders import AWS_CLI, DOCKER_REGISTRY
from ..figures import by_ansible, image_name, ratio
from ..report import Gain, Section, Target

_START = (
    "See *The way to the first request*. Before the first byte is sent, Ansible packs the module, Python compiles it, "
    "and botocore is imported. Each layer is encoded and hashed twice, which skopeo does not do."
)


def compare(bench: Bench) -> Section:
    """Compare the push of an image of large layers, to the sink and to docker-registry."""
    image = bench.image(*bench.scale.image)
    ours = "`ecr_image`, ad hoc"
    aws = "AWS CLI, part by part"
    contenders = {
        ours: bench.contenders.ecr_image(image),
        "boto3 script, one layer at a time": bench.contenders.boto3_push(image.path),
        "boto3 script, 8 threads": bench.contenders.boto3_push(image.path, threads=8),
    }
    for copier in bench.tools.copiers:
        contenders[f"{copier.name} to the sink"] = bench.contenders.copy(copier, image)
        contenders[f"{by_ansible(copier)} to the sink"] = bench.contenders.copy(copier, image, by_ansible=True)
    if bench.tools.skopeo and bench.tools.has(DOCKER_REGISTRY):
        copier = bench.tools.skopeo
        contenders[f"{copier.name} to docker-registry"] = bench.contenders.copy_to_registry(copier, image)
        contenders[f"{by_ansible(copier)} to docker-registry"] = bench.contenders.copy_to_registry(
            copier, image, by_ansible=True
        )
    if bench.tools.has(AWS_CLI):
        contenders[aws] = bench.contenders.aws_cli(image)
    runs = bench.run(contenders)
    name = image_name(bench.scale.image)
    bounds = {aws: 0.10}
    if bench.tools.skopeo:
        peer = by_ansible(bench.tools.skopeo)
        bounds |= {f"{peer} to docker-registry": 0.85, f"{peer} to the sink": 1.05}
    return Section(
        f"An image of {name}",
        "Complete commands. skopeo and crane push over the registry protocol, which needs no base64: to the sink, "
        "which supports both protocols, and to Debian's docker-registry with an empty store on disk.",
        ["Command", "Seconds", "CPU seconds", "MB/s", "Requests", "`ecr_image` against it"],
        [
            [
                command,
                f"{run.seconds:.2f}",
                f"{run.cpu_seconds:.2f}",
                f"{image.size / 1e6 / run.seconds:.0f}",
                f"{run.request_count or ''}",
                ratio(runs[ours], run),
            ]
            for command, run in runs.items()
        ],
        [
            Target(f"{name} by `ecr_image` against {peer}", runs[ours].seconds / runs[peer].seconds, bound, why=_START)
            for peer, bound in bounds.items()
            if peer in runs
        ],
        gains=[
            Gain(f"{name}, fast link", runs[ours].seconds, peer, runs[peer].seconds) for peer in bounds if peer in runs
        ],
    )
