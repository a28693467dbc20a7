# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the benchmarks and write the report."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

from .bench import Bench
from .comparisons import COMPARISONS
from .contenders import PEERS, Tools
from .report import Section, describe_machine, report
from .scale import FULL, QUICK


def main() -> None:
    """Run the comparisons; a missed target is reported and does not fail the run."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="check within seconds that everything runs")
    parser.add_argument("--only", nargs="+", choices=COMPARISONS, default=list(COMPARISONS), help="run only these")
    parser.add_argument("--rounds", type=int, help="how often each command is measured")
    parser.add_argument(
        "--clients", type=Path, default=Path(sys.executable).parent, help="bin of the environment with Ansible"
    )
    parser.add_argument("--aws", type=Path, default=Path("aws"), help="the AWS CLI")
    parser.add_argument("--without", nargs="+", choices=PEERS, default=(), help="do not run these peers")
    parser.add_argument("--work", type=Path, required=True, help="a directory for layers and images")
    parser.add_argument("--report", type=Path, required=True, help="the Markdown file to write, charts beside it")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    scale = QUICK if arguments.quick else FULL
    scale = replace(scale, rounds=arguments.rounds or scale.rounds)
    tools = Tools(arguments.clients.absolute(), arguments.aws, arguments.without)
    bench = Bench(scale, tools, arguments.work.absolute())
    remarks = (Path(__file__).parent / "remarks.md").read_text(encoding="utf-8")
    machine = describe_machine(tools)
    sections: list[Section] = []
    for name in arguments.only:
        started = time.monotonic()
        section = COMPARISONS[name](bench)
        print(f"{section.title}: {time.monotonic() - started:.0f} s")
        for target in () if arguments.quick else section.targets:
            print("  " + ", ".join(target.row()))
        sections.append(section)
        # Written after each section: a full run takes twenty minutes.
        arguments.report.write_text(report(sections, machine, scale.rounds, remarks), encoding="utf-8")
        for chart_name, chart in section.charts.items():
            arguments.report.with_name(f"{chart_name}.svg").write_text(chart.svg(), encoding="utf-8")


if __name__ == "__main__":
    main()
