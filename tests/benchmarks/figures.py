# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sizes, images and ratios, as the tables of the report show them."""

from __future__ import annotations

from .contenders import CRANE, Copier
from .layouts import MIB
from .measure import Runs
from .report import TIMES


def by_ansible(copier: Copier) -> str:
    """Return what the report calls a program that a task of ``command`` runs."""
    word = "push" if copier.name.startswith(CRANE) else "copy"
    return f"`ansible -m command -a '{copier.name} {word} …'`"


def ratio(ours: Runs, theirs: Runs) -> str:
    """Return how long ours takes in proportion to theirs."""
    return f"{ours.seconds / theirs.seconds:.2f} {TIMES}"


def binary_size(size: int) -> str:
    """Return a size in MiB or KiB."""
    return f"{size // MIB} MiB" if size >= MIB else f"{size // 1024} KiB"


def decimal_size(size: int) -> str:
    """Return a size in GB or MB."""
    return f"{size / 1e9:g} GB" if size >= 1e9 else f"{size / 1e6:g} MB"


def image_name(shape: tuple[int, int]) -> str:
    """Return the number of an image's layers and the size of each."""
    count, size = shape
    return f"{count} {TIMES} {binary_size(size)}" if size >= 1024 else f"{count} small layers"
