# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result, fact and diff of a completion, and its prediction in check mode."""

from __future__ import annotations

import pytest
from ansible_collections.layerkit.ecr.plugins.modules import ecr_complete_layer_upload as module
from ansible_collections.layerkit.ecr.tests.unit.support.expected_completion import (
    ACCOUNT,
    OTHER,
    REPOSITORY,
    TASK,
    THIS,
    UPLOAD,
    complete_request,
    completes,
)
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import run_module
from ansible_collections.layerkit.ecr.tests.unit.support.stubbed_registry import StubbedRegistry

KEYS = {"action", "layer_digest", "layer_size", "media_type", "registry_id", "repository_name", "upload_id"}
# Only an answer to CompleteLayerUpload names the account.
KEYS_BEFORE_IT_IS_SENT = KEYS - {"registry_id"}


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
        assert set(result["ansible_facts"]["ecr_complete_layer_upload"]) == KEYS_BEFORE_IT_IS_SENT

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

    def test_unavailable_layer_is_completed(self, registry: StubbedRegistry) -> None:
        registry.answers(
            "BatchCheckLayerAvailability",
            {"repositoryName": REPOSITORY, "layerDigests": [THIS]},
            layers=[{"layerDigest": THIS, "layerAvailability": "UNAVAILABLE"}],
        )
        completes(registry)
        registry.has(REPOSITORY, available=[THIS])
        result = run_module(module, **TASK)
        assert result["changed"] is True
        assert result["diff"]["before"] == {THIS: "UNAVAILABLE"}

    @pytest.mark.parametrize("check", [False, True])
    def test_archived_layer_is_there(self, registry: StubbedRegistry, check: bool) -> None:
        registry.answers(
            "BatchCheckLayerAvailability",
            {"repositoryName": REPOSITORY, "layerDigests": [THIS]},
            layers=[{"layerDigest": THIS, "layerAvailability": "ARCHIVED"}],
        )
        result = run_module(module, check=check, **TASK)
        assert (result["changed"], result["action"]) == (False, "already_exists")
        assert result["diff"]["before"] == result["diff"]["after"] == {THIS: "ARCHIVED"}

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
        assert set(result["ansible_facts"]["ecr_complete_layer_upload"]) == KEYS_BEFORE_IT_IS_SENT

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
