# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One HTTP/1.1 connection of the sink; large bodies are discarded, not read, and files are sent by the system."""

from __future__ import annotations

import json
import os
import re
import socket
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

_BUFFER = 256 * 1024
# Linux discards the bytes without copying them; other systems copy them into the buffer.
_DROP = socket.MSG_TRUNC if hasattr(socket, "MSG_TRUNC") else 0
# Small, so that the bandwidth limits the sender of a slow connection, not the size of a buffer.
_WINDOW = 256 * 1024
_SHORTEST_SLEEP = 0.002
# The seconds that a connection may catch up after a sleep that was too long.
_CREDIT = 0.01
_PARTIAL = 4096
_TLS_HANDSHAKE = 0x16
_BIG_BODY = 8 * 1024 * 1024


class DisconnectedError(Exception):
    """The client has closed the connection."""


@dataclass(frozen=True)
class Request:
    """A request; ``body`` has only the first and the last bytes of a discarded body."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    body_size: int


@dataclass(frozen=True)
class FileRange:
    """Bytes of a file."""

    path: Path
    first: int
    size: int


@dataclass(frozen=True)
class Answer:
    """An answer to a request; ``media_type`` is that of the body, which is ``file`` if there is one."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    media_type: str = "application/json"
    file: FileRange | None = None

    @property
    def size(self) -> int:
        """The bytes of the body."""
        return self.file.size if self.file else len(self.body)

    @classmethod
    def of_json(cls, document: t.Any, status: int = 200, media_type: str = "application/json") -> Answer:
        """Return an answer whose body is a JSON document."""
        return cls(status, json.dumps(document).encode(), media_type=media_type)


class Connection:
    """Reads requests from a socket and writes answers to it.

    :param bandwidth: bytes per second, None for no limit
    """

    def __init__(self, accepted: socket.socket, bandwidth: float | None) -> None:
        self._socket = accepted
        self._bandwidth = bandwidth
        self._buffer = bytearray(_BUFFER)
        self._view = memoryview(self._buffer)
        self._start = self._end = 0
        self._due = 0.0
        self._is_under_way = False
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if bandwidth:
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _WINDOW)

    def read_request(self, is_drained: t.Callable[[str, dict[str, str]], bool]) -> Request:
        """Read one request.

        :param is_drained: whether to keep only the two ends of the body, by method and headers
        :raises DisconnectedError: the client sends no other request
        """
        self._is_under_way = False
        if self._start == self._end:
            self._receive()
        if self._buffer[self._start] == _TLS_HANDSHAKE:
            # Clients that allow plain HTTP try TLS first.
            raise DisconnectedError
        method, path, _version = self._line().split(" ", 2)
        headers = {}
        while line := self._line():
            name, _colon, value = line.partition(":")
            headers[name.lower()] = value.strip()
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return Request(method, path, headers, b"", self._drain_chunks())
        size = int(headers.get("content-length", 0))
        if size > 2 * _PARTIAL and is_drained(method, headers):
            first = self._exactly(_PARTIAL)
            self._drain(size - 2 * _PARTIAL)
            return Request(method, path, headers, first + self._exactly(_PARTIAL), size)
        if size > _BIG_BODY:
            raise DisconnectedError
        return Request(method, path, headers, self._exactly(size), size)

    def answer(self, answer: Answer, has_body: bool = True) -> None:
        """Write an answer; HEAD requests get no body."""
        lines = [
            f"HTTP/1.1 {answer.status} -",
            *(f"{name}: {value}" for name, value in answer.headers),
            f"Content-Type: {answer.media_type}",
            f"Content-Length: {answer.size}",
            "\r\n",
        ]
        self._socket.sendall("\r\n".join(lines).encode() + (answer.body if has_body else b""))
        if answer.file and has_body:
            self._send(answer.file)

    def _send(self, content: FileRange) -> None:
        position, end = content.first, content.first + content.size
        with content.path.open("rb") as file:
            while position < end:
                count = min(end - position, _BUFFER)
                position += self._paced(os.sendfile(self._socket.fileno(), file.fileno(), position, count))

    def _line(self) -> str:
        while (end := self._buffer.find(b"\r\n", self._start, self._end)) < 0:
            self._receive()
        line = bytes(self._view[self._start : end])
        self._start = end + 2
        return line.decode("latin-1")

    def _exactly(self, size: int) -> bytes:
        pieces = []
        while size:
            if self._start == self._end:
                self._receive()
            piece = bytes(self._view[self._start : min(self._end, self._start + size)])
            self._start += len(piece)
            size -= len(piece)
            pieces.append(piece)
        return b"".join(pieces)

    def _drain(self, size: int) -> None:
        buffered = min(size, self._end - self._start)
        self._start += buffered
        size -= buffered
        while size:
            size -= self._paced(self._socket.recv_into(self._view, min(size, _BUFFER), _DROP))

    def _drain_chunks(self) -> int:
        total = 0
        while size := int(self._line().partition(";")[0], 16):
            self._drain(size + 2)
            total += size
        while self._line():
            pass
        return total

    def _receive(self) -> None:
        rest = self._view[self._start : self._end]
        if len(rest) == _BUFFER:
            raise DisconnectedError
        self._view[: len(rest)] = bytes(rest)
        self._start, self._end = 0, len(rest)
        self._end += self._paced(self._socket.recv_into(self._view[self._end :]))

    def _paced(self, count: int) -> int:
        """Wait until the bandwidth allows ``count`` more bytes."""
        if not count:
            raise DisconnectedError
        if self._bandwidth:
            now = time.monotonic()
            earliest = now - _CREDIT if self._is_under_way else now
            self._is_under_way = True
            self._due = max(self._due, earliest) + count / self._bandwidth
            if self._due - now > _SHORTEST_SLEEP:
                time.sleep(self._due - now)
        return count


def number_in(body: bytes, member: str) -> int:
    """Return a number from a JSON document of which only the two ends are known."""
    found = re.search(rb'"' + member.encode() + rb'"\s*:\s*(\d+)', body)
    if not found:
        raise ValueError(f"no {member} in {body[:200]!r}")
    return int(found[1])


def text_in(body: bytes, member: str) -> str:
    """Return a string without escapes from a JSON document of which only the two ends are known."""
    found = re.search(rb'"' + member.encode() + rb'"\s*:\s*"([^"\\]*)"', body)
    if not found:
        raise ValueError(f"no {member} in {body[:200]!r}")
    return found[1].decode()
