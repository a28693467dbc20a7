# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clients whose requests are answered with the bytes of an input, as if they had come over HTTP."""

from __future__ import annotations

import io
import typing as t

import boto3
from ansible_collections.layerkit.ecr.plugins.module_utils._core.task import Task
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr import retry
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.call import Repository
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.client import EcrClient
from ansible_collections.layerkit.ecr.tests.fuzz.documents import SEPARATOR
from botocore import UNSIGNED
from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.config import Config

URL = "https://api.ecr.eu-west-1.amazonaws.com"


class _Body(io.BytesIO):
    """The body of an answer, as urllib3 gives it out."""

    def stream(self, **_options: t.Any) -> t.Iterator[bytes]:
        """Yield the bytes."""
        yield self.read()


def answer(status: int, headers: t.Iterable[tuple[str, str]], body: bytes) -> AWSResponse:
    """Return an answer as botocore gets it from the network."""
    # The stubs know neither how its headers nor how its body are made.
    return AWSResponse(URL, status, t.cast(t.Any, HeadersDict(headers)), t.cast(t.Any, _Body(body)))


def answer_of(data: bytes) -> AWSResponse:
    """Return the answer that an input describes: the status and the headers, one a line, then the body."""
    head, _separator, body = data.partition(SEPARATOR)
    first, *lines = head.decode("latin-1").split("\n")
    headers = [(name.strip(), value.strip()) for name, _colon, value in (line.partition(":") for line in lines) if name]
    return answer(int(first) if first.isascii() and first.isdigit() and len(first) == 3 else 200, headers, body)


def client(respond: t.Callable[[str, t.Any], AWSResponse]) -> EcrClient:
    """Return a client that asks once, and nobody but ``respond``: a function of an operation and its HTTP request."""
    retry.MAX_ATTEMPTS = 1
    config = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1})
    plain = boto3.client("ecr", region_name="eu-west-1", config=config)
    connected = EcrClient(plain, Repository("app"), Task(lambda _warning: None))

    def send(request: t.Any, event_name: str, **_event: t.Any) -> AWSResponse:
        return respond(event_name.rpartition(".")[2], request)

    # The stubs do not know that a handler can answer.
    plain.meta.events.register("before-send.ecr", t.cast(t.Any, send))
    return connected
