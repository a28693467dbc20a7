# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a newcomer reads if make cannot create the environment. Each test runs a copy of the script elsewhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / "tools"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    (tmp_path / "tests/tools").mkdir(parents=True)
    (tmp_path / "requirements-dev.txt").write_text("boto3\n", encoding="utf-8")
    shutil.copy(TOOLS / "interruptible.sh", tmp_path / "tests/tools")
    return Path(shutil.copy(TOOLS / "environment.sh", tmp_path / "tests/tools"))


def failed(script: Path, python: str, **variables: str) -> str:
    ran = subprocess.run(
        [script, python, "made for"], env={**os.environ, **variables}, check=False, capture_output=True, text=True
    )
    assert ran.returncode != 0
    assert not (script.parents[2] / ".venv/made-for").exists()
    return ran.stderr


def stub(tmp_path: Path, body: str) -> str:
    """Write a program that stands for a Python."""
    program = tmp_path / "python-of-a-newcomer"
    program.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    program.chmod(0o755)
    return str(program)


def test_without_python(script: Path) -> None:
    assert "There is no python9.9. Install Python 3.11 or later" in failed(script, "python9.9")


def test_with_an_old_python(script: Path, tmp_path: Path) -> None:
    old = "import sys; sys.version_info = (3, 8); sys.version = '3.8.1 x'; exec(sys.argv[1])"
    python = stub(tmp_path, f'exec {sys.executable} -c "{old}" "$2"')
    assert "Python 3.11 or later is required; this is 3.8.1" in failed(script, python)


def test_without_the_module_venv(script: Path, tmp_path: Path) -> None:
    python = stub(tmp_path, 'case "$2" in *venv*) exit 1;; esac; echo "$0"')
    message = failed(script, python)
    assert "lacks the module venv or ensurepip" in message
    assert "apt-get install python3-venv" in message


def test_without_a_network(script: Path) -> None:
    message = failed(script, sys.executable, PIP_INDEX_URL="http://127.0.0.1:9/", PIP_RETRIES="0")
    assert "The packages could not be installed. Check the network, the proxy" in message


def test_an_environment_that_another_make_created_is_kept(script: Path) -> None:
    environment = script.parents[2] / ".venv"
    environment.mkdir()
    (environment / "made-for").write_text("made for\n", encoding="utf-8")
    ran = subprocess.run([script, sys.executable, "made for"], check=True, capture_output=True, text=True)
    assert ran.stdout == ""
    assert list(environment.iterdir()) == [environment / "made-for"]
