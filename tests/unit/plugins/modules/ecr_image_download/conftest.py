# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.tests.unit.support.download_bench import DownloadBench

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
) -> DownloadBench:
    """A repository of the strict server with images, and an empty directory; retries do not wait."""
    assert not delays
    return DownloadBench(ecr, strict_ecr.control, repository, tmp_path, {**connection, "aws_config": {}})
