# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ecr_image_info from its arguments to its result."""

from __future__ import annotations

import datetime
import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.images import _ACCEPTED_MEDIA_TYPES
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.service_model import input_shape, operation_model
from ansible_collections.layerkit.ecr.plugins.modules import ecr_image, ecr_image_info
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import OCI_INDEX, OCI_MANIFEST, digest_of
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LayoutWriter
from ansible_collections.layerkit.ecr.tests.unit.support.modelled_advice import ADVICE
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import ModuleFailedError, run_module, warnings_of
from ansible_collections.layerkit.ecr.tests.unit.support.stubbed_registry import StubbedRegistry

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR
    from botocore.model import StructureShape

REPOSITORY = "team/app"
ACCOUNT = "123456789012"
MANIFEST = '{"schemaVersion": 2, "layers": []}'
DIGEST = digest_of(MANIFEST.encode())
OTHER = digest_of(b"another manifest")
NOON = datetime.datetime(2026, 2, 3, 12, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))


def look_up(*ids: dict[str, str]) -> dict[str, t.Any]:
    return {"repositoryName": REPOSITORY, "imageIds": list(ids), "acceptedMediaTypes": _ACCEPTED_MEDIA_TYPES}


def found(tag: str | None = None, manifest: str = MANIFEST) -> dict[str, t.Any]:
    digest = digest_of(manifest.encode())
    return {
        "registryId": ACCOUNT,
        "repositoryName": REPOSITORY,
        "imageId": {"imageDigest": digest, **({"imageTag": tag} if tag else {})},
        "imageManifest": manifest,
        "imageManifestMediaType": OCI_MANIFEST,
    }


def missing(**image_id: str) -> dict[str, t.Any]:
    return {"imageId": image_id, "failureCode": "ImageNotFound", "failureReason": "Requested image not found"}


def detail(digest: str = DIGEST, **members: t.Any) -> dict[str, t.Any]:
    return {
        "imageDigest": digest,
        "imageTags": ["1", "latest"],
        "imageSizeInBytes": 70,
        "imagePushedAt": NOON,
        "imageStatus": "ACTIVE",
        **members,
    }


def describe(registry: StubbedRegistry, *details: dict[str, t.Any]) -> None:
    ids = [{"imageDigest": entry["imageDigest"]} for entry in details]
    registry.answers("DescribeImages", description(*ids), imageDetails=list(details))


def description(*ids: dict[str, str]) -> dict[str, t.Any]:
    return {"repositoryName": REPOSITORY, "imageIds": list(ids), "filter": {"imageStatus": "ANY"}}


def finds_none_in_the_archive(registry: StubbedRegistry, *ids: dict[str, str]) -> None:
    for image_ids in [ids] if len(ids) == 1 else [ids, *([image_id] for image_id in ids)]:
        registry.refuses("DescribeImages", description(*image_ids), "ImageNotFoundException")


def info(**options: t.Any) -> dict[str, t.Any]:
    return run_module(ecr_image_info, repository_name=REPOSITORY, **options)


