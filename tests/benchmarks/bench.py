# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The layers, images and commands that every comparison uses."""

from __future__ import annotations

from pathlib import Path

from .contenders import Contenders, Tools
from .layouts import ImageLayout, image_layout, sparse_file
from .measure import RunOnce, Runs, interleaved
from .scale import Scale


class Bench:
    """Makes layers and images at a scale, and runs commands on them.

    :param work: a directory for layers, images and what the commands leave behind
    """

    def __init__(self, scale: Scale, tools: Tools, work: Path) -> None:
        self.scale = scale
        self.tools = tools
        self.work = work
        self.contenders = Contenders(tools, work)

    def run(self, contenders: dict[str, RunOnce]) -> dict[str, Runs]:
        """Run the contenders in turn, as often as the scale says."""
        return interleaved(contenders, self.scale.rounds, self.scale.warm_up)

    def run_over_link(self, contenders: dict[str, RunOnce]) -> dict[str, Runs]:
        """Run contenders whose time the link sets, which varies less than that of a processor."""
        return interleaved(contenders, min(self.scale.rounds, self.scale.link_rounds), warm_up=False)

    def layer(self, size: int) -> Path:
        """Return a layer file of ``size`` bytes."""
        return sparse_file(self.work / f"layer-{size}", size)

    def image(self, count: int, size: int) -> ImageLayout:
        """Return an image of ``count`` layers of about ``size`` bytes each."""
        return image_layout(self.work / f"image-{count}x{size}", count, size)
