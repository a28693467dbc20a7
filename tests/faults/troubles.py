# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes wrong: every trouble that can strike an operation, by the server or by what stands in front of it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import DOWNLOAD
from ansible_collections.layerkit.ecr.tests.strict_ecr.request_check import service_model
from ansible_collections.layerkit.ecr.tests.unit.support.foreign_answers import Kind, contradictions, foreign_kinds

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import Kind as FaultKind

FOR_GOOD = 10**6
# The module gives up waiting for an answer, or for the rest of one, before it comes.
READ_TIMEOUT = 1.0
_SLOW = 1.6


@dataclass(frozen=True)
class Trouble:
    """A fault of the server, a foreign answer, or a port on which nothing listens at first if it is neither.

    ``passes`` says that a task must overcome it.
    """

    group: str
    fault: FaultKind | None = None
    foreign: Kind | None = None
    times: int = 1
    passes: bool = False
    # Of the calls that a foreign answer meets, whether the server receives them.
    is_applied: bool = True
    seconds: float = 0.0

    def __str__(self) -> str:
        name = self.fault or (self.foreign.name if self.foreign else "connection refused")
        times = {1: "once", FOR_GOOD: "for good"}.get(self.times, f"{self.times} times")
        return f"{name} {times}" + ("" if self.is_applied else ", not applied")


REFUSED = Trouble("connection refused at first", passes=True)

# Groups of faults of calls. Those that pass come twice and for good, the others once and for good.
_PASSING: dict[str, tuple[FaultKind, ...]] = {
    "throttled": ("throttle",),
    "5xx": ("server_error", "bare_500", "bare_503"),
    "dropped before it was applied": ("drop_before",),
    "applied, then dropped": ("drop_after",),
}
_STAYING: dict[str, tuple[FaultKind, ...]] = {
    "access denied": ("access_denied", "expired_token"),
}
# Those of downloads.
_OF_DOWNLOADS: dict[str, tuple[FaultKind, ...]] = {
    "throttled": ("slow_down",),
    "5xx": ("bare_500", "bare_503"),
    "dropped before it was applied": ("drop_before",),
    "expired upload or URL": ("expire_url",),
    "truncated": ("cut_body",),
    "contradicting answer": ("ignore_range",),
    "HTML of a proxy": ("html",),
}
# A download fetches a layer with wrong bytes once more, and a copy stops.
_GARBAGE_OF_DOWNLOADS: dict[str, tuple[FaultKind, ...]] = {"garbage": ("wrong_bytes",)}
_FOREIGN = {
    "truncated": ("cut", "short", "error cut"),
    "garbage": ("page binary", "no HTTP: ssh", "json null"),
    "HTML of a proxy": ("page latin-1", "403 utf-16", "407 ascii", "502 ascii"),
}


def troubles(operation: str) -> list[Trouble]:
    """Return every trouble of an operation."""
    if operation == DOWNLOAD:
        of_bytes = _each(_GARBAGE_OF_DOWNLOADS, passes=False)
        return [*_each(_OF_DOWNLOADS, passes=True), *of_bytes, *_slow("delay"), *_slow("stall", "truncated")]
    return [
        *_each(_PASSING, passes=True),
        *_each(_STAYING, passes=False),
        *_slow("delay"),
        *_modelled(operation),
        *_foreign(operation),
    ]


def _each(groups: t.Mapping[str, tuple[FaultKind, ...]], passes: bool) -> t.Iterator[Trouble]:
    for group, faults in groups.items():
        for fault in faults:
            yield Trouble(group, fault, times=2 if passes else 1, passes=passes)
            yield Trouble(group, fault, times=FOR_GOOD)


def _slow(fault: FaultKind, group: str = "slower than the time-out") -> t.Iterator[Trouble]:
    yield Trouble(group, fault, passes=True, seconds=_SLOW)


def _modelled(operation: str) -> t.Iterator[Trouble]:
    model = service_model().operation_model(operation)
    errors = {shape.name for shape in model.error_shapes}
    members = set(model.input_shape.members) if model.input_shape else set()
    if "KmsException" in errors:
        yield from _each({"KMS": ("kms",)}, passes=False)
    if "LimitExceededException" in errors:
        yield from _each({"throttled": ("limit",)}, passes=True)
    if "UnableToGetUpstreamLayerException" in errors:
        yield from _each({"5xx": ("upstream",)}, passes=False)
    if "uploadId" in members:
        yield Trouble("expired upload or URL", "expire_upload")


def _foreign(operation: str) -> t.Iterator[Trouble]:
    every = {kind.name: kind for kind in foreign_kinds(operation)}
    for group, names in _FOREIGN.items():
        for name in names:
            kind = every[name]
            passes = not kind.is_final
            yield Trouble(group, None, kind, 2 if passes else 1, passes, is_applied=kind.may_be_applied)
        yield Trouble(group, None, every[names[0]], FOR_GOOD)
    for kind in contradictions(operation):
        yield Trouble("contradicting answer", None, kind)