class TestAnswers:
    def test_tags_and_digests(self, registry: StubbedRegistry) -> None:
        registry.answers(
            "BatchGetImage",
            look_up({"imageDigest": DIGEST}, {"imageDigest": OTHER}, {"imageTag": "1"}, {"imageTag": "2"}),
            images=[found("1"), found()],
            failures=[missing(imageTag="2"), missing(imageDigest=OTHER)],
        )
        finds_none_in_the_archive(registry, {"imageDigest": OTHER}, {"imageTag": "2"})
        describe(registry, detail())
        result = info(tags=["1", "2"], digests=[DIGEST, OTHER])
        assert result["missing"] == ["2", OTHER]
        assert result["registry_id"] == ACCOUNT
        assert result["images"] == [
            {
                "digest": DIGEST,
                "tags": ["1", "latest"],
                "media_type": OCI_MANIFEST,
                "artifact_type": None,
                "subject": None,
                "manifest": json.loads(MANIFEST),
                "raw_manifest": MANIFEST,
                "status": "ACTIVE",
                "size": 70,
                "pushed_at": "2026-02-03T11:00:00+00:00",
                "last_pulled_at": None,
            }
        ]

    @pytest.mark.parametrize("options", [{"tags": []}, {"digests": []}, {"tags": [], "digests": []}])
    def test_nothing_is_looked_up_for_empty_lists(self, registry: StubbedRegistry, options: dict[str, t.Any]) -> None:
        assert registry
        assert (info(**options)["images"], info(**options)["missing"]) == ([], [])

    def test_nothing_found_is_looked_for_in_the_archive(self, registry: StubbedRegistry) -> None:
        registry.answers("BatchGetImage", look_up({"imageTag": "1"}), images=[], failures=[missing(imageTag="1")])
        finds_none_in_the_archive(registry, {"imageTag": "1"})
        result = info(tags=["1"])
        assert (result["images"], result["missing"], "registry_id" in result) == ([], ["1"], False)

    def test_images_are_asked_for_by_the_hundred(self, registry: StubbedRegistry) -> None:
        tags = [str(number) for number in range(150)]
        for batch in (tags[:100], tags[100:]):
            failures = [missing(imageTag=tag) for tag in batch]
            registry.answers(
                "BatchGetImage", look_up(*({"imageTag": tag} for tag in batch)), images=[], failures=failures
            )
        for batch in (tags[:100], tags[100:]):
            finds_none_in_the_archive(registry, *({"imageTag": tag} for tag in batch))
        assert info(tags=tags)["missing"] == tags

    def test_tag_under_which_another_one_is_named_is_asked_for_alone(self, registry: StubbedRegistry) -> None:
        registry.answers(
            "BatchGetImage", look_up({"imageTag": "1"}, {"imageTag": "2"}), images=[found("2"), found("2")], failures=[]
        )
        registry.answers("BatchGetImage", look_up({"imageTag": "1"}), images=[found("2")], failures=[])
        describe(registry, detail())
        result = info(tags=["1", "2"])
        assert (len(result["images"]), result["missing"]) == (1, [])

    def test_image_that_is_gone_when_it_is_described(self, registry: StubbedRegistry) -> None:
        other = found("2", "another manifest")
        registry.answers(
            "BatchGetImage", look_up({"imageTag": "1"}, {"imageTag": "2"}), images=[found("1"), other], failures=[]
        )
        ids = [{"imageDigest": DIGEST}, {"imageDigest": OTHER}]
        registry.refuses("DescribeImages", description(*ids), "ImageNotFoundException")
        describe(registry, detail())
        registry.refuses("DescribeImages", description(*ids[1:]), "ImageNotFoundException")
        first, second = info(tags=["1", "2"])["images"]
        assert (first["size"], second["size"], second["pushed_at"], second["tags"]) == (70, None, None, ["2"])
        assert (second["manifest"], second["raw_manifest"]) == (None, "another manifest")

    def test_without_leave_to_describe(self, registry: StubbedRegistry) -> None:
        registry.answers("BatchGetImage", look_up({"imageTag": "1"}), images=[found("1")], failures=[])
        registry.refuses("DescribeImages", description({"imageDigest": DIGEST}), "AccessDeniedException")
        result = info(tags=["1"])
        assert (result["images"][0]["tags"], result["images"][0]["size"]) == (["1"], None)
        assert "ecr:DescribeImages" in warnings_of(result)[0]


