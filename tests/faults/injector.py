# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Another fault injector, which others wrote: microburst, a proxy that reads botocore's models, before the server."""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
import subprocess
import sys
import time
import typing as t
import urllib.request
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.layerkit.ecr.tests.faults.matrix import Bench, judged
from ansible_collections.layerkit.ecr.tests.faults.scenarios import SCENARIOS, Scenario
from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import DOWNLOAD
from ansible_collections.layerkit.ecr.tests.strict_ecr.request_check import service_model

# Where `make faults` installs it. It has a botocore of its own.
_PACKAGES = Path(__file__).parents[2] / ".work/microburst"
_STARTS_WITHIN_SECONDS = 60
_READ_TIMEOUT = 1.0
_PUSHES = [each for each in SCENARIOS if each.module in ("ecr_layer", "ecr_image", "ecr_image_copy")]
# What has not struck after so many times the pushes is left.
_ROUNDS = 2
# Untrue answers that tasks believe. What is to be removed counts as removed if DescribeImages does not find it. If the
# registry refuses a layer as existing, and then does not list it, ecr_layer warns.
_BELIEVED = (
    ("DescribeImages", "ImageNotFoundException"),
    ("CompleteLayerUpload", "LayerAlreadyExistsException"),
)
# What any operation of AWS may answer, with the statuses that microburst gives them.
_COMMON = (
    "AccessDeniedException",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InternalFailure",
    "InvalidSignatureException",
    "RequestTimeTooSkewed",
    "RequestTimeout",
    "ServiceUnavailable",
    "SignatureDoesNotMatch",
    "SlowDown",
    "ThrottlingException",
    "UnrecognizedClientException",
)
# What it does besides errors. It cuts and slows, changes bytes and headers, holds and resets.
_TRANSPORT: dict[str, dict[str, t.Any]] = {
    "latency": {"latency": {"min": 10, "max": 100}},
    "latency beyond the time-out": {"latency": _READ_TIMEOUT * 1_500},
    "timeout": {"timeout_ms": _READ_TIMEOUT * 1_500},
    "gateway time-out": {"timeout_ms": 50},
    "reset": {"reset": True},
    "response.truncate": {"response": {"truncate_frac": 0.5}},
    "response.abort": {"response": {"abort_frac": 0.3}},
    "response.corrupt": {"response": {"corrupt_bytes": 3}},
    "response.bandwidth": {"response": {"bandwidth_kbps": 64}},
    "response.set_headers": {"response": {"set_headers": {"Content-Type": "text/plain"}}},
    "response.strip_headers": {"response": {"strip_headers": ["Content-Type", "x-amzn-RequestId"]}},
    "request.slow_upload": {"request": {"slow_upload": {"rate_kbps": 64}}},
    "request.cut_upload": {"request": {"cut_upload": {"after_frac": 0.5}}},
}


class Injector:
    """microburst while it runs; ``url`` is what modules call."""

    def __init__(self, url: str) -> None:
        self.url = url

    @classmethod
    @contextlib.contextmanager
    def running(cls, upstream: str) -> t.Iterator[Injector]:
        """Run it in front of a server for the length of the block."""
        if not _PACKAGES.is_dir():
            raise RuntimeError(f"{_PACKAGES} does not exist. `make faults` installs microburst there")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [sys.executable, "-m", "microburst", "--upstream", upstream, "--port", str(port), "--no-resign"]
        environment = {**os.environ, "PYTHONPATH": str(_PACKAGES)}
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            try:
                injector = cls(f"http://127.0.0.1:{port}")
                injector._wait(process)
                yield injector
            finally:
                process.terminate()

    def set_rules(self, rules: list[dict[str, t.Any]]) -> list[int]:
        """Replace all rules, and return what ``fired`` calls them."""
        return [rule["id"] for rule in self._call("POST", "rules", rules)]

    def fired(self) -> list[dict[str, t.Any]]:
        """Return the faults that struck since the last call."""
        events = self._call("GET", "fired?limit=10000")
        self._call("DELETE", "fired")
        return t.cast("list[dict[str, t.Any]]", events)

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _STARTS_WITHIN_SECONDS
        while True:
            with contextlib.suppress(OSError):
                self._call("GET", "health")
                return
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("microburst does not start")
            time.sleep(0.05)

    def _call(self, method: str, path: str, document: object = None) -> t.Any:
        body = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(f"{self.url}/_microburst/{path}", body, method=method)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"null")


@dataclass(frozen=True)
class Trouble:
    """A fault of an operation: an error by its code, or what is done to connections, requests and answers."""

    operation: str
    name: str

    def rule(self, draw: random.Random) -> dict[str, t.Any]:
        """Return the rule that lets it strike a few of the calls."""
        rule: dict[str, t.Any] = {
            "service": "ecr",
            "operation": self.operation,
            "times": draw.choice((1, 1, 2, 3, 8, 20)),
        }
        if draw.random() < 0.3:
            rule["sequence"] = {"fail": 1, "pass": draw.randint(1, 3)}
        return {**rule, **(_TRANSPORT.get(self.name) or {"error": {"code": self.name}})}


