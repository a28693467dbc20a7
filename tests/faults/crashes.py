# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that are killed at random moments, each followed by one that completes.

Nothing wrong is left by the killed run, and no stale file by the next one, which sends and fetches again at most the
part or the range that was on its way.
"""

from __future__ import annotations

import random
import typing as t
from collections import Counter
from dataclasses import dataclass

from ansible_collections.layerkit.ecr.tests.faults.content import Content, Contents
from ansible_collections.layerkit.ecr.tests.faults.matrix import Bench
from ansible_collections.layerkit.ecr.tests.faults.scenarios import (
    PART,
    Copy,
    Download,
    DownloadArchive,
    DownloadDockerArchive,
    PushDockerArchive,
    PushImage,
    PushLayer,
    Scenario,
)
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import config_of

MIB = 2**20
# What the kernel holds of a connection in both directions: the server has sent it, and nobody received it.
WIRE = 8 * MIB
# A download marks what it has in pieces of this size.
PIECE = MIB
# A copy fetches a part while it sends another.
FETCHED_PARTS = 2

_MANY_PARTS = (random.Random(1).randbytes(40 * PART + 17), random.Random(2).randbytes(20 * PART))
_LARGE = (random.Random(3).randbytes(32 * MIB + 5), b"a small layer " * 100)
IN_PARTS: Contents = {"": Content(config_of(_MANY_PARTS), _MANY_PARTS)}
LARGE: Contents = {"": Content(config_of(_LARGE), _LARGE)}


class _OneAtATime(PushImage):
    """A task with one connection, so that one part or one range is on its way."""

    def options(self) -> dict[str, t.Any]:
        return {**super().options(), "parallel": 1}


class KilledLayer(PushLayer):
    """A layer of many parts."""

    layer = _MANY_PARTS[0]


class KilledImage(_OneAtATime):
    """An image of many parts."""

    contents = IN_PARTS


class KilledDockerArchive(_OneAtATime, PushDockerArchive):
    """An image of many parts whose layers are compressed on the way."""

    contents = IN_PARTS


class KilledCopy(_OneAtATime, Copy):
    """A copy of many parts."""

    contents = IN_PARTS


class KilledDownload(_OneAtATime, Download):
    """A download of many ranges."""

    contents = LARGE


class KilledArchive(_OneAtATime, DownloadArchive):
    """A download of many ranges into an archive of a layout."""

    contents = LARGE


class KilledDockerDownload(_OneAtATime, DownloadDockerArchive):
    """A download of many ranges as docker save would write it."""

    contents = LARGE


KILLED: tuple[type[Scenario], ...] = (
    KilledLayer,
    KilledImage,
    KilledDockerArchive,
    KilledCopy,
    KilledDownload,
    KilledArchive,
    KilledDockerDownload,
)


@dataclass(frozen=True)
class Moved:
    """Bytes that the registries received and served for a task."""

    sent: int
    fetched: int


class Crashes:
    """Kills runs, and counts what came of it."""

    def __init__(self, bench: Bench, seed: int) -> None:
        self._bench = bench
        self._draw = random.Random(seed)
        # Of runs that nobody kills.
        self._seconds: dict[type[Scenario], float] = {}
        self._moved: dict[type[Scenario], Moved] = {}
        self.killed: Counter[str] = Counter()
        # The most bytes that a task moved more than once.
        self.sent_again: dict[str, int] = {}
        self.fetched_again: dict[str, int] = {}
        self.wrong: list[str] = []

    def run(self, count: int, kinds: t.Sequence[type[Scenario]] = KILLED) -> None:
        """Kill so many runs, of each task in turn."""
        tried = 0
        while self.killed.total() + len(self.wrong) < count:
            scenario = kinds[tried % len(kinds)]
            tried += 1
            try:
                self._kill(scenario)
            except Exception as error:
                self.wrong.append(f"{scenario.title()}: {type(error).__name__}: {error}")

    def _kill(self, kind: type[Scenario]) -> None:
        if kind not in self._seconds:
            self._measure(kind)
        scenario = kind(self._bench.place)
        after = self._draw.uniform(0, self._seconds[kind])
        temporary = scenario.directory / "tmp"
        temporary.mkdir()
        end = self._bench.run(scenario, kill_after=after, temporary=str(temporary))
        scenario.check_left()
        following = self._bench.run(scenario, temporary=str(temporary))
        assert not following.failed, f"after a kill at {after:.3f} s: {following.message}"
        scenario.check_done(following.result)
        assert list(temporary.iterdir()) == [], "a temporary file is left"
        self._check_moved(kind, scenario)
        last = self._bench.run(scenario, temporary=str(temporary))
        assert last.result["changed"] is False
        self.killed[kind.title()] += end.killed

    def _measure(self, kind: type[Scenario]) -> None:
        scenario = kind(self._bench.place)
        end = self._bench.run(scenario)
        assert not end.failed, end.message
        scenario.check_done(end.result)
        self._seconds[kind], self._moved[kind] = end.seconds, _moved(scenario)

    def _check_moved(self, kind: type[Scenario], scenario: Scenario) -> None:
        moved, needed = _moved(scenario), self._moved[kind]
        sent, fetched = moved.sent - needed.sent, moved.fetched - needed.fetched
        title = kind.title()
        self.sent_again[title] = max(sent, self.sent_again.get(title, 0))
        self.fetched_again[title] = max(fetched, self.fetched_again.get(title, 0))
        assert sent <= PART, f"{sent} bytes were sent again"
        most = FETCHED_PARTS * PART if issubclass(kind, KilledCopy) else PIECE + WIRE
        assert fetched <= most, f"{fetched} bytes were fetched again"


def _moved(scenario: Scenario) -> Moved:
    calls = scenario.place.server.control.calls
    names = set(scenario.repositories().values())
    return Moved(sum(map(calls.bytes_received, names)), sum(map(calls.bytes_served, names)))
