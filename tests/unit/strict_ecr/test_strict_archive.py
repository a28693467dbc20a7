# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images that are archived, their layers, and pushes that restore them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.layerkit.ecr.tests.unit.support.pushing import (
    availability,
    complete,
    digest_of,
    image_manifest,
    index_manifest,
    push_layer,
    pushed_blobs,
    put,
    refused,
    upload,
)

if TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.control import Control
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR
    from mypy_boto3_ecr import ECRClient


@pytest.fixture
def control(strict_ecr: StrictECR) -> Control:
    return strict_ecr.control


def describe(ecr: ECRClient, repository: str, status: str | None = None, **image_id: str) -> list[dict[str, Any]]:
    request: dict[str, Any] = {"filter": {"imageStatus": status}} if status else {}
    if image_id:
        request["imageIds"] = [image_id]
    return [{**detail} for detail in ecr.describe_images(repositoryName=repository, **request)["imageDetails"]]


def test_an_archived_image_is_described_and_listed_on_request_only(
    control: Control, ecr: ECRClient, repository: str
) -> None:
    digest = put(ecr, repository, pushed_blobs(ecr, repository), "v1")
    assert [image["imageStatus"] for image in describe(ecr, repository)] == ["ACTIVE"]
    control.set_image_status(repository, digest, "ARCHIVED")
    assert describe(ecr, repository) == []
    with refused("ImageNotFoundException"):
        describe(ecr, repository, imageTag="v1")
    for status in ("ARCHIVED", "ANY"):
        (image,) = describe(ecr, repository, status, imageTag="v1")
        assert (image["imageDigest"], image["imageStatus"], image["imageTags"]) == (digest, "ARCHIVED", ["v1"])
    assert ecr.list_images(repositoryName=repository)["imageIds"] == []
    listed = ecr.list_images(repositoryName=repository, filter={"imageStatus": "ARCHIVED"})["imageIds"]
    assert listed == [{"imageDigest": digest, "imageTag": "v1"}]


def test_layers_of_archived_images_alone_are_archived(control: Control, ecr: ECRClient, repository: str) -> None:
    config, shared, own = (push_layer(ecr, repository, data) for data in (b"config", b"shared", b"own"))
    archived = put(ecr, repository, image_manifest(config, shared, own))
    put(ecr, repository, image_manifest(config, shared))
    control.set_image_status(repository, archived, "ARCHIVED")
    assert availability(ecr, repository, own) == "ARCHIVED"
    assert availability(ecr, repository, shared) == "AVAILABLE"
    with refused("LayerInaccessibleException"):
        ecr.get_download_url_for_layer(repositoryName=repository, layerDigest=own)


@pytest.mark.parametrize("status", ["ACTIVE", "ACTIVATING"])
@pytest.mark.parametrize("tag", ["v1", "v2", None])
def test_putting_an_archived_image_restores_it(
    control: Control, ecr: ECRClient, repository: str, tag: str | None, status: Any
) -> None:
    manifest = pushed_blobs(ecr, repository)
    digest = put(ecr, repository, manifest, "v1")
    control.rules(repository).restored_status = status
    control.set_image_status(repository, digest, "ARCHIVED")
    assert put(ecr, repository, manifest, tag) == digest
    (image,) = describe(ecr, repository, "ANY")
    assert image["imageStatus"] == status
    assert image["imageTags"] == list(dict.fromkeys(["v1", tag or "v1"]))


def test_an_index_cannot_refer_to_an_archived_image(control: Control, ecr: ECRClient, repository: str) -> None:
    digest = put(ecr, repository, pushed_blobs(ecr, repository))
    control.set_image_status(repository, digest, "ARCHIVED")
    with refused("ReferencedImagesNotFoundException", digest):
        put(ecr, repository, index_manifest(digest))


def test_an_archived_layer_that_is_sent_again_is_restored_if_the_rules_ask_for_it(
    control: Control, ecr: ECRClient, repository: str
) -> None:
    manifest = pushed_blobs(ecr, repository)
    digest = put(ecr, repository, manifest)
    control.rules(repository).accepts_archived_layers = False
    control.set_image_status(repository, digest, "ARCHIVED")
    layer = digest_of(b"layer ")
    with refused("LayersNotFoundException", layer):
        put(ecr, repository, manifest)
    for data in (b"layer ", b"config "):
        with refused("LayerAlreadyExistsException"):
            complete(ecr, repository, upload(ecr, repository, data), digest_of(data))
    assert availability(ecr, repository, layer) == "AVAILABLE"
    assert put(ecr, repository, manifest) == digest
    assert json.loads(manifest)["layers"][0]["digest"] == layer
