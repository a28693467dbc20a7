# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads bytes from Amazon S3, where the layers of a registry are, by pre-signed URLs.

The requests are made by botocore's own HTTP sessions with the options of a client, so its proxies, CA bundle, client
certificate and time-outs hold for them, too. They have no Authorization header, which S3 refuses beside a signed URL.

The exceptions of botocore and urllib3 quote the URL, which is a secret. None of them leaves this file: what is raised
has neither the URL nor such an exception as its context.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html and
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html.
"""

from __future__ import annotations

import contextlib
import re
import threading
import typing as t

try:
    from botocore.awsrequest import AWSRequest
    from botocore.exceptions import BotoCoreError, HTTPClientError, ResponseStreamingError
    from botocore.httpsession import URLLib3Session
    from botocore.response import StreamingBody
    from botocore.utils import get_environ_proxies
except ImportError:
    pass  # AnsibleAWSModule reports a missing SDK

from .answers import Arrived, UnreadableAnswerError, redirection
from .web_url import masked

if t.TYPE_CHECKING:
    from botocore.awsrequest import AWSResponse

    from .client import EcrClient
    from .download_url import DownloadUrl

# Each thread that downloads keeps memory for some of them, and there are many threads.
_CHUNK_SIZE = 64 * 1024
# Bytes of an error that are read to find its code.
_MAX_ERROR = 8 * 1024
_ERROR_CODE = re.compile(rb"<Code>([A-Za-z0-9.]{1,64})</Code>")
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")
_MAX_DEPTH = 10


class StoreAnswerError(UnreadableAnswerError):
    """What came is not the bytes that were asked for.

    ``code`` is that of Amazon S3, such as ``SlowDown``, None if there is none.
    """

    def __init__(self, flaw: str, answer: AWSResponse, code: str | None = None) -> None:
        # The body of an error can quote the signature of the request.
        super().__init__(flaw, Arrived(answer.status_code, _headers(answer), b""))
        self.code = code


class ObjectStore:
    """Amazon S3 as a client reaches it. Several threads can use it at once.

    :param patience: how many seconds to wait for a connection and for bytes, None for the time-outs of the client
    """

    def __init__(self, client: EcrClient, connections: int, patience: float | None = None) -> None:
        self._patience = patience
        self._config = client.config
        self._verify = client.verify
        self._connections = connections
        self._lock = threading.Lock()
        self._sessions: dict[str, URLLib3Session] = {}

    def read(self, url: DownloadUrl, first: int, last: int, size: int) -> t.Iterator[bytes]:
        """Yield the bytes from ``first`` to ``last``, both inclusive, at most 64 KiB at a time.

        :param size: the size of the object in bytes
        :raises UnreadableAnswerError: something else came; possibly after some of the bytes
        :raises BotoCoreError: nothing came, or the connection broke; possibly after some of the bytes
        """
        answer = self._send(url, first, last)
        try:
            _check(answer, first, last, size)
            yield from _body(answer, last - first + 1, url.origin)
        finally:
            # A connection whose answer was read to its end is used again.
            if not getattr(answer.raw, "closed", False):
                answer.raw.close()

    def _send(self, url: DownloadUrl, first: int, last: int) -> AWSResponse:
        headers = {"Range": f"bytes={first}-{last}", "Accept-Encoding": "identity"}
        request = AWSRequest(method="GET", url=url.reveal(), headers=headers, stream_output=True)
        try:
            return self._session(url).send(request.prepare())
        except BotoCoreError as error:
            failure = _without_secrets(error, url.origin)
        raise failure

    def _session(self, url: DownloadUrl) -> URLLib3Session:
        with self._lock:
            if url.origin not in self._sessions:
                self._sessions[url.origin] = self._new_session(url)
            return self._sessions[url.origin]

    def _new_session(self, url: DownloadUrl) -> URLLib3Session:
        config = self._config
        # NO_PROXY can name the registry alone, or S3 alone.
        proxies = get_environ_proxies(url.origin) if config.proxies is None else config.proxies
        # The stubs know neither the path of a CA bundle nor a pair of time-outs.
        return URLLib3Session(
            verify=t.cast(t.Any, self._verify),
            proxies=proxies,
            timeout=t.cast(t.Any, (self._patience or config.connect_timeout, self._patience or config.read_timeout)),
            max_pool_connections=self._connections,
            client_cert=config.client_cert,
            proxies_config=config.proxies_config,
        )


def _headers(answer: AWSResponse) -> t.Mapping[str, str]:
    # They are one in all but the stubs.
    return t.cast("t.Mapping[str, str]", answer.headers)


def _check(answer: AWSResponse, first: int, last: int, size: int) -> None:
    """Check that an answer has the bytes that were asked for."""
    if answer.status_code >= 300:
        raise _refusal(answer)
    encoding = answer.headers.get("content-encoding", "identity")
    if encoding not in ("identity", "aws-chunked"):
        raise StoreAnswerError("the body is compressed", answer)
    if answer.status_code == 206:
        _check_range(answer, first, last, size)
    elif first != 0 or _length(answer) != size:
        # The whole object is accepted for its beginning, as a proxy may send it. A page has another length.
        raise StoreAnswerError("it is not the range of bytes that was asked for", answer)


def _check_range(answer: AWSResponse, first: int, last: int, size: int) -> None:
    matched = _CONTENT_RANGE.fullmatch(answer.headers.get("content-range", ""))
    if matched is None:
        raise StoreAnswerError("it does not say which bytes it has", answer)
    if matched[3] not in ("*", str(size)):
        raise StoreAnswerError(f"the stored layer is {matched[3]} bytes, and the manifest states {size}", answer)
    if (int(matched[1]), int(matched[2])) != (first, last):
        raise StoreAnswerError(
            f"it has bytes {matched[1]} to {matched[2]}, and {first} to {last} were asked for", answer
        )
    if _length(answer) not in (None, last - first + 1):
        raise StoreAnswerError("its length contradicts its range", answer)


def _length(answer: AWSResponse) -> int | None:
    length = answer.headers.get("content-length", "")
    return int(length) if re.fullmatch("[0-9]{1,18}", length) else None


def _refusal(answer: AWSResponse) -> StoreAnswerError:
    beginning = b""
    # The status says enough if the rest is lost.
    with contextlib.suppress(Exception):
        beginning = answer.raw.read(_MAX_ERROR)
    code = _ERROR_CODE.search(beginning)
    if code is None:
        leads_away = answer.status_code < 400
        flaw = redirection(_headers(answer)) if leads_away else "it is not an error of Amazon S3"
        return StoreAnswerError(flaw, answer)
    return StoreAnswerError(f"the error of Amazon S3 is {code[1].decode()}", answer, code[1].decode())


def _body(answer: AWSResponse, size: int, origin: str) -> t.Iterator[bytes]:
    """Yield so many bytes of the body."""
    # Without a length, which it would check only at the end; the stubs do not know that.
    body = StreamingBody(answer.raw, t.cast(t.Any, None))
    left = size
    while left:
        chunk = _chunk(body, min(_CHUNK_SIZE, left), origin)
        if not chunk:
            raise StoreAnswerError(f"only {size - left} of {size} bytes arrived", answer)
        left -= len(chunk)
        yield chunk


def _chunk(body: StreamingBody, size: int, origin: str) -> bytes:
    try:
        return body.read(size)
    except BotoCoreError as error:
        failure = _without_secrets(error, origin)
    except Exception as error:
        # urllib3 has more exceptions than botocore translates.
        failure = ResponseStreamingError(error=_reason(error))
    raise failure


def _without_secrets(error: BotoCoreError, origin: str) -> BotoCoreError:
    """Return the same exception of botocore with the origin in place of the URL."""
    kwargs: dict[str, t.Any] = {}
    for key, value in error.kwargs.items():
        if key == "error":
            kwargs[key] = _reason(error)
        elif isinstance(value, str):
            kwargs[key] = masked(value) if key == "proxy_url" else origin
    try:
        return type(error)(**kwargs)
    except (KeyError, TypeError):
        return HTTPClientError(error=_reason(error))


def _reason(error: BaseException) -> str:
    """Return the error of the operating system or of TLS behind a failure, which quotes no URL, or else its name."""
    cause: t.Any = error
    for _depth in range(_MAX_DEPTH):
        if isinstance(cause, OSError) and not isinstance(cause, BotoCoreError):
            return f"{type(cause).__name__}: {cause.strerror or type(cause).__name__}"
        inner = _inner(cause)
        if inner is None:
            break
        cause = inner
    return type(cause).__name__


def _inner(error: t.Any) -> BaseException | None:
    candidates = [
        getattr(error, "kwargs", {}).get("error") if isinstance(error, BotoCoreError) else None,
        getattr(error, "reason", None),
        *getattr(error, "args", ()),
        getattr(error, "__cause__", None),
        getattr(error, "__context__", None),
    ]
    return next((each for each in candidates if isinstance(each, BaseException)), None)
