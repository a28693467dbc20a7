# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Memory in pieces, which the parts of several blobs share.

A part is of use only when all its pieces are filled, and gives them back one by one. If parts took pieces as these
become free, each could hold some and wait for the others for ever. So a part that has got a piece gets all its others
before any other part gets one: at most one part waits and holds something, and those that it waits for hold all that
they need.
"""

from __future__ import annotations

import mmap
import threading
import typing as t

if t.TYPE_CHECKING:
    from .._core.task import Task

# An eighth of a part of 5 MiB.
PIECE_SIZE = 640 * 1024


class Claim:
    """The pieces that a part needs.

    ``missing`` counts those that it has not got. ``is_urgent`` says whether a thread waits for the part: others get
    pieces that no such part wants.

    :param begin: called with each piece. It returns at once, and takes and gives back nothing
    """

    def __init__(self, size: int, begin: t.Callable[[mmap.mmap], None], is_urgent: bool) -> None:
        self.missing = self._pieces = -(-size // PIECE_SIZE)
        self.begin = begin
        self.is_urgent = is_urgent

    @property
    def rank(self) -> tuple[bool, bool]:
        """Which claim is served first, the least one."""
        return self.missing == self._pieces, not self.is_urgent


class PieceMemory:
    """Lends at most so many pieces at once. Who asks first is served first, among claims of the same rank.

    Whoever waits for a claim holds pieces of no other one.
    """

    def __init__(self, pieces: int, task: Task) -> None:
        self._pieces = pieces
        self._made = 0
        self._free: list[mmap.mmap] = []
        self._task = task
        self._changed = threading.Condition()
        self._waiting: list[Claim] = []

    def ask(self, claim: Claim) -> None:
        """Lend pieces to a claim as they become free.

        :raises ValueError: there will never be so many
        """
        if claim.missing > self._pieces:
            raise ValueError(f"{claim.missing} pieces of {self._pieces}")
        with self._changed:
            self._waiting.append(claim)
            self._lend()

    def wait_for(self, claim: Claim) -> None:
        """Return when the claim has all its pieces. It is urgent from now on.

        :raises TaskStoppedError: the task stopped before
        """
        with self._changed:
            claim.is_urgent = True
            while claim.missing:
                self._task.check()
                self._changed.wait(1)

    def withdraw(self, claim: Claim) -> None:
        """Lend nothing more to a claim. What it has got is given back piece by piece."""
        with self._changed:
            if claim in self._waiting:
                self._waiting.remove(claim)
                self._lend()

    def give_back(self, piece: mmap.mmap) -> None:
        """Make a piece available again. Nothing else may use it any more."""
        with self._changed:
            self._free.append(piece)
            self._lend()

    def _lend(self) -> None:
        while self._waiting and (self._free or self._made < self._pieces):
            claim = min(self._waiting, key=lambda each: each.rank)
            claim.missing -= 1
            claim.begin(self._piece())
            if not claim.missing:
                self._waiting.remove(claim)
                self._changed.notify_all()

    def _piece(self) -> mmap.mmap:
        if self._free:
            return self._free.pop()
        self._made += 1
        # Not by malloc, which would keep the memory of each thread apart.
        return mmap.mmap(-1, PIECE_SIZE)
