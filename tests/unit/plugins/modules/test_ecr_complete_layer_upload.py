# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CompleteLayerUpload against a registry of expected calls."""

from __future__ import annotations

import gc
import json
import typing as t

import pytest
from ansible_collections.amazon.aws.plugins.module_utils.botocore import boto3_inventory_conn
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr import client as _repository
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.service_model import operation_model
from ansible_collections.layerkit.ecr.plugins.modules import ecr_complete_layer_upload as module
from ansible_collections.layerkit.ecr.tests.unit.support.modelled_advice import ADVICE
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import ModuleFailedError, run_module, warnings_of
from ansible_collections.layerkit.ecr.tests.unit.support.stubbed_registry import StubbedRegistry

REPOSITORY = "team/app"
UPLOAD = "5e9ba2c1-1a3d-4b36-8c2e-5a4d5c1bb9d7"
ACCOUNT = "123456789012"
THIS = "sha256:" + "1" * 64
OTHER = "sha256:" + "2" * 64
SHA512 = "sha512:" + "3" * 128
ZERO_BYTES = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
KEYS = {"action", "layer_digest", "layer_size", "media_type", "registry_id", "repository_name", "upload_id"}

TASK: dict[str, t.Any] = {"repository_name": REPOSITORY, "upload_id": UPLOAD, "layer_digests": [THIS]}


def complete_request(*digests: str) -> dict[str, t.Any]:
    return {"repositoryName": REPOSITORY, "uploadId": UPLOAD, "layerDigests": list(digests or (THIS,))}


def completes(registry: StubbedRegistry, *digests: str, answer: str = THIS) -> None:
    registry.answers(
        "CompleteLayerUpload",
        complete_request(*digests),
        registryId=ACCOUNT,
        repositoryName=REPOSITORY,
        uploadId=UPLOAD,
        layerDigest=answer,
    )


def refuses(
    registry: StubbedRegistry, code: str, status: int = 400, digests: t.Sequence[str] = (), **fields: t.Any
) -> None:
    registry.refuses("CompleteLayerUpload", complete_request(*digests), code, status, fields or None)


