# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.tests.unit.support.image_bench import ImageBench
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LayoutWriter

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR
    from mypy_boto3_ecr import ECRClient


@pytest.fixture
def bench(
    ecr: ECRClient,
    strict_ecr: StrictECR,
    repository: str,
    tmp_path: Path,
    connection: dict[str, t.Any],
    delays: list[float],
    tiny_parts: None,
) -> ImageBench:
    """A repository of the strict server that accepts parts of any size, and an empty layout; retries do not wait."""
    assert not delays
    assert tiny_parts is None
    control = strict_ecr.control
    control.rules(repository).converts_manifests = True
    control.rules(repository).min_part_bytes = 1
    control.calls.clear(repository)
    return ImageBench(ecr, control, repository, LayoutWriter(tmp_path / "layout"), connection)


@pytest.fixture
def index(bench: ImageBench) -> dict[str, t.Any]:
    """The descriptors of an index and of its four images, by platform."""
    images = {
        "linux/amd64": bench.layout.image(b"shared", b"amd64"),
        "linux/arm64/v8": bench.layout.image(b"shared", b"arm64", platform="linux/arm64/v8"),
        "linux/arm/v7": bench.layout.image(b"shared", b"arm v7", platform="linux/arm/v7"),
        "linux/arm/v6": bench.layout.image(b"shared", b"arm v6", platform="linux/arm/v6"),
    }
    root = bench.layout.index(images)
    bench.layout.finish(root)
    return {"root": root, **images}
