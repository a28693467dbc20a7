# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Putting and getting images, with all that the live service refuses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.layerkit.ecr.tests.unit.support.pushing import (
    ABSENT,
    CONFIG_TYPE,
    INDEX_TYPE,
    LAYER_TYPE,
    MANIFEST_TYPE,
    digest_of,
    image_manifest,
    index_manifest,
    push_layer,
    pushed_blobs,
    put,
    refused,
)

if TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR
    from mypy_boto3_ecr import ECRClient


def tags_of(ecr: ECRClient, repository: str, digest: str) -> list[str]:
    details = ecr.describe_images(repositoryName=repository, imageIds=[{"imageDigest": digest}])["imageDetails"]
    return details[0].get("imageTags", [])


def test_the_digest_of_an_image_is_that_of_its_manifest(ecr: ECRClient, repository: str) -> None:
    manifest = pushed_blobs(ecr, repository)
    image = ecr.put_image(repositoryName=repository, imageManifest=manifest, imageTag="v1")["image"]
    assert image == {
        "registryId": "123456789012",
        "repositoryName": repository,
        "imageId": {"imageDigest": digest_of(manifest.encode()), "imageTag": "v1"},
        "imageManifest": manifest,
        "imageManifestMediaType": MANIFEST_TYPE,
    }


def test_the_digest_may_be_given(ecr: ECRClient, repository: str) -> None:
    manifest = pushed_blobs(ecr, repository)
    digest = digest_of(manifest.encode())
    assert put(ecr, repository, manifest, imageDigest=digest) == digest


def test_a_digest_that_is_not_that_of_the_manifest(ecr: ECRClient, repository: str) -> None:
    manifest = pushed_blobs(ecr, repository)
    with refused("ImageDigestDoesNotMatchException", digest_of(manifest.encode()), ABSENT):
        put(ecr, repository, manifest, imageDigest=ABSENT)
    assert ecr.list_images(repositoryName=repository)["imageIds"] == []


@pytest.mark.parametrize("text", ["{", "not json", "[]", '"text"', "null"])
def test_a_manifest_that_is_no_json_object(ecr: ECRClient, repository: str, text: str) -> None:
    with refused("InvalidParameterException", "imageManifest", "Invalid JSON syntax"):
        put(ecr, repository, text, imageManifestMediaType=MANIFEST_TYPE)


def test_a_media_type_comes_with_the_manifest_or_beside_it(ecr: ECRClient, repository: str) -> None:
    document = json.loads(pushed_blobs(ecr, repository))
    del document["mediaType"]
    with refused("InvalidParameterException", "imageManifestMediaType"):
        put(ecr, repository, json.dumps(document))
    put(ecr, repository, json.dumps(document), "v1", imageManifestMediaType=MANIFEST_TYPE)
    answer = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": "v1"}])
    assert answer["images"][0]["imageManifestMediaType"] == MANIFEST_TYPE


@pytest.mark.parametrize(
    ("members", "rule"),
    [
        ({"layers": []}, "at least one layer"),
        ({"layers": None}, "at least one layer"),
        ({"layers": [{"mediaType": LAYER_TYPE}]}, "descriptors with a digest"),
        ({"layers": ["sha256:" + "0" * 64]}, "descriptors with a digest"),
        ({"layers": [{"digest": "nonsense"}]}, "descriptors with a digest"),
        ({"config": None}, "descriptors with a digest"),
        ({"artifactType": "application/vnd.example;v=1"}, "media types without parameters"),
        ({"mediaType": f"{MANIFEST_TYPE};charset=utf-8"}, "media types without parameters"),
        ({"mediaType": 2}, "media types without parameters"),
        ({"config": {"mediaType": f"{CONFIG_TYPE};v=1", "digest": ABSENT}}, "media types without parameters"),
        ({"layers": [{"mediaType": f"{LAYER_TYPE};v=1", "digest": ABSENT}]}, "media types without parameters"),
    ],
)
def test_a_manifest_that_ecr_refuses(ecr: ECRClient, repository: str, members: dict[str, Any], rule: str) -> None:
    with refused("InvalidParameterException", "imageManifest", rule):
        put(ecr, repository, image_manifest(ABSENT, ABSENT, **members))


def test_a_media_type_with_parameters_beside_the_manifest(ecr: ECRClient, repository: str) -> None:
    with refused("InvalidParameterException", "media types without parameters"):
        put(ecr, repository, pushed_blobs(ecr, repository), imageManifestMediaType=f"{MANIFEST_TYPE};v=1")


