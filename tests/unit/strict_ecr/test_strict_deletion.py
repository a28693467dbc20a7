# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""BatchDeleteImage: tags, last tags, digests, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.layerkit.ecr.tests.unit.support.pushing import (
    ABSENT,
    call,
    image_manifest,
    index_manifest,
    refused,
)

if TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR
    from mypy_boto3_ecr import ECRClient


class Shelf:
    """A repository with an image of two tags, one of one tag, and an index of an image."""

    def __init__(self, server: StrictECR, ecr: ECRClient, repository: str) -> None:
        self.control, self.ecr, self.repository = server.control, ecr, repository
        self.two = self.seed(image_manifest(ABSENT, ABSENT, n=2), "a", "b")
        self.one = self.seed(image_manifest(ABSENT, ABSENT, n=1), "c")
        self.child = self.seed(image_manifest(ABSENT, ABSENT, n=0), "child")
        self.index = self.seed(index_manifest(self.child), "index")

    def seed(self, manifest: str, *tags: str) -> str:
        return self.control.seed_image(self.repository, manifest, *tags)

    def delete(self, *ids: Any) -> tuple[list[Any], dict[str, str]]:
        """Return the ids deleted, and the codes of the failures by tag or digest."""
        answer = self.ecr.batch_delete_image(repositoryName=self.repository, imageIds=list(ids))
        failures: dict[str, str] = {
            failure["imageId"].get("imageTag") or failure["imageId"].get("imageDigest", ""): failure["failureCode"]
            for failure in answer["failures"]
        }
        return list(answer["imageIds"]), failures

    def images(self) -> dict[str, list[str]]:
        filters: Any = {"imageStatus": "ANY"}
        found = self.ecr.describe_images(repositoryName=self.repository, filter=filters)["imageDetails"]
        return {image["imageDigest"]: image.get("imageTags", []) for image in found}


@pytest.fixture
def shelf(strict_ecr: StrictECR, ecr: ECRClient, repository: str) -> Shelf:
    return Shelf(strict_ecr, ecr, repository)


def test_tag_alone(shelf: Shelf) -> None:
    assert shelf.delete({"imageTag": "a"}) == ([{"imageDigest": shelf.two, "imageTag": "a"}], {})
    assert shelf.images()[shelf.two] == ["b"]


def test_image_with_its_last_tag(shelf: Shelf) -> None:
    assert shelf.delete({"imageTag": "c"}) == ([{"imageDigest": shelf.one, "imageTag": "c"}], {})
    assert shelf.one not in shelf.images()


def test_image_with_all_its_tags(shelf: Shelf) -> None:
    deleted, failures = shelf.delete({"imageDigest": shelf.two})
    assert deleted == [{"imageDigest": shelf.two, "imageTag": tag} for tag in ("a", "b")]
    assert (failures, shelf.two in shelf.images()) == ({}, False)


def test_what_is_not_there(shelf: Shelf) -> None:
    deleted, failures = shelf.delete({"imageTag": "x"}, {"imageDigest": ABSENT})
    assert (deleted, failures) == ([], {"x": "ImageNotFound", ABSENT: "ImageNotFound"})


@pytest.mark.parametrize("names_index", [True, False])
def test_child_of_an_index(shelf: Shelf, names_index: bool) -> None:
    shelf.control.rules(shelf.repository).names_index_of_child = names_index
    # The index counts although the same request deletes it.
    ids: Any = [{"imageDigest": shelf.index}, {"imageDigest": shelf.child}]
    answer = shelf.ecr.batch_delete_image(repositoryName=shelf.repository, imageIds=ids)
    (failure,) = answer["failures"]
    assert failure["failureCode"] == "ImageReferencedByManifestList"
    assert (shelf.index in failure["failureReason"]) is names_index
    assert (shelf.index in shelf.images(), shelf.child in shelf.images()) == (False, True)
    assert shelf.delete({"imageDigest": shelf.child})[1] == {}
    assert shelf.child not in shelf.images()


def test_last_tag_of_a_child(shelf: Shelf) -> None:
    assert shelf.delete({"imageTag": "child"}) == ([], {"child": "ImageReferencedByManifestList"})
    shelf.control.rules(shelf.repository).refuses_last_tag_of_child = False
    assert shelf.delete({"imageTag": "child"})[1] == {}
    assert shelf.images()[shelf.child] == []


@pytest.mark.parametrize("deletes", [True, False])
def test_archived_image(shelf: Shelf, deletes: bool) -> None:
    shelf.control.set_image_status(shelf.repository, shelf.one, "ARCHIVED")
    shelf.control.rules(shelf.repository).deletes_archived = deletes
    _deleted, failures = shelf.delete({"imageTag": "c"})
    assert failures == ({} if deletes else {"c": "ImageInaccessible"})
    assert (shelf.one in shelf.images()) is not deletes


def test_more_than_a_hundred_ids(shelf: Shelf, strict_ecr: StrictECR) -> None:
    request = {"repositoryName": shelf.repository, "imageIds": [{"imageTag": str(number)} for number in range(101)]}
    status, answer = call(strict_ecr.url, "BatchDeleteImage", request)
    assert (status, answer["__type"]) == (400, "InvalidParameterException")


def test_operations_that_are_not_allowed(shelf: Shelf) -> None:
    shelf.control.allow(shelf.repository, ["DescribeImages"])
    assert shelf.two in shelf.images()
    with refused("AccessDeniedException", "ecr:BatchDeleteImage", f"repository/{shelf.repository}"):
        shelf.delete({"imageTag": "a"})
    with refused("AccessDeniedException", "ecr:DescribeRepositories"):
        shelf.ecr.describe_repositories(repositoryNames=[shelf.repository])
    shelf.control.allow(shelf.repository, None)
    assert shelf.delete({"imageTag": "a"})[1] == {}
