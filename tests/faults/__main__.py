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

from ansible_collections.layerkit.ecr.tests.faults.matrix import Tally, bench, cells, sample
from ansible_collections.layerkit.ecr.tests.faults.report import Part, matrix_part, write


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


PARTS: dict[str, t.Callable[[argparse.Namespace], Part]] = {"matrix": run_matrix}


def main() -> None:
    """Run the parts, and exit with 1 if anything is wrong."""
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="the parts to run; all by default")
    parser.add_argument("--cells", type=int, help="run a sample of so many cells of the matrix")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="draws the samples")
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
