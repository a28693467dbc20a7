# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The upload of a whole layer against every fault: when it strikes, the calls expected, and the result."""

from __future__ import annotations

import json
import os
import re
import typing as t
import uuid
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.failure import message
from ansible_collections.layerkit.ecr.plugins.module_utils._core import task
from ansible_collections.layerkit.ecr.plugins.module_utils._core.blob import FileBlob
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import (
    InvalidInputError,
    LayerUploadError,
    TaskError,
    TaskStoppedError,
    Unanswered,
)
from ansible_collections.layerkit.ecr.plugins.module_utils._core.text import shortened
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr import limits
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.errors import CallError, ExplainedError
from ansible_collections.layerkit.ecr.plugins.module_utils._upload.layer import LayerAction
from ansible_collections.layerkit.ecr.tests.fuzz.answers import answer
from ansible_collections.layerkit.ecr.tests.strict_ecr.exceptions import EmptyUploadException
from ansible_collections.layerkit.ecr.tests.strict_ecr.fixtures import ecr_client
from ansible_collections.layerkit.ecr.tests.unit.support.layer_bench import LayerBench
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import Kind
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR
    from mypy_boto3_ecr import ECRClient

LAYER = bytes(range(35))
PART = 10
UNKNOWN_UPLOAD = "5e9ba2c1-1a3d-4b36-8c2e-5a4d5c1bb9d7"
INITIATE, SEND, COMPLETE = "InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload"
LOOK_UP = "BatchCheckLayerAvailability"

pytestmark = pytest.mark.usefixtures("delays", "tiny_parts")


@pytest.fixture
def bench(ecr: ECRClient, strict_ecr: StrictECR, repository: str, tmp_path: Path) -> t.Iterator[LayerBench]:
    yield LayerBench(ecr, strict_ecr.control, repository, tmp_path / "layer", LAYER, PART)
    strict_ecr.control.faults.clear(repository)


def test_parts_are_sent_in_order_and_completed(bench: LayerBench) -> None:
    push = bench.push()
    assert (push.changed, push.action, push.progress.bytes_sent, push.progress.part_count) == (
        True,
        LayerAction.UPLOADED,
        35,
        4,
    )
    assert bench.holds_the_layer()
    assert bench.calls() == (1, 4, 1)


def test_second_run_opens_no_upload(bench: LayerBench) -> None:
    bench.push()
    push = bench.push()
    assert (push.changed, push.action, push.progress.bytes_sent, push.progress.part_count) == (
        False,
        LayerAction.ALREADY_EXISTS,
        0,
        0,
    )
    assert bench.calls() == (1, 4, 1)


def test_part_size_of_the_task_wins_over_that_of_the_registry(bench: LayerBench) -> None:
    assert bench.push(part_size=35).progress.part_count == 1


def upload_id_of(error: LayerUploadError) -> str:
    assert error.progress.upload_id is not None
    return error.progress.upload_id


def code_of(error: LayerUploadError) -> str:
    assert isinstance(error.cause, CallError)
    return error.cause.code


