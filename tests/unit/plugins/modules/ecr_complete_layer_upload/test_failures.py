# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every error that the service model lists, common errors, and the missing permission to look up layers."""

from __future__ import annotations

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.service_model import operation_model
from ansible_collections.layerkit.ecr.plugins.modules import ecr_complete_layer_upload as module
from ansible_collections.layerkit.ecr.tests.unit.support.expected_completion import (
    ACCOUNT,
    REPOSITORY,
    TASK,
    THIS,
    UPLOAD,
    completes,
    refuses,
)
from ansible_collections.layerkit.ecr.tests.unit.support.modelled_advice import ADVICE
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import ModuleFailedError, run_module, warnings_of
from ansible_collections.layerkit.ecr.tests.unit.support.stubbed_registry import StubbedRegistry


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
        assert f"Failed to check which layers are in repository {REPOSITORY}" in failed.value.msg
        assert ADVICE[code] in failed.value.msg

    @pytest.mark.parametrize(
        ("code", "advice"),
        [
            ("AccessDeniedException", "Grant ecr:CompleteLayerUpload on repository"),
            ("ExpiredTokenException", "credentials expired"),
            ("UnrecognizedClientException", "does not accept the credentials"),
            ("InvalidSignatureException", "the clock of the host"),
            ("OptInRequired", "Enable the region"),
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


class TestWithoutPermissionToLookUp:
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
