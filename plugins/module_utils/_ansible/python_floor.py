# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ends a task in one sentence on a Python that is too old to import the rest of the collection."""

from __future__ import annotations

import json
import sys

MIN_PYTHON = (3, 9)


def check_python() -> None:
    """End the task unless Python is new enough."""
    if sys.version_info[:2] < MIN_PYTHON:
        needed, found = (".".join(map(str, version)) for version in (MIN_PYTHON, sys.version_info[:3]))
        words = (
            f"layerkit.ecr requires Python {needed} or later on the host that runs the module. This is Python {found} "
            f"at {sys.executable}. Set ansible_python_interpreter to a newer one."
        )
        sys.stdout.write(json.dumps({"failed": True, "msg": words}) + "\n")
        raise SystemExit(1)