class TestLayerIsAbsent:
    def test_upload_is_completed_and_answer_returned(self, registry: StubbedRegistry) -> None:
        registry.has(REPOSITORY, absent=[THIS])
        completes(registry)
        registry.has(REPOSITORY, available=[THIS])
        result = run_module(module, **TASK)
        assert result["changed"] is True
        assert {key: result[key] for key in KEYS} == {
            "action": "completed",
            "layer_digest": THIS,
            "layer_size": 7,
            "media_type": "application/x-layer",
            "registry_id": ACCOUNT,
            "repository_name": REPOSITORY,
            "upload_id": UPLOAD,
        }

    def test_fact_has_the_same_keys_and_values(self, registry: StubbedRegistry) -> None:
        registry.has(REPOSITORY, absent=[THIS])
        completes(registry)
        registry.has(REPOSITORY, available=[THIS])
        result = run_module(module, **TASK)
        assert result["ansible_facts"] == {"ecr_complete_layer_upload": {key: result[key] for key in KEYS}}

    def test_check_mode_predicts_and_sends_nothing(self, registry: StubbedRegistry) -> None:
        registry.has(REPOSITORY, absent=[THIS])
        result = run_module(module, check=True, **TASK)
        assert result["changed"] is True
        assert result["action"] == "completed"
        assert result["layer_digest"] == THIS
        assert set(result["ansible_facts"]["ecr_complete_layer_upload"]) == KEYS

    def test_check_mode_and_run_show_the_same_diff(self, registry: StubbedRegistry) -> None:
        expected = {"before": {THIS: "UNAVAILABLE"}, "after": {THIS: "AVAILABLE"}}
        registry.has(REPOSITORY, absent=[THIS])
        assert run_module(module, check=True, **TASK)["diff"] == expected
        registry.has(REPOSITORY, absent=[THIS])
        completes(registry)
        registry.has(REPOSITORY, available=[THIS])
        assert run_module(module, **TASK)["diff"] == expected

    def test_check_mode_does_not_name_one_of_several_candidates(self, registry: StubbedRegistry) -> None:
        registry.has(REPOSITORY, absent=[THIS, OTHER])
        result = run_module(module, check=True, **{**TASK, "layer_digests": [THIS, OTHER]})
        assert result["layer_digest"] is None
        assert result["changed"] is True

    def test_layer_that_the_registry_does_not_describe_has_no_size(self, registry: StubbedRegistry) -> None:
        registry.has(REPOSITORY, absent=[THIS])
        completes(registry)
        registry.has(REPOSITORY, absent=[THIS])
        result = run_module(module, **TASK)
        assert (result["changed"], result["layer_size"], result["media_type"]) == (True, None, None)

    def test_failed_look_up_afterwards_does_not_fail_the_task(self, registry: StubbedRegistry) -> None:
        registry.has(REPOSITORY, absent=[THIS])
        completes(registry)
        registry.refuses(
            "BatchCheckLayerAvailability",
            {"repositoryName": REPOSITORY, "layerDigests": [THIS]},
            "InvalidParameterException",
        )
        result = run_module(module, **TASK)
        assert (result["changed"], result["layer_digest"], result["layer_size"]) == (True, THIS, None)

    def test_one_available_digest_of_several_does_not_stop_the_upload(self, registry: StubbedRegistry) -> None:
        registry.answers(
            "BatchCheckLayerAvailability",
            {"repositoryName": REPOSITORY, "layerDigests": [OTHER, THIS]},
            layers=[{"layerDigest": OTHER, "layerAvailability": "AVAILABLE"}],
        )
        completes(registry, OTHER, THIS)
        registry.has(REPOSITORY, available=[THIS])
        result = run_module(module, **{**TASK, "layer_digests": [OTHER, THIS]})
        assert (result["changed"], result["layer_digest"]) == (True, THIS)

    @pytest.mark.parametrize("availability", ["UNAVAILABLE", "ARCHIVED"])
    def test_only_available_counts_as_present(self, registry: StubbedRegistry, availability: str) -> None:
        registry.answers(
            "BatchCheckLayerAvailability",
            {"repositoryName": REPOSITORY, "layerDigests": [THIS]},
            layers=[{"layerDigest": THIS, "layerAvailability": availability}],
        )
        completes(registry)
        registry.has(REPOSITORY, available=[THIS])
        result = run_module(module, **TASK)
        assert result["changed"] is True
        assert result["diff"]["before"] == {THIS: availability}

    def test_registry_id_goes_with_every_call(self, registry: StubbedRegistry) -> None:
        look_up = {"registryId": ACCOUNT, "repositoryName": REPOSITORY, "layerDigests": [THIS]}
        registry.answers("BatchCheckLayerAvailability", look_up, layers=[])
        registry.answers("CompleteLayerUpload", {"registryId": ACCOUNT, **complete_request()}, layerDigest=THIS)
        registry.answers("BatchCheckLayerAvailability", look_up, layers=[])
        result = run_module(module, **TASK, registry_id=ACCOUNT)
        assert (result["changed"], result["registry_id"]) == (True, ACCOUNT)


class TestLayerIsThere:
    @pytest.mark.parametrize("check", [False, True])
    def test_nothing_is_sent(self, registry: StubbedRegistry, check: bool) -> None:
        registry.has(REPOSITORY, available=[THIS])
        result = run_module(module, check=check, **TASK)
        assert (result["changed"], result["action"], result["layer_digest"]) == (False, "already_exists", THIS)
        assert (result["layer_size"], result["media_type"]) == (7, "application/x-layer")
        assert result["diff"]["before"] == result["diff"]["after"] == {THIS: "AVAILABLE"}
        assert set(result["ansible_facts"]["ecr_complete_layer_upload"]) == KEYS

    def test_digest_listed_twice_is_looked_up_once(self, registry: StubbedRegistry) -> None:
        registry.has(REPOSITORY, available=[THIS])
        assert run_module(module, **{**TASK, "layer_digests": [THIS, THIS]})["changed"] is False

    @pytest.mark.parametrize("text", [f"{THIS},{OTHER}", f" {THIS}, {OTHER},"])
    def test_comma_separated_string_is_a_list(self, registry: StubbedRegistry, text: str) -> None:
        registry.has(REPOSITORY, available=[THIS, OTHER])
        assert run_module(module, **{**TASK, "layer_digests": text})["changed"] is False

    def test_aws_spellings_are_aliases(self, registry: StubbedRegistry) -> None:
        registry.answers(
            "BatchCheckLayerAvailability",
            {"registryId": ACCOUNT, "repositoryName": REPOSITORY, "layerDigests": [THIS]},
            layers=[{"layerDigest": THIS, "layerAvailability": "AVAILABLE"}],
        )
        result = run_module(module, registryId=ACCOUNT, repositoryName=REPOSITORY, uploadId=UPLOAD, layerDigests=[THIS])
        assert (result["changed"], result["registry_id"]) == (False, ACCOUNT)


