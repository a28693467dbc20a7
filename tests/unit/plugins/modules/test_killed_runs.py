# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that are killed at each step in the state directory: the next run succeeds, and leaves nothing there."""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import digest_of
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LayoutWriter

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR
    from mypy_boto3_ecr import ECRClient

MAX_STEPS = 40
PROGRAM = "ansible_collections.layerkit.ecr.tests.unit.support.killed_runs"


@pytest.fixture
def layer_file(tmp_path: Path) -> str:
    path = tmp_path / "layer.tar"
    path.write_bytes(b"the bytes of a layer")
    return str(path)


@pytest.fixture
def layout(tmp_path: Path) -> str:
    layout = LayoutWriter(tmp_path / "layout")
    return str(layout.finish(layout.image(b"layer")))


def killed_runs(
    repository: str, connection: dict[str, t.Any], path: Path, module: str, **options: t.Any
) -> list[dict[str, t.Any]]:
    """Return the runs of a module, one for each step in its state directory, and a last one without a kill."""
    task = {
        "module": module,
        "connection": {**connection, "aws_config": {}},
        "options": {"repository_name": repository, **options},
        "state": [str(path / f"state-{step}") for step in range(1, MAX_STEPS + 1)],
    }
    ran = subprocess.run([sys.executable, "-m", PROGRAM, json.dumps(task)], check=True, stdout=subprocess.PIPE)
    runs: list[dict[str, t.Any]] = json.loads(ran.stdout)
    assert [run["killed"] for run in runs] == [True] * (len(runs) - 1) + [False]
    return runs


@pytest.mark.parametrize(
    ("module", "steps", "lost"),
    [("ecr_layer", 12, ()), ("ecr_image", 20, ()), ("ecr_image", 20, (b"layer",))],
    ids=["ecr_layer", "ecr_image", "ecr_image that sends layers again"],
)
def test_nothing_is_left_by_the_run_after_one_that_was_killed(
    ecr: ECRClient,
    strict_ecr: StrictECR,
    repository: str,
    connection: dict[str, t.Any],
    tmp_path: Path,
    layer_file: str,
    layout: str,
    module: str,
    steps: int,
    lost: tuple[bytes, ...],
) -> None:
    for step in range(1, MAX_STEPS + 1):
        ecr.create_repository(repositoryName=f"{repository}/{step}")
        for layer in lost:
            # PutImage will miss it.
            strict_ecr.control.set_availability(f"{repository}/{step}", digest_of(layer), "AVAILABLE")
    src = {"src": layer_file} if module == "ecr_layer" else {"src": layout, "parallel": 1, "tags": ["1"]}
    runs = killed_runs(repository, connection, tmp_path, module, **src)
    assert len(runs) > steps
    suffixes = {Path(name).suffix for run in runs for name in run["left"]}
    assert suffixes == {".json", ".lock", ".new"}
    assert [run["result"].get("msg") for run in runs if run["result"].get("failed")] == []
    assert [run["kept"] for run in runs] == [[]] * len(runs)
