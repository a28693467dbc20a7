# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which failures are retried, and which may have been applied although they look like failures.

The loop, its delays and their jitter are amazon.aws's AWSRetry. botocore's own retries are switched off in
``client.py``: they are silent, and an answer is ambiguous unless it is known whether the request was sent before.
"""

from __future__ import annotations

import typing as t

try:
    from botocore.exceptions import ClientError, HTTPClientError, SSLError
    from botocore.exceptions import ConnectionError as NoConnectionError

    _ANSWERS: tuple[type[Exception], ...] = (ClientError, NoConnectionError, HTTPClientError)
except ImportError:
    _ANSWERS = ()  # AnsibleAWSModule reports a missing SDK

from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry

MAX_ATTEMPTS = 7
FIRST_DELAY_SECONDS = 0.5
MAX_DELAY_SECONDS = 10

_THROTTLED = (
    "LimitExceededException",
    "RequestThrottled",
    "RequestThrottledException",
    "ThrottledException",
    "ThrottlingException",
)
_SERVER_FAILED = "ServerException"
_NO_ANSWER = "NoAnswer"


def _http_status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _is_server_failure(error: ClientError) -> bool:
    return _http_status(error) >= 500 or error.response["Error"]["Code"] in (
        _SERVER_FAILED,
        "InternalFailure",
        "RequestTimeout",
        "RequestTimeoutException",
    )


class EcrRetry(AWSRetry):
    """AWSRetry that also knows ECR's codes, answers without a code, and broken connections."""

    base_class = _ANSWERS

    @staticmethod
    def status_code_from_exception(error: Exception) -> str:
        """Return AWS's error code, or a code of our own for a server failure or a missing answer."""
        if isinstance(error, ClientError):
            return _SERVER_FAILED if _is_server_failure(error) else str(error.response["Error"]["Code"])
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


def may_have_been_applied(failure: Exception) -> bool:
    """Return whether the registry may have done what a failed attempt asked for.

    A server failure, a time-out while waiting for the answer and a closed connection leave the outcome unknown.
    A refused or throttled request was not applied, and neither was one that never reached the server.
    """
    if isinstance(failure, ClientError):
        return _is_server_failure(failure)
    return isinstance(failure, HTTPClientError)


def retried_silently(failure: Exception | None) -> bool:
    """Return whether botocore itself repeated the request, which the options of the connection can ask for."""
    if isinstance(failure, ClientError):
        return bool(failure.response.get("ResponseMetadata", {}).get("RetryAttempts"))
    return False