class TestFaultsThatAreOvercome:
    @pytest.mark.parametrize("kind", ["throttle", "server_error", "bare_503", "limit", "drop_before"])
    @pytest.mark.parametrize(
        ("operation", "skip", "calls"),
        [
            (INITIATE, 0, (3, 4, 1)),
            (SEND, 0, (1, 6, 1)),
            (SEND, 2, (1, 6, 1)),
            (SEND, 3, (1, 6, 1)),
            (COMPLETE, 0, (1, 4, 3)),
        ],
    )
    def test_call_that_was_not_applied_is_made_again(
        self, bench: LayerBench, kind: Kind, operation: str, skip: int, calls: tuple[int, int, int]
    ) -> None:
        bench.strike(operation, kind, skip=skip, times=2)
        push = bench.push()
        assert (push.changed, push.progress.bytes_sent, push.progress.part_count) == (True, 35, 4)
        assert bench.calls() == calls
        assert bench.holds_the_layer()

    @pytest.mark.parametrize("skip", [0, 1, 3])
    def test_part_whose_answer_was_lost_is_recognised(self, bench: LayerBench, skip: int) -> None:
        bench.strike(SEND, "drop_after", skip=skip)
        push = bench.push()
        assert (push.changed, push.progress.bytes_sent, push.progress.part_count) == (True, 35, 4)
        assert bench.calls() == (1, 5, 1)
        assert bench.holds_the_layer()

    def test_every_answer_to_a_part_is_lost(self, bench: LayerBench) -> None:
        bench.control.rules(bench.repository).part_size = 2
        for number in range(18):
            bench.strike(SEND, "drop_after", skip=number)
        assert bench.push().progress.part_count == 18
        assert bench.holds_the_layer()

    def test_lost_answer_to_the_opening_opens_another(self, bench: LayerBench) -> None:
        bench.strike(INITIATE, "drop_after")
        assert bench.push().changed is True
        assert bench.calls() == (2, 4, 1)

    def test_lost_answer_to_the_completion_is_this_runs_change(self, bench: LayerBench) -> None:
        bench.strike(COMPLETE, "drop_after")
        push = bench.push()
        assert (push.changed, push.action) == (True, LayerAction.UPLOADED)
        assert bench.calls() == (1, 4, 2)

    @pytest.mark.parametrize(
        ("operation", "skip", "calls"),
        [(SEND, 0, (2, 5, 1)), (SEND, 2, (2, 7, 1)), (SEND, 3, (2, 8, 1)), (COMPLETE, 0, (2, 8, 2))],
    )
    def test_upload_that_expired_is_begun_again(
        self, bench: LayerBench, operation: str, skip: int, calls: tuple[int, int, int]
    ) -> None:
        bench.strike(operation, "expire_upload", skip=skip)
        push = bench.push()
        assert push.changed is True
        assert bench.calls() == calls
        assert bench.holds_the_layer()

    def test_lost_answer_without_a_position_begins_again(self, bench: LayerBench) -> None:
        bench.control.rules(bench.repository).reports_last_valid_byte = False
        bench.strike(SEND, "drop_after", skip=1)
        assert bench.push().changed is True
        assert bench.calls() == (2, 7, 1)
        assert bench.holds_the_layer()

    def test_layer_that_another_task_completed_meanwhile_is_unchanged(self, bench: LayerBench) -> None:
        def complete_elsewhere(**_event: t.Any) -> None:
            bench.client.meta.events.unregister("before-call.ecr.CompleteLayerUpload", complete_elsewhere)
            bench.complete_elsewhere()

        bench.client.meta.events.register("before-call.ecr.CompleteLayerUpload", complete_elsewhere)
        push = bench.push()
        assert (push.changed, push.action, push.progress.bytes_sent) == (False, LayerAction.ALREADY_EXISTS, 35)
        assert bench.holds_the_layer()

    def test_answer_that_comes_too_late_is_recognised(self, bench: LayerBench, strict_ecr: StrictECR) -> None:
        bench.client = ecr_client(strict_ecr.url, read_timeout=0.2)
        bench.strike(SEND, "delay", skip=1, seconds=0.5)
        push = bench.push()
        assert (push.changed, push.progress.bytes_sent) == (True, 35)
        assert bench.holds_the_layer()

    @pytest.mark.parametrize("advised", [0, -3, None, 20971521])
    def test_part_size_that_the_api_does_not_allow_is_asked_for_again(
        self, bench: LayerBench, advised: int | None
    ) -> None:
        def advise(parsed: dict[str, t.Any], **_event: t.Any) -> None:
            if not advises:
                advises.append(parsed["partSize"])
                parsed["partSize"] = advised

        advises: list[int] = []
        with bench.during("after-call.ecr.InitiateLayerUpload", advise):
            assert bench.push().progress.part_count == 4
        assert bench.calls()[0] == 2
        assert bench.holds_the_layer()

    def test_part_size_that_makes_too_many_parts_is_refused(
        self, bench: LayerBench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "MAX_PARTS", 3)
        with pytest.raises(LayerUploadError, match="4 parts of 10 bytes") as failed:
            bench.push()
        assert isinstance(failed.value.cause, InvalidInputError)
        assert bench.calls() == (1, 0, 0)

    @pytest.mark.parametrize("told", [-5, -1, 35, 10**12])
    def test_position_that_cannot_be_begins_again(self, bench: LayerBench, told: int) -> None:
        def tell(parsed: dict[str, t.Any], **_event: t.Any) -> None:
            if "lastValidByteReceived" in parsed:
                parsed["lastValidByteReceived"] = told

        bench.strike(SEND, "drop_after", skip=1)
        with bench.during("after-call.ecr.UploadLayerPart", tell):
            assert bench.push().changed is True
        assert bench.calls()[0] == 2
        assert bench.holds_the_layer()

    def test_layer_that_appears_when_the_upload_is_gone_is_unchanged(self, bench: LayerBench) -> None:
        def complete_elsewhere(params: dict[str, t.Any], **_event: t.Any) -> None:
            if params["partFirstByte"] == 20:
                bench.complete_elsewhere()

        bench.strike(SEND, "expire_upload", skip=3)
        with bench.during("before-parameter-build.ecr.UploadLayerPart", complete_elsewhere):
            push = bench.push()
        assert (push.changed, push.action) == (False, LayerAction.ALREADY_EXISTS)
        assert bench.calls()[0] == 2, "this task opened one upload, the other task the second"

    def test_foreign_part_in_a_new_upload_is_overcome(self, bench: LayerBench) -> None:
        def meddle(params: dict[str, t.Any], **_event: t.Any) -> None:
            if params["partFirstByte"] == 10 and not meddled:
                meddled.append(True)
                bench.add_part(params["uploadId"], b"other")

        meddled: list[bool] = []
        with bench.during("before-parameter-build.ecr.UploadLayerPart", meddle):
            assert bench.push().changed is True
        assert bench.holds_the_layer()


