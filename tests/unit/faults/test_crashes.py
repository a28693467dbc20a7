# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A few runs that are killed and many at once; `make faults` does more of both."""

from __future__ import annotations

import random

from ansible_collections.layerkit.ecr.tests.faults.crashes import KILLED, Crashes
from ansible_collections.layerkit.ecr.tests.faults.crowd import Crowd
from ansible_collections.layerkit.ecr.tests.faults.matrix import Bench

TASKS = 1


def test_the_run_after_a_killed_one_completes(running: Bench, seed: int) -> None:
    crashes = Crashes(running, seed)
    crashes.run(TASKS, random.Random(seed).sample(KILLED, TASKS))
    assert not crashes.wrong, "\n".join(crashes.wrong)


def test_many_at_once_do_not_disturb_each_other(running: Bench, seed: int) -> None:
    Crowd(running, "IMMUTABLE" if seed % 2 else "MUTABLE").run()
