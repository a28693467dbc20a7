# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the tests of trust, and write what came out. Each part fails if one of its outcomes is wrong."""

from __future__ import annotations

import argparse
import random
import sys
import time
import typing as t
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from ansible_collections.layerkit.ecr.tests.faults.crashes import Crashes
from ansible_collections.layerkit.ecr.tests.faults.crowd import PLAYED, Crowd
from ansible_collections.layerkit.ecr.tests.faults.injector import Injector, Pushes
from ansible_collections.layerkit.ecr.tests.faults.matrix import Tally, bench, cells, sample
from ansible_collections.layerkit.ecr.tests.faults.report import (
    Part,
    crashes_part,
    crowd_part,
    injector_part,
    matrix_part,
    write,
)


def run_matrix(arguments: argparse.Namespace) -> Part:
    """Run the cells of the matrix, or a sample of them."""
    jobs: int = arguments.jobs
    total = Tally()
    with ProcessPoolExecutor(jobs) as pool:
        shards = [pool.submit(_run_shard, number, jobs, arguments.cells, arguments.seed) for number in range(jobs)]
        every = 0
        for shard in shards:
            tally, every = shard.result()
            total.merge(tally)
    return matrix_part(total, every, arguments.seed)


def _run_shard(number: int, jobs: int, count: int | None, seed: int) -> tuple[Tally, int]:
    tally = Tally()
    with bench() as running:
        every = cells(running)
        chosen = every if count is None else sample(every, count, seed)
        shard = chosen[number::jobs]
        for done, cell in enumerate(shard, start=1):
            tally.add(running, cell)
            if done % 100 == 0:
                print(f"job {number}: {done} of {len(shard)} cells, {len(tally.wrong)} wrong", flush=True)
    return tally, len(every)


def run_crashes(arguments: argparse.Namespace) -> Part:
    """Kill runs at random moments."""
    with bench() as running:
        crashes = Crashes(running, arguments.seed)
        crashes.run(arguments.kills)
    return crashes_part(crashes, arguments.seed)


def run_crowd(arguments: argparse.Namespace) -> Part:
    """Let many processes push and copy at the same time."""
    wrong = []
    with bench() as running:
        for number in range(arguments.crowds):
            crowd = Crowd(running, "IMMUTABLE" if number % 2 else "MUTABLE")
            try:
                # The first two are a playbook.
                (crowd.run if number >= PLAYED else crowd.play)()
            except Exception as error:
                wrong.append(f"crowd {number}: {type(error).__name__}: {error}")
    return crowd_part(arguments.crowds, wrong)


def run_injector(arguments: argparse.Namespace) -> Part:
    """Push through a fault injector that others wrote."""
    with bench() as running, Injector.running(running.place.server.url) as injector:
        pushes = Pushes(running, injector, arguments.seed)
        pushes.run(arguments.pushes)
    return injector_part(pushes, arguments.seed)


PARTS: dict[str, t.Callable[[argparse.Namespace], Part]] = {
    "matrix": run_matrix,
    "crashes": run_crashes,
    "crowd": run_crowd,
    "injector": run_injector,
}


def main() -> None:
    """Run the parts, and exit with 1 if anything is wrong."""
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="the parts to run; all by default")
    parser.add_argument("--cells", type=int, help="run a sample of so many cells of the matrix")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="draws the samples")
    parser.add_argument("--kills", type=int, default=100, help="how many runs to kill")
    parser.add_argument("--crowds", type=int, default=10, help="how often many processes run at once")
    parser.add_argument(
        "--pushes", type=int, default=300, help="how many runs another fault injector strikes, at least"
    )
    parser.add_argument("--jobs", type=int, default=2, help="how many cells run at the same time")
    parser.add_argument("--report", type=Path, help="the file to write the outcomes to")
    arguments = parser.parse_args()
    print(f"The seed is {arguments.seed}.")
    began = time.monotonic()
    found = [PARTS[name](arguments) for name in arguments.parts or PARTS]
    wrong = [line for part in found for line in part.wrong]
    for part in found:
        print("\n".join(part.lines))
    if arguments.report:
        write(arguments.report, found, time.monotonic() - began)
    sys.exit("\n".join(["Wrong:", *wrong]) if wrong else 0)


if __name__ == "__main__":
    main()
