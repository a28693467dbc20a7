# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The strict backend beside plain moto: the same when all is well, and what moto would let through."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.layerkit.ecr.tests.strict_ecr import StrictECR
from ansible_collections.layerkit.ecr.tests.strict_ecr.fixtures import REGION
from ansible_collections.layerkit.ecr.tests.unit.support.pushing import (
    ABSENT,
    complete,
    digest_of,
    image_manifest,
    push_layer,
    pushed_blobs,
    put,
    refused,
    upload,
)
from moto.ecr.models import ecr_backends

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient


@pytest.fixture
def moto_repository(plain_moto: ECRClient) -> str:
    """Create a fresh repository on plain moto and return its name."""
    name = f"test/{uuid.uuid4().hex[:12]}"
    plain_moto.create_repository(repositoryName=name)
    return name


def push(ecr: ECRClient, repository: str) -> list[dict[str, Any]]:
    """Push an image and look at it, and return the answers without what differs from push to push.

    moto gives images no status and no artifact type.
    """
    manifest = pushed_blobs(ecr, repository)
    digest = digest_of(manifest.encode())
    answers: list[Any] = [
        ecr.batch_check_layer_availability(repositoryName=repository, layerDigests=[digest_of(b"layer ")]),
        ecr.put_image(repositoryName=repository, imageManifest=manifest, imageTag="v1", imageDigest=digest),
        ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": "v1"}]),
        ecr.list_images(repositoryName=repository),
        ecr.describe_images(repositoryName=repository),
        ecr.batch_delete_image(repositoryName=repository, imageIds=[{"imageTag": "v1"}]),
        ecr.list_images(repositoryName=repository),
    ]
    for answer in answers:
        del answer["ResponseMetadata"]
    del answers[4]["imageDetails"][0]["imagePushedAt"]
    for member in ("imageStatus", "artifactMediaType"):
        answers[4]["imageDetails"][0].pop(member, None)
    return answers


def test_a_push_is_answered_as_by_moto(
    ecr: ECRClient, repository: str, plain_moto: ECRClient, moto_repository: str
) -> None:
    theirs = str(push(plain_moto, moto_repository)).replace(moto_repository, repository)
    assert str(push(ecr, repository)) == theirs


def complete_wrong_bytes(ecr: ECRClient, repository: str) -> None:
    complete(ecr, repository, upload(ecr, repository, b"x"), ABSENT)


def complete_nothing(ecr: ECRClient, repository: str) -> None:
    complete(ecr, repository, upload(ecr, repository), digest_of(b""))


def complete_small_parts(ecr: ECRClient, repository: str) -> None:
    complete(ecr, repository, upload(ecr, repository, b"x", b"y"), digest_of(b"xy"))


def complete_twice(ecr: ECRClient, repository: str) -> None:
    push_layer(ecr, repository, b"x")
    push_layer(ecr, repository, b"x")


def put_without_layers(ecr: ECRClient, repository: str) -> None:
    put(ecr, repository, image_manifest(ABSENT, ABSENT))


def put_with_wrong_digest(ecr: ECRClient, repository: str) -> None:
    put(ecr, repository, pushed_blobs(ecr, repository), imageDigest=ABSENT)


@pytest.mark.parametrize(
    ("code", "act"),
    [
        ("InvalidLayerException", complete_wrong_bytes),
        ("EmptyUploadException", complete_nothing),
        ("LayerPartTooSmallException", complete_small_parts),
        ("LayerAlreadyExistsException", complete_twice),
        ("LayersNotFoundException", put_without_layers),
        ("ImageDigestDoesNotMatchException", put_with_wrong_digest),
    ],
)
def test_what_moto_lets_through_is_refused(
    ecr: ECRClient,
    repository: str,
    plain_moto: ECRClient,
    moto_repository: str,
    code: str,
    act: Callable[[ECRClient, str], None],
) -> None:
    # When moto begins to refuse one of these, its own check may take the place of ours.
    act(plain_moto, moto_repository)
    with refused(code):
        act(ecr, repository)


def test_the_bytes_of_a_layer_are_not_kept(strict_ecr: StrictECR, ecr: ECRClient, repository: str) -> None:
    upload_id = upload(ecr, repository, b"x" * 1000)
    held = ecr_backends["123456789012"][REGION].repositories[repository].uploads
    assert {opened.upload_id: len(opened.layer_parts) for opened in held.values()} == {upload_id: 0}
    assert strict_ecr.control.uploads(repository) == {upload_id: 1000}
