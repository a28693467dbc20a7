# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fuzz the reports of progress that come through a pipe."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["ansible_collections.layerkit.ecr.plugins"]):
    from ansible_collections.layerkit.ecr.plugins.module_utils._core.progress import Report
    from ansible_collections.layerkit.ecr.plugins.plugin_utils._progress.line import ProgressLine
    from ansible_collections.layerkit.ecr.tests.fuzz.documents import mutated


def TestOneInput(data: bytes) -> None:
    """Read reports, and show them."""
    line = ProgressLine("ecr_image")
    for number, part in enumerate(data.split(b"\n")):
        report = Report.from_line(part)
        if report:
            line.update(report, float(number))
            text = line.text(float(number + 1))
            assert text.isprintable()
            text.encode()


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Change an input, often within its JSON."""
    return mutated(data, max_size, seed, atheris.Mutate)


if __name__ == "__main__":
    atheris.Setup(sys.argv, TestOneInput, custom_mutator=mutate)
    atheris.Fuzz()
