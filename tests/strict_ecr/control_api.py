# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control over HTTP, for playbooks: JSON requests and answers, with status 200 on success.

=======  =========================================  ==================================================================
POST     ``/strict-ecr/faults``                     add the fault of the body (the fields of :class:`.faults.Fault`)
DELETE   ``/strict-ecr/faults[?repository=NAME]``   forget the faults of a repository, or all of them
GET      ``/strict-ecr/calls?repository=NAME``      ``{"calls": {OPERATION: NUMBER}, "bytes_received": NUMBER,
                                                    "bytes_served": NUMBER}``
DELETE   ``/strict-ecr/calls?repository=NAME``      forget the calls of a repository
PUT      ``/strict-ecr/layers``                     ``{"repository", "digest", "availability"}``; null resets
PUT      ``/strict-ecr/images``                     ``{"repository", "digest", "status"}``; archives and restores
POST     ``/strict-ecr/images``                     ``{"repository", "manifest", "tags"}``; stores it without layers
PUT      ``/strict-ecr/allowed-operations``         ``{"repository", "operations"}``; null allows all of them
PUT      ``/strict-ecr/archived-images``            ``{"repository", "failure"}``: BatchGetImage's answer for them
DELETE   ``/strict-ecr/urls?repository=NAME``       let the download URLs expire that were given out so far
=======  =========================================  ==================================================================
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from .control import Control
from .faults import Fault

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PREFIX = "/strict-ecr/"


class ControlAPI:
    """The WSGI application below PREFIX."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._routes: dict[tuple[str, str], Callable[[Request], dict[str, Any]]] = {
            ("POST", "faults"): self._add_fault,
            ("DELETE", "faults"): self._clear_faults,
            ("GET", "calls"): self._calls,
            ("DELETE", "calls"): self._clear_calls,
            ("PUT", "layers"): self._set_availability,
            ("PUT", "images"): self._set_image_status,
            ("POST", "images"): self._seed_image,
            ("PUT", "allowed-operations"): self._allow,
            ("PUT", "archived-images"): self._set_archived_failure,
            ("DELETE", "urls"): self._expire_urls,
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request below PREFIX."""
        request = Request(environ)
        route = self._routes.get((request.method, request.path.removeprefix(PREFIX)))
        if route is None:
            return _answer(404, {"error": f"no {request.method} {request.path}"})(environ, start_response)
        try:
            answer = _answer(200, route(request))
        except ValueError as error:
            answer = _answer(400, {"error": str(error)})
        return answer(environ, start_response)

    def _add_fault(self, request: Request) -> dict[str, Any]:
        self._control.faults.add(Fault.from_json(_json(request)))
        return {}

    def _clear_faults(self, request: Request) -> dict[str, Any]:
        self._control.faults.clear(request.args.get("repository"))
        return {}

    def _calls(self, request: Request) -> dict[str, Any]:
        repository, calls = _repository(request), self._control.calls
        return {
            "calls": calls.counts(repository),
            "bytes_received": calls.bytes_received(repository),
            "bytes_served": calls.bytes_served(repository),
        }

    def _clear_calls(self, request: Request) -> dict[str, Any]:
        self._control.calls.clear(_repository(request))
        return {}

    def _set_availability(self, request: Request) -> dict[str, Any]:
        self._control.set_availability(**_members(request, "repository", "digest", availability=True))
        return {}

    def _set_image_status(self, request: Request) -> dict[str, Any]:
        self._control.set_image_status(**_members(request, "repository", "digest", "status"))
        return {}

    def _expire_urls(self, request: Request) -> dict[str, Any]:
        self._control.expire_urls(_repository(request))
        return {}

    def _seed_image(self, request: Request) -> dict[str, Any]:
        members = _members(request, "repository", "manifest", tags=True)
        tags = members["tags"]
        if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
            raise ValueError("tags must be a list of strings")
        return {"digest": self._control.seed_image(members["repository"], members["manifest"], *tags)}

    def _allow(self, request: Request) -> dict[str, Any]:
        self._control.allow(**_members(request, "repository", operations=True))
        return {}

    def _set_archived_failure(self, request: Request) -> dict[str, Any]:
        members = _members(request, "repository", "failure")
        if members["failure"] not in ("ImageNotFound", "ImageInaccessible"):
            raise ValueError("failure must be ImageNotFound or ImageInaccessible")
        self._control.rules(members["repository"]).archived_failure = members["failure"]
        return {}


def _json(request: Request) -> object:
    """Read the body as JSON, whatever its content type; raise ValueError if it is not."""
    return json.loads(request.get_data())


def _members(request: Request, *strings: str, **others: bool) -> dict[str, Any]:
    """Return the members of the body, which are exactly these; raise ValueError if it has others.

    :param others: members that need not be strings
    """
    document, names = _json(request), [*strings, *others]
    if not isinstance(document, dict) or set(document) != set(names):
        raise ValueError(f"the body must be an object with {', '.join(names[:-1])} and {names[-1]}")
    if {type(document[name]) for name in strings} != {str}:
        raise ValueError(f"{' and '.join(strings)} must be strings")
    return document


def _repository(request: Request) -> str:
    repository = request.args.get("repository")
    if not repository:
        raise ValueError("?repository=NAME is missing")
    return repository


def _answer(status: int, document: dict[str, Any]) -> Response:
    return Response(json.dumps(document), status, content_type="application/json")
