# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Break the code in one place after the other, and write which tests noticed. Exit with 1 if one should have."""

from __future__ import annotations

import argparse
import ast
import sys
import time
from pathlib import Path

from ansible_collections.layerkit.ecr.tests.mutants.places import PLACES, ROOT
from ansible_collections.layerkit.ecr.tests.mutants.report import report
from ansible_collections.layerkit.ecr.tests.mutants.run import Outcome, run_all


def main() -> None:
    """Run the mutants."""
    parser = argparse.ArgumentParser(prog="mutants", description=__doc__)
    parser.add_argument(
        "files", nargs="*", help="the files whose places are broken, below module_utils; all by default"
    )
    parser.add_argument("--jobs", type=int, default=2, help="how many are run at the same time")
    parser.add_argument("--resume", action="store_true", help="leave out what tests noticed in earlier runs")
    parser.add_argument("--report", type=Path, help="the file to write the outcomes to, if all files are tested")
    arguments = parser.parse_args()
    for place in PLACES:
        # What is not Python would be noticed by any test.
        ast.parse(place.broken((ROOT / place.path).read_text(encoding="utf-8")))
    places = [place for place in PLACES if not arguments.files or place.file in arguments.files]
    if not places:
        sys.exit("No place is in these files.")
    began = time.monotonic()
    ended, left_out = run_all(places, arguments.jobs, arguments.resume)
    if arguments.report and len(places) == len(PLACES):
        arguments.report.write_text(report(ended, time.monotonic() - began, left_out), encoding="utf-8")
    survived = [place for place, outcome in ended.items() if outcome is Outcome.SURVIVED and not place.harmless]
    noticed = [place for place, outcome in ended.items() if outcome is not Outcome.SURVIVED and place.harmless]
    print(f"{len(places)} mutants, {len(survived)} survived without a reason")
    sys.exit(
        "\n".join(
            [f"No test noticed: {place.path}: {place.text!r} -> {place.replacement!r}" for place in survived]
            + [f"A test noticed what cannot be noticed: {place.path}: {place.text!r}" for place in noticed]
        )
        or 0
    )


if __name__ == "__main__":
    main()
