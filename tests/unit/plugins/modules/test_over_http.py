# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules against the strict server: what the registry holds in the end, whatever happens on the way."""

from __future__ import annotations

import base64
import hashlib
import typing as t

import pytest
from ansible_collections.layerkit.ecr.plugins.modules import (
    ecr_complete_layer_upload,
    ecr_initiate_layer_upload,
    ecr_upload_layer_part,
)
from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import Fault
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import ModuleFailedError, run_module, warnings_of

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.control import Control
    from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import Kind
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR

LAYER = b"the bytes of a whole layer"
DIGEST = "sha256:" + hashlib.sha256(LAYER).hexdigest()
OTHER = "sha256:" + hashlib.sha256(b"other bytes").hexdigest()
NIL = "00000000-0000-0000-0000-000000000000"

pytestmark = pytest.mark.usefixtures("delays")


class Registry:
    """The modules' view of one repository, and the server's."""

    def __init__(self, control: Control, repository: str, connection: dict[str, t.Any]) -> None:
        self.control = control
        self.repository = repository
        self.connection = connection

    def strike(self, operation: str, kind: Kind, **options: t.Any) -> None:
        self.control.faults.add(Fault(kind, operation, repository=self.repository, **options))

    def calls(self, operation: str) -> int:
        return self.control.calls.counts(self.repository).get(operation, 0)

    def layers(self) -> dict[str, int]:
        return self.control.layers(self.repository)

    def open(self) -> str:
        return str(self._run(ecr_initiate_layer_upload)["upload_id"])

    def send(self, upload_id: str, first: int = 0, last: int = len(LAYER) - 1) -> dict[str, t.Any]:
        return self._run(
            ecr_upload_layer_part,
            upload_id=upload_id,
            part_first_byte=first,
            part_last_byte=last,
            layer_part_blob=base64.b64encode(LAYER[first : last + 1]).decode(),
        )

    def sent(self) -> str:
        upload_id = self.open()
        self.send(upload_id)
        return upload_id

    def complete(self, upload_id: str, *digests: str, check: bool = False) -> dict[str, t.Any]:
        return self._run(
            ecr_complete_layer_upload, check=check, upload_id=upload_id, layer_digests=list(digests or (DIGEST,))
        )

    def _run(self, module: t.Any, **options: t.Any) -> dict[str, t.Any]:
        return run_module(module, connection=self.connection, repository_name=self.repository, **options)


@pytest.fixture
def registry(strict_ecr: StrictECR, repository: str, connection: dict[str, t.Any]) -> Registry:
    return Registry(strict_ecr.control, repository, connection)


class TestLifeOfALayer:
    def test_check_run_and_run_again(self, registry: Registry) -> None:
        upload_id = registry.sent()
        predicted = registry.complete(upload_id, check=True)
        assert registry.layers() == {}
        assert registry.calls("CompleteLayerUpload") == 0
        done = registry.complete(upload_id)
        assert registry.layers() == {DIGEST: len(LAYER)}
        again = registry.complete(upload_id)
        assert [result["changed"] for result in (predicted, done, again)] == [True, True, False]
        assert predicted["layer_digest"] == done["layer_digest"] == again["layer_digest"] == DIGEST
        assert predicted["diff"] == done["diff"]
        assert done["layer_size"] == again["layer_size"] == len(LAYER)
        assert registry.calls("CompleteLayerUpload") == 1

    def test_second_upload_of_the_same_layer_is_unchanged(self, registry: Registry) -> None:
        registry.complete(registry.sent())
        assert registry.complete(registry.sent())["action"] == "already_exists"
        assert registry.calls("CompleteLayerUpload") == 1

    def test_any_digest_that_matches_is_enough(self, registry: Registry) -> None:
        assert registry.complete(registry.sent(), OTHER, DIGEST)["layer_digest"] == DIGEST

    def test_layer_that_appeared_since_the_look_is_found_by_another(self, registry: Registry) -> None:
        first, second = registry.sent(), registry.sent()
        registry.complete(first)
        registry.control.set_availability(registry.repository, DIGEST, "UNAVAILABLE")
        with pytest.raises(ModuleFailedError, match="List the sha256 digest") as failed:
            registry.complete(second)
        assert failed.value.result["error"]["code"] == "LayerAlreadyExistsException"
        registry.control.set_availability(registry.repository, DIGEST, None)
        assert registry.complete(second)["changed"] is False

    def test_wrong_bytes_are_refused(self, registry: Registry) -> None:
        with pytest.raises(ModuleFailedError, match="Compute the digest") as failed:
            registry.complete(registry.sent(), OTHER)
        assert failed.value.result["error"]["code"] == "InvalidLayerException"
        assert registry.layers() == {}

    def test_empty_upload_is_refused(self, registry: Registry) -> None:
        with pytest.raises(ModuleFailedError, match="0 bytes"):
            registry.complete(registry.open())

    def test_small_parts_are_refused_in_the_end(self, registry: Registry) -> None:
        upload_id = registry.open()
        registry.send(upload_id, 0, 9)
        registry.send(upload_id, 10)
        with pytest.raises(ModuleFailedError, match="5242880 bytes"):
            registry.complete(upload_id)

    def test_part_sent_twice_is_unchanged(self, registry: Registry) -> None:
        upload_id = registry.open()
        results = [registry.send(upload_id, 0, 9), registry.send(upload_id, 0, 9), registry.send(upload_id, 10)]
        assert [result["changed"] for result in results] == [True, False, True]
        assert registry.control.uploads(registry.repository) == {upload_id: len(LAYER)}

    def test_part_after_a_gap_is_refused(self, registry: Registry) -> None:
        upload_id = registry.open()
        with pytest.raises(ModuleFailedError, match="expects byte 0") as failed:
            registry.send(upload_id, 10)
        assert failed.value.result["next_byte_expected"] == 0
        assert registry.control.uploads(registry.repository) == {upload_id: 0}