@pytest.mark.parametrize("missing", ["config", "layer"])
def test_layers_must_be_there(ecr: ECRClient, repository: str, missing: str) -> None:
    present = push_layer(ecr, repository, b"present")
    manifest = image_manifest(ABSENT, present) if missing == "config" else image_manifest(present, present, ABSENT)
    with refused("LayersNotFoundException", ABSENT) as answer:
        put(ecr, repository, manifest)
    assert present not in answer["Error"]["Message"]


def test_a_layer_that_is_fetched_from_elsewhere_need_not_be_there(ecr: ECRClient, repository: str) -> None:
    present = push_layer(ecr, repository, b"present")
    foreign = {"mediaType": LAYER_TYPE, "digest": ABSENT, "size": 1, "urls": ["https://example.com/layer"]}
    manifest = image_manifest(present, layers=[{"digest": present}, foreign])
    assert put(ecr, repository, manifest) == digest_of(manifest.encode())
    with refused("LayersNotFoundException", ABSENT):
        put(ecr, repository, image_manifest(present, layers=[{**foreign, "urls": []}]))


def test_an_index_needs_its_images(ecr: ECRClient, repository: str) -> None:
    child = put(ecr, repository, pushed_blobs(ecr, repository))
    with refused("ReferencedImagesNotFoundException", ABSENT) as answer:
        put(ecr, repository, index_manifest(child, ABSENT))
    assert child not in answer["Error"]["Message"]
    manifest = index_manifest(child)
    digest = put(ecr, repository, manifest, "multi")
    assert digest == digest_of(manifest.encode())
    image = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": "multi"}])["images"][0]
    assert (image["imageManifest"], image["imageManifestMediaType"]) == (manifest, INDEX_TYPE)


@pytest.mark.parametrize(
    "members", [{"artifactType": "application/vnd.example;v=1"}, {"mediaType": f"{INDEX_TYPE};v=1"}]
)
def test_an_index_that_ecr_refuses(ecr: ECRClient, repository: str, members: dict[str, Any]) -> None:
    child = put(ecr, repository, pushed_blobs(ecr, repository))
    with refused("InvalidParameterException", "imageManifest"):
        put(ecr, repository, index_manifest(child, **members))


def test_a_manifest_is_never_taken_for_a_form(ecr: ECRClient, repository: str) -> None:
    # moto looks for form fields in the body, and would list the images here.
    document = json.loads(pushed_blobs(ecr, repository))
    document["annotations"] = {"query": "&Action=ListImages&"}
    manifest = json.dumps(document)
    assert put(ecr, repository, manifest) == digest_of(manifest.encode())


# Tags


def test_the_same_manifest_and_tag_again(ecr: ECRClient, repository: str) -> None:
    manifest = pushed_blobs(ecr, repository)
    digest = put(ecr, repository, manifest, "v1")
    with refused("ImageAlreadyExistsException", digest, "v1"):
        put(ecr, repository, manifest, "v1")


def test_the_same_manifest_again_without_a_tag(ecr: ECRClient, repository: str) -> None:
    manifest = pushed_blobs(ecr, repository)
    digest = put(ecr, repository, manifest, "v1")
    with refused("ImageAlreadyExistsException", digest):
        put(ecr, repository, manifest)


def test_another_tag_for_the_same_manifest(ecr: ECRClient, repository: str) -> None:
    manifest = pushed_blobs(ecr, repository)
    digest = put(ecr, repository, manifest)
    assert tags_of(ecr, repository, digest) == []
    assert put(ecr, repository, manifest, "v1") == digest
    assert put(ecr, repository, manifest, "v2") == digest
    assert tags_of(ecr, repository, digest) == ["v1", "v2"]


def test_a_tag_moves_and_the_image_without_it_stays(ecr: ECRClient, repository: str) -> None:
    old_manifest = pushed_blobs(ecr, repository, "old")
    old = put(ecr, repository, old_manifest, "latest")
    new = put(ecr, repository, pushed_blobs(ecr, repository, "new"), "latest")
    assert tags_of(ecr, repository, old) == []
    assert tags_of(ecr, repository, new) == ["latest"]
    # And back, to an image that is there.
    assert put(ecr, repository, old_manifest, "latest") == old
    assert tags_of(ecr, repository, old) == ["latest"]
    assert tags_of(ecr, repository, new) == []


