# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which failures are retried and when, and which may have been applied although they look like failures.

The loop, its delays and their jitter are amazon.aws's AWSRetry. It does not know Retry-After, so the next attempt waits
for what a delay falls short of. botocore's own retries are switched off in ``client.py``: they are silent, and an
answer is ambiguous unless it is known whether the request was sent before.
"""

from __future__ import annotations

import datetime
import email.utils
import re
import time
import typing as t

try:
    from botocore.exceptions import ClientError, HTTPClientError, SSLError
    from botocore.exceptions import ConnectionError as NoConnectionError

    _NO_ANSWERS: tuple[type[Exception], ...] = (NoConnectionError, HTTPClientError)
except ImportError:
    _NO_ANSWERS = ()  # AnsibleAWSModule reports a missing SDK

from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry

from .answers import UnreadableAnswerError

if t.TYPE_CHECKING:
    from .._core.task import Task

MAX_ATTEMPTS = 7
FIRST_DELAY_SECONDS = 0.5
MAX_DELAY_SECONDS = 10
# What a registry, a proxy or a gateway can ask for with Retry-After.
MAX_RETRY_AFTER_SECONDS = 60

_THROTTLED = (
    "LimitExceededException",
    "RequestThrottled",
    "RequestThrottledException",
    "ThrottledException",
    "ThrottlingException",
)
_SERVER_FAILED = "ServerException"
_NO_ANSWER = "NoAnswer"
_REQUEST_TIMEOUT = 408
_TOO_MANY_REQUESTS = 429
# By these a proxy or a gateway says that it did not forward the request: it wants authentication, the request is too
# large, or there are too many.
_NOT_FORWARDED = (407, 413, _TOO_MANY_REQUESTS)


def _http_status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _is_server_failure(error: ClientError) -> bool:
    status = _http_status(error)
    return (
        status >= 500
        or status == _REQUEST_TIMEOUT
        or error.response["Error"]["Code"]
        in (
            _SERVER_FAILED,
            "InternalFailure",
            "RequestTimeout",
            "RequestTimeoutException",
        )
    )


def is_final(answer: UnreadableAnswerError) -> bool:
    """Return whether the same request will get the same answer: a refusal or a redirection of what stands between.

    Amazon ECR itself reports throttling with the status 400, so an unreadable answer with it may pass.
    """
    status = answer.status or 0
    return 300 <= status < 500 and status not in (400, _REQUEST_TIMEOUT, _TOO_MANY_REQUESTS)


class EcrRetry(AWSRetry):
    """AWSRetry that also knows ECR's codes, answers without a code, and broken connections."""

    base_class = (ClientError, UnreadableAnswerError, *_NO_ANSWERS) if _NO_ANSWERS else ()

    @staticmethod
    def status_code_from_exception(error: Exception) -> str:
        """Return AWS's error code, or a code of our own for a server failure or a missing answer."""
        if isinstance(error, ClientError):
            if _http_status(error) == _TOO_MANY_REQUESTS:
                return _THROTTLED[0]
            return _SERVER_FAILED if _is_server_failure(error) else str(error.response["Error"]["Code"])
        if isinstance(error, UnreadableAnswerError):
            return str(error.status) if is_final(error) else _NO_ANSWER
        return "SSLError" if isinstance(error, SSLError) else _NO_ANSWER


def with_retries(call: t.Callable[[], t.Any]) -> t.Any:
    """Call until it succeeds, fails for good, or was tried MAX_ATTEMPTS times; return what it returned."""
    retry = EcrRetry.jittered_backoff(
        retries=MAX_ATTEMPTS,
        delay=FIRST_DELAY_SECONDS,
        max_delay=MAX_DELAY_SECONDS,
        catch_extra_error_codes=[*_THROTTLED, _SERVER_FAILED, _NO_ANSWER],
    )
    return retry(call)()


class RetryAfter:
    """When the next attempt of a call may begin, as the last answer asks for it."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._not_before = 0.0

    def heed(self, failure: Exception) -> None:
        """Read Retry-After of a failed attempt."""
        self._not_before = time.monotonic() + _retry_after(_headers(failure).get("retry-after", ""))

    def wait(self) -> None:
        """Return when the attempt may begin.

        :raises TaskStoppedError: the task stopped before
        """
        self._task.pause(self._not_before - time.monotonic())


def _headers(failure: Exception) -> t.Mapping[str, str]:
    if isinstance(failure, UnreadableAnswerError):
        return failure.headers
    if isinstance(failure, ClientError):
        headers = failure.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        return t.cast("t.Mapping[str, str]", headers)
    return {}


def _retry_after(value: str) -> float:
    """Return the seconds that a Retry-After header asks for, within its bound; 0 for one that cannot be read.

    Source: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after.
    """
    if re.fullmatch(r"[0-9]+", value):
        seconds = float(value)
    else:
        at = time_in(value)
        seconds = at.timestamp() - time.time() if at else 0.0
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)


def time_in(value: str) -> datetime.datetime | None:
    """Return the time that a header states, in UTC if it names no zone; None if it cannot be read."""
    try:
        at = email.utils.parsedate_to_datetime(value)
        return at.replace(tzinfo=at.tzinfo or datetime.timezone.utc).astimezone(datetime.timezone.utc)
    except (TypeError, ValueError, OverflowError, IndexError):
        # Python 3.9 has no better error for some of what is not a time.
        return None


def may_have_been_applied(failure: Exception) -> bool:
    """Return whether the registry may have done what a failed attempt asked for.

    A server failure, a time-out while waiting for the answer, a closed connection and an answer that is not Amazon
    ECR's leave the outcome unknown. A refused or throttled request was not applied, and neither was one that never
    reached the server.
    """
    if isinstance(failure, ClientError):
        return _is_server_failure(failure)
    if isinstance(failure, UnreadableAnswerError):
        return failure.was_sent and failure.status not in _NOT_FORWARDED
    return isinstance(failure, HTTPClientError)


def retried_silently(failure: Exception | None) -> bool:
    """Return whether botocore itself repeated the request, which the options of the connection can ask for."""
    if isinstance(failure, ClientError):
        return bool(failure.response.get("ResponseMetadata", {}).get("RetryAttempts"))
    return False
