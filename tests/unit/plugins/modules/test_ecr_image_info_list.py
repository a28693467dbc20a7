# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ecr_image_info without tags and digests: the list of all images."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr import pages
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.service_model import input_shape, operation_model
from ansible_collections.layerkit.ecr.plugins.modules import ecr_image_info
from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import Fault
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import OCI_CONFIG, OCI_MANIFEST, digest_of
from ansible_collections.layerkit.ecr.tests.unit.support.modelled_advice import ADVICE
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import ModuleFailedError, run_module
from ansible_collections.layerkit.ecr.tests.unit.support.pushing import ABSENT, image_manifest
from ansible_collections.layerkit.ecr.tests.unit.support.stubbed_registry import StubbedRegistry

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR
    from botocore.model import StructureShape

REPOSITORY = "team/app"
ACCOUNT = "123456789012"
FIRST, SECOND, THIRD = (digest_of(name) for name in (b"first", b"second", b"third"))
NOON = datetime.datetime(2026, 2, 3, 12, tzinfo=datetime.UTC)
REQUEST: dict[str, t.Any] = {"repositoryName": REPOSITORY, "maxResults": 1000}


def info(**options: t.Any) -> dict[str, t.Any]:
    return run_module(ecr_image_info, repository_name=REPOSITORY, **options)


def detail(digest: str = FIRST, **members: t.Any) -> dict[str, t.Any]:
    return {"imageDigest": digest, "imageTags": ["1"], "imagePushedAt": NOON, **members}


class TestAnswers:
    def test_what_is_known_of_an_image(self, registry: StubbedRegistry) -> None:
        described = detail(
            registryId=ACCOUNT,
            imageTags=["1", "latest"],
            imageSizeInBytes=70,
            imageManifestMediaType=OCI_MANIFEST,
            artifactMediaType=OCI_CONFIG,
            subjectManifestDigest=SECOND,
            lastRecordedPullTime=NOON + datetime.timedelta(days=1),
            imageStatus="ACTIVE",
        )
        registry.answers("DescribeImages", REQUEST, imageDetails=[described])
        result = info()
        assert result["images"] == [
            {
                "digest": FIRST,
                "tags": ["1", "latest"],
                "media_type": OCI_MANIFEST,
                "artifact_type": OCI_CONFIG,
                "subject": SECOND,
                "status": "ACTIVE",
                "size": 70,
                "pushed_at": "2026-02-03T12:00:00+00:00",
                "last_pulled_at": "2026-02-04T12:00:00+00:00",
            }
        ]
        assert (result["changed"], result["missing"], result["registry_id"]) == (False, [], ACCOUNT)

    def test_empty_repository(self, registry: StubbedRegistry) -> None:
        registry.answers("DescribeImages", REQUEST, imageDetails=[])
        assert info(registry_id=None)["images"] == []

    def test_newest_comes_first_then_the_order_of_digests(self, registry: StubbedRegistry) -> None:
        undated = {"imageDigest": digest_of(b"undated")}
        later = detail(THIRD, imagePushedAt=NOON + datetime.timedelta(seconds=1))
        registry.answers("DescribeImages", REQUEST, imageDetails=[undated, detail(SECOND), later, detail(FIRST)])
        found = [image["digest"] for image in info()["images"]]
        assert found == [THIRD, *sorted([FIRST, SECOND]), undated["imageDigest"]]

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ({"tag_status": "any", "image_status": "active"}, {}),
            ({"tag_status": "tagged"}, {"filter": {"tagStatus": "TAGGED"}}),
            ({"image_status": "archived"}, {"filter": {"imageStatus": "ARCHIVED"}}),
            (
                {"tag_status": "untagged", "image_status": "any"},
                {"filter": {"tagStatus": "UNTAGGED", "imageStatus": "ANY"}},
            ),
        ],
    )
    def test_filters(self, registry: StubbedRegistry, options: dict[str, t.Any], expected: dict[str, t.Any]) -> None:
        registry.answers("DescribeImages", {**REQUEST, **expected}, imageDetails=[])
        assert info(**options)["images"] == []

    def test_registry_that_ignores_the_filter_makes_no_tagged_image_untagged(self, registry: StubbedRegistry) -> None:
        untagged = {"imageDigest": SECOND}
        request = {**REQUEST, "filter": {"tagStatus": "UNTAGGED"}}
        registry.answers("DescribeImages", request, imageDetails=[detail(), untagged])
        assert [image["digest"] for image in info(tag_status="untagged")["images"]] == [SECOND]

    def test_texts_of_the_registry_are_printable(self, registry: StubbedRegistry) -> None:
        harm = "\x1b[2J\u202e"
        members = ("imageManifestMediaType", "artifactMediaType", "subjectManifestDigest", "imageStatus")
        registry.answers(
            "DescribeImages", REQUEST, imageDetails=[detail(imageTags=[harm], **dict.fromkeys(members, harm))]
        )
        (image,) = info()["images"]
        texts = [*image["tags"], *(image[name] for name in ("media_type", "artifact_type", "subject", "status"))]
        assert all(text == r"\x1b[2J\u202e" for text in texts)


