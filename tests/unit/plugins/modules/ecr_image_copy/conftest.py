# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.layerkit.ecr.tests.unit.support.copy_bench import CopyBench

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR
    from ansible_collections.layerkit.ecr.tests.unit.support.image_files import Document
    from mypy_boto3_ecr import ECRClient


@pytest.fixture
def bench(
    ecr: ECRClient,
    strict_ecr: StrictECR,
    repository: str,
    connection: dict[str, t.Any],
    delays: list[float],
    tiny_parts: None,
) -> CopyBench:
    """Two repositories of the strict server that accept parts of any size; retries do not wait."""
    assert not delays
    assert tiny_parts is None
    return CopyBench(ecr, strict_ecr, repository, connection)


@pytest.fixture
def image(bench: CopyBench) -> Document:
    """The descriptor of an image that the source has as 1.0."""
    image = bench.layout.image(b"first layer", b"second layer")
    bench.store(image, "1.0")
    return image
