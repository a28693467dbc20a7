# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""BatchCheckLayerAvailability for any number of digests."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.service_model import operation_model
from ansible_collections.layerkit.ecr.plugins.modules import ecr_layer_info as module
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import ModuleFailedError, run_module
from ansible_collections.layerkit.ecr.tests.unit.support.stubbed_registry import StubbedRegistry

REPOSITORY = "team/app"
ACCOUNT = "123456789012"
THIS = "sha256:" + "1" * 64
OTHER = "sha256:" + "2" * 64


def look_up(*digests: str) -> dict[str, t.Any]:
    return {"repositoryName": REPOSITORY, "layerDigests": list(digests)}


def test_each_dialect_of_absence_is_unavailable(registry: StubbedRegistry) -> None:
    third, fourth, fifth = (f"sha256:{number * 64}" for number in "345")
    registry.answers(
        "BatchCheckLayerAvailability",
        look_up(OTHER, THIS, third, fourth, fifth),
        layers=[
            {"layerDigest": THIS, "layerAvailability": "AVAILABLE", "layerSize": 7, "mediaType": "application/x"},
            {"layerDigest": OTHER, "layerAvailability": "UNAVAILABLE"},
            {"layerDigest": fifth, "layerAvailability": "ARCHIVED", "layerSize": 8},
        ],
        failures=[{"layerDigest": third, "failureCode": "MissingLayerDigest", "failureReason": "not there"}],
    )
    result = run_module(module, repository_name=REPOSITORY, layer_digests=[OTHER, THIS, third, fourth, fifth])
    absent = {"layer_availability": "UNAVAILABLE", "layer_size": None, "media_type": None}
    assert result["changed"] is False
    assert result["layers"] == [
        {"layer_digest": OTHER, **absent},
        {"layer_digest": THIS, "layer_availability": "AVAILABLE", "layer_size": 7, "media_type": "application/x"},
        {"layer_digest": third, **absent},
        {"layer_digest": fourth, **absent},
        {"layer_digest": fifth, "layer_availability": "ARCHIVED", "layer_size": 8, "media_type": None},
    ]


def test_digests_are_asked_for_by_the_hundred(registry: StubbedRegistry) -> None:
    digests = [f"sha256:{number:064x}" for number in range(250)]
    for start in (0, 100, 200):
        registry.answers("BatchCheckLayerAvailability", look_up(*digests[start : start + 100]), layers=[])
    result = run_module(module, repository_name=REPOSITORY, layer_digests=digests)
    assert [layer["layer_digest"] for layer in result["layers"]] == digests


def test_digest_given_twice_is_asked_for_once_and_returned_twice(registry: StubbedRegistry) -> None:
    registry.answers("BatchCheckLayerAvailability", look_up(THIS, OTHER), layers=[])
    result = run_module(module, repository_name=REPOSITORY, layer_digests=f"{THIS},{OTHER},{THIS}")
    assert [layer["layer_digest"] for layer in result["layers"]] == [THIS, OTHER, THIS]


def test_no_digests_need_no_request(registry: StubbedRegistry) -> None:
    assert registry.client is not None
    assert run_module(module, repository_name=REPOSITORY, layer_digests=[])["layers"] == []


def test_registry_id_is_sent(registry: StubbedRegistry) -> None:
    registry.answers("BatchCheckLayerAvailability", {"registryId": ACCOUNT, **look_up(THIS)}, layers=[])
    result = run_module(module, registryId=ACCOUNT, repositoryName=REPOSITORY, layerDigests=[THIS], check=True)
    assert result["registry_id"] == ACCOUNT


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"layer_digests": [THIS, "sha256:1", "x"]},
            [r"layer_digests[1] 'sha256:1'", "layer_digests[2] 'x' must be sha256: and 64"],
        ),
        ({"repository_name": "My-App"}, ["repository_name 'My-App' must be lower-case letters and digits"]),
        ({"registry_id": "1"}, ["registry_id '1' must be 12 digits"]),
    ],
)
def test_bad_input_is_one_error(options: dict[str, t.Any], words: list[str]) -> None:
    task = {"repository_name": REPOSITORY, "layer_digests": [THIS], **options}
    with pytest.raises(ModuleFailedError, match="Nothing was sent") as failed:
        run_module(module, **task)
    assert all(word in failed.value.msg for word in words), failed.value.msg


def test_digests_that_the_registry_calls_malformed_are_one_error(registry: StubbedRegistry) -> None:
    others = [f"sha256:{'e' * 64}", f"sha256:{'f' * 64}"]
    registry.answers(
        "BatchCheckLayerAvailability",
        look_up(THIS, *others),
        layers=[{"layerDigest": THIS, "layerAvailability": "AVAILABLE"}],
        failures=[
            {"layerDigest": digest, "failureCode": "InvalidLayerDigest", "failureReason": "malformed"}
            for digest in others
        ],
    )
    with pytest.raises(ModuleFailedError, match=f"does not accept these digests: {', '.join(others)}"):
        run_module(module, repository_name=REPOSITORY, layer_digests=[THIS, *others])


@pytest.mark.parametrize(
    "code",
    [*(shape.name for shape in operation_model("BatchCheckLayerAvailability").error_shapes), "AccessDeniedException"],
)
def test_error(registry: StubbedRegistry, code: str) -> None:
    for _attempt in range(7 if code == "ServerException" else 1):
        registry.refuses(
            "BatchCheckLayerAvailability", look_up(THIS), code, status=500 if code == "ServerException" else 400
        )
    with pytest.raises(
        ModuleFailedError, match=f"Failed to check which layers are in repository {REPOSITORY}"
    ) as failed:
        run_module(module, repository_name=REPOSITORY, layer_digests=[THIS])
    assert failed.value.result["error"]["code"] == code