class TestArchive:
    @pytest.mark.parametrize("code", ["ImageNotFound", "ImageInaccessible"])
    @pytest.mark.parametrize("status", ["ARCHIVED", "ACTIVATING"])
    def test_archived_image(self, registry: StubbedRegistry, code: str, status: str) -> None:
        failures = [{**missing(imageTag="1"), "failureCode": code}]
        registry.answers("BatchGetImage", look_up({"imageTag": "1"}), images=[], failures=failures)
        archived = detail(imageStatus=status, imageManifestMediaType=OCI_MANIFEST, registryId=ACCOUNT)
        registry.answers("DescribeImages", description({"imageTag": "1"}), imageDetails=[archived])
        result = info(tags=["1"])
        assert (result["missing"], result["registry_id"]) == ([], ACCOUNT)
        assert result["images"] == [
            {
                "digest": DIGEST,
                "tags": ["1", "latest"],
                "media_type": OCI_MANIFEST,
                "artifact_type": None,
                "subject": None,
                "manifest": None,
                "raw_manifest": None,
                "status": status,
                "size": 70,
                "pushed_at": "2026-02-03T11:00:00+00:00",
                "last_pulled_at": None,
            }
        ]

    def test_archived_image_without_leave_to_describe_says_how_to_restore_it(self, registry: StubbedRegistry) -> None:
        failure = {**missing(imageTag="1"), "failureCode": "ImageInaccessible", "failureReason": "it is archived"}
        registry.answers("BatchGetImage", look_up({"imageTag": "1"}), images=[], failures=[failure])
        registry.refuses("DescribeImages", description({"imageTag": "1"}), "AccessDeniedException")
        with pytest.raises(
            ModuleFailedError, match=r"does not return 1\. The image is archived\. Push it again"
        ) as failed:
            info(tags=["1"])
        assert "ImageInaccessible, it is archived" in failed.value.msg

    def test_botocore_that_knows_no_status_sends_no_filter(
        self, registry: StubbedRegistry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        image_filter = t.cast("StructureShape", input_shape("DescribeImages").members["filter"])
        without = {"tagStatus": image_filter.members["tagStatus"]}
        monkeypatch.setitem(image_filter.__dict__, "members", without)
        registry.answers("BatchGetImage", look_up({"imageTag": "1"}), images=[found("1")], failures=[])
        expected = {"repositoryName": REPOSITORY, "imageIds": [{"imageDigest": DIGEST}]}
        old = {member: value for member, value in detail().items() if member != "imageStatus"}
        registry.answers("DescribeImages", expected, imageDetails=[old])
        assert info(tags=["1"])["images"][0]["status"] is None


class TestErrors:
    @pytest.mark.parametrize("code", [shape.name for shape in operation_model("BatchGetImage").error_shapes])
    def test_modelled_error_of_getting(self, registry: StubbedRegistry, code: str) -> None:
        attempts = 7 if code in ("ServerException", "LimitExceededException") else 1
        for _attempt in range(attempts):
            registry.refuses("BatchGetImage", look_up({"imageTag": "1"}), code)
        with pytest.raises(ModuleFailedError, match=code) as failed:
            info(tags=["1"])
        assert failed.value.result["error"]["code"] == code
        assert ADVICE[code] in failed.value.msg

    @pytest.mark.parametrize(
        "code",
        [shape.name for shape in operation_model("DescribeImages").error_shapes if shape.name[:13] != "ImageNotFound"],
    )
    def test_modelled_error_of_describing(self, registry: StubbedRegistry, code: str) -> None:
        registry.answers("BatchGetImage", look_up({"imageTag": "1"}), images=[found("1")], failures=[])
        for _attempt in range(7 if code == "ServerException" else 1):
            registry.refuses("DescribeImages", description({"imageDigest": DIGEST}), code)
        with pytest.raises(ModuleFailedError, match=code) as failed:
            info(tags=["1"])
        assert ADVICE[code] in failed.value.msg

    def test_image_that_the_registry_does_not_give_out(self, registry: StubbedRegistry) -> None:
        failure = {**missing(imageTag="1"), "failureCode": "KmsError", "failureReason": "the key is disabled"}
        registry.answers("BatchGetImage", look_up({"imageTag": "1"}), images=[], failures=[failure])
        with pytest.raises(ModuleFailedError, match=r"does not return 1.*kms:Decrypt.*KmsError, the key is disabled"):
            info(tags=["1"])

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"tags": ["1"], "tag_status": "any"}, "tag_status cannot be used with tags or digests"),
            (
                {"digests": [], "tag_status": "tagged", "image_status": "archived"},
                "tag_status and image_status cannot be used with tags or digests",
            ),
            ({"tags": ["a b"]}, "'a b' has a blank"),
            ({"digests": ["sha256:12"]}, "'sha256:12' must be sha256: and 64"),
            ({"tags": ["1"], "registry_id": "12"}, "registry_id '12'"),
        ],
    )
    def test_bad_input(self, registry: StubbedRegistry, options: dict[str, t.Any], words: str) -> None:
        assert registry
        with pytest.raises(ModuleFailedError) as failed:
            info(**options)
        assert words in failed.value.msg
        assert "Nothing was sent" in failed.value.msg


def test_over_http(strict_ecr: StrictECR, repository: str, tmp_path: Path, connection: dict[str, t.Any]) -> None:
    strict_ecr.control.rules(repository).converts_manifests = True
    layout = LayoutWriter(tmp_path / "layout")
    images = {"linux/amd64": layout.image(b"layer"), "linux/arm64": layout.image(b"other", platform="linux/arm64")}
    index = layout.index(images)
    src = str(layout.finish(index))
    run_module(ecr_image, connection=connection, repository_name=repository, src=src, tags=["a", "b"])
    child = images["linux/arm64"]["digest"]
    task: dict[str, t.Any] = {"repository_name": repository, "tags": ["a", "b", "c"], "digests": [child]}
    result = run_module(ecr_image_info, connection=connection, **task)
    first, second = result["images"]
    assert (first["digest"], first["media_type"], sorted(first["tags"])) == (index["digest"], OCI_INDEX, ["a", "b"])
    assert first["raw_manifest"].encode() == layout.path_of(index["digest"]).read_bytes()
    assert (second["digest"], second["tags"], second["manifest"]["layers"][0]["size"]) == (child, [], len(b"other"))
    assert result["missing"] == ["c"]
    assert datetime.datetime.fromisoformat(first["pushed_at"]).tzinfo == datetime.UTC
    assert not run_module(ecr_image_info, check=True, connection=connection, **task)["changed"]
