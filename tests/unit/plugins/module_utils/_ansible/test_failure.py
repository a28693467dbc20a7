# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an error says of attempts that came before it, of what was sent, and of what helps."""

from __future__ import annotations

import typing as t
from types import SimpleNamespace

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.failure import message, printable_traceback
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import LayerUploadError, Resume, UploadProgress
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.answers import UnreadableAnswerError
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.call import Call, Repository
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.errors import (
    AnswerError,
    CallError,
    DownloadError,
    ForeignAnswerError,
)
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.object_store import StoreAnswerError
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

CALL = Call("CompleteLayerUpload", Repository("app"), "u", ("sha256:" + "1" * 64,))
NO_CONNECTION = EndpointConnectionError(endpoint_url="http://127.0.0.1")
NO_ANSWER = ReadTimeoutError(endpoint_url="http://127.0.0.1")
UNKNOWN_UPLOAD = ClientError({"Error": {"Code": "UploadNotFoundException", "Message": "unknown"}}, "UploadLayerPart")
THROTTLED = ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "UploadLayerPart")


def error_after(*failures: Exception) -> CallError:
    return CallError(CALL, failures[-1], failures[:-1])


@pytest.mark.parametrize("last", [NO_CONNECTION, UNKNOWN_UPLOAD])
def test_lost_answer_is_not_forgotten(last: Exception) -> None:
    error = error_after(NO_ANSWER, last)
    assert error.may_have_been_applied
    assert "may have been carried out" in message(error)
    assert "after 2 attempts" in message(error)


@pytest.mark.parametrize("last", [NO_CONNECTION, UNKNOWN_UPLOAD])
def test_throttled_attempt_was_not_carried_out(last: Exception) -> None:
    error = error_after(THROTTLED, last)
    assert not error.may_have_been_applied
    assert "may have been carried out" not in message(error)


def test_single_attempt_is_not_counted() -> None:
    assert "attempts" not in message(error_after(NO_CONNECTION))


@pytest.mark.parametrize("code", ["InvalidLayerException", "LayerPartTooSmallException"])
def test_upload_that_can_never_be_completed_is_not_to_be_resumed(code: str) -> None:
    refused = CallError(CALL, ClientError({"Error": {"Code": code, "Message": "no"}}, "CompleteLayerUpload"))
    words = message(LayerUploadError(refused, UploadProgress("sha256:1", 20, "u", 20, 1, next_byte=20)))
    assert "All bytes of layer sha256:1 were sent, but the layer was not completed." in words
    assert "resume" not in words


SOURCE_CALL = Call("GetDownloadUrlForLayer", Repository("app", role="source"), digests=("sha256:" + "1" * 64,))
REFUSALS = ["AccessDeniedException", "LayerInaccessibleException", "LayersNotFoundException"]


def interrupted(code: str, next_byte: int) -> str:
    refused = CallError(SOURCE_CALL, ClientError({"Error": {"Code": code, "Message": "no"}}, SOURCE_CALL.operation))
    progress = UploadProgress("sha256:1", 20, "u", next_byte, 1, next_byte, Resume.NEEDS_STATE, receiver="target")
    return message(LayerUploadError(refused, progress))


@pytest.mark.parametrize("code", REFUSALS)
def test_layer_that_the_source_refuses_at_once_was_not_uploaded(code: str) -> None:
    assert interrupted(code, 0).endswith("Layer sha256:1 was not uploaded.")


@pytest.mark.parametrize("code", [*REFUSALS, "UnableToGetUpstreamLayerException"])
def test_layer_that_the_source_refuses_later_is_incomplete_in_the_target(code: str) -> None:
    assert interrupted(code, 5).endswith("Layer sha256:1 is incomplete: the target has 5 of its 20 bytes.")


def test_layer_of_a_source_that_is_busy_can_be_resumed() -> None:
    assert interrupted("ThrottlingException", 5).endswith("Set state_dir to resume from there next time.")
    assert interrupted("ThrottlingException", 0).endswith("Layer sha256:1 was not uploaded.")


def test_upload_that_was_stored_as_another_layer_is_not_incomplete() -> None:
    stored = AnswerError(CALL, "The upload was completed as another layer", "Upload it again", changed=True)
    words = message(LayerUploadError(stored, UploadProgress("sha256:1", 20, "u", 20, 1, next_byte=20)))
    assert words == "The upload was completed as another layer. Upload it again."


def test_request_without_a_part_that_is_too_large() -> None:
    refused = ClientError({"Error": {"Code": "413", "Message": "no"}}, "PutImage")
    assert "Raise its limit for the size of a body." in message(error_after(refused))


def test_traceback_of_an_exception_that_is_its_own_cause_ends() -> None:
    first, second = ValueError("first"), TypeError("second")
    first.__cause__, second.__cause__ = second, first
    assert printable_traceback(first) == "TypeError: second\n\nValueError: first\n"


def failed_download(status: int, code: str | None) -> str:
    answer = t.cast(t.Any, SimpleNamespace(status_code=status, headers={}))
    call = Call("DownloadLayer", Repository("app"), digests=("sha256:" + "1" * 64,), first_byte=0, last_byte=9)
    return message(DownloadError(call, StoreAnswerError("no bytes", answer, code), (), "http://bucket"))


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (200, None, "This is not what Amazon S3 answers."),
        (303, None, "This is not what Amazon S3 answers."),
        (405, None, "This is not what Amazon S3 answers."),
        (413, None, "This is not what Amazon S3 answers."),
        (407, None, "The proxy requires authentication."),
        (500, None, "failed and retrying did not help."),
        (500, "InternalError", "failed and retrying did not help."),
        (307, "TemporaryRedirect", "TemporaryRedirect is not an error that this collection knows."),
    ],
)
def test_refused_download_is_not_one_that_broke_off(status: int, code: str | None, words: str) -> None:
    assert words in failed_download(status, code)
    assert "broke off" not in failed_download(status, code)


SERVER_FAILED = ClientError({"Error": {"Code": "ServerException", "Message": "no"}}, "BatchGetImage")
NO_ECR = UnreadableAnswerError("the body is not JSON", status=502)


def failed_call(operation: str, failure: Exception) -> str:
    call = Call(operation, Repository("app"), "u", digests=("sha256:" + "1" * 64,), first_byte=0, last_byte=9)
    if isinstance(failure, UnreadableAnswerError):
        return message(ForeignAnswerError(call, failure, (), "http://127.0.0.1", None))
    return message(CallError(call, failure))


@pytest.mark.parametrize("failure", [NO_ANSWER, SERVER_FAILED, NO_ECR])
@pytest.mark.parametrize(
    ("operation", "has_outcome"),
    [
        ("BatchCheckLayerAvailability", False),
        ("BatchGetImage", False),
        ("DescribeImages", False),
        ("DescribeRepositories", False),
        ("GetDownloadUrlForLayer", False),
        ("ListImageReferrers", False),
        ("BatchDeleteImage", True),
        ("CompleteLayerUpload", True),
        ("InitiateLayerUpload", True),
        ("PutImage", True),
        ("UploadLayerPart", True),
    ],
)
def test_what_changes_nothing_has_no_outcome(operation: str, has_outcome: bool, failure: Exception) -> None:
    words = failed_call(operation, failure)
    assert ("outcome is unknown" in words) == has_outcome
    assert ("before it sends anything" in words) == has_outcome
    assert "run the task again" in words.lower()
