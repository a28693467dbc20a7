# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table and the policies of guide_permissions.rst, which test_permissions.py proves."""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs/docsite/rst/guide_permissions.rst").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Row:
    """What the guide says of one task; actions without their prefix."""

    task: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    policy: dict[str, t.Any]

    def __str__(self) -> str:
        return self.task

    @property
    def module(self) -> str:
        return self.task.partition(",")[0]

    @property
    def is_there(self) -> bool:
        return (ROOT / "plugins/modules" / f"{self.module}.py").exists()


def actions_in(cell: str) -> tuple[str, ...]:
    return tuple(re.findall(r"``ecr:(\w+)``", cell))


def policies() -> dict[str, dict[str, t.Any]]:
    found = re.findall(
        r"^``([^`]+)``\n~+\n(.*?)^\.\. code-block:: json\n\n((?: {4}[^\n]*\n)+)", GUIDE, re.DOTALL | re.MULTILINE
    )
    return {task: json.loads(code) for task, _text, code in found}


def rows() -> list[Row]:
    table = re.findall(
        r"^    \* - ``([^`]+)``\n      - (.*?)\n      - (.*?)(?=\n    \* - |\n\n)", GUIDE, re.DOTALL | re.MULTILINE
    )
    return [Row(task, actions_in(first), actions_in(second), policies()[task]) for task, first, second in table]
