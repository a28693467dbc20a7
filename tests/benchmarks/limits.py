# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The speed of processor and loopback, which no client can exceed, in megabytes (10^6 bytes) per second of one core."""

from __future__ import annotations

import binascii
import hashlib
import json
import socket
import statistics
import threading
import time
import typing as t

_BLOCK = b"\x5a" * (96 * 1024)
_SENT = b"\x5a" * (1024 * 1024)


def _loopback(total: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drain() -> None:
            accepted, _address = listener.accept()
            with accepted:
                buffer = bytearray(len(_SENT))
                while accepted.recv_into(buffer):
                    pass

        draining = threading.Thread(target=drain)
        draining.start()
        with socket.create_connection(listener.getsockname()) as sender:
            for _block in range(total // len(_SENT)):
                sender.sendall(_SENT)
        draining.join()


def _sha256(total: int) -> None:
    hasher = hashlib.sha256()
    for _block in range(total // len(_BLOCK)):
        hasher.update(_BLOCK)


def _base64(total: int) -> None:
    for _block in range(total // len(_BLOCK)):
        binascii.b2a_base64(_BLOCK, newline=False)


def _json_string(total: int) -> None:
    json.dumps({"layerPartBlob": "A" * total})


_WORK: dict[str, tuple[t.Callable[[int], None], int]] = {
    "sha256": (_sha256, 200_000_000),
    "base64 in blocks": (_base64, 200_000_000),
    "json.dumps of a base64 string": (_json_string, 14_000_000),
    "loopback": (_loopback, 400_000_000),
}


def measure(rounds: int, share: float = 1.0) -> dict[str, float]:
    """Return the median speed of each kind of work.

    :param share: the fraction of the usual bytes, for a quick run
    """
    speeds: dict[str, list[float]] = {name: [] for name in _WORK}
    for _round in range(rounds):
        for name, (work, usual) in _WORK.items():
            total = int(usual * share)
            started = time.perf_counter()
            work(total)
            speeds[name].append(total / 1e6 / (time.perf_counter() - started))
    return {name: statistics.median(found) for name, found in speeds.items()}
