# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pages and filters of DescribeImages and ListImages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.layerkit.ecr.tests.unit.support.pushing import (
    ABSENT,
    CONFIG_TYPE,
    image_manifest,
    pushed_blobs,
    put,
    refused,
)

if TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR
    from mypy_boto3_ecr import ECRClient


def seed(server: StrictECR, repository: str, number: int) -> list[str]:
    """Store images of which every other one has a tag."""
    return [
        server.control.seed_image(repository, image_manifest(ABSENT, ABSENT, n=n), *([f"v{n}"] if n % 2 == 0 else []))
        for n in range(number)
    ]


def pages(call: Any, member: str, repository: str, **request: Any) -> list[list[Any]]:
    """Return the pages of a list, as its tokens lead to them."""
    found = []
    while True:
        answer = call(repositoryName=repository, **request)
        found.append(answer[member])
        if "nextToken" not in answer:
            return found
        request["nextToken"] = answer["nextToken"]


def test_pages_have_as_many_images_as_are_asked_for(strict_ecr: StrictECR, ecr: ECRClient, repository: str) -> None:
    digests = seed(strict_ecr, repository, 7)
    found = pages(ecr.describe_images, "imageDetails", repository, maxResults=3)
    assert [len(page) for page in found] == [3, 3, 1]
    assert [image["imageDigest"] for page in found for image in page] == digests
    assert [len(page) for page in pages(ecr.list_images, "imageIds", repository, maxResults=4)] == [4, 3]


def test_pages_have_a_hundred_images_by_default(strict_ecr: StrictECR, ecr: ECRClient, repository: str) -> None:
    seed(strict_ecr, repository, 150)
    assert [len(page) for page in pages(ecr.describe_images, "imageDetails", repository)] == [100, 50]


def test_pages_can_be_smaller_than_asked_for(strict_ecr: StrictECR, ecr: ECRClient, repository: str) -> None:
    seed(strict_ecr, repository, 3)
    strict_ecr.control.rules(repository).max_page = 2
    found = pages(ecr.describe_images, "imageDetails", repository, maxResults=1000)
    assert [len(page) for page in found] == [2, 1]


@pytest.mark.parametrize("token", ["x", "eCAx", ""])
def test_token_of_no_answer(ecr: ECRClient, repository: str, token: str) -> None:
    with refused("InvalidParameterException", "nextToken"):
        ecr.describe_images(repositoryName=repository, nextToken=token)


def test_images_that_are_named_have_no_pages(strict_ecr: StrictECR, ecr: ECRClient, repository: str) -> None:
    (digest,) = seed(strict_ecr, repository, 1)
    with refused("InvalidParameterException", "imageIds"):
        ecr.describe_images(repositoryName=repository, imageIds=[{"imageDigest": digest}], maxResults=5)


def test_filter_of_tags(strict_ecr: StrictECR, ecr: ECRClient, repository: str) -> None:
    digests = seed(strict_ecr, repository, 4)
    for status, expected in (("TAGGED", digests[::2]), ("UNTAGGED", digests[1::2]), ("ANY", digests)):
        request: Any = {"repositoryName": repository, "filter": {"tagStatus": status}}
        assert [image["imageDigest"] for image in ecr.describe_images(**request)["imageDetails"]] == expected
        assert [image["imageDigest"] for image in ecr.list_images(**request)["imageIds"]] == expected


def test_what_is_reported_of_an_image(strict_ecr: StrictECR, ecr: ECRClient, repository: str) -> None:
    subject = put(ecr, repository, pushed_blobs(ecr, repository), "v1")
    manifest = image_manifest(ABSENT, ABSENT, artifactType="application/x-sbom", subject={"digest": subject})
    referrer = strict_ecr.control.seed_image(repository, manifest)
    strict_ecr.control.set_image_times(repository, referrer, 1_000_000, 2_000_000)
    first, second = ecr.describe_images(repositoryName=repository)["imageDetails"]
    assert (first["artifactMediaType"], "subjectManifestDigest" in first) == (CONFIG_TYPE, False)
    assert "lastRecordedPullTime" not in first
    assert (second["artifactMediaType"], second["subjectManifestDigest"]) == ("application/x-sbom", subject)
    assert second["imagePushedAt"].timestamp() == 1_000_000
    assert second["lastRecordedPullTime"].timestamp() == 2_000_000


def test_control_of_what_is_not_there(strict_ecr: StrictECR, repository: str) -> None:
    with pytest.raises(ValueError, match="no repository"):
        strict_ecr.control.seed_image("not/there", image_manifest(ABSENT, ABSENT))
    with pytest.raises(ValueError, match="no image"):
        strict_ecr.control.set_image_times(repository, ABSENT, 0)
