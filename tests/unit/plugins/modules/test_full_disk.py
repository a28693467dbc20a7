# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A standard output that accepts no bytes: one sentence on standard error, and no traceback."""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

PROGRAM = """
import json, sys
from ansible_collections.layerkit.ecr.plugins.modules import ecr_image as module
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import module_arguments
with module_arguments(json.load(sys.stdin)):
    module.main()
"""


TASK: dict[str, t.Any] = {
    "repository_name": "app",
    "src": "nothing",
    "region": "eu-west-1",
    "_ansible_remote_tmp": "/tmp",
}
CHANGES = {
    "small result": {},
    "large result": {"src": "nothing" * 3000},
    "bad argument": {"parallel": "many"},
    "missing arguments": {"repository_name": None, "src": None},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_result_that_cannot_be_written_is_reported(change: dict[str, t.Any]) -> None:
    with Path("/dev/full").open("w", encoding="ascii") as full:
        ran = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            input=json.dumps({**TASK, **change}),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ran.returncode == 1
    assert ran.stderr == ("The result of the task cannot be written to standard output: No space left on device.\n")


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_result_without_a_standard_output_is_no_traceback(change: dict[str, t.Any]) -> None:
    ran = subprocess.run(
        ["sh", "-c", 'exec "$0" -c "$1" >&-', sys.executable, PROGRAM],
        input=json.dumps({**TASK, **change}),
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (1, "")
