# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A sample of the fault matrix, which `make faults` runs completely."""

from __future__ import annotations

import os
import random
import typing as t

import pytest
from ansible_collections.layerkit.ecr.tests.faults.matrix import Bench, Tally, bench, cells, sample
from ansible_collections.layerkit.ecr.tests.faults.scenarios import SCENARIOS

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR

TASKS = 4
COUNT = 10


@pytest.fixture(scope="module")
def running(strict_ecr: StrictECR) -> t.Iterator[Bench]:
    with bench(strict_ecr) as running:
        yield running


def test_nothing_is_wrong_in_a_sample_of_the_matrix(running: Bench) -> None:
    seed = int(os.environ.get("FAULTS_SEED", random.randrange(10**6)))
    print(f"FAULTS_SEED={seed} draws the same sample.")
    tally = Tally()
    every = cells(running, random.Random(seed).sample(SCENARIOS, TASKS))
    for cell in sample(every, COUNT, seed):
        tally.add(running, cell)
    assert not tally.wrong, "\n".join(tally.wrong)
    assert sum(tally.outcomes.values()) == COUNT
