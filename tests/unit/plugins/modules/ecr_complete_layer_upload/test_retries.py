# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Completions that are retried."""

from __future__ import annotations

import pytest
from ansible_collections.layerkit.ecr.plugins.modules import ecr_complete_layer_upload as module
from ansible_collections.layerkit.ecr.tests.unit.support.expected_completion import (
    OTHER,
    REPOSITORY,
    TASK,
    THIS,
    completes,
    refuses,
)
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import ModuleFailedError, run_module
from ansible_collections.layerkit.ecr.tests.unit.support.stubbed_registry import StubbedRegistry


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

    def test_outcome_is_unknown_if_the_layer_cannot_be_looked_up(self, registry: StubbedRegistry) -> None:
        registry.has(REPOSITORY, absent=[THIS])
        refuses(registry, "ServerException", status=500)
        refuses(registry, "UploadNotFoundException")
        look_up = {"repositoryName": REPOSITORY, "layerDigests": [THIS]}
        registry.refuses("BatchCheckLayerAvailability", look_up, "InvalidParameterException")
        with pytest.raises(ModuleFailedError, match=r"It is unknown whether upload .* was completed\.") as failed:
            run_module(module, **TASK)
        assert "Run the task again. It looks the layer up first." in failed.value.msg
        assert "Send the layer again" not in failed.value.msg
        assert failed.value.result["error"]["code"] == "UploadNotFoundException"

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
            ("AnotherFailure", 500),
            ("AnotherRefusal", 429),
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
        with pytest.raises(ModuleFailedError, match="is throttling this operation") as failed:
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
        with pytest.raises(ModuleFailedError, match="outcome is unknown") as failed:
            run_module(module, **TASK)
        assert failed.value.result["error"]["code"] == "ServerException"
