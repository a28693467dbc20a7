# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A TCP proxy on 127.0.0.1 that breaks connections in the middle of a request's body."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import typing as t
from urllib.parse import urlsplit

_CHUNK = 65536


class CuttingProxy:
    """Forwards connections to a server, and resets a connection after a number of bytes.

    :param cuts: the numbers of bytes after which to reset a connection; each applies once, to the first connection
        that carries as many bytes
    :param port: the port of 127.0.0.1 to listen on; 0 selects a free one
    """

    def __init__(self, server_url: str, cuts: t.Sequence[int], port: int = 0) -> None:
        target = urlsplit(server_url)
        self._target = (str(target.hostname), int(target.port or 80))
        self._cuts = list(cuts)
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", port))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def cuts_left(self) -> int:
        """The number of cuts that have not been made."""
        return len(self._cuts)

    @contextlib.contextmanager
    def running(self) -> t.Iterator[CuttingProxy]:
        """Accept connections for the duration of the block."""
        accepting = threading.Thread(target=self._accept)
        accepting.start()
        try:
            yield self
        finally:
            self._listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            self._listener.close()

    def _accept(self) -> None:
        carriers = []
        with contextlib.suppress(OSError):
            while True:
                client, _address = self._listener.accept()
                carriers.append(threading.Thread(target=self._carry, args=(client,)))
                carriers[-1].start()
        for carrier in carriers:
            carrier.join()

    def _carry(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._target) as server:
            answering = threading.Thread(target=_copy, args=(server, client))
            answering.start()
            carried = 0
            with contextlib.suppress(OSError):
                while chunk := client.recv(_CHUNK):
                    carried += len(chunk)
                    if self._is_cut(carried):
                        _reset(client)
                        break
                    server.sendall(chunk)
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            answering.join()

    def _is_cut(self, carried: int) -> bool:
        with self._lock:
            if self._cuts and carried >= self._cuts[0]:
                self._cuts.pop(0)
                return True
            return False


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(_CHUNK):
            sink.sendall(chunk)


def _reset(connection: socket.socket) -> None:
    # A linger time of 0 makes close() send a reset.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
