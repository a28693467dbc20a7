# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A registry on 127.0.0.1 that drains what it is sent, in a process of its own.

It checks no signature and looks at no byte of a layer, so that it costs as little as a server can. What it remembers
are sizes, digests and manifests, as clients ask for them. It needs the standard library alone.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import socket
import subprocess
import sys
import threading
import time
import typing as t
import urllib.request
from collections import Counter

from .connection import Answer, Connection, DisconnectedError, Request
from .ecr_answers import EcrAnswers
from .oci_answers import OciAnswers

_TALLY = "/tally"


class _Server:
    def __init__(self, latency: float, bandwidth: float | None) -> None:
        self._latency = latency
        self._bandwidth = bandwidth
        self._lock = threading.Lock()
        self._operations: list[str] = []
        self._body_bytes = 0
        self._ecr = EcrAnswers()
        self._oci = OciAnswers()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def accept(self) -> None:
        while True:
            accepted, _address = self._listener.accept()
            threading.Thread(target=self._serve, args=(accepted,), daemon=True).start()

    def _serve(self, accepted: socket.socket) -> None:
        with accepted, contextlib.suppress(DisconnectedError, ConnectionError):
            connection = Connection(accepted, self._bandwidth)
            while True:
                request = connection.read_request(_is_drained)
                connection.answer(self._answer(request), has_body=request.method != "HEAD")
                if request.headers.get("connection") == "close":
                    break

    def _answer(self, request: Request) -> Answer:
        if request.path == _TALLY:
            with self._lock:
                tally = {"operations": self._operations, "body_bytes": self._body_bytes}
                self._operations, self._body_bytes = [], 0
            return Answer.of_json(tally)
        operation = request.headers.get("x-amz-target", "").rpartition(".")[2]
        with self._lock:
            self._operations.append(operation or self._oci.name_of(request))
            self._body_bytes += request.body_size
        if self._latency:
            time.sleep(self._latency)
        return self._ecr.answer(operation, request) if operation else self._oci.answer(request)


def _is_drained(method: str, headers: dict[str, str]) -> bool:
    if "x-amz-target" in headers:
        return headers["x-amz-target"].endswith(".UploadLayerPart")
    return method in ("PATCH", "PUT") and "manifest" not in headers.get("content-type", "")


class Tally(t.NamedTuple):
    """What a sink was sent since it was last asked: requests by name, in their order, and bytes of bodies."""

    operations: list[str]
    body_bytes: int

    @property
    def requests(self) -> Counter[str]:
        """How many there were of each."""
        return Counter(self.operations)

    @property
    def before_upload(self) -> Counter[str]:
        """How many there were before a layer was opened, which is the planning."""
        return Counter(itertools.takewhile("InitiateLayerUpload".__ne__, self.operations))


class Sink:
    """A sink in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process = process
        self.url = url

    @property
    def address(self) -> str:
        """Host and port, as image references have them."""
        return self.url.removeprefix("http://")

    @classmethod
    @contextlib.contextmanager
    def running(cls, latency: float = 0.0, bandwidth: float | None = None) -> t.Iterator[Sink]:
        """Run a sink for the length of the block.

        :param latency: seconds that every answer takes
        :param bandwidth: bytes per second that a connection takes, None for what the machine allows
        """
        command = [sys.executable, "-m", __name__, "--latency", str(latency), "--bandwidth", str(bandwidth or 0)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                # It prints its address when it listens.
                yield cls(process, process.stdout.readline().strip())
            finally:
                process.stdin.close()

    def tally(self) -> Tally:
        """Return what came since the last call."""
        with urllib.request.urlopen(self.url + _TALLY) as answer:
            return Tally(**json.load(answer))


def main() -> None:
    """Run a sink until the standard input ends."""
    parser = argparse.ArgumentParser(description="A registry that drains what it is sent.")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that every answer takes")
    parser.add_argument("--bandwidth", type=float, default=0.0, help="bytes per second of a connection; 0: no limit")
    arguments = parser.parse_args()
    server = _Server(arguments.latency, arguments.bandwidth or None)
    threading.Thread(target=server.accept, daemon=True).start()
    print(server.url, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
