# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What make demo prints when a user presses Ctrl-C. A Python that sleeps stands in for each one that make demo runs."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / "tools"
# A Python that is interrupted prints a traceback, in particular while it imports.
SLEEP = "import os, time; open('running', 'w').write(str(os.getpid())); time.sleep(60)"
AGAIN = "Run make {}again: it starts from the beginning.\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    shutil.copytree(TOOLS, tmp_path / "tests/tools", ignore=shutil.ignore_patterns("*.py"))
    python = tmp_path / "bin/python"
    python.parent.mkdir()
    # Only the first one: the demo stops its server with another one.
    python.write_text(f'#!/bin/sh\n[ -e running ] || exec {sys.executable} -c "{SLEEP}"\n', encoding="utf-8")
    python.chmod(0o755)
    return tmp_path


def running(checkout: Path) -> int:
    """Return the process that stands for Python, once it runs."""
    path = checkout / "running"
    for _attempt in range(1000):
        if path.exists() and (pid := path.read_text(encoding="utf-8")):
            return int(pid)
        time.sleep(0.01)
    raise AssertionError("the script does not run Python")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["tests/tools/demo.sh"], "The demo was interrupted. " + AGAIN.format("demo ")),
        (["tests/tools/demo.sh", "bin"], "The demo was interrupted. " + AGAIN.format("demo ")),
        (["tests/tools/environment.sh", "python", "made for"], "The environment is not complete. " + AGAIN.format("")),
    ],
    ids=["first-python", "layer", "environment"],
)
def test_ctrl_c_ends_with_one_sentence(checkout: Path, command: list[str], message: str) -> None:
    path = f"{checkout / 'bin'}:{os.environ['PATH']}"
    # The terminal interrupts the whole group. A script in the background would ignore it.
    script = subprocess.Popen(
        ["env", "--default-signal=INT", *command],
        cwd=checkout,
        env={**os.environ, "PATH": path},
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with script:
        python = running(checkout)
        os.killpg(script.pid, signal.SIGINT)
        output, errors = script.communicate(timeout=30)
    assert (script.returncode, output, errors) == (130, "", message)
    with pytest.raises(ProcessLookupError):
        os.kill(python, 0)
