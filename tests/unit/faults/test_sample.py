# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which calls the cells of the fault matrix strike, and how a part of them is drawn."""

from __future__ import annotations

import itertools

import pytest
from ansible_collections.layerkit.ecr.tests.faults.matrix import Cell, places, sample
from ansible_collections.layerkit.ecr.tests.faults.scenarios import SCENARIOS
from ansible_collections.layerkit.ecr.tests.faults.troubles import troubles

PUT = troubles("PutImage")
EVERY = [Cell(scenario, "", "PutImage", 0, "only", trouble) for scenario in SCENARIOS for trouble in PUT]


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (1, {0: "only"}),
        (2, {0: "first", 1: "last"}),
        (3, {0: "first", 1: "middle", 2: "last"}),
        (10, {0: "first", 5: "middle", 9: "last"}),
    ],
)
def test_first_middle_and_last_call_are_struck(count: int, expected: dict[int, str]) -> None:
    assert places(count) == expected


def test_no_cell_is_drawn_twice() -> None:
    drawn = sample(EVERY, len(EVERY), seed=1)
    assert len(set(map(str, drawn))) == len(set(map(str, EVERY)))
    assert len(drawn) == len(EVERY)


def test_each_task_and_each_group_of_troubles_has_its_share() -> None:
    shares = set(itertools.product(SCENARIOS, {trouble.group for trouble in PUT}))
    drawn = sample(EVERY, len(shares), seed=2)
    assert {(cell.scenario, cell.trouble.group) for cell in drawn} == shares


def test_seed_draws_the_same_cells_in_whatever_order_the_calls_came() -> None:
    assert list(map(str, sample(EVERY, 20, seed=3))) == list(map(str, sample(EVERY[::-1], 20, seed=3)))
