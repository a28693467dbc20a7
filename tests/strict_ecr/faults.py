# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults: errors, lost connections and delays that tests add to calls."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from .request_check import service_model

Kind = Literal[
    # Error answers of the service; the call is not applied.
    "throttle",
    "server_error",
    "access_denied",
    "expired_token",
    "kms",
    "limit",
    # An answer of a proxy in front of the service: HTML without an error code. The call is not applied.
    "bare_500",
    "bare_503",
    # The connection is closed without an answer, before or after the call is applied.
    "drop_before",
    "drop_after",
    # The upload of the call expires before the call is applied.
    "expire_upload",
    # The upstream registry of a pull through cache did not return the layer.
    "upstream",
    # The call is applied, and answered after ``seconds``.
    "delay",
    # Of downloads alone: the URL has expired; S3 asks for fewer requests; a sign-in page comes in place of the layer.
    "expire_url",
    "slow_down",
    "html",
    # The whole layer comes, whatever range was asked for.
    "ignore_range",
    # Half of the bytes come before the connection is closed, or before the rest comes after ``seconds``.
    "cut_body",
    "stall",
    # Other bytes come, as many as asked for.
    "wrong_bytes",
]
# The operation of a fault of downloads, which is none of ECR.
DOWNLOAD = "DownloadLayer"
_DOWNLOADS_ALONE = ("expire_url", "slow_down", "html", "ignore_range", "cut_body", "stall", "wrong_bytes")
_DOWNLOADS_TOO = ("bare_500", "bare_503", "drop_before", "delay")
_TIMED = ("delay", "stall")


@dataclass(frozen=True)
class Fault:
    """A fault of the calls of one operation: the first ``skip`` calls pass, the next ``times`` fail."""

    kind: Kind
    operation: str
    # None: calls for any repository.
    repository: str | None = None
    skip: int = 0
    times: int = 1
    # For "delay" and "stall".
    seconds: float = 0.0
    # The kmsError of "kms".
    kms_error: str = "DisabledException"

    def __post_init__(self) -> None:
        """Raise ValueError for a fault that can never occur."""
        for name, (valid, rule) in _FIELD_RULES.items():
            value = getattr(self, name)
            if not valid(value):
                raise ValueError(f"{name} must be {rule}, not {value!r}")
        if (self.kind in _TIMED) != (self.seconds > 0):
            raise ValueError("seconds are given for a delay or a stall, and for nothing else")
        self._check_kind()
        if self.kind == "expire_upload" and "uploadId" not in _request_members(self.operation):
            raise ValueError(f"{self.operation} names no upload to expire")

    def _check_kind(self) -> None:
        if self.operation == DOWNLOAD and self.kind not in (*_DOWNLOADS_ALONE, *_DOWNLOADS_TOO):
            raise ValueError(f"{self.kind} cannot strike a download")
        if self.operation != DOWNLOAD and self.kind in _DOWNLOADS_ALONE:
            raise ValueError(f"{self.kind} strikes {DOWNLOAD} alone")

    @classmethod
    def from_json(cls, document: object) -> Fault:
        """Return the fault of a JSON object whose members are the fields; raise ValueError if it is none."""
        known = {field.name for field in fields(cls)}
        if not isinstance(document, dict) or not {"kind", "operation"} <= set(document) <= known:
            raise ValueError(f"a fault is an object with kind, operation and nothing but {', '.join(sorted(known))}")
        return cls(**document)

    def matches(self, operation: str, repository: str | None) -> bool:
        """Return whether the fault applies to such a call."""
        return self.operation == operation and self.repository in (None, repository)


def _request_members(operation: str) -> set[str]:
    shape = service_model().operation_model(operation).input_shape
    return set(shape.members) if shape else set()


def _is_operation(name: object) -> bool:
    return name == DOWNLOAD or name in service_model().operation_names


def _is_count(value: object, minimum: int) -> bool:
    # In Python, True is an int.
    return isinstance(value, int) and not isinstance(value, bool) and value >= minimum


def _is_seconds(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0


_FIELD_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "kind": (lambda kind: kind in get_args(Kind), f"one of {', '.join(get_args(Kind))}"),
    "operation": (_is_operation, f"an operation of ECR or {DOWNLOAD}"),
    "repository": (lambda name: name is None or isinstance(name, str), "the name of a repository"),
    "skip": (lambda number: _is_count(number, 0), "a number of calls"),
    "times": (lambda number: _is_count(number, 1), "a number of calls, 1 or more"),
    "seconds": (_is_seconds, "a number of seconds"),
    "kms_error": (lambda code: isinstance(code, str), "an error code of KMS"),
}


@dataclass(eq=False)
class _Armed:
    fault: Fault
    seen: int = 0


class FaultPlan:
    """The pending faults; if several match a call, only the first that is due applies."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._armed: list[_Armed] = []

    def add(self, fault: Fault) -> None:
        """Add a fault."""
        with self._lock:
            self._armed.append(_Armed(fault))

    def clear(self, repository: str | None = None) -> None:
        """Remove the faults of a repository, or all."""
        with self._lock:
            self._armed = [armed for armed in self._armed if repository not in (None, armed.fault.repository)]

    def pending(self, repository: str | None = None) -> list[Fault]:
        """Return the faults of a repository, or all, that have not occurred as often as specified."""
        with self._lock:
            return [armed.fault for armed in self._armed if repository in (None, armed.fault.repository)]

    def strike(self, operation: str, repository: str | None) -> Fault | None:
        """Count a call, and return the fault that applies to it."""
        with self._lock:
            for armed in [armed for armed in self._armed if armed.fault.matches(operation, repository)]:
                armed.seen += 1
                if armed.seen > armed.fault.skip:
                    self._retire(armed)
                    return armed.fault
            return None

    def _retire(self, armed: _Armed) -> None:
        if armed.seen == armed.fault.skip + armed.fault.times:
            self._armed.remove(armed)
