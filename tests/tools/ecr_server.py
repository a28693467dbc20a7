# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Start and stop a local ECR server in the background.

``start BACKEND DIRECTORY`` returns once the server answers, and writes ``server.json`` (``pid``, ``url``, ``backend``)
and ``server.log`` to the directory. ``stop DIRECTORY`` ends that process; no process is no error.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import typing as t
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

COMMANDS: dict[str, list[str]] = {
    "moto": ["moto.server", "-H", "127.0.0.1", "-p", "0"],
    "strict": ["ansible_collections.layerkit.ecr.tests.strict_ecr", "--port", "0"],
}
"""The Python module and the arguments of each server; both print their address and have moto's readiness page."""

SECONDS_TO_START = 60.0
SECONDS_TO_STOP = 10.0


def start(backend: str, directory: Path) -> None:
    """Start the server, wait until it answers, and save its address and process id."""
    state = directory / "server.json"
    if state.exists() and _listens(json.loads(state.read_text(encoding="utf-8"))["url"]):
        sys.exit(f"A server is already running (see {state}). Stop it first.")
    directory.mkdir(parents=True, exist_ok=True)
    log = directory / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", *COMMANDS[backend]],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        url = _wait_for(lambda: _ready_url(log), SECONDS_TO_START, unless=lambda: server.poll() is not None)
        if url is None:
            sys.exit(f"The {backend} server did not start:\n{log.read_text(encoding='utf-8', errors='replace')}")
        state.write_text(json.dumps({"pid": server.pid, "url": url, "backend": backend}), encoding="utf-8")
    except BaseException:
        # The server is in a session of its own, and without server.json nobody could end it.
        server.kill()
        server.wait()
        raise
    print(url)


def stop(directory: Path) -> None:
    """End the server that ``start`` started with the same directory."""
    state = directory / "server.json"
    if not state.exists():
        return
    server = json.loads(state.read_text(encoding="utf-8"))
    # If the server does not answer, its process id may belong to another process.
    if _listens(server["url"]):
        with contextlib.suppress(ProcessLookupError):
            os.kill(server["pid"], signal.SIGTERM)
        if not _wait_for(lambda: not _listens(server["url"]), SECONDS_TO_STOP):
            os.kill(server["pid"], signal.SIGKILL)
    state.unlink()


T = t.TypeVar("T")


def _wait_for(found: t.Callable[[], T], seconds: float, unless: t.Callable[[], bool] = lambda: False) -> T | None:
    """Return the first true result of ``found``; None after the timeout or once ``unless`` is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not unless():
        if result := found():
            return result
        time.sleep(0.05)
    return None


def _ready_url(log: Path) -> str | None:
    """Return the address that the server printed, if the server answers there."""
    printed = re.search(r"http://127\.0\.0\.1:\d+", log.read_text(encoding="utf-8", errors="replace"))
    if printed is None:
        return None
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"{printed[0]}/moto-api/data.json", timeout=5) as answer:
            return printed[0] if answer.status == 200 else None
    except (urllib.error.URLError, TimeoutError):
        return None


def _listens(url: str) -> bool:
    address = urlsplit(url)
    try:
        socket.create_connection((address.hostname or "", address.port or 0), timeout=1).close()
    except OSError:
        return False
    return True


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    starting = commands.add_parser("start")
    starting.add_argument("backend", choices=sorted(COMMANDS))
    starting.add_argument("directory", type=Path)
    stopping = commands.add_parser("stop")
    stopping.add_argument("directory", type=Path)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if arguments.command == "start":
            start(arguments.backend, arguments.directory)
        else:
            stop(arguments.directory)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


if __name__ == "__main__":
    main()
