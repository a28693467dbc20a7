# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""InitiateLayerUpload against a registry of expected calls."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.service_model import operation_model
from ansible_collections.layerkit.ecr.plugins.modules import ecr_initiate_layer_upload as module
from ansible_collections.layerkit.ecr.tests.unit.support.modelled_advice import ADVICE
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import ModuleFailedError, run_module, warnings_of
from ansible_collections.layerkit.ecr.tests.unit.support.stubbed_registry import StubbedRegistry

REPOSITORY = "team/app"
ACCOUNT = "123456789012"
UPLOAD = "5e9ba2c1-1a3d-4b36-8c2e-5a4d5c1bb9d7"
NIL = "00000000-0000-0000-0000-000000000000"
ZERO_BYTES = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
PART_SIZE = 5242880
KEYS = {"part_size", "repository_name", "upload_id"}


def test_opens_an_upload(registry: StubbedRegistry) -> None:
    registry.answers("InitiateLayerUpload", {"repositoryName": REPOSITORY}, uploadId=UPLOAD, partSize=PART_SIZE)
    result = run_module(module, repository_name=REPOSITORY)
    assert result["changed"] is True
    assert {key: result[key] for key in KEYS} == {
        "part_size": PART_SIZE,
        "repository_name": REPOSITORY,
        "upload_id": UPLOAD,
    }


def test_every_run_opens_another(registry: StubbedRegistry) -> None:
    for upload in (UPLOAD, NIL):
        registry.answers("InitiateLayerUpload", {"repositoryName": REPOSITORY}, uploadId=upload, partSize=PART_SIZE)
    results = [run_module(module, repositoryName=REPOSITORY) for _run in range(2)]
    assert [(result["changed"], result["upload_id"]) for result in results] == [(True, UPLOAD), (True, NIL)]


def test_registry_id_is_sent_and_returned(registry: StubbedRegistry) -> None:
    registry.answers(
        "InitiateLayerUpload",
        {"registryId": ACCOUNT, "repositoryName": REPOSITORY},
        uploadId=UPLOAD,
        partSize=PART_SIZE,
    )
    assert run_module(module, repository_name=REPOSITORY, registryId=ACCOUNT)["registry_id"] == ACCOUNT


def test_check_mode_looks_and_opens_nothing(registry: StubbedRegistry) -> None:
    registry.has(REPOSITORY, absent=[ZERO_BYTES])
    result = run_module(module, check=True, repository_name=REPOSITORY)
    assert (result["changed"], result["upload_id"], result["part_size"]) == (True, NIL, 10485760)
    assert set(result) >= KEYS


def test_check_mode_finds_the_repository_missing(registry: StubbedRegistry) -> None:
    look = {"repositoryName": REPOSITORY, "layerDigests": [ZERO_BYTES]}
    registry.refuses("BatchCheckLayerAvailability", look, "RepositoryNotFoundException")
    with pytest.raises(ModuleFailedError, match="Create it, for example with aws ecr create-repository"):
        run_module(module, check=True, repository_name=REPOSITORY)


def test_check_mode_without_leave_to_look_warns(registry: StubbedRegistry) -> None:
    look = {"repositoryName": REPOSITORY, "layerDigests": [ZERO_BYTES]}
    registry.refuses("BatchCheckLayerAvailability", look, "AccessDeniedException")
    result = run_module(module, check=True, repository_name=REPOSITORY)
    assert result["changed"] is True
    assert any("ecr:BatchCheckLayerAvailability" in warning for warning in warnings_of(result))


@pytest.mark.parametrize("code", [shape.name for shape in operation_model("InitiateLayerUpload").error_shapes])
def test_modelled_error(registry: StubbedRegistry, code: str) -> None:
    server_failed = code == "ServerException"
    for _attempt in range(7 if server_failed else 1):
        registry.refuses(
            "InitiateLayerUpload", {"repositoryName": REPOSITORY}, code, status=500 if server_failed else 400
        )
    with pytest.raises(ModuleFailedError, match=f"Failed to open a layer upload in repository {REPOSITORY}") as failed:
        run_module(module, repository_name=REPOSITORY)
    assert failed.value.result["error"]["code"] == code
    assert failed.value.result["repository_name"] == REPOSITORY
    assert ADVICE[code] in failed.value.msg


def test_throttling_is_tried_again(registry: StubbedRegistry, delays: list[float]) -> None:
    registry.refuses("InitiateLayerUpload", {"repositoryName": REPOSITORY}, "ThrottlingException")
    registry.answers("InitiateLayerUpload", {"repositoryName": REPOSITORY}, uploadId=UPLOAD, partSize=PART_SIZE)
    assert run_module(module, repository_name=REPOSITORY)["upload_id"] == UPLOAD
    assert len(delays) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "repository_name is required"),
        ({"repository_name": "-app"}, r"repository_name '-app' must be lower-case letters and digits"),
        ({"repository_name": "app", "registry_id": "1"}, r"registry_id '1' must be 12 digits"),
        ({"cli_input_json": {"repositoryName": "app", "tags": []}}, "unknown member 'tags'"),
    ],
)
def test_bad_input(options: dict[str, t.Any], words: str) -> None:
    with pytest.raises(ModuleFailedError, match=words):
        run_module(module, **options)


def test_cli_input_json(registry: StubbedRegistry) -> None:
    registry.answers("InitiateLayerUpload", {"repositoryName": REPOSITORY}, uploadId=UPLOAD, partSize=PART_SIZE)
    assert run_module(module, cli_input_json={"repositoryName": REPOSITORY})["repository_name"] == REPOSITORY


def test_skeletons_send_nothing() -> None:
    skeleton = run_module(module, connection={}, generate_cli_skeleton="input")
    assert skeleton["cli_skeleton"] == {"registryId": "", "repositoryName": ""}
    sample = run_module(module, connection={}, generate_cli_skeleton="output", repository_name=REPOSITORY)
    assert sample["cli_skeleton"] == {"uploadId": "uploadId", "partSize": 0}
