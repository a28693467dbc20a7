# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fuzz the parsers one after the other with atheris, and write what came out. Exit with 1 if anything was found.

atheris must be on the path; `make fuzz` installs it. What was found is kept in .work/fuzz/found, named after its
target: mend it, and move it to tests/fuzz/corpus, which `make test` replays.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.layerkit.ecr.tests.faults.report import table

_HERE = Path(__file__).parent
_WORK = _HERE.parents[1] / ".work/fuzz"
_PACKAGE = "ansible_collections.layerkit.ecr.tests.fuzz"
TARGETS = sorted(path.stem.removeprefix("fuzz_") for path in _HERE.glob("fuzz_*.py"))

# The bounds of one input: its bytes, its seconds, and the memory of the process with Python and botocore.
_MAX_BYTES = 32 * 1024
_MAX_SECONDS = 20
_MAX_MIB = 512

_HEAD = """# Fuzzing

What comes of inputs that nobody would write. `make fuzz` wrote this page: atheris changes inputs, keeps those that
reach another branch of the code, and continues from there. Each target is a file of `tests/fuzz` in the shape that
OSS-Fuzz runs. An input is a finding if anything but a failure that the task words leaves the parser, if a file outside
the source is opened, or if the input exceeds a bound: {seconds} seconds, or {mib} MiB for the process with Python and
botocore. `make test` replays the seeds and everything that was ever found.
"""


@dataclass(frozen=True)
class Ended:
    """What came of one target; ``edges`` are the branches that were reached, ``peak`` is in MiB."""

    target: str
    inputs: int
    seconds: int
    edges: int
    peak: int
    finding: str


def run(target: str, runs: int) -> Ended:
    """Fuzz one target until something is found, or until so many inputs were run."""
    corpus, found = _WORK / "corpus" / target, _WORK / "found"
    for directory in (corpus, found):
        directory.mkdir(parents=True, exist_ok=True)
    command = [
        *(sys.executable, "-m", f"{_PACKAGE}.fuzz_{target}"),
        *(f"-runs={runs}", f"-max_len={_MAX_BYTES}", f"-timeout={_MAX_SECONDS}", f"-rss_limit_mb={_MAX_MIB}"),
        *("-print_final_stats=1", f"-artifact_prefix={found}/{target}-"),
        *(str(corpus), str(_HERE / "corpus" / target)),
    ]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace")
    (_WORK / f"{target}.log").write_text(ended.stderr, encoding="utf-8")
    finding = "" if ended.returncode == 0 else _finding(ended.stderr)
    result = Ended(
        target,
        _number(r"stat::number_of_executed_units:\s+(\d+)", ended.stderr),
        _number(r"Done \d+ runs in (\d+) second", ended.stderr),
        _number(r"cov: (\d+)", ended.stderr),
        _number(r"stat::peak_rss_mb:\s+(\d+)", ended.stderr),
        finding,
    )
    print(result, flush=True)
    return result


def _number(pattern: str, text: str) -> int:
    return int(next(iter(re.findall(pattern, text)[-1:]), "0"))


def _finding(log: str) -> str:
    lines = re.findall(r"^(?:[\w.]+(?:Error|Exception)\b.*|.*ERROR: libFuzzer.*)$", log, re.MULTILINE)
    return str(lines[0]) if lines else "the process ended"


def report(ended: t.Sequence[Ended]) -> str:
    """Return the page."""
    rows = [
        (f"`{each.target}`", f"{each.inputs:,}", each.seconds, each.edges, each.peak, each.finding or 0)
        for each in ended
    ]
    head = ("Target", "Inputs", "Seconds", "Branches reached", "Peak memory in MiB, at most", "Open findings")
    text = _HEAD.format(seconds=_MAX_SECONDS, mib=_MAX_MIB)
    return "\n".join([text, *table(head, rows), "", (_HERE / "findings.md").read_text(encoding="utf-8")])


def main() -> None:
    """Fuzz the targets."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", choices=[*TARGETS, []], help="the targets; all by default")
    parser.add_argument("--runs", type=int, default=100_000, help="how many inputs each target gets")
    parser.add_argument("--jobs", type=int, default=2, help="how many targets run at the same time")
    parser.add_argument("--report", type=Path, help="the file to write the outcomes to, if all targets run")
    arguments = parser.parse_args()
    targets = arguments.targets or TARGETS
    # libFuzzer seeds the mutations; dictionaries of Python are in their own order in each process otherwise.
    os.environ["PYTHONHASHSEED"] = "0"
    with ThreadPoolExecutor(arguments.jobs) as pool:
        ended = list(pool.map(lambda target: run(target, arguments.runs), targets))
    if arguments.report and targets == TARGETS:
        arguments.report.write_text(report(ended), encoding="utf-8")
    found = [each for each in ended if each.finding]
    sys.exit("\n".join(f"{each.target}: {each.finding}" for each in found) or 0)


if __name__ == "__main__":
    main()
