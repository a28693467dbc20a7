# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a user sees who interrupts the demo while it makes its files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.tests.tools import make_image, make_layer


@pytest.mark.parametrize("tool", [make_layer, make_image], ids=["layer", "image"])
def test_an_interrupted_tool_prints_nothing_and_leaves_no_temporary_files(
    tool: types.ModuleType, tmp_path: Path
) -> None:
    content, temporary = tmp_path / "content", tmp_path / "temporary"
    content.mkdir()
    temporary.mkdir()
    with (content / "file").open("wb") as endless:
        endless.truncate(1 << 40)
    command = [sys.executable, str(tool.__file__), str(content), str(tmp_path / "made")]
    environment = {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment) as process:
        while not (tmp_path / "made").exists() and not list(temporary.rglob("*.gz")):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _output, errors = process.communicate()
    assert (process.returncode, errors) == (128 + signal.SIGINT, b"")
    assert list(temporary.iterdir()) == []
