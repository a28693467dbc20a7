# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A registry on 127.0.0.1 that discards layers, in a separate process.

It checks no signature and reads no byte of a layer, so that it needs little processor time. It stores sizes, digests
and manifests, because clients ask for them, and has one image whose layers it sends from files. It needs only the
standard library.
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
from pathlib import Path

from .connection import Answer, Connection, DisconnectedError, Request
from .ecr_answers import EcrAnswers
from .oci_answers import OciAnswers
from .served import ServedImage

_TALLY = "/tally"


class _Server:
    def __init__(self, latency: float, bandwidth: float | None, served: ServedImage | None) -> None:
        self._latency = latency
        self._bandwidth = bandwidth
        self._lock = threading.Lock()
        self._operations: list[str] = []
        self._body_bytes = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._ecr = EcrAnswers(self.url, served)
        self._oci = OciAnswers(served)

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
    """The requests to a sink since the last tally, by name and in order, and the bytes of their bodies."""

    operations: list[str]
    body_bytes: int

    @property
    def requests(self) -> Counter[str]:
        """The number of requests by name."""
        return Counter(self.operations)

    @property
    def before_upload(self) -> Counter[str]:
        """The number of requests before the first upload, which is the planning."""
        return Counter(itertools.takewhile("InitiateLayerUpload".__ne__, self.operations))


class Sink:
    """A sink in a separate process."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process = process
        self.url = url

    @property
    def address(self) -> str:
        """Host and port, for image references."""
        return self.url.removeprefix("http://")

    @classmethod
    @contextlib.contextmanager
    def running(
        cls, latency: float = 0.0, bandwidth: float | None = None, served: Path | None = None
    ) -> t.Iterator[Sink]:
        """Run a sink for the duration of the block.

        :param latency: the delay of every answer, in seconds
        :param bandwidth: bytes per second of a connection, None for no limit
        :param served: the layout of an image that the sink has
        """
        command = [sys.executable, "-m", __name__, "--latency", str(latency), "--bandwidth", str(bandwidth or 0)]
        if served:
            command += ["--served", str(served)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                # The sink prints its address once it listens.
                yield cls(process, process.stdout.readline().strip())
            finally:
                process.stdin.close()

    def tally(self) -> Tally:
        """Return the requests since the last call."""
        with urllib.request.urlopen(self.url + _TALLY) as answer:
            return Tally(**json.load(answer))


def main() -> None:
    """Run a sink until standard input ends."""
    parser = argparse.ArgumentParser(description="A registry that discards layers.")
    parser.add_argument("--latency", type=float, default=0.0, help="the delay of every answer, in seconds")
    parser.add_argument("--bandwidth", type=float, default=0.0, help="bytes per second of a connection; 0 for no limit")
    parser.add_argument("--served", type=Path, help="the layout of an image that the registry has")
    arguments = parser.parse_args()
    served = ServedImage.of_layout(arguments.served) if arguments.served else None
    server = _Server(arguments.latency, arguments.bandwidth or None, served)
    threading.Thread(target=server.accept, daemon=True).start()
    print(server.url, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
