# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of the mutants."""

from __future__ import annotations

import typing as t
from collections import Counter

from ansible_collections.layerkit.ecr.tests.faults.report import table
from ansible_collections.layerkit.ecr.tests.mutants.places import Place
from ansible_collections.layerkit.ecr.tests.mutants.run import Outcome

_HEAD = """# Mutants

A test is worth what it notices. `make mutants` wrote this page: it breaks the code in one place after the other, in a
copy of the checkout, and runs the tests that should notice. The places are written out in `tests/mutants/places.py`:
comparisons, bounds, checks left out, the order of manifests and tags, digests, retries, state files, paths. A mutant
that no test notices makes it fail, unless the place has a reason why none can.
"""


def report(ended: t.Mapping[Place, Outcome], seconds: float, left_out: int) -> str:
    """Return the page.

    :param left_out: how many mutants the run left out, whose outcomes are those of earlier runs
    """
    counts = Counter(ended.values())
    packages: dict[str, Counter[Outcome]] = {}
    for place, outcome in ended.items():
        packages.setdefault(place.file.partition("/")[0], Counter())[outcome] += 1
    rows = [(f"`{name}`", *_figures(package)) for name, package in packages.items()]
    lines = [
        _HEAD,
        f"The run took {round(seconds / 60)} minutes."
        + (f" It left out {left_out} mutants that tests noticed in earlier runs." if left_out else ""),
        "",
        *table(
            ("Package", "Mutants", "killed", "killed by the time limit", "survived"),
            [*rows, ("All", *_figures(counts))],
        ),
    ]
    survived = [place for place, outcome in ended.items() if outcome is Outcome.SURVIVED]
    if survived:
        lines += ["", "## Survivors", "", "| File | Place | Changed to | Reason |", "|---|---|---|---|"]
        lines += [_row(place) for place in survived]
    return "\n".join(lines) + "\n"


def _row(place: Place) -> str:
    reason = place.harmless or "none: a test is missing"
    return f"| `{place.file}` | {_code(place.text)} | {_code(place.replacement)} | {reason} |"


def _figures(counts: Counter[Outcome]) -> tuple[int, ...]:
    return (counts.total(), *(counts[outcome] for outcome in (Outcome.KILLED, Outcome.HUNG, Outcome.SURVIVED)))


def _code(text: str) -> str:
    shown = " ".join(text.split()).replace("|", "\\|")
    return f"`{shown}`" if shown else "nothing"