class TestFaults:
    @pytest.mark.parametrize("kind", ["throttle", "server_error", "bare_500", "bare_503", "limit", "drop_before"])
    def test_complete_that_was_not_applied_is_tried_again(self, registry: Registry, kind: Kind) -> None:
        upload_id = registry.sent()
        registry.strike("CompleteLayerUpload", kind, times=2)
        result = registry.complete(upload_id)
        assert (result["changed"], result["action"]) == (True, "completed")
        assert registry.calls("CompleteLayerUpload") == 3
        assert registry.layers() == {DIGEST: len(LAYER)}

    def test_complete_whose_answer_was_lost_is_a_change(self, registry: Registry) -> None:
        upload_id = registry.sent()
        registry.strike("CompleteLayerUpload", "drop_after")
        result = registry.complete(upload_id)
        assert (result["changed"], result["action"], result["layer_digest"]) == (True, "completed", DIGEST)
        assert registry.calls("CompleteLayerUpload") == 2
        assert registry.layers() == {DIGEST: len(LAYER)}

    def test_complete_that_is_answered_too_late_is_a_change(self, registry: Registry) -> None:
        upload_id = registry.sent()
        registry.strike("CompleteLayerUpload", "delay", seconds=1.5)
        assert registry.complete(upload_id)["changed"] is True
        assert registry.layers() == {DIGEST: len(LAYER)}

    def test_complete_that_is_never_answered_but_applied_is_a_change(self, registry: Registry) -> None:
        upload_id = registry.sent()
        registry.strike("CompleteLayerUpload", "drop_after", times=7)
        assert registry.complete(upload_id)["changed"] is True

    @pytest.mark.parametrize(
        ("kind", "code", "advice"),
        [
            ("drop_before", "ConnectionClosedError", "No answer arrived"),
            ("bare_503", "503", "outcome is unknown"),
            ("throttle", "ThrottlingException", "is throttling this operation"),
            ("access_denied", "AccessDeniedException", "Grant ecr:CompleteLayerUpload on"),
            ("expired_token", "ExpiredTokenException", "credentials expired"),
            ("kms", "KmsException", "KMS key"),
            ("expire_upload", "UploadNotFoundException", "Send the layer again in a new upload"),
        ],
    )
    def test_complete_that_fails_for_good_says_why(
        self, registry: Registry, kind: Kind, code: str, advice: str
    ) -> None:
        upload_id = registry.sent()
        registry.strike("CompleteLayerUpload", kind, times=7)
        with pytest.raises(ModuleFailedError, match=advice) as failed:
            registry.complete(upload_id)
        assert failed.value.result["error"]["code"] == code
        assert upload_id in failed.value.msg
        assert registry.repository in failed.value.msg
        assert registry.layers() == {}

    def test_time_out_says_why(self, registry: Registry) -> None:
        upload_id = registry.sent()
        registry.connection["aws_config"] = {"read_timeout": 0.1}
        registry.strike("BatchCheckLayerAvailability", "delay", seconds=0.4, times=7)
        with pytest.raises(ModuleFailedError, match="No answer arrived") as failed:
            registry.complete(upload_id)
        assert failed.value.result["error"]["code"] == "ReadTimeoutError"

    def test_caller_who_may_not_look_still_completes(self, registry: Registry) -> None:
        upload_id = registry.sent()
        registry.strike("BatchCheckLayerAvailability", "access_denied", times=2)
        result = registry.complete(upload_id)
        assert (result["changed"], result["layer_digest"], result["layer_size"]) == (True, DIGEST, None)
        assert len(warnings_of(result)) == 1

    @pytest.mark.parametrize("kind", ["throttle", "server_error", "drop_before"])
    def test_part_that_was_not_applied_is_sent_again(self, registry: Registry, kind: Kind) -> None:
        upload_id = registry.open()
        registry.strike("UploadLayerPart", kind, times=2)
        assert registry.send(upload_id)["action"] == "sent"
        assert registry.control.uploads(registry.repository) == {upload_id: len(LAYER)}

    def test_part_whose_answer_was_lost_is_a_change_and_there_once(self, registry: Registry) -> None:
        upload_id = registry.open()
        registry.strike("UploadLayerPart", "drop_after")
        result = registry.send(upload_id)
        assert (result["changed"], result["action"], result["last_byte_received"]) == (True, "sent", len(LAYER) - 1)
        assert registry.control.uploads(registry.repository) == {upload_id: len(LAYER)}

    def test_botocores_own_retries_are_reckoned_with(self, registry: Registry) -> None:
        registry.connection["aws_config"] = {"retries": {"max_attempts": 3}}
        upload_id = registry.sent()
        registry.strike("CompleteLayerUpload", "drop_after")
        assert registry.complete(upload_id)["changed"] is True


class TestMissingRepository:
    @pytest.mark.parametrize("check", [False, True])
    def test_is_the_same_clear_error_in_check_mode(self, connection: dict[str, t.Any], check: bool) -> None:
        for module, options in (
            (ecr_initiate_layer_upload, {}),
            (
                ecr_complete_layer_upload,
                {"upload_id": "0" * 8 + "-0000" * 3 + "-" + "0" * 12, "layer_digests": [DIGEST]},
            ),
        ):
            with pytest.raises(
                ModuleFailedError, match="Create it, for example with aws ecr create-repository"
            ) as failed:
                run_module(module, check=check, connection=connection, repository_name="not/there", **options)
            assert failed.value.result["error"]["code"] == "RepositoryNotFoundException"