class TestPages:
    def test_pages_are_read_to_the_last(self, registry: StubbedRegistry) -> None:
        registry.answers("DescribeImages", REQUEST, imageDetails=[detail(FIRST)], nextToken="2")
        # A page can be empty and not the last one, and an image can be on two of them.
        registry.answers("DescribeImages", {**REQUEST, "nextToken": "2"}, imageDetails=[], nextToken="3")
        registry.answers("DescribeImages", {**REQUEST, "nextToken": "3"}, imageDetails=[detail(SECOND), detail(FIRST)])
        assert {image["digest"] for image in info()["images"]} == {FIRST, SECOND}
        assert len(info_again(registry)) == 1

    def test_token_that_leads_back_is_asked_for_again_and_refused(self, registry: StubbedRegistry) -> None:
        registry.answers("DescribeImages", REQUEST, imageDetails=[detail(FIRST)], nextToken="2")
        for _attempt in range(7):
            registry.answers("DescribeImages", {**REQUEST, "nextToken": "2"}, imageDetails=[], nextToken="2")
        with pytest.raises(ModuleFailedError, match=r"Failed to list the images of repository team/app.* leads back"):
            info()

    def test_list_without_end_is_refused(self, registry: StubbedRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pages, "MAX_PAGES", 3)
        for number in range(3):
            chosen = {"nextToken": str(number)} if number else {}
            registry.answers("DescribeImages", {**REQUEST, **chosen}, imageDetails=[], nextToken=str(number + 1))
        with pytest.raises(ModuleFailedError, match=r"does not end the list\. 3 pages were read"):
            info()

    def test_thousands_of_images_on_small_pages(
        self, strict_ecr: StrictECR, repository: str, connection: dict[str, t.Any]
    ) -> None:
        control = strict_ecr.control
        control.rules(repository).max_page = 400
        digests = {
            control.seed_image(
                repository, image_manifest(ABSENT, ABSENT, n=number), *([f"v{number}"] if tagged else [])
            )
            for number in range(1300)
            for tagged in [number % 2 == 0]
        }
        control.calls.clear(repository)
        control.faults.add(Fault("server_error", "DescribeImages", repository=repository, skip=2))
        control.faults.add(Fault("drop_after", "DescribeImages", repository=repository, skip=3))
        result = list_over_http(repository, connection)
        assert {image["digest"] for image in result["images"]} == digests
        assert len(result["images"]) == 1300
        # Four pages, and two that were asked for again.
        assert control.calls.counts(repository) == {"DescribeImages": 6}
        untagged = list_over_http(repository, connection, tag_status="untagged")["images"]
        assert (len(untagged), {tag for image in untagged for tag in image["tags"]}) == (650, set())


def info_again(registry: StubbedRegistry) -> list[t.Any]:
    registry.answers("DescribeImages", REQUEST, imageDetails=[detail(FIRST)])
    return t.cast("list[t.Any]", info()["images"])


def list_over_http(repository: str, connection: dict[str, t.Any], **options: t.Any) -> dict[str, t.Any]:
    patient = {**connection, "aws_config": {"read_timeout": 30}}
    return run_module(ecr_image_info, connection=patient, repository_name=repository, **options)


def test_archived_images(strict_ecr: StrictECR, repository: str, connection: dict[str, t.Any]) -> None:
    control = strict_ecr.control
    active, archived, activating = (
        control.seed_image(repository, image_manifest(ABSENT, ABSENT, n=number)) for number in range(3)
    )
    control.set_image_status(repository, archived, "ARCHIVED")
    control.set_image_status(repository, activating, "ACTIVATING")
    expected = {"active": [active], "archived": [archived], "any": [active, archived, activating]}
    assert [image["digest"] for image in list_over_http(repository, connection)["images"]] == [active]
    for status, digests in expected.items():
        found = list_over_http(repository, connection, image_status=status)["images"]
        assert {image["digest"] for image in found} == set(digests)


class TestErrors:
    @pytest.mark.parametrize("code", [shape.name for shape in operation_model("DescribeImages").error_shapes])
    def test_modelled_error(self, registry: StubbedRegistry, code: str) -> None:
        for _attempt in range(7 if code == "ServerException" else 1):
            registry.refuses("DescribeImages", REQUEST, code)
        with pytest.raises(ModuleFailedError, match=code) as failed:
            info()
        assert "Failed to list the images of repository team/app" in failed.value.msg
        assert failed.value.result["error"]["code"] == code
        assert code not in ADVICE or ADVICE[code] in failed.value.msg

    def test_denied(self, registry: StubbedRegistry) -> None:
        registry.refuses("DescribeImages", REQUEST, "AccessDeniedException")
        with pytest.raises(ModuleFailedError, match="Grant ecr:DescribeImages on repository"):
            info()

    @pytest.mark.parametrize("status", ["archived", "any"])
    def test_botocore_that_knows_no_archive(
        self, registry: StubbedRegistry, monkeypatch: pytest.MonkeyPatch, status: str
    ) -> None:
        image_filter = t.cast("StructureShape", input_shape("DescribeImages").members["filter"])
        monkeypatch.setitem(image_filter.__dict__, "members", {"tagStatus": image_filter.members["tagStatus"]})
        with pytest.raises(ModuleFailedError, match=rf"image_status {status} requires a version of botocore"):
            info(image_status=status)
        registry.answers("DescribeImages", REQUEST, imageDetails=[])
        assert info(image_status="active")["images"] == []

    def test_digest_that_is_none(self, registry: StubbedRegistry) -> None:
        for _attempt in range(7):
            registry.answers("DescribeImages", REQUEST, imageDetails=[detail("sha256:<html>")])
        with pytest.raises(ModuleFailedError, match="imageDigest is not a SHA-256 digest"):
            info()
