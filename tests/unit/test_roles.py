# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tasks of roles that run whatever happened before."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from jinja2.nativetypes import NativeEnvironment

TASKS = sorted((Path(__file__).parents[2] / "roles").glob("*/tasks/main.yml"))


def report_of(tasks: Path) -> tuple[str, str]:
    """Return the loop of the task that reports, and the name of what it reports."""
    (block,) = [task for task in yaml.safe_load(tasks.read_text(encoding="utf-8")) if "always" in task]
    return block["always"][0]["loop"], block["block"][-1]["register"]


@pytest.mark.parametrize("tasks", TASKS, ids=lambda tasks: tasks.parts[-3])
@pytest.mark.parametrize(
    ("registered", "reported"),
    [(None, []), ({"failed": True, "msg": "The loop is undefined"}, []), ({"results": [{"changed": True}]}, [1])],
    ids=["nothing", "a failure", "a loop"],
)
def test_report_does_not_hide_why_nothing_was_done(
    tasks: Path, registered: dict[str, t.Any] | None, reported: list[int]
) -> None:
    loop, register = report_of(tasks)
    known = {} if registered is None else {register: registered}
    assert len(NativeEnvironment().from_string(loop).render(known)) == len(reported)