class TestAnswersThatNeedALook:
    def test_layer_already_exists_is_confirmed(self, registry: StubbedRegistry) -> None:
        registry.has(REPOSITORY, absent=[THIS])
        refuses(registry, "LayerAlreadyExistsException")
        registry.has(REPOSITORY, available=[THIS])
        result = run_module(module, **TASK)
        assert (result["changed"], result["action"], result["layer_digest"]) == (False, "already_exists", THIS)
        assert result["layer_size"] == 7

    def test_layer_already_exists_returns_the_digest_that_is_available(self, registry: StubbedRegistry) -> None:
        registry.has(REPOSITORY, absent=[OTHER, THIS])
        refuses(registry, "LayerAlreadyExistsException", digests=[OTHER, THIS])
        registry.answers(
            "BatchCheckLayerAvailability",
            {"repositoryName": REPOSITORY, "layerDigests": [OTHER, THIS]},
            layers=[
                {"layerDigest": OTHER, "layerAvailability": "UNAVAILABLE"},
                {"layerDigest": THIS, "layerAvailability": "AVAILABLE"},
            ],
        )
        result = run_module(module, **{**TASK, "layer_digests": [OTHER, THIS]})
        assert (result["changed"], result["layer_digest"]) == (False, THIS)

    def test_layer_already_exists_that_cannot_be_confirmed_fails(self, registry: StubbedRegistry) -> None:
        registry.has(REPOSITORY, absent=[THIS])
        refuses(registry, "LayerAlreadyExistsException")
        registry.has(REPOSITORY, absent=[THIS])
        with pytest.raises(ModuleFailedError) as failed:
            run_module(module, **TASK)
        assert failed.value.result["error"]["code"] == "LayerAlreadyExistsException"

    def test_layer_already_exists_without_sha256_fails_without_a_look(self, registry: StubbedRegistry) -> None:
        refuses(registry, "LayerAlreadyExistsException", digests=[SHA512])
        with pytest.raises(ModuleFailedError, match="list the layer's own sha256 digest"):
            run_module(module, **{**TASK, "layer_digests": [SHA512]})

    def test_upload_not_found_with_all_layers_available_is_already_completed(self, registry: StubbedRegistry) -> None:
        registry.has(REPOSITORY, absent=[THIS])
        refuses(registry, "UploadNotFoundException")
        registry.has(REPOSITORY, available=[THIS])
        result = run_module(module, **TASK)
        assert (result["changed"], result["action"], result["layer_digest"]) == (False, "already_completed", THIS)

    def test_upload_not_found_with_one_layer_absent_fails_and_names_the_causes(self, registry: StubbedRegistry) -> None:
        registry.has(REPOSITORY, absent=[THIS, OTHER])
        refuses(registry, "UploadNotFoundException", digests=[THIS, OTHER])
        registry.has(REPOSITORY, available=[THIS], absent=[OTHER])
        with pytest.raises(
            ModuleFailedError, match=r"expired.*completed.*id is wrong.*another repository, region or account"
        ):
            run_module(module, **{**TASK, "layer_digests": [THIS, OTHER]})

    def test_look_that_is_refused_leaves_the_first_error(self, registry: StubbedRegistry) -> None:
        look_up = {"repositoryName": REPOSITORY, "layerDigests": [THIS]}
        registry.refuses("BatchCheckLayerAvailability", look_up, "AccessDeniedException")
        refuses(registry, "LayerAlreadyExistsException")
        registry.refuses("BatchCheckLayerAvailability", look_up, "AccessDeniedException")
        with pytest.raises(ModuleFailedError, match="ecr:BatchCheckLayerAvailability") as failed:
            run_module(module, **TASK)
        assert failed.value.result["error"]["code"] == "LayerAlreadyExistsException"


