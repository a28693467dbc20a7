# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many large layers of a compressed archive, or compressed on the way, are sent at once without a deadlock."""

from __future__ import annotations

import gzip
import json
import random
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import docker_archive, tar_of

MIB = 1024 * 1024

_PUSH = """
import json, sys
from ansible_collections.layerkit.ecr.plugins.modules import ecr_image
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import run_module

task = json.load(sys.stdin)
print(json.dumps([run_module(ecr_image, **task) for _run in range(2)]))
"""


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    source = random.Random(1)
    content = tar_of(docker_archive([source.randbytes(2 * MIB) + bytes(10 * MIB) for _layer in range(4)]))
    directory = tmp_path_factory.mktemp("archives")
    (directory / "plain").write_bytes(content)
    (directory / "gzip").write_bytes(gzip.compress(content, compresslevel=1))
    return {"plain": directory / "plain", "gzip": directory / "gzip"}


@pytest.mark.parametrize(("archive", "compress"), [("gzip", "none"), ("plain", "gzip"), ("gzip", "gzip")])
def test_all_layers_are_sent(
    archives: dict[str, Path], archive: str, compress: str, connection: dict[str, t.Any], repository: str
) -> None:
    patient = {**connection, "aws_config": {"read_timeout": 30}}
    task = {"src": str(archives[archive]), "compress": compress, "repository_name": repository, "parallel": 8}
    answer = subprocess.run(
        [sys.executable, "-c", _PUSH],
        input=json.dumps({**task, "connection": patient}),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    first, second = json.loads(answer.stdout)
    assert [layer["action"] for layer in first["layers"]] == ["sent"] * 5
    assert not second["changed"]
    assert second["image"]["digest"] == first["image"]["digest"]
