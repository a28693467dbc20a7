# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ecr_image_copy with images that tools made: the target has byte for byte what the source has."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.layerkit.ecr.plugins.modules import ecr_image, ecr_image_copy
from ansible_collections.layerkit.ecr.tests.real_images.image import digest_of
from ansible_collections.layerkit.ecr.tests.strict_ecr.fixtures import ecr_client
from ansible_collections.layerkit.ecr.tests.unit.support.image_bench import MEDIA_TYPES
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import run_module

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.real_images import RealImage, Tools
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR
    from mypy_boto3_ecr import ECRClient

SOURCE_REGION = "us-west-2"


def manifest_of(client: ECRClient, repository: str, digest: str) -> bytes:
    answer = client.batch_get_image(
        repositoryName=repository, imageIds=[{"imageDigest": digest}], acceptedMediaTypes=MEDIA_TYPES
    )
    return answer["images"][0]["imageManifest"].encode()


@pytest.mark.parametrize("name", ["single", "index", "zstd", "artifact", "oci_archive", "docker_archive"])
def test_a_copy_is_what_was_pushed(
    strict_ecr: StrictECR,
    ecr: ECRClient,
    repository: str,
    connection: dict[str, t.Any],
    images: dict[str, RealImage],
    tools: Tools,
    name: str,
) -> None:
    image, there = images[name], ecr_client(strict_ecr.url, region=SOURCE_REGION)
    there.create_repository(repositoryName=repository)
    push: dict[str, t.Any] = {
        "repository_name": repository,
        "src": str(image.src),
        "image": image.image,
        "tags": ["1.0"],
    }
    pushed = run_module(ecr_image, connection={**connection, "region": SOURCE_REGION}, **push)
    source = {"region": SOURCE_REGION, "tag": "1.0"}
    copied = run_module(ecr_image_copy, connection=connection, repository_name=repository, source=source)
    assert copied["changed"] is True
    assert copied["image"]["digest"] == pushed["image"]["digest"]
    for manifest in pushed["manifests"]:
        content = manifest_of(ecr, repository, manifest["digest"])
        assert digest_of(content) == manifest["digest"]
        assert content == manifest_of(there, repository, manifest["digest"])
        document = json.loads(content)
        blobs = [document["config"], *document["layers"]] if "config" in document else []
        assert {blob["digest"] for blob in blobs} <= set(strict_ecr.control.layers(repository))
    if name != "docker_archive":
        assert manifest_of(ecr, repository, str(image.digest)) == tools.skopeo("inspect", "--raw", image.reference)
    again = run_module(ecr_image_copy, connection=connection, repository_name=repository, source=source)
    assert again["changed"] is False
