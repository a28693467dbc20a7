# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server: moto's server with the strict backend for ECR."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from flask import Flask
from moto.backends import SERVICE_NAMES
from moto.ecr.models import ecr_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from .control import Control
from .gate import Gate

_HOST = "127.0.0.1"
_serving = threading.Lock()


@dataclass(frozen=True)
class StrictECR:
    """A running server: the endpoint URL of every AWS service that moto has, and the control of ECR."""

    url: str
    control: Control


@contextmanager
def serve(port: int = 0) -> Iterator[StrictECR]:
    """Serve an empty registry on 127.0.0.1 until the end of the block; port 0 selects a free port.

    Raises RuntimeError if this process already runs a server: moto keeps its backends in globals.
    """
    if not _serving.acquire(blocking=False):
        raise RuntimeError("this process already runs a strict ECR server")
    try:
        control = Control()
        with contextlib.closing(control.store), _in_place_of_moto_backends(control), _running(control, port) as server:
            yield server
    finally:
        _serving.release()


@contextmanager
def serve_with_tls(server: StrictECR, tls: ssl.SSLContext) -> Iterator[StrictECR]:
    """Serve the registry of a running server at a URL with https, too, until the end of the block."""
    with _running(server.control, 0, tls) as secured:
        yield secured


@contextmanager
def _running(control: Control, port: int, tls: ssl.SSLContext | None = None) -> Iterator[StrictECR]:
    stopping = threading.Event()
    app = Gate(_Dispatcher(_create_app), control, stopping)
    server = make_server(_HOST, port, app, threaded=True, request_handler=_RequestHandler, ssl_context=tls)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="strict-ecr", daemon=True)
    thread.start()
    try:
        yield StrictECR(f"{'https' if tls else 'http'}://{_HOST}:{server.port}", control)
    finally:
        stopping.set()
        server.shutdown()
        thread.join()


@contextmanager
def _in_place_of_moto_backends(control: Control) -> Iterator[None]:
    """Make moto's dictionary of ECR backends create strict ones, so that every module of moto uses them."""
    held = dict(ecr_backends)
    ecr_backends.clear()
    try:
        with mock.patch.object(ecr_backends, "backend", control.backend_class):
            yield
    finally:
        ecr_backends.clear()
        ecr_backends.update(held)


def _create_app(service: SERVICE_NAMES) -> Flask:
    app = create_backend_app(service)
    # In debug mode, reference cycles keep the body of every request until the next garbage collection.
    app.debug = False
    return app


class _Dispatcher(DomainDispatcherApplication):
    """Remembers the service of a host, for which moto looks at its directories with each request."""

    def __init__(self, create_app: Callable[[SERVICE_NAMES], Flask]) -> None:
        super().__init__(create_app)
        self._services: dict[str | None, Any] = {}

    def get_backend_for_host(self, host: str | None) -> Any:
        if host not in self._services:
            self._services[host] = super().get_backend_for_host(host)
        return self._services[host]


class _RequestHandler(MotoRequestHandler):
    # werkzeug writes head and body separately: with Nagle's algorithm, the body may wait for an acknowledgement.
    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Do not log: the control has the log of the calls."""
