# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of a server whose start is interrupted. A process that never answers stands for the server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SILENT = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
# The tests can run in the background, where SIGINT is ignored.
START = f"""
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from ansible_collections.layerkit.ecr.tests.tools import ecr_server
ecr_server.COMMANDS["strict"] = ["timeit", "-n1", "-r1", {SILENT!r}]
ecr_server.main()
"""


@pytest.mark.parametrize("interruption", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_start_ends_the_server(tmp_path: Path, interruption: signal.Signals) -> None:
    log = tmp_path / "server.log"
    command = [sys.executable, "-c", START, "start", "strict", str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as starting:
        while not (log.exists() and log.read_text(encoding="utf-8").endswith("\n")):
            assert starting.poll() is None
            time.sleep(0.01)
        server = int(log.read_text(encoding="utf-8"))
        starting.send_signal(interruption)
        _output, errors = starting.communicate()
    try:
        assert (starting.returncode, errors) == (130, "")
        with pytest.raises(ProcessLookupError):
            os.kill(server, 0)
    except BaseException:
        os.kill(server, signal.SIGKILL)
        raise
    assert not (tmp_path / "server.json").exists()