class TestRetries:
    @pytest.mark.parametrize("code", ["LayerAlreadyExistsException", "UploadNotFoundException"])
    def test_first_try_that_had_succeeded_is_a_change(self, registry: StubbedRegistry, code: str) -> None:
        registry.has(REPOSITORY, absent=[THIS])
        refuses(registry, "ServerException", status=500)
        refuses(registry, code)
        registry.has(REPOSITORY, available=[THIS])
        result = run_module(module, **TASK)
        assert (result["changed"], result["action"], result["layer_digest"]) == (True, "completed", THIS)

    @pytest.mark.parametrize("code", ["LayerAlreadyExistsException", "UploadNotFoundException"])
    def test_throttled_try_is_no_change(self, registry: StubbedRegistry, code: str) -> None:
        registry.has(REPOSITORY, absent=[THIS])
        refuses(registry, "ThrottlingException")
        refuses(registry, code)
        registry.has(REPOSITORY, available=[THIS])
        assert run_module(module, **TASK)["changed"] is False

    def test_layer_that_was_there_before_is_not_this_tasks_change(self, registry: StubbedRegistry) -> None:
        registry.has(REPOSITORY, available=[OTHER], absent=[THIS])
        refuses(registry, "ServerException", status=500, digests=[OTHER, THIS])
        refuses(registry, "LayerAlreadyExistsException", digests=[OTHER, THIS])
        registry.has(REPOSITORY, available=[OTHER], absent=[THIS])
        result = run_module(module, **{**TASK, "layer_digests": [OTHER, THIS]})
        assert (result["changed"], result["layer_digest"]) == (False, OTHER)

    @pytest.mark.parametrize(
        ("code", "status"),
        [
            ("ThrottlingException", 400),
            ("Throttling", 400),
            ("RequestLimitExceeded", 400),
            ("LimitExceededException", 400),
            ("ServerException", 500),
            ("InternalFailure", 500),
            ("ServiceUnavailable", 503),
            ("RequestTimeoutException", 408),
            ("502", 502),
        ],
    )
    def test_passing_failure_is_tried_again(
        self, registry: StubbedRegistry, delays: list[float], code: str, status: int
    ) -> None:
        registry.has(REPOSITORY, absent=[THIS])
        refuses(registry, code, status)
        refuses(registry, code, status)
        completes(registry)
        registry.has(REPOSITORY, available=[THIS])
        assert run_module(module, **TASK)["changed"] is True
        assert len(delays) == 2

    def test_delays_grow_within_their_bounds(self, registry: StubbedRegistry, delays: list[float]) -> None:
        registry.has(REPOSITORY, absent=[THIS])
        for _attempt in range(7):
            refuses(registry, "ThrottlingException")
        with pytest.raises(ModuleFailedError, match="request rate") as failed:
            run_module(module, **TASK)
        assert failed.value.result["attempts"] == 7
        assert failed.value.result["error"]["code"] == "ThrottlingException"
        assert len(delays) == 6
        assert all(delay <= bound for delay, bound in zip(delays, [0.5, 1, 2, 4, 8, 10], strict=True))
        assert len(set(delays)) == 6, "the delays are not jittered"

    def test_server_that_keeps_failing_but_did_it_is_a_change(self, registry: StubbedRegistry) -> None:
        registry.has(REPOSITORY, absent=[THIS])
        for _attempt in range(7):
            refuses(registry, "ServerException", status=500)
        registry.has(REPOSITORY, available=[THIS])
        result = run_module(module, **TASK)
        assert (result["changed"], result["action"]) == (True, "completed")

    def test_server_that_keeps_failing_fails_the_task(self, registry: StubbedRegistry) -> None:
        registry.has(REPOSITORY, absent=[THIS])
        for _attempt in range(7):
            refuses(registry, "ServerException", status=500)
        registry.has(REPOSITORY, absent=[THIS])
        with pytest.raises(ModuleFailedError, match="outcome is not known") as failed:
            run_module(module, **TASK)
        assert failed.value.result["error"]["code"] == "ServerException"


