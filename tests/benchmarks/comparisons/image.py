# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An image of large layers, over a fast link."""

from __future__ import annotations

from ..bench import Bench
from ..contenders import AWS_CLI, DOCKER_REGISTRY, SKOPEO
from ..figures import image_name, ratio
from ..report import Section, Target


def compare(bench: Bench) -> Section:
    """Compare the push of an image of large layers, to the sink and to docker-registry."""
    image = bench.image(*bench.scale.image)
    ours = "`ecr_image`, ad hoc"
    aws, to_sink, to_registry = (
        "AWS CLI, part by part",
        "`ansible -m command -a 'skopeo copy …'` to the sink",
        "`ansible -m command -a 'skopeo copy …'` to docker-registry",
    )
    contenders = {
        ours: bench.contenders.ecr_image(image),
        "boto3 script, one layer at a time": bench.contenders.boto3_push(image.path),
        "boto3 script, 8 threads": bench.contenders.boto3_push(image.path, threads=8),
    }
    if bench.tools.has(SKOPEO):
        contenders["skopeo to the sink"] = bench.contenders.skopeo(image)
        contenders[to_sink] = bench.contenders.skopeo(image, by_ansible=True)
    if bench.tools.has(SKOPEO) and bench.tools.has(DOCKER_REGISTRY):
        contenders["skopeo to docker-registry"] = bench.contenders.skopeo_to_registry(image)
        contenders[to_registry] = bench.contenders.skopeo_to_registry(image, by_ansible=True)
    if bench.tools.has(AWS_CLI):
        contenders[aws] = bench.contenders.aws_cli(image)
    runs = bench.run(contenders)
    name = image_name(bench.scale.image)
    bounds = {aws: 0.10, to_registry: 0.90, to_sink: 1.15}
    return Section(
        f"An image of {name}",
        "Complete commands. skopeo pushes over the registry protocol, which needs no base64: to the sink, which "
        "supports both protocols, and to Debian's docker-registry with an empty store on disk.",
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
            Target(f"{name} by `ecr_image` against {peer}", runs[ours].seconds / runs[peer].seconds, bound)
            for peer, bound in bounds.items()
            if peer in runs
        ],
    )
