# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Downloads that are killed, and what the next one makes of what they left; and how much memory a download needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.tests.unit.support.download_bench import MIB, DownloadBench
from ansible_collections.layerkit.ecr.tests.unit.support.image_reader import read_image
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LayoutWriter

SUPPORT = "ansible_collections.layerkit.ecr.tests.unit.support"
MODULES = "ansible_collections.layerkit.ecr.plugins.modules"
RUN = f"""
import json, sys
from {SUPPORT}.module_runner import run_module
from {SUPPORT}.peak_memory import peak_kib
from {MODULES} import ecr_image_download
*predictions, task = json.loads(sys.argv[1])
for prediction in predictions:
    run_module(ecr_image_download, check=True, **prediction)
before = peak_kib()
run_module(ecr_image_download, **task)
print(peak_kib() - before)
"""


def in_process(bench: DownloadBench, *tasks: dict[str, t.Any]) -> subprocess.Popen[str]:
    """Predict tasks, and run the last one, in a process of its own. It prints how much its peak memory grew."""
    common = {"connection": bench.connection, "repository_name": bench.repository, "dest": str(bench.dest)}
    arguments = json.dumps([{**common, **task} for task in tasks])
    return subprocess.Popen([sys.executable, "-c", RUN, arguments], stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("written", ["oci", "oci-archive"])
def test_bytes_of_a_killed_download_are_not_fetched_again(bench: DownloadBench, written: str) -> None:
    bench.run("next", format=written)
    bench.calls()
    # The last range of the big layer never ends.
    bench.strike("stall", skip=2, times=9, seconds=60)
    task = {"tag": "app", "format": written, "parallel": 1, "referrers": False}
    with in_process(bench, task) as process:
        deadline = time.monotonic() + 60
        while bench.bytes_served() < 2 * MIB and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.5)
        process.kill()
    bench.control.faults.clear()
    arrived = bench.bytes_served()
    assert arrived >= 2 * MIB
    read_image(bench.dest, "next")
    bench.calls()
    result = bench.run(format=written)
    whole = sum(layer["size"] for layer in result["layers"])
    assert bench.bytes_served() == result["bytes_fetched"] <= whole - arrived + 2 * MIB
    assert result["bytes_present"] + result["bytes_fetched"] == whole
    assert not bench.run(format=written)["changed"]


@pytest.mark.parametrize("kind", ["oci", "oci-archive"])
def test_download_that_is_killed_at_any_step_leaves_a_good_target(tmp_path: Path, kind: str) -> None:
    layout = LayoutWriter(tmp_path / "source")
    layout.finish(old=layout.image(b"shared", b"old"), new=layout.image(b"shared", b"new" * MIB))
    (tmp_path / "targets").mkdir()
    command = [sys.executable, "-m", f"{SUPPORT}.killed_downloads", kind, str(layout.path), str(tmp_path / "targets")]
    ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    assert int(ran.stdout) > 10


def test_memory_does_not_grow_with_the_layers(bench: DownloadBench) -> None:
    bench.store(bench.layout.image(os.urandom(48 * MIB)), "large")
    # The predictions import and connect, which is what a bare client needs.
    task = {"tag": "large", "parallel": 8}
    with in_process(bench, task, task) as process:
        grown, _errors = process.communicate()
    assert process.returncode == 0
    assert int(grown) <= 32 * 1024
    read_image(bench.dest)
