# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A sample of the fault matrix, which `make faults` runs completely."""

from __future__ import annotations

import random

from ansible_collections.layerkit.ecr.tests.faults.matrix import Bench, Tally, cells, sample
from ansible_collections.layerkit.ecr.tests.faults.scenarios import SCENARIOS

TASKS = 3
COUNT = 6


def test_nothing_is_wrong_in_a_sample_of_the_matrix(running: Bench, seed: int) -> None:
    tally = Tally()
    every = cells(running, random.Random(seed).sample(SCENARIOS, TASKS))
    for cell in sample(every, COUNT, seed):
        tally.add(running, cell)
    assert not tally.wrong, "\n".join(tally.wrong)
    assert sum(tally.outcomes.values()) == COUNT