def test_an_immutable_tag_is_taken_for_any_image(ecr: ECRClient, repository: str) -> None:
    ecr.put_image_tag_mutability(repositoryName=repository, imageTagMutability="IMMUTABLE")
    manifest = pushed_blobs(ecr, repository)
    digest = put(ecr, repository, manifest, "v1")
    with refused("ImageTagAlreadyExistsException", "v1", repository):
        put(ecr, repository, manifest, "v1")
    with refused("ImageTagAlreadyExistsException", "v1", repository):
        put(ecr, repository, pushed_blobs(ecr, repository, "other"), "v1")
    # Other tags, and the digest alone, are as on a mutable repository.
    assert put(ecr, repository, manifest, "v2") == digest
    with refused("ImageAlreadyExistsException", digest):
        put(ecr, repository, manifest)


@pytest.mark.parametrize(
    ("mutability", "immutable", "mutable"),
    [("IMMUTABLE_WITH_EXCLUSION", "v1", "dev-1"), ("MUTABLE_WITH_EXCLUSION", "dev-1", "v1")],
)
def test_tags_excluded_from_the_mutability(
    ecr: ECRClient, repository: str, mutability: Any, immutable: str, mutable: str
) -> None:
    ecr.put_image_tag_mutability(
        repositoryName=repository,
        imageTagMutability=mutability,
        imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": "dev-*"}],
    )
    manifest = pushed_blobs(ecr, repository)
    put(ecr, repository, manifest, immutable)
    put(ecr, repository, manifest, mutable)
    other = pushed_blobs(ecr, repository, "other")
    with refused("ImageTagAlreadyExistsException", immutable):
        put(ecr, repository, other, immutable)
    assert put(ecr, repository, other, mutable) == digest_of(other.encode())


# BatchGetImage


def test_images_are_found_by_tag_and_by_digest(ecr: ECRClient, repository: str) -> None:
    manifest = pushed_blobs(ecr, repository)
    digest = put(ecr, repository, manifest, "v1")
    put(ecr, repository, manifest, "v2")
    other = put(ecr, repository, pushed_blobs(ecr, repository, "other"), "v3")
    asked: list[Any] = [
        {"imageTag": "v1"},
        {"imageDigest": digest},
        {"imageDigest": digest, "imageTag": "v2"},
        {"imageTag": "v9"},
        {"imageDigest": ABSENT},
        {"imageDigest": other, "imageTag": "v1"},
        {},
    ]
    answer = ecr.batch_get_image(repositoryName=repository, imageIds=asked)
    assert [image["imageId"] for image in answer["images"]] == [
        {"imageDigest": digest, "imageTag": "v1"},
        {"imageDigest": digest},
        {"imageDigest": digest, "imageTag": "v2"},
    ]
    assert {image["imageManifest"] for image in answer["images"]} == {manifest}
    assert [(failure["imageId"], failure["failureCode"]) for failure in answer["failures"]] == [
        ({"imageTag": "v9"}, "ImageNotFound"),
        ({"imageDigest": ABSENT}, "ImageNotFound"),
        ({"imageDigest": other, "imageTag": "v1"}, "ImageNotFound"),
        ({}, "MissingDigestAndTag"),
    ]


def test_an_image_by_its_tag_is_converted_unless_its_type_is_accepted(
    ecr: ECRClient, strict_ecr: StrictECR, repository: str
) -> None:
    strict_ecr.control.rules(repository).converts_manifests = True
    manifest = pushed_blobs(ecr, repository)
    digest = put(ecr, repository, manifest, "tag")
    for accepted, expected in (([CONFIG_TYPE], False), ([CONFIG_TYPE, MANIFEST_TYPE], True)):
        answer = ecr.batch_get_image(
            repositoryName=repository, imageIds=[{"imageTag": "tag"}], acceptedMediaTypes=accepted
        )
        (image,) = answer["images"]
        assert (image["imageId"]["imageDigest"] == digest, image["imageManifest"] == manifest) == (expected, expected)


def test_an_image_of_too_many_layers(ecr: ECRClient, repository: str) -> None:
    config, layer = push_layer(ecr, repository, b"config"), push_layer(ecr, repository, b"layer")
    put(ecr, repository, image_manifest(config, *[layer] * 500), "500")
    with refused("InvalidParameterException", "Limit on number of layers per image exceeded"):
        put(ecr, repository, image_manifest(config, *[layer] * 501), "501")


def test_too_many_tags_and_images(strict_ecr: StrictECR, ecr: ECRClient, repository: str) -> None:
    rules = strict_ecr.control.rules(repository)
    rules.max_tags_per_image, rules.max_images = 2, 1
    manifest = pushed_blobs(ecr, repository)
    put(ecr, repository, manifest, "1")
    put(ecr, repository, manifest, "2")
    with refused("LimitExceededException", "more than 2 tags"):
        put(ecr, repository, manifest, "3")
    with refused("LimitExceededException", "more than 1 images"):
        put(ecr, repository, pushed_blobs(ecr, repository, "another"), "4")
