# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Python that is too old ends the task in one sentence, also where such a Python is at hand."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._ansible import python_floor

SOURCE = str(Path(python_floor.__file__).parent)


def older_python() -> str | None:
    """Return a Python before 3.9, None if there is none."""
    for name in ("python3.8", "python3.7"):
        path = shutil.which(name)
        if path and subprocess.run([path, "--version"], check=False, capture_output=True).returncode == 0:
            return path
    return None


def test_version_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 8, 18, "final", 0))
    with pytest.raises(SystemExit) as ended:
        python_floor.check_python()
    assert ended.value.code == 1
    result = json.loads(capsys.readouterr().out)
    assert result["failed"] is True
    assert "requires Python 3.9 or later" in result["msg"]
    assert f"This is Python 3.8.18 at {sys.executable}. Set ansible_python_interpreter" in result["msg"]


def test_this_python_is_new_enough() -> None:
    python_floor.check_python()


@pytest.mark.skipif(older_python() is None, reason="there is no Python before 3.9")
def test_an_older_python_gets_that_far() -> None:
    code = f"import sys; sys.path.insert(0, {SOURCE!r}); import python_floor; python_floor.check_python()"
    run = subprocess.run([str(older_python()), "-c", code], check=False, capture_output=True, text=True)
    assert "requires Python 3.9 or later" in json.loads(run.stdout)["msg"]


@pytest.mark.parametrize(
    "module", sorted((Path(SOURCE).parents[1] / "modules").glob("*.py")), ids=lambda path: path.stem
)
def test_every_module_asks_before_it_imports_anything_else(module: Path) -> None:
    imported = [line for line in module.read_text(encoding="utf-8").splitlines() if line.startswith("from ansible")]
    assert "._ansible.argspec import" in imported[0]
