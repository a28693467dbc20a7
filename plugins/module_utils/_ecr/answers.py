# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks every answer where it arrives: it is complete, and has the shape that the service model gives it.

Between a task and Amazon ECR stand proxies, gateways and sign-in pages, which answer, too. botocore accepts a body that
is shorter than its Content-Length, takes ``{}`` for an answer without members, and stops with any exception of Python
when a page cannot be parsed. Such an answer says nothing about the registry: it is lost, as after a broken connection.
"""

from __future__ import annotations

import contextlib
import datetime
import http.client
import json
import re
import threading
import typing as t

try:
    from botocore.exceptions import ClientError, CredentialRetrievalError, HTTPClientError, ProxyConnectionError
    from botocore.utils import parse_timestamp
except ImportError:
    pass  # AnsibleAWSModule reports a missing SDK

from .._core.errors import TaskError
from .._core.text import origin_of, printable
from .service_model import error_shape, output_shape

if t.TYPE_CHECKING:
    from botocore.model import ListShape, MapShape, Shape, StructureShape

Response = t.Mapping[str, t.Any]
Record = t.TypeVar("Record")

# Bytes of an answer that a message shows.
_MAX_SHOWN = 200
# What the body of an answer with a pre-signed URL contains. It is not shown.
_SECRETS = (b"downloadUrl", b"X-Amz-")
_NO_HEADER = "the access key or the session token has a line break, which no HTTP header can have"
_ERROR_CODE = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,99}")
_TUNNEL_REFUSED = re.compile(r"Tunnel connection failed: (\d{3})\b")
# What urllib3 raises for the URL of a redirection. Those of the endpoint and of the proxy are checked before.
_NO_LOCATION = ("LocationParseError", "LocationValueError")
# 64-bit numbers, which the model calls long.
_LONG = range(-(2**63), 2**63)


class Arrived(t.NamedTuple):
    """What came over HTTP in answer to a request; the names of the headers are found in any case."""

    status: int
    headers: t.Mapping[str, str]
    body: bytes

    @property
    def beginning(self) -> bytes:
        """The beginning of the body as a message may show it: nothing of one that has secrets, in any encoding."""
        plain = self.body.replace(b"\0", b"")
        return b"" if any(secret in plain for secret in _SECRETS) else self.body[:_MAX_SHOWN]


class UnreadableAnswerError(Exception):
    """What came is not an answer of Amazon ECR, so it is unknown whether the request was carried out.

    :param flaw: what is wrong with it: a clause without its period
    :param status: the HTTP status, None if it is unknown
    :param arrived: what came, None if botocore did not keep it
    :param was_sent: whether the request may have left this host
    """

    def __init__(
        self, flaw: str, arrived: Arrived | None = None, status: int | None = None, was_sent: bool = True
    ) -> None:
        self.flaw = flaw
        self.status = arrived.status if arrived else status
        self.headers: t.Mapping[str, str] = arrived.headers if arrived else {}
        self.was_sent = was_sent
        super().__init__(_description(flaw, self.status, arrived))


def _description(flaw: str, status: int | None, arrived: Arrived | None) -> str:
    came = [] if status is None else [f"HTTP status {status}"]
    if arrived and arrived.headers.get("content-type"):
        came.append(f"content type {printable(arrived.headers['content-type'], _MAX_SHOWN)}")
    beginning = arrived.beginning.decode(errors="backslashreplace") if arrived else ""
    shown = f", and it begins with '{printable(beginning, _MAX_SHOWN)}'" if beginning else ""
    return ", ".join([*came, flaw]) + shown


def needed(members: Response, name: str) -> t.Any:
    """Return a member of an answer.

    :raises UnreadableAnswerError: the member is missing
    """
    value = members.get(name)
    if value is None:
        raise UnreadableAnswerError(f"{name} is missing")
    return value


def size_in(members: Response, name: str) -> int | None:
    """Return a size in bytes of an answer, None if it is missing.

    :raises UnreadableAnswerError: it is negative
    """
    size: int | None = members.get(name)
    if size is not None and size < 0:
        raise UnreadableAnswerError(f"{name} is {size}")
    return size


def check_accounted(asked: t.Iterable[str], found: t.Container[str | None]) -> None:
    """Check that an answer says of each id that was asked for whether it is there.

    :param found: the ids in any list of the answer
    :raises UnreadableAnswerError: it is not known whether an id is absent
    """
    for name in asked:
        if name not in found:
            raise UnreadableAnswerError(f"it does not say whether {name} is there")


def redirection(headers: t.Mapping[str, str]) -> str:
    """Return what is wrong with an answer that leads elsewhere: to which host, for its path may have a secret."""
    location = headers.get("location", "")
    # A path alone leads to another page of the same host.
    with contextlib.suppress(ValueError):
        if "://" in location:
            return f"it leads to {printable(origin_of(location))}"
    return "it leads elsewhere"


class _Arrival(threading.local):
    """What this thread waits for."""

    is_awaited = False
    answer: Arrived | None = None

    def clear(self) -> None:
        self.is_awaited = False
        self.answer = None


_arrival = _Arrival()


def _await_answer(request: t.Any, **_event: t.Any) -> None:
    _arrival.clear()
    _arrival.is_awaited = True
    # botocore signs with bytes, which urllib3 cannot join when an answer with the status 303 makes it change them.
    for name, value in list(request.headers.items()):
        if isinstance(value, bytes):
            request.headers[name] = value.decode("latin-1")


def _keep_answer(response_dict: dict[str, t.Any] | None, **_event: t.Any) -> None:
    if response_dict and _arrival.answer is None:
        _arrival.answer = Arrived(response_dict["status_code"], response_dict["headers"], response_dict["body"])


def _keep_parsed_answer(response_dict: dict[str, t.Any] | None, **event: t.Any) -> None:
    # botocore before 1.35 emits no event before it parses. Without this, its answers would not be checked.
    _keep_answer(response_dict, **event)
    _arrival.is_awaited = False


def watch_answers(events: t.Any) -> None:
    """Keep each answer of a client until ``answered`` has checked it.

    :param events: botocore's hooks into the requests of the client
    """
    for event, handler in (
        ("before-send.ecr", _await_answer),
        ("before-parse.ecr", _keep_answer),
        ("response-received.ecr", _keep_parsed_answer),
    ):
        events.register(event, handler, unique_id=f"layerkit.ecr.answers.{event}")


def answered(operation: str, send: t.Callable[[], Response], read: t.Callable[[Response], Record]) -> Record:
    """Send a request once, and return the record of its answer.

    :param send: makes the call with botocore
    :param read: makes the record of an answer that has the shape of the model
    :raises UnreadableAnswerError: what came is not an answer of Amazon ECR
    :raises ClientError: AWS refused
    :raises BotoCoreError: no answer came, or the credentials cannot be sent
    """
    _arrival.clear()
    try:
        return _read(operation, send, read)
    except (HTTPClientError, ProxyConnectionError) as failure:
        if _is_about_headers(failure.kwargs.get("error")):
            # Without the failure, whose words are the credentials.
            raise CredentialRetrievalError(provider="the task", error_msg=_NO_HEADER) from None
        cause = _cause(failure)
        if cause is None:
            raise
        raise cause from failure
    finally:
        _arrival.clear()


def _read(operation: str, send: t.Callable[[], Response], read: t.Callable[[Response], Record]) -> Record:
    try:
        response = send()
    except ClientError:
        _check(operation)
        raise
    except Exception as failure:
        if not _arrival.is_awaited:
            raise
        # botocore has an answer, and stopped while it parsed it.
        _check(operation)
        flaw = f"botocore cannot parse it ({type(failure).__name__})"
        raise UnreadableAnswerError(flaw, _arrival.answer) from failure
    _check(operation)
    try:
        return read(response)
    except UnreadableAnswerError as error:
        raise UnreadableAnswerError(error.flaw, _arrival.answer) from error


def _cause(failure: HTTPClientError | ProxyConnectionError) -> Exception | None:
    """Return what made botocore fail to send a request or to receive its answer, None if it says so itself."""
    error = failure.kwargs.get("error")
    refused = _TUNNEL_REFUSED.search(str(error))
    if refused:
        return UnreadableAnswerError("the proxy refused to connect", status=int(refused[1]), was_sent=False)
    if isinstance(error, TaskError):
        # The source cannot be read, or was changed while it was sent.
        return error
    if type(error).__name__ in _NO_LOCATION:
        # Without its words, which can quote a secret of the URL.
        return UnreadableAnswerError("it leads to what is not a URL")
    for cause in (error, *getattr(error, "args", ())):
        if _is_about_http(cause) or (failure.__class__ is HTTPClientError and _is_of_urllib3(cause)):
            words = printable(str(cause), _MAX_SHOWN)
            return UnreadableAnswerError(f"it is not valid HTTP ({type(cause).__name__}: {words})")
    return None


def _is_about_headers(error: object) -> bool:
    # The credentials are all that is foreign in the headers of a request.
    return isinstance(error, ValueError) and "Invalid header value" in str(error)


def _is_about_http(cause: object) -> bool:
    # Where the connection was closed in the middle, this may have been Amazon ECR.
    lost = isinstance(cause, (ConnectionError, http.client.IncompleteRead))
    return isinstance(cause, http.client.HTTPException) and not lost


def _is_of_urllib3(cause: object) -> bool:
    # Some packages of botocore have their own copy of it.
    return "urllib3" in type(cause).__module__.split(".")


def _check(operation: str) -> None:
    answer = _arrival.answer
    # botocore's Stubber puts an answer in place without an event.
    if answer is None:
        return
    flaw = _flaw(operation, answer)
    if flaw:
        raise UnreadableAnswerError(flaw, answer)


def _flaw(operation: str, answer: Arrived) -> str | None:
    """Return what is wrong with an answer, None if it is one of the service."""
    if 300 <= answer.status < 400:
        # botocore takes the body with some of these for a result, whatever it is.
        return redirection(answer.headers)
    if not answer.body:
        return "the body is empty"
    flaw = _shortage(answer)
    if flaw:
        return flaw
    try:
        document = json.loads(answer.body.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return "the body is not JSON"
    if not isinstance(document, dict):
        return "the body is not a JSON object"
    if answer.status < 300:
        return _broken(output_shape(operation), document, "")
    return _broken_error(document)


def _shortage(answer: Arrived) -> str | None:
    length = answer.headers.get("content-length", "")
    if "transfer-encoding" in answer.headers or not re.fullmatch(r"[0-9]{1,18}", length):
        return None
    return f"only {len(answer.body)} of {length} bytes arrived" if len(answer.body) < int(length) else None


def _refuse_constant(name: str) -> t.NoReturn:
    raise ValueError(f"{name} is not JSON")


def _broken_error(document: dict[str, t.Any]) -> str | None:
    code = document.get("__type")
    if not isinstance(code, str):
        return "it has no error code of AWS"
    # Both forms are those that botocore reads: "namespace#Code" and "Code:http://…".
    code = code.split(":", 1)[0].rsplit("#", 1)[-1]
    if not _ERROR_CODE.fullmatch(code):
        return "it has no error code of AWS"
    for name in ("message", "Message"):
        if not isinstance(document.get(name, ""), (str, type(None))):
            return f"{name} is not a string"
    shape = error_shape(code)
    return _broken(shape, document, "") if shape else None


def _broken(shape: Shape, value: t.Any, name: str) -> str | None:
    """Return how a value breaks the types of a shape; ``name`` names the value. Unknown members are accepted."""
    check, kind = _CHECKS.get(shape.type_name, (_accept, ""))
    flaw = check(shape, value, name)
    return f"{name} is not {kind}" if flaw is _WRONG_TYPE else flaw


_WRONG_TYPE = "wrong type"


def _accept(_shape: Shape, _value: t.Any, _name: str) -> str | None:
    return None


def _broken_structure(shape: Shape, value: t.Any, name: str) -> str | None:
    if not isinstance(value, dict):
        return _WRONG_TYPE
    structure = t.cast("StructureShape", shape)
    for member, member_shape in structure.members.items():
        path = f"{name}.{member}" if name else member
        # null counts as missing.
        if value.get(member) is None:
            flaw = f"{path} is missing" if member in structure.required_members else None
        else:
            flaw = _broken(member_shape, value[member], path)
        if flaw:
            return flaw
    return None


def _broken_list(shape: Shape, value: t.Any, name: str) -> str | None:
    if not isinstance(value, list):
        return _WRONG_TYPE
    entry_shape = t.cast("ListShape", shape).member
    flaws = (_broken(entry_shape, entry, f"{name}[{index}]") for index, entry in enumerate(value))
    return next(filter(None, flaws), None)


def _broken_map(shape: Shape, value: t.Any, name: str) -> str | None:
    if not isinstance(value, dict):
        return _WRONG_TYPE
    value_shape = t.cast("MapShape", shape).value
    return next(filter(None, (_broken(value_shape, entry, f"an entry of {name}") for entry in value.values())), None)


def _broken_string(shape: Shape, value: t.Any, name: str) -> str | None:
    if not isinstance(value, str):
        return _WRONG_TYPE
    try:
        value.encode()
    except UnicodeEncodeError:
        return f"{name} has half of a surrogate pair"
    pattern = shape.metadata.get("pattern")
    return f"{name} is not a valid {shape.name}" if pattern and not re.fullmatch(pattern, value) else None


def _broken_number(_shape: Shape, value: t.Any, _name: str) -> str | None:
    # In Python, True is a whole number.
    return None if isinstance(value, int) and not isinstance(value, bool) and value in _LONG else _WRONG_TYPE


def _broken_boolean(_shape: Shape, value: t.Any, _name: str) -> str | None:
    return None if isinstance(value, bool) else _WRONG_TYPE


def _broken_time(_shape: Shape, value: t.Any, _name: str) -> str | None:
    if not isinstance(value, (int, float, str)) or isinstance(value, bool):
        return _WRONG_TYPE
    try:
        # It reads numbers, too, although the stubs say otherwise. Not every time that it reads exists in UTC.
        parse_timestamp(t.cast(str, value)).astimezone(datetime.timezone.utc)
    except (ArithmeticError, OSError, RuntimeError, ValueError):
        return _WRONG_TYPE
    return None


# How each type of the model is checked, and its name in words.
_CHECKS: dict[str, tuple[t.Callable[[Shape, t.Any, str], str | None], str]] = {
    "structure": (_broken_structure, "an object"),
    "list": (_broken_list, "a list"),
    "map": (_broken_map, "an object"),
    "string": (_broken_string, "a string"),
    "integer": (_broken_number, "a whole number"),
    "long": (_broken_number, "a whole number"),
    "boolean": (_broken_boolean, "true or false"),
    "timestamp": (_broken_time, "a time"),
}