class TestWithoutLeaveToLookUp:
    def test_second_run_is_unchanged(self, bench: LayerBench) -> None:
        bench.may_look = False
        pushes = [bench.push(), bench.push()]
        assert [(push.changed, push.action) for push in pushes] == [
            (True, LayerAction.UPLOADED),
            (False, LayerAction.ALREADY_EXISTS),
        ]
        assert bench.holds_the_layer()

    def test_lost_answer_to_the_completion_is_this_runs_change(self, bench: LayerBench) -> None:
        bench.may_look = False
        bench.strike(COMPLETE, "drop_after")
        push = bench.push()
        assert (push.changed, push.action) == (True, LayerAction.UPLOADED)
        assert bench.holds_the_layer()

    def test_layer_that_is_not_listed_although_it_is_there_is_unchanged(self, bench: LayerBench) -> None:
        bench.push()
        bench.control.set_availability(bench.repository, bench.digest, "UNAVAILABLE")
        assert bench.push().action == LayerAction.ALREADY_EXISTS

    def test_contradiction_of_the_registry_is_warned_about(self, bench: LayerBench, delays: list[float]) -> None:
        bench.push()
        bench.control.set_availability(bench.repository, bench.digest, "UNAVAILABLE")
        push = bench.push()
        assert (push.changed, push.action) == (False, LayerAction.ALREADY_EXISTS)
        (warning,) = bench.warnings
        assert f"refused to complete layer {bench.digest} with LayerAlreadyExistsException, but" in warning
        assert "it is UNAVAILABLE in the answer to BatchCheckLayerAvailability" in warning
        assert sum(delays) > 0

    def test_layer_that_is_listed_after_a_pause_is_not_warned_about(
        self, bench: LayerBench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def pause(_task: task.Task, _seconds: float) -> None:
            bench.control.set_availability(bench.repository, bench.digest, None)

        bench.push()
        bench.control.set_availability(bench.repository, bench.digest, "UNAVAILABLE")
        monkeypatch.setattr(task.Task, "pause", pause)
        assert (bench.push().changed, bench.warnings) == (False, [])

    def test_completed_layer_that_is_not_listed_is_warned_about(self, bench: LayerBench) -> None:
        bench.control.set_availability(bench.repository, bench.digest, "UNAVAILABLE")
        assert bench.push().changed is True
        assert "does not list the layer as available" in bench.warnings[0]

    def test_archived_layer_is_there(self, bench: LayerBench) -> None:
        bench.push()
        bench.control.set_availability(bench.repository, bench.digest, "ARCHIVED")
        push = bench.push()
        assert (push.changed, push.action, bench.calls()) == (False, LayerAction.ALREADY_EXISTS, (1, 4, 1))

    def test_layer_that_proves_to_be_archived_when_it_is_complete_is_there(self, bench: LayerBench) -> None:
        bench.push()
        bench.may_look = False
        bench.control.set_availability(bench.repository, bench.digest, "ARCHIVED")
        push = bench.push()
        assert (push.changed, push.action, bench.calls()) == (False, LayerAction.ALREADY_EXISTS, (2, 8, 2))


class TestFaultsThatAreNot:
    @pytest.mark.parametrize(
        ("kind", "operation", "skip", "times", "code", "calls"),
        [
            ("access_denied", INITIATE, 0, 1, "AccessDeniedException", (1, 0, 0)),
            ("access_denied", SEND, 1, 1, "AccessDeniedException", (1, 2, 0)),
            ("access_denied", COMPLETE, 0, 1, "AccessDeniedException", (1, 4, 1)),
            ("expired_token", SEND, 2, 1, "ExpiredTokenException", (1, 3, 0)),
            ("kms", INITIATE, 0, 1, "KmsException", (1, 0, 0)),
            ("kms", SEND, 0, 1, "KmsException", (1, 1, 0)),
            ("kms", COMPLETE, 0, 1, "KmsException", (1, 4, 1)),
            ("throttle", SEND, 1, 7, "ThrottlingException", (1, 8, 0)),
            ("server_error", SEND, 0, 7, "ServerException", (1, 7, 0)),
            ("drop_before", SEND, 3, 7, "ConnectionClosedError", (1, 10, 0)),
            ("drop_before", COMPLETE, 0, 7, "ConnectionClosedError", (1, 4, 7)),
            ("expire_upload", SEND, 1, 9, "UploadNotFoundException", (2, 3, 0)),
            ("expire_upload", COMPLETE, 0, 9, "UploadNotFoundException", (2, 8, 2)),
        ],
    )
    def test_task_fails_and_nothing_is_completed(
        self,
        bench: LayerBench,
        kind: Kind,
        operation: str,
        skip: int,
        times: int,
        code: str,
        calls: tuple[int, int, int],
    ) -> None:
        bench.strike(operation, kind, skip=skip, times=times)
        with pytest.raises(LayerUploadError) as failed:
            bench.push()
        assert code_of(failed.value) == code
        assert bench.calls() == calls
        assert bench.holds_nothing()
        assert (failed.value.progress.digest, failed.value.progress.size) == (bench.digest, 35)

    def test_no_failure_is_a_cause_of_itself(self, bench: LayerBench) -> None:
        bench.strike(COMPLETE, "expire_upload", times=9)
        with pytest.raises(LayerUploadError) as failed:
            bench.push()
        causes: list[BaseException] = []
        cause: BaseException | None = failed.value
        while cause:
            assert cause not in causes
            causes.append(cause)
            cause = cause.__cause__
        assert isinstance(causes[-1], ClientError)

    def test_failure_says_how_to_go_on(self, bench: LayerBench) -> None:
        bench.strike(SEND, "access_denied", skip=2)
        with pytest.raises(LayerUploadError) as failed:
            bench.push()
        progress = failed.value.progress
        assert re.search(r"has 20 of its 35 bytes.*upload_id=[0-9a-f-]{36}", message(failed.value))
        assert (progress.next_byte, progress.bytes_sent, progress.part_count) == (20, 20, 2)
        assert bench.control.uploads(bench.repository) == {progress.upload_id: 20}
        push = bench.push(upload_id=progress.upload_id)
        assert (push.changed, push.progress.bytes_sent) == (True, 15)
        assert bench.holds_the_layer()

    @pytest.mark.parametrize("state", [True, False])
    def test_completion_whose_answer_is_lost_is_not_called_incomplete(
        self, bench: LayerBench, tmp_path: Path, state: bool
    ) -> None:
        bench.strike(COMPLETE, "drop_before", times=7)
        with pytest.raises(LayerUploadError) as failed:
            bench.push(state_directory=str(tmp_path / "state") if state else None)
        words = message(failed.value)
        assert (
            f"All bytes of layer {shortened(bench.digest)} were sent, but it is unknown whether the layer is complete"
            in words
        )
        assert "incomplete" not in words
        assert ("with the same state_dir" if state else f"upload_id={upload_id_of(failed.value)}") in words

    def test_part_whose_answer_is_lost_may_have_arrived(self, bench: LayerBench) -> None:
        bench.strike(SEND, "drop_before", skip=1, times=7)
        with pytest.raises(LayerUploadError) as failed:
            bench.push()
        words = "the registry confirmed 10 of its 35 bytes, and may have received more, because an answer was lost"
        assert words in message(failed.value)
        assert failed.value.progress.next_byte == 10

    @pytest.mark.parametrize(
        ("operation", "words"), [(SEND, "may have received more"), (COMPLETE, "unknown whether the layer is complete")]
    )
    def test_stop_between_attempts_leaves_the_outcome_unknown(
        self, bench: LayerBench, monkeypatch: pytest.MonkeyPatch, operation: str, words: str
    ) -> None:
        monkeypatch.setattr(
            task, "is_waited_for", lambda: operation not in bench.control.calls.operations(bench.repository)
        )
        bench.strike(operation, "drop_before")
        with pytest.raises(LayerUploadError, match="no longer waiting") as failed:
            bench.push()
        assert words in message(failed.value)

    @pytest.mark.parametrize(("kind", "skip"), [("access_denied", 2), ("expired_token", 1), ("kms", 0)])
    def test_refused_part_has_not_arrived(self, bench: LayerBench, kind: Kind, skip: int) -> None:
        bench.strike(SEND, "drop_after")
        bench.strike(SEND, kind, skip=1 + skip)
        with pytest.raises(LayerUploadError) as failed:
            bench.push()
        assert f"the registry has {10 * (1 + skip)} of its 35 bytes" in message(failed.value)

    def test_corrections_are_bounded(self, bench: LayerBench) -> None:
        def meddle(params: dict[str, t.Any], **_event: t.Any) -> None:
            # Another task adds a byte to this upload before each of our parts.
            if params["partFirstByte"] and not meddling:
                meddling.append(True)
                bench.add_part(params["uploadId"], LAYER[params["partFirstByte"] :][:1])
                meddling.clear()

        meddling: list[bool] = []
        event = "before-parameter-build.ecr.UploadLayerPart"
        with bench.during(event, meddle), pytest.raises(LayerUploadError) as failed:
            bench.push()
        assert isinstance(failed.value.cause, ExplainedError)
        assert failed.value.cause.code == "InvalidLayerPartException"
        assert f"to repository {bench.repository}, although each begins where" in message(failed.value)
        assert failed.value.progress.next_byte is None
        assert (bench.calls()[0], bench.calls()[2]) == (2, 0), "one new upload"


class TestGoingOn:
    @pytest.mark.parametrize("there", [0, 10, 13, 34, 35])
    def test_bytes_that_are_there_are_not_sent_again(self, bench: LayerBench, there: int) -> None:
        upload_id = bench.open_upload(*([LAYER[:there]] if there else []))
        push = bench.push(upload_id=upload_id)
        assert (push.changed, push.progress.bytes_sent, push.progress.upload_id) == (True, 35 - there, upload_id)
        # One byte asks for the position; the registry refuses it.
        assert bench.control.calls.bytes_received(bench.repository) == 1 + 35 - there
        assert bench.calls()[0] == 0
        assert bench.holds_the_layer()

    def test_registry_that_does_not_take_the_question_corrects_the_first_part(self, bench: LayerBench) -> None:
        def refuse(params: dict[str, t.Any], **_event: t.Any) -> t.Any:
            if params["partFirstByte"] == 36:
                error = {"Code": "InvalidParameterException", "Message": "no such position"}
                raise ClientError({"Error": error}, SEND)  # type: ignore[typeddict-item]  # the rest is not looked at

        upload_id = bench.open_upload(LAYER[:10])
        with bench.during("before-parameter-build.ecr.UploadLayerPart", refuse):
            push = bench.push(upload_id=upload_id)
        assert (push.progress.upload_id, push.progress.bytes_sent) == (upload_id, 25)
        assert bench.holds_the_layer()

    def test_upload_that_is_gone_is_begun_again(self, bench: LayerBench) -> None:
        push = bench.push(upload_id=UNKNOWN_UPLOAD)
        assert push.progress.upload_id != UNKNOWN_UPLOAD
        assert bench.holds_the_layer()

    @pytest.mark.parametrize("foreign", [b"other bytes", bytes(35), bytes(36), bytes(37)])
    def test_upload_of_other_bytes_is_begun_again(self, bench: LayerBench, foreign: bytes) -> None:
        push = bench.push(upload_id=bench.open_upload(foreign))
        assert (push.changed, push.progress.bytes_sent) in {(True, 35), (True, 35 + 35 - len(foreign))}
        assert bench.holds_the_layer()

    def test_part_of_another_run_that_is_too_small_is_overcome(self, bench: LayerBench) -> None:
        bench.control.rules(bench.repository).min_part_bytes = 5
        upload_id = bench.open_upload(LAYER[:3])
        assert bench.push(upload_id=upload_id).changed is True
        assert bench.holds_the_layer()

    def test_question_that_fails_keeps_the_upload(self, bench: LayerBench) -> None:
        upload_id = bench.open_upload(LAYER[:10])
        bench.strike(SEND, "access_denied")
        with pytest.raises(LayerUploadError) as failed:
            bench.push(upload_id=upload_id)
        assert upload_id_of(failed.value) == upload_id

    def test_upload_that_is_gone_twice_is_not_recommended(self, bench: LayerBench) -> None:
        bench.strike(SEND, "expire_upload", times=9)
        with pytest.raises(LayerUploadError) as failed:
            bench.push()
        assert failed.value.progress.next_byte is None
        assert "to resume" not in message(failed.value)
        assert failed.value.progress.upload_id is None


class TestUploadThatHoldsNothing:
    """0, -1 or no position, and EmptyUploadException: nothing has arrived, whatever an earlier run knew."""

    @pytest.fixture(params=[0, -1, None])
    def bench(self, bench: LayerBench, request: pytest.FixtureRequest) -> t.Iterator[LayerBench]:
        def report(parsed: dict[str, t.Any], **_event: t.Any) -> None:
            if parsed.get("lastValidByteReceived") == -1:
                del parsed["lastValidByteReceived"]
                if request.param is not None:
                    parsed["lastValidByteReceived"] = request.param

        with bench.during("after-call.ecr.UploadLayerPart", report):
            yield bench

    def test_upload_id_is_used_from_byte_0(self, bench: LayerBench) -> None:
        upload_id = bench.open_upload()
        push = bench.push(upload_id=upload_id)
        assert (push.progress.upload_id, push.progress.bytes_sent) == (upload_id, 35)
        # The question for the position, and the layer.
        assert bench.calls() == (0, 1 + 1, 1)
        assert bench.holds_the_layer()

    def test_state_that_knows_more_starts_over_in_the_same_upload(self, bench: LayerBench, tmp_path: Path) -> None:
        upload_id = self.state_without_parts(bench, tmp_path)
        push = bench.push(state_directory=str(tmp_path / "state"))
        assert (push.progress.upload_id, push.progress.bytes_sent) == (upload_id, 35)
        assert bench.calls() == (0, 1 + 4, 1)
        assert (bench.warnings, list((tmp_path / "state").iterdir())) == ([], [])
        assert bench.holds_the_layer()

    def state_without_parts(self, bench: LayerBench, tmp_path: Path, next_byte: int = 20) -> str:
        """Leave the state of an upload of which the registry has nothing any more."""
        state_dir = str(tmp_path / "state")
        bench.strike(SEND, "access_denied")
        with pytest.raises(LayerUploadError) as failed:
            bench.push(state_directory=state_dir)
        (state,) = Path(state_dir).glob("*.json")
        state.write_text(json.dumps({**json.loads(state.read_text()), "next_byte": next_byte}))
        bench.control.calls.clear(bench.repository)
        return upload_id_of(failed.value)

    def test_empty_upload_is_sent_from_byte_0(self, bench: LayerBench, tmp_path: Path) -> None:
        upload_id = self.state_without_parts(bench, tmp_path, next_byte=35)
        push = bench.push(state_directory=str(tmp_path / "state"))
        assert (push.progress.upload_id, push.progress.bytes_sent) == (upload_id, 35)
        assert bench.calls() == (0, 4, 2)
        assert bench.holds_the_layer()

    def test_upload_that_holds_nothing_for_ever_is_replaced_once(self, bench: LayerBench, tmp_path: Path) -> None:
        upload_id = self.state_without_parts(bench, tmp_path)

        def refuse(params: dict[str, t.Any], **_event: t.Any) -> None:
            if params["uploadId"] == upload_id:
                # A position where no part can belong is refused, with the report that nothing has arrived.
                params["partFirstByte"] += 1000
                params["partLastByte"] += 1000

        with bench.during("before-parameter-build.ecr.UploadLayerPart", refuse):
            push = bench.push(state_directory=str(tmp_path / "state"))
        assert push.progress.upload_id != upload_id
        assert bench.calls() == (1, 2 + 4, 1)
        assert list((tmp_path / "state").iterdir()) == []
        assert bench.holds_the_layer()

    def test_two_uploads_that_hold_nothing_for_ever_leave_no_state(self, bench: LayerBench, tmp_path: Path) -> None:
        self.state_without_parts(bench, tmp_path)

        def refuse(params: dict[str, t.Any], **_event: t.Any) -> None:
            params["partFirstByte"] += 1000
            params["partLastByte"] += 1000

        with (
            bench.during("before-parameter-build.ecr.UploadLayerPart", refuse),
            pytest.raises(LayerUploadError, match="although each begins where the registry expects it"),
        ):
            bench.push(state_directory=str(tmp_path / "state"))
        assert bench.calls() == (1, 3, 0)
        assert list((tmp_path / "state").iterdir()) == []
        assert bench.push(state_directory=str(tmp_path / "state")).changed is True

    def test_two_uploads_that_are_reported_as_empty_are_no_matter_of_the_task(
        self, bench: LayerBench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def complete(_backend: t.Any, *_args: t.Any, **_options: t.Any) -> t.NoReturn:
            raise EmptyUploadException(upload_id="", repository_name=bench.repository, registry_id="")

        monkeypatch.setattr(bench.control.backend_class, "complete_layer_upload", complete)
        with pytest.raises(LayerUploadError) as failed:
            bench.push()
        words = message(failed.value)
        assert "confirmed each part of upload" in words
        assert "reports the upload as empty" in words
        assert "ecr_upload_layer_part" not in words

    def test_layer_of_one_byte(self, ecr: ECRClient, strict_ecr: StrictECR, bench: LayerBench, tmp_path: Path) -> None:
        small = LayerBench(ecr, strict_ecr.control, bench.repository, tmp_path / "small", b"x", PART)
        small.strike(SEND, "drop_after")
        assert small.push().progress.bytes_sent == 1
        assert small.holds_the_layer()
        assert small.calls() == (1, 2, 1)


@pytest.mark.parametrize("there", [0, 1])
def test_upload_of_a_layer_of_one_byte_is_resumed(
    ecr: ECRClient, strict_ecr: StrictECR, repository: str, tmp_path: Path, there: int
) -> None:
    bench = LayerBench(ecr, strict_ecr.control, repository, tmp_path / "small", b"x", PART)
    upload_id = bench.open_upload(*[b"x"] * there)
    push = bench.push(upload_id=upload_id)
    assert (push.progress.upload_id, push.progress.bytes_sent) == (upload_id, 1 - there)
    assert bench.holds_the_layer()


class TestTimeThatIsOver:
    @pytest.mark.parametrize("steps", [0, 2, 4])
    def test_nothing_is_completed_and_the_state_is_kept(
        self, bench: LayerBench, tmp_path: Path, steps: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # The look-up and the opening check once, and each part before it is read and before it is sent.
        answers = iter([True] * (2 + 2 * steps))
        with monkeypatch.context() as patch:
            patch.setattr(task, "is_waited_for", lambda: next(answers, False))
            with pytest.raises(LayerUploadError, match="no longer waiting for the result") as failed:
                bench.push(state_directory=str(tmp_path / "state"))
        assert isinstance(failed.value.cause, TaskStoppedError)
        assert bench.calls() == (1, steps, 0)
        assert bench.push(state_directory=str(tmp_path / "state")).progress.bytes_sent == max(0, 35 - 10 * steps)
        assert bench.holds_the_layer()


class TestState:
    def test_state_is_forgotten_when_another_task_brought_the_layer(self, bench: LayerBench, tmp_path: Path) -> None:
        state_dir = str(tmp_path / "state")
        bench.strike(SEND, "access_denied", skip=2)
        with pytest.raises(LayerUploadError):
            bench.push(state_directory=state_dir)
        bench.push()
        assert bench.push(state_directory=state_dir).changed is False
        assert list(Path(state_dir).iterdir()) == []

    def test_part_size_of_the_task_wins_over_that_of_the_state(self, bench: LayerBench, tmp_path: Path) -> None:
        state_dir = str(tmp_path / "state")
        bench.strike(SEND, "access_denied", skip=2)
        with pytest.raises(LayerUploadError) as failed:
            bench.push(state_directory=state_dir)
        assert "with the same state_dir" in message(failed.value)
        assert bench.push(state_directory=state_dir, part_size=5).progress.part_count == 3

    def test_run_that_failed_is_continued(self, bench: LayerBench, tmp_path: Path) -> None:
        state_dir = str(tmp_path / "state")
        bench.strike(SEND, "access_denied", skip=2)
        with pytest.raises(LayerUploadError) as failed:
            bench.push(state_directory=state_dir)
        bench.control.calls.clear(bench.repository)
        push = bench.push(state_directory=state_dir)
        assert (push.changed, push.progress.bytes_sent, push.progress.part_count) == (True, 15, 2)
        assert push.progress.upload_id == upload_id_of(failed.value)
        assert bench.control.calls.bytes_received(bench.repository) == 15
        assert bench.calls() == (0, 2, 1)
        assert bench.warnings == []
        assert bench.holds_the_layer()
        assert list(Path(state_dir).iterdir()) == []

    def test_registry_that_is_further_on_corrects_the_state(self, bench: LayerBench, tmp_path: Path) -> None:
        state_dir = str(tmp_path / "state")
        bench.strike(SEND, "access_denied", skip=1)
        with pytest.raises(LayerUploadError) as failed:
            bench.push(state_directory=state_dir)
        bench.add_part(upload_id_of(failed.value), LAYER[10:22])
        assert bench.push(state_directory=state_dir).progress.bytes_sent == 13
        assert bench.holds_the_layer()

    def test_state_of_an_upload_that_is_gone_is_begun_again(self, bench: LayerBench, tmp_path: Path) -> None:
        state_dir = str(tmp_path / "state")
        bench.strike(SEND, "access_denied", skip=1)
        with pytest.raises(LayerUploadError) as failed:
            bench.push(state_directory=state_dir)
        bench.control.forget_upload(bench.repository, upload_id_of(failed.value))
        assert bench.push(state_directory=state_dir).progress.bytes_sent == 35
        assert upload_id_of(failed.value) in bench.warnings[0]
        assert "a new upload was opened" in bench.warnings[0]
        assert bench.holds_the_layer()

    def test_state_is_good_whenever_the_run_is_interrupted(self, bench: LayerBench, tmp_path: Path) -> None:
        def interrupt(params: dict[str, t.Any], **_event: t.Any) -> None:
            if b'"partFirstByte": 20' in bytes(params["body"].read(1000)):
                raise KeyboardInterrupt
            params["body"].seek(0)

        with bench.during("before-call.ecr.UploadLayerPart", interrupt, last=True), pytest.raises(KeyboardInterrupt):
            bench.push(state_directory=str(tmp_path / "state"))
        (state,) = (tmp_path / "state").glob("*.json")
        assert json.loads(state.read_text(encoding="utf-8"))["next_byte"] == 20
        assert bench.calls()[2] == 0
        assert bench.push(state_directory=str(tmp_path / "state")).progress.bytes_sent == 15

    def test_upload_id_wins_over_the_state(self, bench: LayerBench, tmp_path: Path) -> None:
        state_dir = str(tmp_path / "state")
        bench.strike(SEND, "access_denied", skip=1)
        with pytest.raises(LayerUploadError):
            bench.push(state_directory=state_dir)
        other = bench.open_upload(LAYER[:30])
        push = bench.push(state_directory=state_dir, upload_id=other)
        assert (push.progress.upload_id, push.progress.bytes_sent) == (other, 5)


class TestFileThatChanges:
    @pytest.mark.parametrize("part", [0, 1, 3])
    def test_change_is_noticed_before_completing(self, bench: LayerBench, part: int, tmp_path: Path) -> None:
        def change(params: dict[str, t.Any], **_event: t.Any) -> None:
            if f'"partFirstByte": {part * PART},'.encode() in bytes(params["body"].read(1000)):
                before = bench.path.stat()
                with bench.path.open("r+b") as layer:
                    layer.seek(34)
                    layer.write(b"!")
                # Even when nothing but the bytes and the time of the status change tells.
                os.utime(bench.path, ns=(before.st_atime_ns, before.st_mtime_ns))
            params["body"].seek(0)

        with (
            bench.during("before-call.ecr.UploadLayerPart", change, last=True),
            pytest.raises(LayerUploadError, match="was changed"),
        ):
            bench.push(state_directory=str(tmp_path / "state"))
        assert bench.calls()[2] == 0
        assert bench.holds_nothing()
        assert list((tmp_path / "state").iterdir()) == []

    def test_refusal_of_bytes_that_are_not_those_signed_is_told_as_a_change(self, bench: LayerBench) -> None:
        def change(**_event: t.Any) -> None:
            with bench.path.open("r+b") as layer:
                layer.write(b"!")

        bench.strike(SEND, "access_denied")
        with (
            bench.during("before-send.ecr.UploadLayerPart", change),
            pytest.raises(LayerUploadError, match="was changed"),
        ):
            bench.push()
        assert bench.calls() == (1, 1, 0)

    def test_bytes_are_compared_even_if_the_file_looks_untouched(
        self, bench: LayerBench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(FileBlob, "check_unchanged", lambda _blob: None)

        def change(**_event: t.Any) -> None:
            bench.path.write_bytes(bytes(35))

        with (
            bench.during("before-call.ecr.InitiateLayerUpload", change),
            pytest.raises(LayerUploadError, match="has other content than its digest states"),
        ):
            bench.push()
        assert bench.calls() == (1, 4, 0)

    def test_file_that_is_replaced_is_noticed(self, bench: LayerBench, tmp_path: Path) -> None:
        def replace_file(**_event: t.Any) -> None:
            (tmp_path / "new").write_bytes(LAYER)
            (tmp_path / "new").replace(bench.path)

        with (
            bench.during("before-call.ecr.InitiateLayerUpload", replace_file),
            pytest.raises(LayerUploadError),
        ):
            bench.push()
        assert bench.holds_nothing()


kinds = st.sampled_from(
    ["throttle", "server_error", "bare_500", "drop_before", "drop_after", "expire_upload", "access_denied", "limit"]
)
faults = st.tuples(
    st.sampled_from([SEND, SEND, COMPLETE, INITIATE, LOOK_UP]), kinds, st.integers(0, 6), st.integers(1, 3)
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.binary(min_size=1, max_size=60),
    part_size=st.integers(1, 70),
    sequence=st.lists(faults, max_size=6),
    tells=st.booleans(),
    runs=st.integers(1, 3),
)
def test_registry_holds_the_layer_or_the_task_failed_and_it_holds_none(
    ecr: ECRClient,
    strict_ecr: StrictECR,
    tmp_path: Path,
    content: bytes,
    part_size: int,
    sequence: list[tuple[str, Kind, int, int]],
    tells: bool,
    runs: int,
) -> None:
    repository = f"property/{uuid.uuid4().hex[:12]}"
    ecr.create_repository(repositoryName=repository)
    bench = LayerBench(ecr, strict_ecr.control, repository, tmp_path / "layer", content, part_size)
    bench.control.rules(repository).reports_last_valid_byte = tells
    for operation, kind, skip, times in sequence:
        if kind != "expire_upload" or operation in (SEND, COMPLETE):
            bench.strike(operation, kind, skip=skip, times=times)
    for _run in range(runs):
        try:
            push = bench.push(state_directory=str(tmp_path / "state"))
        except TaskError:
            assert bench.holds_nothing() or bench.holds_the_layer()
        else:
            assert bench.holds_the_layer()
            assert push.progress.digest == bench.digest
            assert push.progress.bytes_sent in range(len(content) * 2 + 1)
    bench.control.faults.clear(repository)
    bench.push(state_directory=str(tmp_path / "state"))
    assert bench.holds_the_layer()


def test_upload_with_more_bytes_than_the_layer_is_not_completed(bench: LayerBench) -> None:
    upload_id = bench.open_upload(bytes(45))
    push = bench.push(upload_id=upload_id)
    assert push.progress.upload_id != upload_id
    # Its position, the parts of another upload, and the completion of that one.
    assert bench.calls() == (1, 1 + 4, 1)
    assert bench.holds_the_layer()


def test_a_position_of_one_byte_does_not_say_whether_the_byte_arrived(
    ecr: ECRClient, strict_ecr: StrictECR, repository: str, tmp_path: Path
) -> None:
    small = LayerBench(ecr, strict_ecr.control, repository, tmp_path / "small", b"x", PART)
    pages = [answer(403, [("content-type", "text/html")], b"<html>sign in</html>")]

    def respond(**_event: t.Any) -> t.Any:
        return pages.pop() if pages else None

    with small.during("before-send.ecr.UploadLayerPart", respond), pytest.raises(LayerUploadError) as failed:
        small.push()
    assert small.calls() == (1, 1, 0)
    # The registry has none of its bytes, which it may report of one byte as well.
    assert failed.value.progress.unanswered is Unanswered.PART


def test_upload_that_the_task_names_goes_before_a_saved_one(bench: LayerBench, tmp_path: Path) -> None:
    bench.strike(SEND, "access_denied", skip=2)
    with pytest.raises(LayerUploadError):
        bench.push(state_directory=str(tmp_path / "state"))
    saved = bench.saved(state_directory=str(tmp_path / "state"))
    assert saved
    assert saved.next_byte == 20
    upload_id = "11111111-2222-3333-4444-555555555555"
    assert bench.saved(state_directory=str(tmp_path / "state"), upload_id=upload_id) is None
