# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection that a request came by."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


def drop(environ: WSGIEnvironment) -> NoReturn:
    """Close the connection; the request has been read, so the client sees an orderly end, not a reset."""
    connection: socket.socket = environ["werkzeug.socket"]
    connection.shutdown(socket.SHUT_RDWR)
    # werkzeug then assumes that the client has gone: no answer, no traceback.
    raise ConnectionAbortedError
