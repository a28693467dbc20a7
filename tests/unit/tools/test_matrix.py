# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""make matrix tests what README, galaxy.yml and meta/ promise, and the workflows run all of its rows."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.layerkit.ecr.tests.tools import matrix
from ansible_collections.layerkit.ecr.tests.tools.matrix import AWS, BOTO3, PYTHONS, UNIT, UNIT_TESTS, Outcome, Row

ROOT = Path(__file__).parents[3]
AT_HAND = {(3, minor): Path(f"/opt/python3.{minor}") for minor in (8, 9, 10, 11, 12, 13)}


def promised(subject: str) -> str:
    """Return the versions of README's table."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| {subject} \| ([^|]+) \|$", readme, re.MULTILINE)
    assert row
    return row[1]


def test_ansible_core_is_tested_from_the_first_to_the_last() -> None:
    assert promised("ansible-core") == f"{min(PYTHONS)} to {max(PYTHONS)}"
    runtime = yaml.safe_load((ROOT / "meta/runtime.yml").read_text(encoding="utf-8"))
    assert runtime["requires_ansible"] == f">={min(PYTHONS)}.0"
    workflow = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text(encoding="utf-8"))
    assert workflow["jobs"]["matrix"]["strategy"]["matrix"]["core"] == list(PYTHONS)
    assert {"pull_request", "schedule"} <= set(workflow["on"])


def test_oldest_boto3_is_that_of_the_requirements() -> None:
    required = (ROOT / "meta/requirements.txt").read_text(encoding="utf-8")
    for floor in BOTO3["oldest"]:
        assert floor.replace("==", ">=") in required.splitlines()
    assert promised("boto3 and botocore").startswith(BOTO3["oldest"][0].partition("==")[2])


def test_oldest_amazon_aws_is_that_of_the_collection() -> None:
    """PyPI's package of the oldest row contains it; the row says which one that is."""
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    floor = galaxy["dependencies"]["amazon.aws"].removeprefix(">=")
    assert promised("amazon.aws").startswith(f"{floor} or later")
    tested = set(
        re.findall(r"^\| 2\.\d+\.\d+ \|[^|]+\|[^|]+\| ([\d.]+) \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    )
    assert floor in tested
    assert AWS["oldest"] != AWS["newest"]


def test_rows_have_the_oldest_and_the_newest_python_at_hand() -> None:
    found = {(row.core, row.end): (row.python.name, row.host_python.name) for row in matrix.rows(AT_HAND)}
    assert found["2.17", "oldest"] == ("python3.11", "python3.9")
    assert found["2.17", "newest"] == ("python3.12", "python3.12")
    assert found["2.21", "oldest"] == ("python3.12", "python3.9")
    assert found["2.21", "newest"] == ("python3.13", "python3.13")


def test_what_is_not_at_hand_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix, "sshd", lambda: None)
    few = {(3, 11): Path("/opt/python3.11")}
    tested = [row.core for row in matrix.rows(few)]
    assert sorted(set(tested)) == ["2.17", "2.18", "2.19"]
    said = "\n".join(matrix.not_at_hand(few, tested))
    assert "ansible-core 2.20 was not tested" in said
    assert "Python 3.9, 3.12, 3.13, 3.14 was not at hand" in said
    assert "nothing was run over ssh" in said
    assert "remote" not in matrix.scenarios()


def test_table_names_what_failed() -> None:
    outcome = Outcome(["2.17.1", "3.11.2", "3.9.1", "10.1.0", "1.34.0"], {UNIT: True, "facts": False, "ad_hoc": True})
    assert matrix.table([outcome], ["A note."]).splitlines()[2:] == [
        "| 2.17.1 | Python 3.11.2 | Python 3.9.1 | 10.1.0 | 1.34.0 | passed | failed: facts |",
        "",
        "A note.",
    ]
    assert outcome.has_failed


def test_row_has_run_when_every_step_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix, "WORK", tmp_path)
    row = Row("2.17", "oldest", Path("python"), Path("python"))
    assert not row.has_run([UNIT])
    row.directory.mkdir()
    row.outcome.write_text(json.dumps({"versions": [], "steps": {UNIT: True}}), encoding="utf-8")
    assert row.has_run([UNIT])
    assert not row.has_run([UNIT, "facts"])


def test_unit_tests_of_a_row_exist() -> None:
    assert all((ROOT / path).exists() for path in UNIT_TESTS)
