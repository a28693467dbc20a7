# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers with another digest, and digests other than sha256."""

from __future__ import annotations

import pytest
from ansible_collections.layerkit.ecr.plugins.modules import ecr_complete_layer_upload as module
from ansible_collections.layerkit.ecr.tests.unit.support.expected_completion import (
    ACCOUNT,
    OTHER,
    REPOSITORY,
    SHA512,
    TASK,
    THIS,
    UPLOAD,
    ZERO_BYTES,
    complete_request,
    completes,
    refuses,
)
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import ModuleFailedError, run_module, warnings_of
from ansible_collections.layerkit.ecr.tests.unit.support.stubbed_registry import StubbedRegistry


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

    def test_answer_without_a_digest_is_a_lost_one(self, registry: StubbedRegistry) -> None:
        registry.has(REPOSITORY, absent=[THIS])
        registry.answers("CompleteLayerUpload", complete_request(), registryId=ACCOUNT)
        refuses(registry, "UploadNotFoundException")
        registry.has(REPOSITORY, available=[THIS])
        result = run_module(module, **TASK)
        assert (result["changed"], result["action"], result["layer_digest"]) == (True, "completed", THIS)

    def test_only_other_algorithms_are_accepted_with_a_warning(self, registry: StubbedRegistry) -> None:
        completes(registry, SHA512)
        registry.has(REPOSITORY, available=[THIS])
        result = run_module(module, **{**TASK, "layer_digests": [SHA512]})
        assert (result["changed"], result["layer_digest"]) == (True, THIS)
        assert any("no sha256 digest" in warning for warning in warnings_of(result))

    def test_check_mode_with_only_other_algorithms_looks_for_the_repository(self, registry: StubbedRegistry) -> None:
        look = {"repositoryName": REPOSITORY, "layerDigests": [ZERO_BYTES]}
        registry.refuses("BatchCheckLayerAvailability", look, "RepositoryNotFoundException")
        with pytest.raises(ModuleFailedError, match="Create it, for example with aws ecr create-repository"):
            run_module(module, check=True, **{**TASK, "layer_digests": [SHA512]})
