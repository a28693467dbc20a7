# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The comparisons, one module each: ``compare`` runs the contenders and returns a section of the report."""

from __future__ import annotations

import typing as t

from ..bench import Bench
from ..report import Section
from . import (
    docker_save,
    growth,
    image,
    memory,
    one_call,
    one_layer,
    out_and_across,
    parallelism,
    physical_limits,
    planning,
    service_link,
    slow_link,
)

# In the order of the report.
COMPARISONS: dict[str, t.Callable[[Bench], Section]] = {
    "physical_limits": physical_limits.compare,
    "one_call": one_call.compare,
    "one_layer": one_layer.compare,
    "image": image.compare,
    "docker_save": docker_save.compare,
    "slow_link": slow_link.compare,
    "service_link": service_link.compare,
    "out_and_across": out_and_across.compare,
    "parallelism": parallelism.compare,
    "memory": memory.compare,
    "planning": planning.compare,
    "growth": growth.compare,
}