def troubles_of(operation: str) -> list[Trouble]:
    """Return every fault of an operation: the errors that its model lists, those of all services, and the others."""
    modelled = (shape.name for shape in service_model().operation_model(operation).error_shapes)
    every = (Trouble(operation, name) for name in dict.fromkeys((*modelled, *_COMMON, *_TRANSPORT)))
    return [trouble for trouble in every if (trouble.operation, trouble.name) not in _BELIEVED]


class Deck:
    """The faults of the operations that tasks call, in an order that is drawn."""

    def __init__(self, operations: t.Iterable[str], draw: random.Random) -> None:
        self._draw = draw
        self.every = [trouble for operation in sorted(set(operations)) for trouble in troubles_of(operation)]
        # Those that have not struck yet.
        self.left = draw.sample(self.every, len(self.every))

    def deal(self, operations: t.Collection[str]) -> list[Trouble]:
        """Return up to four faults of these operations, the first one that has not struck yet if there is one."""
        possible = [trouble for trouble in self.every if trouble.operation in operations]
        others = self._draw.sample(possible, self._draw.randint(0, 3))
        wanted = next((trouble for trouble in self.left if trouble.operation in operations), None)
        return [wanted, *others] if wanted else others or possible[:1]

    def struck(self, trouble: Trouble) -> None:
        """Note that a fault struck."""
        if trouble in self.left:
            self.left.remove(trouble)

    def put_back(self, trouble: Trouble) -> None:
        """Note that a fault did not strike: others have their turn first."""
        if trouble in self.left:
            self.left.remove(trouble)
            self.left.append(trouble)


class Pushes:
    """Pushes under faults, and what came of them: by module, and by what struck."""

    def __init__(self, bench: Bench, injector: Injector, seed: int) -> None:
        self._bench = bench
        self._injector = injector
        self._draw = random.Random(seed)
        self._operations = {kind: self._called(kind) for kind in _PUSHES}
        self.deck = Deck(set().union(*self._operations.values()), self._draw)
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.faults: Counter[str] = Counter()
        self.wrong: list[str] = []

    def run(self, count: int) -> None:
        """Push so many times, each task in its turn, and then on until every fault has struck."""
        for number in range(_ROUNDS * count):
            if number >= count and not self.deck.left:
                break
            kind = _PUSHES[number % len(_PUSHES)]
            if number >= count:
                needed = self.deck.left[0].operation
                kind = next(kind for kind, called in self._operations.items() if needed in called)
            dealt = self.deck.deal(self._operations[kind])
            chosen = [trouble.rule(self._draw) for trouble in dealt]
            try:
                outcome = self._push(kind(self._bench.place), dealt, chosen)
            except Exception as error:
                outcome = "wrong"
                self.wrong.append(f"{kind.title()}: {chosen}: {type(error).__name__}: {error}")
            self.outcomes[kind.title(), outcome] += 1
            if (number + 1) % 20 == 0:
                print(
                    f"{number + 1} of {count} pushes, {len(self.deck.left)} faults left, {len(self.wrong)} wrong",
                    flush=True,
                )

    def _called(self, kind: type[Scenario]) -> set[str]:
        """Return the operations that a task calls."""
        scenario = kind(self._bench.place)
        end = self._bench.run(scenario)
        assert not end.failed, end.message
        calls = self._bench.place.server.control.calls
        found = {operation for name in scenario.repositories().values() for operation in calls.counts(name)}
        # Those come from Amazon S3.
        return found - {DOWNLOAD}

    def _push(self, scenario: Scenario, dealt: list[Trouble], chosen: list[dict[str, t.Any]]) -> str:
        ids = self._injector.set_rules(chosen)
        connection = {"endpoint_url": self._injector.url, "aws_config": {"read_timeout": _READ_TIMEOUT}}
        end = self._bench.run(scenario, connection)
        fired = self._injector.fired()
        self.faults.update(_kind(str(event["action"])) for event in fired)
        struck = {event["rule_id"] for event in fired}
        for number, trouble in zip(ids, dealt, strict=True):
            (self.deck.struck if number in struck else self.deck.put_back)(trouble)
        return judged(self._bench, scenario, end)


def _kind(action: str) -> str:
    """Return what struck, without how long or how much."""
    kind, _colon, detail = action.partition(":")
    if kind == "error":
        return detail
    named = [word for word in detail.split(":") if not word[:1].isdigit()]
    # It calls changed headers a match, and gives the bandwidth no name.
    kind = {"match": "response headers", "response": "response" if named else "response bandwidth"}.get(kind, kind)
    return " ".join([kind, *filter(None, named)])
