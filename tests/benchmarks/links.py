# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pushes over a link with latency and limited bandwidth, and the bound that the link sets."""

from __future__ import annotations

import math
import typing as t

from .figures import by_ansible, image_name
from .report import Gain

if t.TYPE_CHECKING:
    from .bench import Bench
    from .measure import Link, Runs
    from .report import Row

_OURS = "`ecr_image`"
# Base64 turns three bytes into four.
_API_SHARE = 0.75
# The default of ``ecr_image``.
_PARALLEL = 8


def push_over(
    bench: Bench, link: Link, shape: tuple[int, int], peers: bool = True
) -> tuple[dict[str, Runs], list[Row]]:
    """Push an image by ``ecr_image`` and by the peers, and return the runs and the rows of the report."""
    image = bench.image(*shape)
    contenders = {_OURS: bench.contenders.ecr_image(image, _PARALLEL, link)}
    for copier in bench.tools.copiers if peers else ():
        contenders[by_ansible(copier)] = bench.contenders.copy(copier, image, link, by_ansible=True)
    runs = bench.run_over_link(contenders)
    name = image_name(shape)
    return runs, [[f"{name}, {who}", f"{run.seconds:.2f}", f"{run.request_count}"] for who, run in runs.items()]


def gains_over(link: Link, shape: tuple[int, int], runs: dict[str, Runs]) -> list[Gain]:
    """Return what a user saves over the link, compared with each peer."""
    what = f"{image_name(shape)}, {link.latency * 1000:.0f} ms and {(link.bandwidth or 0) / 1e6:.0f} MB/s"
    ours = runs[_OURS].seconds
    return [Gain(what, ours, peer, run.seconds) for peer, run in runs.items() if peer != _OURS]


def api_bound(bench: Bench, link: Link, shape: tuple[int, int]) -> float:
    """Return the seconds that the base64 of an image takes over the link, ``_PARALLEL`` layers at a time."""
    count, _size = shape
    turns = math.ceil(count / _PARALLEL)
    return turns * bench.image(*shape).size / count / (_API_SHARE * (link.bandwidth or math.inf))


def link_name(link: Link) -> str:
    """Return the title of a section about a link."""
    return (
        f"A link of {link.latency * 1000:.0f} ms per request and {(link.bandwidth or 0) / 1e6:.0f} MB/s per connection"
    )


def link_text(bench: Bench) -> str:
    """Return how the link and its bound are made."""
    return (
        "The sink delays each answer and limits each connection accordingly. The upper bound of the API is 0.75 of the "
        "link, because base64 turns three bytes into four. skopeo sends the layers of a layout one after another over "
        "one connection; `ecr_image` sends eight in parallel, its default, and more if they are small. Complete "
        f"commands, the median of {bench.scale.link_rounds} runs."
    )
