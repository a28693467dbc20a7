# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""LayerAlreadyExists and UploadNotFound: refusals that can mean that the layer is there."""

from __future__ import annotations

import pytest
from ansible_collections.layerkit.ecr.plugins.modules import ecr_complete_layer_upload as module
from ansible_collections.layerkit.ecr.tests.unit.support.expected_completion import (
    OTHER,
    REPOSITORY,
    SHA512,
    TASK,
    THIS,
    refuses,
)
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import ModuleFailedError, run_module
from ansible_collections.layerkit.ecr.tests.unit.support.stubbed_registry import StubbedRegistry


class TestRefusalsThatAreLookedUp:
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

    def test_layer_already_exists_that_is_archived(self, registry: StubbedRegistry) -> None:
        registry.has(REPOSITORY, absent=[THIS])
        refuses(registry, "LayerAlreadyExistsException")
        registry.answers(
            "BatchCheckLayerAvailability",
            {"repositoryName": REPOSITORY, "layerDigests": [THIS]},
            layers=[{"layerDigest": THIS, "layerAvailability": "ARCHIVED"}],
        )
        result = run_module(module, **TASK)
        assert (result["changed"], result["action"], result["layer_digest"]) == (False, "already_exists", THIS)

    def test_layer_already_exists_that_cannot_be_confirmed_fails(self, registry: StubbedRegistry) -> None:
        registry.has(REPOSITORY, absent=[THIS])
        refuses(registry, "LayerAlreadyExistsException")
        registry.has(REPOSITORY, absent=[THIS])
        with pytest.raises(ModuleFailedError) as failed:
            run_module(module, **TASK)
        assert failed.value.result["error"]["code"] == "LayerAlreadyExistsException"

    def test_layer_already_exists_without_sha256_fails_without_a_look(self, registry: StubbedRegistry) -> None:
        refuses(registry, "LayerAlreadyExistsException", digests=[SHA512])
        with pytest.raises(ModuleFailedError, match="List the sha256 digest of the layer"):
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
            ModuleFailedError, match=r"expired.*completed.*another id.*another repository, region or account"
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
