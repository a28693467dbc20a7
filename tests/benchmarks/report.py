# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report in Markdown: tables, targets, and the machine of the measurement."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from .chart import Chart
from .contenders import PEERS, Tools, version_of

TIMES = "\N{MULTIPLICATION SIGN}"

Row = t.Sequence[str]


@dataclass(frozen=True)
class Target:
    """A bound and the measured value; ``why`` is why it can be missed, and what was tried: sentences with periods."""

    text: str
    value: float
    bound: float
    at_most: bool = True
    unit: str = TIMES
    why: str = ""

    @property
    def holds(self) -> bool:
        """Whether the value is within the bound."""
        return self.value <= self.bound if self.at_most else self.value >= self.bound

    @property
    def verdict(self) -> str:
        """Whether it holds, or else by how much it is missed and why."""
        if self.holds:
            return "holds"
        distance = abs(self.value - self.bound)
        by = f"{distance / self.bound:.0%}" if self.bound else f"{distance:g}"
        return f"**missed** by {by}. {self.why}".rstrip()

    def row(self) -> Row:
        """Return the target as a row of a table."""
        bound = f"{'at most' if self.at_most else 'at least'} {self.bound:g} {self.unit}".rstrip()
        value = f"{self.value:.3f} {self.unit}" if self.unit else f"{self.value:g}"
        return self.text, bound, value, self.verdict


@dataclass(frozen=True)
class Gain:
    """What a user saves with this collection, compared with what a peer takes."""

    what: str
    ours: float
    peer: str
    theirs: float
    unit: str = "s"

    def row(self) -> Row:
        """Return the gain as a row of a table."""
        shown = ".2f" if self.unit == "s" else ".0f"
        values = (f"{value:{shown}} {self.unit}" for value in (self.ours, self.theirs, self.theirs - self.ours))
        ours, theirs, saved = values
        return self.what, ours, f"{theirs}, {self.peer}", saved


@dataclass(frozen=True)
class Section:
    """One comparison: a title, a table, its targets and charts, and what users gain."""

    title: str
    text: str
    columns: Row
    rows: t.Sequence[Row]
    targets: t.Sequence[Target] = ()
    charts: dict[str, Chart] = field(default_factory=dict)
    gains: t.Sequence[Gain] = ()


def table(columns: Row, rows: t.Iterable[Row]) -> str:
    """Return a Markdown table; all columns but the first are right-aligned."""
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def gains(sections: t.Iterable[Section]) -> list[str]:
    """Return what users gain as Markdown, nothing if no section says so."""
    rows = [gain.row() for section in sections for gain in section.gains]
    if not rows:
        return []
    columns = ["Push", "With this collection", "Without it", "Saved"]
    return [
        "## What a push takes\n",
        "Seconds of complete commands, and the memory of a process.\n",
        table(columns, rows),
    ]


def summary(sections: t.Sequence[Section], machine: str) -> str:
    """Return the machine and the targets as Markdown."""
    targets = [target for section in sections for target in section.targets]
    missed = sum(not target.holds for target in targets)
    verdict = f"{len(targets)} measured, {missed} missed."
    rows = table(["Target", "Bound", "Measured", ""], [target.row() for target in targets])
    return f"Measured on: {machine}.\n\n{verdict}\n\n{rows}"


def report(sections: t.Sequence[Section], machine: str, rounds: int, notes: str = "") -> str:
    """Return the report as Markdown; the charts are separate files in the same directory."""
    parts = [
        "# Benchmarks\n",
        "`make bench` writes this report; run it to measure on your own machine. Seconds and memory are the median of "
        f"{rounds} runs. The compared commands ran in turn, after one warm-up run each. Requests are those of one run. "
        "MB are 10^6 bytes of layers, before base64. The *sink* is a local server that answers the calls and discards "
        "the layers, so that the figures are those of the client; each run starts a new one. Seconds are those of the "
        "complete command, unless stated otherwise.\n",
        *gains(sections),
        "## Targets\n",
        summary(sections, machine),
        *([notes] if notes else []),
    ]
    for section in sections:
        parts += [f"## {section.title}\n", f"{section.text}\n", table(section.columns, section.rows)]
        parts += [f"![{chart.title}]({name}.svg)\n" for name, chart in section.charts.items()]
    return "\n".join(parts)


def describe_machine(tools: Tools) -> str:
    """Return processor, system and versions, but no host name."""
    processor = _first(r"^model name\s*: (.+)$", Path("/proc/cpuinfo")) or platform.machine()
    memory = int(_first(r"^MemTotal:\s+(\d+)", Path("/proc/meminfo")) or 0) / 1024 / 1024
    system = _first(r'^PRETTY_NAME="(.+)"$', Path("/etc/os-release")) or platform.system()
    versions = [*_python_versions(tools.clients / "python"), *map(" ".join, _peer_versions(tools))]
    cores = f"{os.cpu_count()} cores, {memory:.0f} GiB"
    return f"{processor}, {cores}, {system}, Linux {platform.release()}, {', '.join(versions)}"


def _python_versions(python: Path) -> list[str]:
    program = (
        "import json, pathlib, platform, ansible.release, boto3, botocore\n"
        "import ansible_collections.community.aws as aws\n"
        "document = json.loads((pathlib.Path(aws.__path__[0]) / 'MANIFEST.json').read_text())\n"
        "print(json.dumps([f'Python {platform.python_version()}', f'ansible-core {ansible.release.__version__}',\n"
        "    f'boto3 {boto3.__version__}', f'botocore {botocore.__version__}',\n"
        "    'community.aws ' + document['collection_info']['version']]))"
    )
    found = subprocess.run([python, "-c", program], check=True, capture_output=True, text=True).stdout
    return t.cast("list[str]", json.loads(found))


def _peer_versions(tools: Tools) -> t.Iterator[tuple[str, ...]]:
    for peer in filter(tools.has, PEERS):
        yield peer, version_of(tools.program(peer))
    for copier in tools.others:
        yield (copier.name,)


def _first(pattern: str, path: Path) -> str | None:
    found = re.search(pattern, path.read_text(encoding="utf-8"), re.MULTILINE) if path.exists() else None
    return found[1] if found else None