class TestWrongBytes:
    def test_answer_with_another_digest_fails_and_names_both(self, registry: StubbedRegistry) -> None:
        registry.has(REPOSITORY, absent=[THIS])
        completes(registry, answer=OTHER)
        with pytest.raises(ModuleFailedError) as failed:
            run_module(module, **TASK)
        assert THIS in failed.value.msg
        assert OTHER in failed.value.msg
        assert UPLOAD in failed.value.msg
        assert REPOSITORY in failed.value.msg
        assert failed.value.result["layer_digest"] == OTHER
        assert failed.value.result["changed"] is True

    def test_answer_without_a_digest_fails(self, registry: StubbedRegistry) -> None:
        registry.has(REPOSITORY, absent=[THIS])
        registry.answers("CompleteLayerUpload", complete_request(), registryId=ACCOUNT)
        with pytest.raises(ModuleFailedError, match="another layer than the one asked for"):
            run_module(module, **TASK)

    def test_only_other_algorithms_are_accepted_with_a_warning(self, registry: StubbedRegistry) -> None:
        completes(registry, SHA512)
        registry.has(REPOSITORY, available=[THIS])
        result = run_module(module, **{**TASK, "layer_digests": [SHA512]})
        assert (result["changed"], result["layer_digest"]) == (True, THIS)
        assert any("no sha256 digest" in warning for warning in warnings_of(result))

    def test_check_mode_with_only_other_algorithms_looks_for_the_repository(self, registry: StubbedRegistry) -> None:
        look = {"repositoryName": REPOSITORY, "layerDigests": [ZERO_BYTES]}
        registry.refuses("BatchCheckLayerAvailability", look, "RepositoryNotFoundException")
        with pytest.raises(ModuleFailedError, match="create it, or check repository_name"):
            run_module(module, check=True, **{**TASK, "layer_digests": [SHA512]})


class TestWithoutLeaveToLookUp:
    def test_call_goes_through_with_a_warning(self, registry: StubbedRegistry) -> None:
        look_up = {"repositoryName": REPOSITORY, "layerDigests": [THIS]}
        registry.refuses("BatchCheckLayerAvailability", look_up, "AccessDeniedException")
        completes(registry)
        registry.refuses("BatchCheckLayerAvailability", look_up, "AccessDeniedException")
        result = run_module(module, **TASK)
        assert (result["changed"], result["layer_digest"], result["layer_size"]) == (True, THIS, None)
        assert [w for w in warnings_of(result) if "ecr:BatchCheckLayerAvailability" in w and REPOSITORY in w]
        assert result["diff"]["before"] == {THIS: "unknown"}

    def test_check_mode_predicts_the_call_with_a_warning(self, registry: StubbedRegistry) -> None:
        look_up = {"repositoryName": REPOSITORY, "layerDigests": [THIS]}
        registry.refuses("BatchCheckLayerAvailability", look_up, "AccessDeniedException")
        result = run_module(module, check=True, **TASK)
        assert result["changed"] is True
        assert warnings_of(result)


def modelled_errors(operation: str) -> list[str]:
    return [shape.name for shape in operation_model(operation).error_shapes]


