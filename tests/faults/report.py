# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of the tests of trust."""

from __future__ import annotations

import typing as t
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.layerkit.ecr.tests.faults.crashes import MIB, WIRE, Crashes
from ansible_collections.layerkit.ecr.tests.faults.crowd import PLAYED, PROCESSES
from ansible_collections.layerkit.ecr.tests.faults.injector import Pushes
from ansible_collections.layerkit.ecr.tests.faults.matrix import FAILED, OVERCOME, Tally
from ansible_collections.layerkit.ecr.tests.faults.scenarios import PART

_HEAD = """# Faults

What the modules do when calls fail, runs are killed and many run at once. `make faults` wrote this page: module
processes against the strict server over HTTP. A wrong outcome makes it fail.
"""


@dataclass
class Part:
    """A section of the report, and what is wrong."""

    title: str
    lines: list[str]
    wrong: list[str] = field(default_factory=list)


def table(head: t.Sequence[str], rows: t.Iterable[t.Sequence[object]]) -> list[str]:
    """Return a table in Markdown; all columns but the first are numbers."""
    lines = [f"| {' | '.join(head)} |", f"|---|{'---:|' * (len(head) - 1)}"]
    return [*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)]


def matrix_part(tally: Tally, every: int, seed: int) -> Part:
    """Return the section of the fault matrix."""
    count = sum(tally.outcomes.values())
    drawn = f"All {every} cells ran." if count == every else f"{count} of {every} cells ran, drawn with seed {seed}."
    head = ("Cells", OVERCOME, FAILED, "wrong")
    lines = [
        "Every operation that a task calls is struck at its first, its middle and its last call, by every trouble. A",
        "cell is right if the registry (or the target of a download) then has exactly the content, or the task failed",
        "with a clear message and no tag, layer or file says otherwise; if the next run finishes; and if the one after",
        f"changes nothing. {drawn}",
        "",
        *table(("Trouble", *head), _rows(tally.outcomes, 1)),
        "",
        *table(("Task", *head), _rows(tally.outcomes, 0)),
        "",
        *table(("Operation", *head), _rows(tally.outcomes, 2)),
    ]
    return Part("Fault matrix", lines, tally.wrong)


def _rows(outcomes: Counter[tuple[str, str, str, str]], key: int) -> t.Iterator[tuple[object, ...]]:
    for name in dict.fromkeys(cell[key] for cell in sorted(outcomes)):
        counts: Counter[str] = Counter()
        for cell, count in outcomes.items():
            if cell[key] == name:
                counts[cell[-1]] += count
        yield (name, sum(counts.values()), *(counts[outcome] for outcome in (OVERCOME, FAILED, "wrong")))
    totals = Counter[str]()
    for cell, count in outcomes.items():
        totals[cell[-1]] += count
    yield ("All", sum(totals.values()), *(totals[outcome] for outcome in (OVERCOME, FAILED, "wrong")))


def crashes_part(crashes: Crashes, seed: int) -> Part:
    """Return the section of the runs that were killed."""
    rows = [
        (title, count, crashes.sent_again[title], crashes.fetched_again[title])
        for title, count in crashes.killed.items()
    ]
    lines = [
        f"SIGKILL struck {crashes.killed.total()} runs at random moments (seed {seed}). After each the registry,",
        "or what has the final name of a download, was right. The next run finished and left no file behind, and the",
        "one after changed nothing. The last columns are the most bytes that both runs together sent or fetched more",
        f"than once, with one connection. Parts of uploads are {PART} bytes, and a copy fetches a part while it sends",
        "another. A download marks each MiB that it has; what the kernel had on the way counts, too, which is up to",
        f"{WIRE // MIB} MiB.",
        "",
        *table(("Task", "Killed", "Sent again", "Fetched again"), rows),
    ]
    return Part("Killed runs", lines, crashes.wrong)


def crowd_part(count: int, wrong: list[str]) -> Part:
    """Return the section of many at once."""
    lines = [
        f"{PROCESSES} processes with one state directory pushed and copied overlapping images to one repository at the",
        f"same time, {count} times, on mutable and immutable repositories by turns. They were hosts of a playbook the",
        f"first {min(PLAYED, count)} times. {count - len(wrong)} times all of them succeeded, every tag had its image",
        "with all bytes, no file was left, and a second round sent nothing.",
    ]
    return Part("Many at once", lines, wrong)


def injector_part(pushes: Pushes, seed: int) -> Part:
    """Return the section of the fault injector that others wrote."""
    titles = dict.fromkeys(title for title, _outcome in pushes.outcomes)
    rows = [(title, *_outcomes(pushes.outcomes, title)) for title in titles]
    totals = Counter(outcome for _title, outcome in pushes.outcomes.elements())
    rows.append(("All", totals.total(), *(totals[outcome] for outcome in (OVERCOME, FAILED, "wrong"))))
    every = pushes.deck.every
    left = [f"{trouble.name} of {trouble.operation}" for trouble in pushes.deck.left]
    lines = [
        "[microburst](https://pypi.org/project/microburst/) is a proxy that reads botocore's models and answers as AWS",
        f"would. It stood between the modules and the server for {totals.total()} runs (seed {seed}), each with one",
        "to four faults at operations drawn at random: every error that the model lists for the operation, errors that",
        "all services have, and what it does to connections, requests and answers. The operations that the tasks call",
        f"have {len(every)} such faults, and {len(every) - len(left)} of them struck. The runs are judged like the",
        "cells of the matrix. It leaves downloads from Amazon S3 alone. The server checks no signatures, so a changed",
        "Host does not matter. Two faults are left out: that DescribeImages does not find an image that is there,",
        "which no client can tell from the truth, and that CompleteLayerUpload refuses a layer that is not there as",
        "existing already, of which `ecr_layer` warns.",
        *([f"These did not strike: {', '.join(left)}."] if left else []),
        "",
        *table(("Task", "Runs", OVERCOME, FAILED, "wrong"), rows),
        "",
        *table(("Fault", "Struck"), sorted(pushes.faults.items())),
    ]
    return Part("Another fault injector", lines, pushes.wrong)


def _outcomes(outcomes: Counter[tuple[str, str]], title: str) -> tuple[int, ...]:
    counts = [outcomes[title, outcome] for outcome in (OVERCOME, FAILED, "wrong")]
    return (sum(counts), *counts)


def write(path: Path, parts: t.Sequence[Part], seconds: float) -> None:
    """Write the report."""
    lines = [_HEAD, f"The run took {round(seconds / 60)} minutes."]
    for part in parts:
        lines += ["", f"## {part.title}", "", *part.lines]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
