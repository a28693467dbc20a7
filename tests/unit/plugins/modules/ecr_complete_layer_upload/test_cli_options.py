# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""cli_input_json and generate_cli_skeleton."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.layerkit.ecr.plugins.modules import ecr_complete_layer_upload as module
from ansible_collections.layerkit.ecr.tests.unit.support.expected_completion import (
    REPOSITORY,
    TASK,
    THIS,
    UPLOAD,
)
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import ModuleFailedError, run_module
from ansible_collections.layerkit.ecr.tests.unit.support.stubbed_registry import StubbedRegistry


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
            ({"uploadId": "x"}, ["upload_id 'x'", "must be the UUID"]),
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
        with pytest.raises(ModuleFailedError, match="upload_id 'x' must be the UUID"):
            run_module(module, connection={}, generate_cli_skeleton="output", **{**TASK, "upload_id": "x"})