class TestErrors:
    @pytest.mark.parametrize(
        "code",
        sorted(
            set(modelled_errors("CompleteLayerUpload")) - {"LayerAlreadyExistsException", "UploadNotFoundException"}
        ),
    )
    def test_modelled_error_of_completing(self, registry: StubbedRegistry, code: str) -> None:
        registry.has(REPOSITORY, absent=[THIS])
        fields = {"kmsError": "DisabledException"} if code == "KmsException" else {}
        server_failed = code == "ServerException"
        for _attempt in range(7 if server_failed else 1):
            refuses(registry, code, status=500 if server_failed else 400, **fields)
        if server_failed:
            registry.has(REPOSITORY, absent=[THIS])
        with pytest.raises(ModuleFailedError) as failed:
            run_module(module, **TASK)
        result = failed.value.result
        assert result["error"]["code"] == code
        assert (result["repository_name"], result["upload_id"]) == (REPOSITORY, UPLOAD)
        assert "changed" not in result
        assert f"Failed to complete upload {UPLOAD} as {THIS} in repository {REPOSITORY}" in result["msg"]
        assert f"the registry's own words on {code}" in result["msg"]
        assert ADVICE[code] in result["msg"]
        assert "reached max retries" not in result["msg"], "botocore's count is not ours"

    def test_kms_error_is_returned(self, registry: StubbedRegistry) -> None:
        registry.has(REPOSITORY, absent=[THIS])
        refuses(registry, "KmsException", kmsError="DisabledException")
        with pytest.raises(ModuleFailedError, match="kms:Decrypt") as failed:
            run_module(module, **TASK)
        assert failed.value.result["kms_error"] == "DisabledException"

    @pytest.mark.parametrize("code", modelled_errors("BatchCheckLayerAvailability"))
    @pytest.mark.parametrize("check", [False, True])
    def test_modelled_error_of_looking_up_ends_the_task(
        self, registry: StubbedRegistry, code: str, check: bool
    ) -> None:
        server_failed = code == "ServerException"
        for _attempt in range(7 if server_failed else 1):
            registry.refuses(
                "BatchCheckLayerAvailability",
                {"repositoryName": REPOSITORY, "layerDigests": [THIS]},
                code,
                500 if server_failed else 400,
            )
        with pytest.raises(ModuleFailedError) as failed:
            run_module(module, check=check, **TASK)
        assert failed.value.result["error"]["code"] == code
        assert failed.value.result["upload_id"] == UPLOAD
        assert f"Upload {UPLOAD}: Failed to look up layers in repository {REPOSITORY}" in failed.value.msg
        assert ADVICE[code] in failed.value.msg

    @pytest.mark.parametrize(
        ("code", "advice"),
        [
            ("AccessDeniedException", "grant the ecr action"),
            ("ExpiredTokenException", "credentials have expired"),
            ("UnrecognizedClientException", "does not accept the credentials"),
            ("InvalidSignatureException", "the host's clock"),
            ("OptInRequired", "enable the region"),
        ],
    )
    def test_common_error(self, registry: StubbedRegistry, code: str, advice: str) -> None:
        registry.has(REPOSITORY, absent=[THIS])
        refuses(registry, code)
        with pytest.raises(ModuleFailedError, match=advice) as failed:
            run_module(module, **TASK)
        assert failed.value.result["error"]["code"] == code

    def test_registry_id_is_named(self, registry: StubbedRegistry) -> None:
        registry.refuses(
            "BatchCheckLayerAvailability",
            {"registryId": ACCOUNT, "repositoryName": REPOSITORY, "layerDigests": [THIS]},
            "RepositoryNotFoundException",
        )
        with pytest.raises(ModuleFailedError, match=f"repository {REPOSITORY} of registry {ACCOUNT}") as failed:
            run_module(module, **TASK, registry_id=ACCOUNT)
        assert failed.value.result["registry_id"] == ACCOUNT


