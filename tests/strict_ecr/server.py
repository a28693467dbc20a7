# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server: moto's with the strict backend in place of its ECR backend."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
    """Serve on 127.0.0.1 until the end of the block, with an empty registry; port 0 takes a free port.

    Raises RuntimeError when this process serves already: moto keeps its backends in globals of the process.
    """
    if not _serving.acquire(blocking=False):
        raise RuntimeError("this process already runs a strict ECR server")
    try:
        control = Control()
        with _in_place_of_moto_backends(control), _running(control, port) as server:
            yield server
    finally:
        _serving.release()


@contextmanager
def _running(control: Control, port: int) -> Iterator[StrictECR]:
    stopping = threading.Event()
    app = Gate(DomainDispatcherApplication(_create_app), control, stopping)
    server = make_server(_HOST, port, app, threaded=True, request_handler=_RequestHandler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="strict-ecr", daemon=True)
    thread.start()
    try:
        yield StrictECR(f"http://{_HOST}:{server.port}", control)
    finally:
        stopping.set()
        server.shutdown()
        thread.join()


@contextmanager
def _in_place_of_moto_backends(control: Control) -> Iterator[None]:
    """Let moto's own registry of ECR backends make strict ones: every module of moto that holds it sees them."""
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
    # In debug mode every request is part of a reference cycle, and keeps its body until the garbage is collected.
    app.debug = False
    return app


class _RequestHandler(MotoRequestHandler):
    # werkzeug writes head and body apart: with Nagle's algorithm the body may wait for an acknowledgement.
    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: the control tells which calls arrived."""
