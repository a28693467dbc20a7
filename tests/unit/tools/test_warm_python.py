# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools/warm_python.py"

# Prints what a program finds; it runs on the warm interpreter's standard input.
PROGRAM = """
import os, sys
print(os.getcwd(), os.environ["GIVEN"], sys.argv, __name__, "boto3" in sys.modules)
print([name for name in sys.modules if name.partition(".")[0] in ("ansible", "ansible_collections", "layerkit")])
"""


@pytest.fixture
def run(tmp_path: Path) -> t.Callable[..., subprocess.CompletedProcess[str]]:
    """Run the warm interpreter with a program on standard input, and arguments."""

    def warm(program: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(TOOL), str(tmp_path), "sh", "-c", 'exec "$WARM_PYTHON" "$@"', "sh", *arguments]
        return subprocess.run(
            command,
            input=program,
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**os.environ, **environment},
        )

    return warm


Warm = t.Callable[..., subprocess.CompletedProcess[str]]


def test_program_has_the_surroundings_of_the_caller_and_boto3_alone(run: Warm, tmp_path: Path) -> None:
    ran = run(PROGRAM, GIVEN="by the caller")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines() == [f"{tmp_path} by the caller [''] __main__ True", "[]"]


@pytest.mark.parametrize(
    ("program", "status", "words"),
    [
        ("import sys; sys.exit(3)", 3, ""),
        ("import sys; sys.exit('the reason')", 1, "the reason\n"),
        ("raise ValueError('unexpected')", 1, "ValueError: unexpected\n"),
        ("import os; os.kill(os.getpid(), 9)", 137, ""),
    ],
)
def test_end_is_that_of_the_program(run: Warm, program: str, status: int, words: str) -> None:
    ran = run(program)
    assert (ran.returncode, ran.stdout) == (status, "")
    assert ran.stderr.endswith(words)


def test_with_arguments_it_is_the_usual_interpreter(run: Warm) -> None:
    assert run("", "-c", "import sys; print('boto3' in sys.modules)").stdout == "False\n"


def test_sources_of_an_archive_are_compiled_once(run: Warm, tmp_path: Path) -> None:
    program = (
        "import sys, zipfile\n"
        "with zipfile.ZipFile('a.zip', 'w') as archive: archive.writestr('inner.py', 'VALUE = %d')\n"
        "sys.path.insert(0, 'a.zip')\n"
        "import inner\n"
        "print(inner.VALUE)\n"
    )
    assert [run(program % value).stdout for value in (1, 1, 2)] == ["1\n", "1\n", "2\n"]
    assert len(list(tmp_path.glob("compiled-*/*"))) == 2