def test_what_boto3_has_loaded_is_not_looked_through_in_the_end(
    registry: StubbedRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen: list[int] = []
    unfreeze = gc.unfreeze

    def count_and_unfreeze() -> None:
        frozen.append(gc.get_freeze_count())
        unfreeze()

    monkeypatch.setattr(gc, "unfreeze", count_and_unfreeze)
    registry.has(REPOSITORY, available=[THIS])
    run_module(module, **TASK)
    assert frozen[0] > 10_000
    assert gc.get_freeze_count() == 0


class TestConnection:
    """No stub: the client is never made, or never sends anything."""

    def test_missing_region(self) -> None:
        with pytest.raises(ModuleFailedError, match="set region, AWS_REGION") as failed:
            run_module(module, connection={"access_key": "AKIAUNITTESTS", "secret_key": "n0t-a-secret"}, **TASK)
        assert failed.value.result["error"]["code"] == "NoRegionError"
        assert REPOSITORY in failed.value.msg

    def test_missing_credentials(self) -> None:
        with pytest.raises(ModuleFailedError, match="No credentials were found") as failed:
            run_module(module, connection={"region": "eu-west-1"}, **TASK)
        assert failed.value.result["error"]["code"] == "NoCredentialsError"
        assert REPOSITORY in failed.value.msg

    @pytest.mark.parametrize(
        ("option", "words"),
        [({"endpoint_url": "nowhere"}, "Invalid endpoint: nowhere"), ({"aws_config": {"nonsense": 1}}, "nonsense")],
    )
    def test_option_that_boto3_does_not_take(self, option: dict[str, t.Any], words: str) -> None:
        connection = {"region": "eu-west-1", "access_key": "AKIAUNITTESTS", "secret_key": "n0t-a-secret", **option}
        with pytest.raises(ModuleFailedError, match="check endpoint_url and aws_config") as failed:
            run_module(module, connection=connection, **TASK)
        assert words in failed.value.msg
        assert (failed.value.result["repository_name"], failed.value.result["upload_id"]) == (REPOSITORY, UPLOAD)

    def test_region_that_is_no_name(self) -> None:
        connection = {"region": "no region", "access_key": "AKIAUNITTESTS", "secret_key": "n0t-a-secret"}
        with pytest.raises(ModuleFailedError, match="The region is not a valid name") as failed:
            run_module(module, connection=connection, **TASK)
        assert failed.value.result["upload_id"] == UPLOAD

    def test_missing_profile(self) -> None:
        with pytest.raises(ModuleFailedError, match="check profile") as failed:
            run_module(module, connection={"region": "eu-west-1", "profile": "nobody"}, **TASK)
        assert failed.value.result["error"]["code"] == "ProfileNotFound"

    @pytest.mark.parametrize("option", [{}, {"profile": "nobody"}])
    @pytest.mark.parametrize("collects", [True, False])
    def test_collection_of_garbage_is_as_before(
        self, option: dict[str, str], collects: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        while_connecting = []

        def connect(*args: t.Any, **options: t.Any) -> t.Any:
            while_connecting.append(gc.isenabled())
            return boto3_inventory_conn(*args, **options)

        monkeypatch.setattr(_repository, "boto3_inventory_conn", connect)
        (gc.enable if collects else gc.disable)()
        try:
            with pytest.raises(ModuleFailedError):
                run_module(module, connection={"region": "eu-west-1", **option}, **TASK)
            assert (while_connecting, gc.isenabled()) == ([False], collects)
        finally:
            gc.enable()

    def test_refused_connection(self, delays: list[float], unused_port: int) -> None:
        with pytest.raises(ModuleFailedError, match="could not be reached: check region") as failed:
            run_module(
                module,
                connection={
                    "region": "eu-west-1",
                    "access_key": "AKIAUNITTESTS",
                    "secret_key": "n0t-a-secret",
                    "endpoint_url": f"http://127.0.0.1:{unused_port}",
                },
                **TASK,
            )
        assert failed.value.result["error"]["code"] == "EndpointConnectionError"
        assert failed.value.result["attempts"] == 7
        assert len(delays) == 6

    def test_user_agent_names_the_collection(self, registry: StubbedRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
        from ansible_collections.amazon.aws.plugins.module_utils import common

        monkeypatch.setattr(common, "_collection_info_context", {})
        registry.has(REPOSITORY, available=[THIS])
        run_module(module, **TASK)
        assert common.get_collection_info() == {"name": "layerkit.ecr", "version": "1.0.0"}


class TestBadInput:
    """No registry: nothing may be sent."""

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"repository_name": "Team/App"}, ["repository_name", "'Team/App'", "must match "]),
            ({"repository_name": "a"}, ["repository_name", "'a'", "must have 2 or more characters"]),
            ({"repository_name": "a" * 257}, ["repository_name", "'aaa", "must have 256 characters or less"]),
            ({"registry_id": "12345"}, ["registry_id", "'12345'", "must match [0-9]{12}"]),
            ({"upload_id": "not-a-uuid"}, ["upload_id", "'not-a-uuid'", "must match [0-9a-fA-F]{8}-"]),
            ({"upload_id": UPLOAD + "\n"}, ["upload_id", r"\n'", "must match"]),
            ({"layer_digests": ["1" * 64]}, ["layer_digests[0]", "'1111", "must match [a-zA-Z0-9-_+.]+:"]),
            (
                {"layer_digests": [THIS, "sha256:12"]},
                ["layer_digests[1]", "'sha256:12'", "must match sha256:[a-f0-9]{64}"],
            ),
            ({"layer_digests": ""}, ["layer_digests", "0 entries", "must have 1 or more entries"]),
            ({"layer_digests": []}, ["layer_digests", "0 entries", "must have 1 or more entries"]),
            ({"layer_digests": [THIS] * 101}, ["layer_digests", "101 entries", "must have 100 entries or less"]),
            ({"repository_name": None}, ["repository_name is required"]),
            ({"upload_id": None}, ["upload_id is required"]),
            ({"layer_digests": None}, ["layer_digests is required", "layerDigests in cli_input_json"]),
        ],
    )
    def test_error_names_option_value_and_rule(self, options: dict[str, t.Any], words: list[str]) -> None:
        with pytest.raises(ModuleFailedError) as failed:
            run_module(module, **{**TASK, **options})
        assert all(word in failed.value.msg for word in words), failed.value.msg
        assert "nothing was sent" in failed.value.msg

    def test_zero_bytes_are_no_layer(self) -> None:
        with pytest.raises(ModuleFailedError, match="cannot store an empty layer"):
            run_module(module, **{**TASK, "layer_digests": [ZERO_BYTES]})

    def test_all_faults_are_in_one_error(self) -> None:
        with pytest.raises(ModuleFailedError) as failed:
            run_module(module, repository_name="A", upload_id="b", layer_digests=["c"])
        assert all(
            name in failed.value.msg for name in ("repository_name 'A'", "upload_id 'b'", "layer_digests[0] 'c'")
        )

    def test_many_faults_are_cut(self) -> None:
        with pytest.raises(ModuleFailedError, match="and 90 more"):
            run_module(module, **{**TASK, "layer_digests": ["bad"] * 100})


