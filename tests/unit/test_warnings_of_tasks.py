# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ansible-playbook writes to standard error for tasks of this collection: their warnings, and no deprecation."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import typing as t
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
UPLOAD = "5e9ba2c1-1a3d-4b36-8c2e-5a4d5c1bb9d7"
DIGEST = f"sha256:{'a' * 64}"
PART = {"upload_id": UPLOAD, "part_first_byte": 0, "part_last_byte": 0}
# Three of them change the registry, one warns, and six fail, one of those after its warning.
TASKS: list[dict[str, t.Any]] = [
    {"layerkit.ecr.ecr_layer_info": {"layer_digests": [DIGEST]}},
    {"layerkit.ecr.ecr_image_info": {"tags": ["1"]}},
    {"layerkit.ecr.ecr_initiate_layer_upload": {}},
    {"layerkit.ecr.ecr_upload_layer_part": {**PART, "layer_part_blob": "AA=="}},
    {"layerkit.ecr.ecr_upload_layer_part": {**PART, "src": "layer"}},
    {"layerkit.ecr.ecr_complete_layer_upload": {"upload_id": UPLOAD, "layer_digests": [DIGEST]}},
    {"layerkit.ecr.ecr_layer": {"src": "layer", "state_dir": "state"}, "check_mode": True},
    {"layerkit.ecr.ecr_layer": {"src": "layer", "state_dir": "state"}},
    {"layerkit.ecr.ecr_image": {"src": "layer"}},
    {"layerkit.ecr.ecr_image_copy": {"source": {"repository_name": "absent", "tag": "1"}}},
    {"layerkit.ecr.ecr_image_download": {"tag": "1", "dest": "image"}},
]


def with_options(task: dict[str, t.Any], options: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return a task of which each module has these options, too."""
    # The defaults of a group load all its modules, some of which amazon.aws has deprecated.
    return {key: {**options, **value} if isinstance(value, dict) else value for key, value in task.items()}


def test_tasks_print_their_warnings_and_no_deprecation(
    connection: dict[str, t.Any], repository: str, tmp_path: Path
) -> None:
    (tmp_path / "layer").write_bytes(b"layer")
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "ignore_errors": True,
        "tasks": [with_options(task, {"repository_name": repository, **connection}) for task in TASKS],
    }
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play]), encoding="utf-8")
    environment = {
        "ANSIBLE_HOME": str(tmp_path / "ansible"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_DEPRECATION_WARNINGS": "true",
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
    }
    ran = subprocess.run(
        ["ansible-playbook", "play.yml"],
        cwd=tmp_path,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert len(re.findall("^TASK", ran.stdout, re.MULTILINE)) == len(TASKS)
    outcomes = re.search(r"ok=11 +changed=3 .* ignored=6", ran.stdout)
    assert outcomes, ran.stdout
    assert "The part is 1 bytes and is not the last" in ran.stderr.replace("\n", " ")
    assert "deprecat" not in (ran.stdout + ran.stderr).lower()


def test_readme_installs_what_the_modules_need() -> None:
    needed = set(re.findall(r"^[\w-]+", (ROOT / "meta/requirements.txt").read_text(encoding="utf-8"), re.MULTILINE))
    commands = re.findall(r"python3 -m pip install ([\w -]+)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert commands
    for command in commands:
        # Without packaging, amazon.aws warns at every task. boto3 requires botocore.
        assert set(command.split()) | {"botocore"} == needed