class TestCliInputJson:
    JSON: t.ClassVar[dict[str, t.Any]] = {"repositoryName": REPOSITORY, "uploadId": UPLOAD, "layerDigests": [THIS]}

    @pytest.mark.parametrize("form", [dict, json.dumps])
    def test_request_as_json(self, registry: StubbedRegistry, form: t.Callable[[dict[str, t.Any]], t.Any]) -> None:
        registry.has(REPOSITORY, available=[THIS])
        assert run_module(module, cli_input_json=form(self.JSON))["upload_id"] == UPLOAD

    def test_option_wins(self, registry: StubbedRegistry) -> None:
        registry.has("other/app", available=[THIS])
        assert (
            run_module(module, cli_input_json=self.JSON, repository_name="other/app")["repository_name"] == "other/app"
        )

    @pytest.mark.parametrize(
        ("members", "words"),
        [
            ({"uploadID": UPLOAD}, ["unknown member 'uploadID'", "registryId, repositoryName, uploadId, layerDigests"]),
            ({"layerDigests": THIS}, ["layer_digests", THIS, "list of strings"]),
            ({"layerDigests": [1]}, ["layer_digests", "[1]", "list of strings"]),
            ({"repositoryName": 12}, ["repository_name 12", "must be a string"]),
            ({"registryId": None}, ["registry_id None", "must be a string"]),
            ({"uploadId": "x"}, ["upload_id 'x'", "must match"]),
        ],
    )
    def test_wrong_member(self, members: dict[str, t.Any], words: list[str]) -> None:
        with pytest.raises(ModuleFailedError) as failed:
            run_module(module, cli_input_json={**self.JSON, **members})
        assert all(word in failed.value.msg for word in words), failed.value.msg

    def test_missing_member_is_named(self) -> None:
        with pytest.raises(
            ModuleFailedError, match=r"upload_id is required, as an option or as uploadId in cli_input_json"
        ):
            run_module(module, cli_input_json={"repositoryName": REPOSITORY, "layerDigests": [THIS]})

    @pytest.mark.parametrize(
        ("text", "words"), [("{", "not valid JSON"), ("[]", "JSON object"), ('"a"', "JSON object")]
    )
    def test_not_an_object(self, text: str, words: str) -> None:
        with pytest.raises(ModuleFailedError, match=words):
            run_module(module, cli_input_json=text)


class TestSkeleton:
    def test_input_needs_nothing_and_sends_nothing(self) -> None:
        result = run_module(module, connection={}, generate_cli_skeleton="input")
        assert result["cli_skeleton"] == {"registryId": "", "repositoryName": "", "uploadId": "", "layerDigests": [""]}
        assert result["changed"] is False

    def test_output_returns_a_sample_and_sends_nothing(self) -> None:
        result = run_module(module, connection={}, generate_cli_skeleton="output", **TASK)
        assert result["cli_skeleton"] == {
            "registryId": "registryId",
            "repositoryName": "repositoryName",
            "uploadId": "uploadId",
            "layerDigest": "layerDigest",
        }
        assert result["changed"] is False

    def test_output_checks_the_input(self) -> None:
        with pytest.raises(ModuleFailedError, match="upload_id 'x' must match"):
            run_module(module, connection={}, generate_cli_skeleton="output", **{**TASK, "upload_id": "x"})
