# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ecr_image from its arguments to its result, against the strict server."""

from __future__ import annotations

import contextlib
import fcntl
import json
import time
import typing as t
from concurrent.futures import Future, as_completed, wait
from pathlib import Path
from unittest.mock import ANY

import pytest
from ansible_collections.amazon.aws.plugins.module_utils import cloud
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.rate_limit import Pace
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.service_model import operation_model
from ansible_collections.layerkit.ecr.plugins.module_utils._transfer import blobs as _blob_push
from ansible_collections.layerkit.ecr.plugins.modules import ecr_image
from ansible_collections.layerkit.ecr.tests.strict_ecr.exceptions import (
    LayersNotFoundException,
    ReferencedImagesNotFoundException,
)
from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import Fault
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import digest_of
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LayoutWriter
from ansible_collections.layerkit.ecr.tests.unit.support.modelled_advice import ADVICE
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import ModuleFailedError, run_module, warnings_of
from ansible_collections.layerkit.ecr.tests.unit.support.stubbed_registry import StubbedRegistry
from moto.ecr.exceptions import ImageAlreadyExistsException

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.control import Control
    from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import Kind
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR
    from mypy_boto3_ecr import ECRClient

UPLOADS = ["InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload"]
MEDIA_TYPES = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
]

pytestmark = pytest.mark.usefixtures("delays")


class ImageBench:
    """A repository, a layout, and the module between them."""

    def __init__(
        self, client: ECRClient, control: Control, repository: str, layout: LayoutWriter, connection: dict[str, t.Any]
    ) -> None:
        self.client = client
        self.control = control
        self.repository = repository
        self.layout = layout
        self.connection = connection

    def run(self, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        task = {"repository_name": self.repository, "src": str(self.layout.path), **options}
        return run_module(ecr_image, check=check, connection=self.connection, **task)

    def fails(self, check: bool = False, **options: t.Any) -> ModuleFailedError:
        with pytest.raises(ModuleFailedError) as failed:
            self.run(check, **options)
        return failed.value

    def strike(self, operation: str, kind: Kind, **options: t.Any) -> None:
        self.control.faults.add(Fault(kind, operation, repository=self.repository, **options))

    def calls(self) -> list[str]:
        """Return the operations called since the last time."""
        calls = self.control.calls.operations(self.repository)
        self.control.calls.clear(self.repository)
        return calls

    def tags(self) -> dict[str, str]:
        """Return the digests by the tags that the registry has."""
        ids = self.client.list_images(repositoryName=self.repository)["imageIds"]
        return {image["imageTag"]: image["imageDigest"] for image in ids if "imageTag" in image}

    def digests(self) -> set[str]:
        ids = self.client.list_images(repositoryName=self.repository)["imageIds"]
        return {image["imageDigest"] for image in ids}

    def manifest(self, digest: str) -> bytes:
        """Return a manifest as the registry gives it out."""
        answer = self.client.batch_get_image(
            repositoryName=self.repository, imageIds=[{"imageDigest": digest}], acceptedMediaTypes=MEDIA_TYPES
        )
        return answer["images"][0]["imageManifest"].encode()

    def set_mutability(self, mutability: t.Any, exclusions: t.Any = None) -> None:
        filters = {"imageTagMutabilityExclusionFilters": exclusions} if exclusions else {}
        self.client.put_image_tag_mutability(repositoryName=self.repository, imageTagMutability=mutability, **filters)

    def open_uploads(self) -> dict[str, int]:
        return self.control.uploads(self.repository)

    def layers(self) -> dict[str, int]:
        return self.control.layers(self.repository)


@pytest.fixture
def bench(
    ecr: ECRClient, strict_ecr: StrictECR, repository: str, tmp_path: Path, connection: dict[str, t.Any]
) -> ImageBench:
    control = strict_ecr.control
    control.rules(repository).converts_manifests = True
    control.rules(repository).min_part_bytes = 1
    control.calls.clear(repository)
    return ImageBench(ecr, control, repository, LayoutWriter(tmp_path / "layout"), connection)


def actions(result: dict[str, t.Any], key: str = "layers") -> dict[str, str]:
    return {entry["digest"]: entry["action"] for entry in result[key]}


class TestSingleImage:
    def test_check_run_and_run_again(self, bench: ImageBench) -> None:
        image = bench.layout.image(b"base", b"a longer layer on top")
        bench.layout.finish(image)
        checked = bench.run(check=True, tags=["1", "latest"])
        assert not {*UPLOADS, "PutImage"} & set(bench.calls())
        assert bench.layers() == {}

        ran = bench.run(tags=["1", "latest"])
        calls = bench.calls()
        assert ran["changed"]
        assert bench.tags() == {"1": image["digest"], "latest": image["digest"]}
        assert bench.manifest(image["digest"]) == bench.layout.path_of(image["digest"]).read_bytes()
        assert sum(bench.layers().values()) == ran["bytes_sent"]
        assert calls[:2] == ["BatchGetImage", "BatchCheckLayerAvailability"]
        assert calls.count("CompleteLayerUpload") == 3
        assert calls[-3:] == ["PutImage", "PutImage", "BatchGetImage"]

        for key in set(ran) - {"invocation"}:
            assert checked[key] == ran[key], key

        bench.calls()
        again = bench.run(tags=["1", "latest"])
        assert not again["changed"]
        assert bench.calls() == ["BatchGetImage"]
        assert again["image"] == {
            **ran["image"],
            "tags": [{"tag": tag, "before": image["digest"], "after": image["digest"]} for tag in ("1", "latest")],
        }
        assert (again["bytes_sent"], again["bytes_present"]) == (0, ran["bytes_sent"])
        assert set(actions(again).values()) == set(actions(again, "manifests").values()) == {"present"}
        assert set(again) == set(ran)
        assert again["diff"]["before"] == again["diff"]["after"]

    def test_result(self, bench: ImageBench) -> None:
        image = bench.layout.image(b"layer", platform="linux/arm64/v8")
        bench.layout.finish(image)
        result = bench.run(tags=["1"])
        account = "123456789012"
        uri = f"{account}.dkr.ecr.eu-central-1.amazonaws.com/{bench.repository}"
        assert result["registry_id"] == account
        assert result["image"] == {
            "digest": image["digest"],
            "media_type": MEDIA_TYPES[0],
            "repository_uri": uri,
            "uri": f"{uri}@{image['digest']}",
            "tags": [{"tag": "1", "before": None, "after": image["digest"]}],
            "platforms": ["linux/arm64/v8"],
        }
        (manifest,) = result["manifests"]
        assert manifest == {
            "digest": image["digest"],
            "media_type": MEDIA_TYPES[0],
            "size": image["size"],
            "platform": "linux/arm64/v8",
            "action": "put",
        }

    def test_without_tags_it_is_pushed_by_its_digest(self, bench: ImageBench) -> None:
        image = bench.layout.image(b"layer")
        bench.layout.finish(image)
        assert bench.run()["changed"]
        assert (bench.tags(), bench.digests()) == ({}, {image["digest"]})
        bench.calls()
        assert not bench.run()["changed"]
        assert bench.calls() == ["BatchGetImage"]

    def test_tag_for_an_image_that_is_there_sends_no_blob(self, bench: ImageBench) -> None:
        image = bench.layout.image(b"layer")
        bench.layout.finish(image)
        bench.run(tags=["1"])
        bench.calls()
        result = bench.run(tags=["1", "2"])
        assert result["changed"]
        assert [(tag["before"], tag["after"]) for tag in result["image"]["tags"]] == [
            (image["digest"], image["digest"]),
            (None, image["digest"]),
        ]
        assert bench.calls() == ["BatchGetImage", "PutImage", "BatchGetImage"]
        assert bench.tags() == dict.fromkeys(("1", "2"), image["digest"])

    def test_tags_are_put_in_their_order(self, bench: ImageBench, monkeypatch: pytest.MonkeyPatch) -> None:
        bench.layout.finish(bench.layout.image(b"layer"))
        original = bench.control.backend_class.put_image
        tags: list[str | None] = []

        def put_image(backend: t.Any, name: str, manifest: str, tag: str | None, *args: t.Any) -> t.Any:
            tags.append(tag)
            return original(backend, name, manifest, tag, *args)

        monkeypatch.setattr(bench.control.backend_class, "put_image", put_image)
        bench.run(tags=["b", "c", "a", "b"])
        assert tags == ["b", "c", "a"]

    def test_tag_moves_to_another_image_and_sends_only_what_is_new(self, bench: ImageBench) -> None:
        old = bench.layout.image(b"base", b"old")
        new = bench.layout.image(b"base", b"new")
        bench.layout.finish(old=old, new=new)
        bench.run(image="old", tags=["latest"])
        checked = bench.run(check=True, image="new", tags=["latest"])
        result = bench.run(image="new", tags=["latest"])
        assert bench.tags() == {"latest": new["digest"]}
        assert bench.digests() == {old["digest"], new["digest"]}
        assert result["image"]["tags"] == [{"tag": "latest", "before": old["digest"], "after": new["digest"]}]
        assert actions(result)[digest_of(b"base")] == "present"
        assert actions(result)[digest_of(b"new")] == "sent"
        # The configuration is the same as well.
        assert result["bytes_sent"] == checked["bytes_sent"] == len(b"new")
        tags = checked["diff"]["before"]["tags"], checked["diff"]["after"]["tags"]
        assert tags == ({"latest": old["digest"]}, {"latest": new["digest"]})
        assert f"{len(b'new')} bytes to send" in checked["diff"]["after"]["transfer"]

    def test_blob_that_is_referred_to_twice_is_sent_once(self, bench: ImageBench) -> None:
        bench.layout.finish(bench.layout.image(b"twice", b"once", b"twice"))
        result = bench.run()
        assert len(result["layers"]) == 3
        assert bench.calls().count("CompleteLayerUpload") == 3

    def test_biggest_blobs_are_sent_first(self, bench: ImageBench, monkeypatch: pytest.MonkeyPatch) -> None:
        bench.layout.finish(bench.layout.image(b"s" * 400, b"l" * 9000, b"m" * 5000))
        completed: list[str] = []
        original = bench.control.backend_class.complete_layer_upload

        def complete(backend: t.Any, *args: t.Any, **options: t.Any) -> t.Any:
            answer = original(backend, *args, **options)
            completed.append(answer["layerDigest"])
            return answer

        monkeypatch.setattr(bench.control.backend_class, "complete_layer_upload", complete)
        bench.run(parallel=1)
        assert completed[:3] == [digest_of(b"l" * 9000), digest_of(b"m" * 5000), digest_of(b"s" * 400)]

    def test_foreign_layer_is_left_out(self, bench: ImageBench) -> None:
        foreign = {
            "mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
            "digest": digest_of(b"windows"),
            "size": 7,
            "urls": ["https://example.com/windows"],
        }
        bench.layout.finish(bench.layout.image(foreign, b"own"))
        result = bench.run(tags=["1"])
        assert actions(result)[digest_of(b"windows")] == "skipped"
        assert digest_of(b"windows") not in bench.layers()
        assert not bench.run(tags=["1"])["changed"]

    def test_artifact_with_the_empty_config(self, bench: ImageBench) -> None:
        empty = bench.layout.blob(b"{}", "application/vnd.oci.empty.v1+json")
        artifact = bench.layout.image(b"content", config=empty, artifactType="application/vnd.example")
        bench.layout.finish(artifact)
        result = bench.run(tags=["sbom"])
        assert bench.tags() == {"sbom": artifact["digest"]}
        assert (result["image"]["platforms"], result["manifests"][0]["platform"]) == ([], None)

    def test_manifest_without_a_media_type_of_its_own(self, bench: ImageBench) -> None:
        image = bench.layout.image(b"layer", mediaType=None)
        bench.layout.finish(image)
        bench.run(tags=["1"])
        assert b'mediaType": "application/vnd.oci.image.manifest' not in bench.manifest(image["digest"])
        assert bench.tags() == {"1": image["digest"]}

    def test_small_parts_and_few_threads(self, bench: ImageBench) -> None:
        bench.control.rules(bench.repository).part_size = 4
        bench.layout.finish(bench.layout.image(b"0123456789"))
        bench.run(parallel=1)
        assert bench.calls().count("UploadLayerPart") > 3


class TestIndex:
    @pytest.fixture
    def index(self, bench: ImageBench) -> dict[str, t.Any]:
        images = {
            "linux/amd64": bench.layout.image(b"shared", b"amd64"),
            "linux/arm64/v8": bench.layout.image(b"shared", b"arm64", platform="linux/arm64/v8"),
            "linux/arm/v7": bench.layout.image(b"shared", b"arm v7", platform="linux/arm/v7"),
            "linux/arm/v6": bench.layout.image(b"shared", b"arm v6", platform="linux/arm/v6"),
        }
        root = bench.layout.index(images)
        bench.layout.finish(root)
        return {"root": root, **images}

    def test_all_of_it_byte_for_byte(self, bench: ImageBench, index: dict[str, t.Any]) -> None:
        checked = bench.run(check=True, tags=["multi"])
        result = bench.run(tags=["multi"])
        assert bench.tags() == {"multi": index["root"]["digest"]}
        assert bench.digests() == {image["digest"] for image in index.values()}
        assert bench.manifest(index["root"]["digest"]) == bench.layout.path_of(index["root"]["digest"]).read_bytes()
        assert checked["manifests"] == result["manifests"]
        assert [entry["platform"] for entry in result["manifests"]] == [*list(index)[1:], None]
        assert result["image"]["platforms"] == list(index)[1:]
        assert bench.calls().count("CompleteLayerUpload") == len(result["layers"]) == 9
        assert not bench.run(tags=["multi"])["changed"]
        assert bench.calls() == ["BatchGetImage"]

    @pytest.mark.parametrize(
        ("wanted", "pushed"),
        [
            ("linux/amd64", "linux/amd64"),
            ("linux/arm64", "linux/arm64/v8"),
            ("linux/arm64/v8", "linux/arm64/v8"),
            ("linux/arm", "linux/arm/v7"),
            ("linux/arm/v6", "linux/arm/v6"),
        ],
    )
    def test_one_platform_is_an_image_of_its_own(
        self, bench: ImageBench, index: dict[str, t.Any], wanted: str, pushed: str
    ) -> None:
        result = bench.run(platforms=[wanted], tags=["one"])
        assert bench.tags() == {"one": index[pushed]["digest"]}
        assert bench.digests() == {index[pushed]["digest"]}
        assert result["image"]["platforms"] == [pushed]
        assert len(bench.layers()) == 3

    def test_several_platforms_are_an_index_of_these(self, bench: ImageBench, index: dict[str, t.Any]) -> None:
        options: dict[str, t.Any] = {"platforms": ["linux/arm64", "linux/amd64"], "tags": ["two"]}
        result = bench.run(**options)
        digest = bench.tags()["two"]
        stored = json.loads(bench.manifest(digest))
        assert digest == result["image"]["digest"] != index["root"]["digest"]
        assert [entry["digest"] for entry in stored["manifests"]] == [
            index["linux/amd64"]["digest"],
            index["linux/arm64/v8"]["digest"],
        ]
        assert stored["mediaType"] == MEDIA_TYPES[1]
        bench.calls()
        assert not bench.run(**options)["changed"]
        assert bench.calls() == ["BatchGetImage"]

    def test_every_platform_is_the_whole_index(self, bench: ImageBench, index: dict[str, t.Any]) -> None:
        platforms = ["linux/amd64", "linux/arm64", "linux/arm/v6", "linux/arm/v7"]
        assert bench.run(platforms=platforms)["image"]["digest"] == index["root"]["digest"]

    def test_platform_that_is_not_there(self, bench: ImageBench, index: dict[str, t.Any]) -> None:
        assert index
        failed = bench.fails(platforms=["linux/amd64", "windows/amd64"])
        assert "windows/amd64" in failed.msg
        assert "linux/arm/v6, linux/arm/v7" in failed.msg
        assert bench.calls() == []

    def test_index_whose_images_are_there_in_part(self, bench: ImageBench, index: dict[str, t.Any]) -> None:
        bench.run(platforms=["linux/amd64"])
        bench.calls()
        checked = bench.run(check=True)
        bench.calls()
        result = bench.run()
        assert checked["manifests"] == result["manifests"]
        assert actions(result, "manifests")[index["linux/amd64"]["digest"]] == "present"
        assert bench.calls().count("PutImage") == 4
        assert actions(result) == actions(checked)
        assert list(actions(result).values()).count("present") == 3

    def test_single_image_must_be_for_the_platform(self, bench: ImageBench) -> None:
        bench.layout.finish(bench.layout.image(b"layer", platform="linux/amd64"))
        assert "linux/arm64" in bench.fails(platforms=["linux/arm64"]).msg
        assert bench.run(platforms=["linux/amd64"])["changed"]

    def test_index_in_which_several_images_are_for_one_platform(self, bench: ImageBench) -> None:
        images = [bench.layout.image(content) for content in (b"first", b"second")]
        index = {"schemaVersion": 2, "mediaType": MEDIA_TYPES[1]}
        entries = [{**image, "platform": {"os": "windows", "architecture": "amd64"}} for image in images]
        bench.layout.finish(bench.layout.document({**index, "manifests": entries}, MEDIA_TYPES[1]))
        failed = bench.fails(platforms=["windows/amd64"])
        assert all(image["digest"] in failed.msg for image in images)
        assert bench.calls() == []
        assert bench.run(image=images[1]["digest"])["image"]["digest"] == images[1]["digest"]

    def test_attestation_is_for_no_platform(self, bench: ImageBench) -> None:
        images = {"linux/amd64": bench.layout.image(b"layer"), "unknown/unknown": bench.layout.image(b"attestation")}
        bench.layout.finish(bench.layout.index(images))
        assert bench.run()["image"]["platforms"] == ["linux/amd64"]
        assert "unknown/unknown" in bench.fails(platforms=["unknown/unknown"]).msg
        result = bench.run(platforms=["linux/amd64"])
        assert result["image"]["digest"] == images["linux/amd64"]["digest"]

    def test_platform_is_that_of_the_index(self, bench: ImageBench) -> None:
        image = bench.layout.image(b"layer", platform="linux/arm64")
        bench.layout.finish(bench.layout.index({"linux/arm64/v8": image}))
        result = bench.run(platforms=["linux/arm64"])
        assert result["image"]["platforms"] == ["linux/arm64/v8"]
        assert result["manifests"][0]["platform"] == "linux/arm64/v8"

    def test_reduced_index_cannot_hold_what_is_no_text(self, bench: ImageBench) -> None:
        images = {"linux/amd64": bench.layout.image(b"one"), "linux/arm64": bench.layout.image(b"two")}
        for value, words in (("\ud800", "surrogates not allowed"), (float("inf"), "is not JSON")):
            index = bench.layout.index(images, annotations={"key": value})
            bench.layout.finish(index)
            assert words in bench.fails().msg

    def test_blob_of_another_size_in_one_of_its_images(self, bench: ImageBench) -> None:
        layer = bench.layout.blob(b"layer")
        wrong = bench.layout.image({**layer, "size": 6}, platform="linux/arm64")
        bench.layout.finish(bench.layout.index({"linux/arm64": wrong, "linux/amd64": bench.layout.image(layer)}))
        assert "5 bytes, not the 6" in bench.fails().msg

    def test_missing_blob_that_has_urls_in_one_of_its_images(self, bench: ImageBench) -> None:
        layer = {"mediaType": "a/b", "digest": digest_of(b"absent"), "size": 6}
        foreign = bench.layout.image({**layer, "urls": ["https://example.com"]}, platform="linux/arm64")
        bench.layout.finish(bench.layout.index({"linux/amd64": bench.layout.image(layer), "linux/arm64": foreign}))
        assert "is missing" in bench.fails().msg

    def test_children_that_the_registry_only_says_it_lacks(
        self, bench: ImageBench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        child = bench.layout.image(b"layer")
        bench.layout.finish(bench.layout.index({"linux/amd64": child}))
        original = bench.control.backend_class.put_image
        refusals = [ReferencedImagesNotFoundException(image_digests=child["digest"], repository_name="")]

        def put_image(backend: t.Any, name: str, manifest: str, *args: t.Any, **options: t.Any) -> t.Any:
            if '"manifests"' in manifest and refusals:
                raise refusals.pop()
            return original(backend, name, manifest, *args, **options)

        monkeypatch.setattr(bench.control.backend_class, "put_image", put_image)
        assert bench.run(tags=["1"])["changed"]
        # The child, the index, the child once more, and the index.
        assert bench.calls().count("PutImage") == 4


class TestImmutableTags:
    def test_same_image_is_unchanged(self, bench: ImageBench) -> None:
        bench.set_mutability("IMMUTABLE")
        bench.layout.finish(bench.layout.image(b"layer"))
        assert bench.run(tags=["1"])["changed"]
        assert not bench.run(tags=["1"])["changed"]

    @pytest.mark.parametrize("check", [True, False])
    def test_another_image_is_refused_before_anything_is_sent(self, bench: ImageBench, check: bool) -> None:
        bench.set_mutability("IMMUTABLE")
        old, new = bench.layout.image(b"old"), bench.layout.image(b"new")
        bench.layout.finish(old=old, new=new)
        bench.run(image="old", tags=["1"])
        bench.calls()
        failed = bench.fails(check=check, image="new", tags=["0", "1"])
        assert all(name in failed.msg for name in (old["digest"], new["digest"], "The tag 1", "immutable"))
        assert not {*UPLOADS, "PutImage"} & set(bench.calls())
        assert bench.tags() == {"1": old["digest"]}

    @pytest.mark.parametrize(
        ("mutability", "moves"), [("IMMUTABLE_WITH_EXCLUSION", "dev-1"), ("MUTABLE_WITH_EXCLUSION", "1.0")]
    )
    def test_tags_that_are_excluded(self, bench: ImageBench, mutability: str, moves: str) -> None:
        bench.set_mutability(mutability, [{"filterType": "WILDCARD", "filter": "dev-*"}])
        old, new = bench.layout.image(b"old"), bench.layout.image(b"new")
        bench.layout.finish(old=old, new=new)
        bench.run(image="old", tags=["dev-1", "1.0"])
        assert bench.run(image="new", tags=[moves])["changed"]
        bench.calls()
        (stays,) = {"dev-1", "1.0"} - {moves}
        assert f"The tag {stays}" in bench.fails(image="new", tags=[moves, stays]).msg
        assert not {*UPLOADS, "PutImage"} & set(bench.calls())
        assert bench.tags() == {moves: new["digest"], stays: old["digest"]}

    def test_tag_that_is_there_already_does_not_hinder_the_others(self, bench: ImageBench) -> None:
        bench.set_mutability("IMMUTABLE")
        image = bench.layout.image(b"layer")
        bench.layout.finish(image)
        bench.run(tags=["1"])
        assert bench.run(tags=["1", "2"])["changed"]
        assert bench.tags() == dict.fromkeys(("1", "2"), image["digest"])

    @pytest.mark.parametrize("refusal", [ImageAlreadyExistsException, None])
    def test_tag_that_is_taken_meanwhile(
        self, bench: ImageBench, monkeypatch: pytest.MonkeyPatch, refusal: t.Any
    ) -> None:
        bench.set_mutability("IMMUTABLE")
        old, new = bench.layout.image(b"old"), bench.layout.image(b"new")
        bench.layout.finish(old=old, new=new)
        original = bench.control.backend_class.put_image

        def put_image(backend: t.Any, name: str, manifest: str, tag: str | None, *args: t.Any) -> t.Any:
            if tag == "2":
                original(backend, name, bench.layout.path_of(old["digest"]).read_text(), "2", MEDIA_TYPES[0])
                if refusal:
                    # What moto answers for a tag that is immutable.
                    raise refusal(name, "123456789012", new["digest"], tag)
            return original(backend, name, manifest, tag, *args)

        bench.run(image="old")
        monkeypatch.setattr(bench.control.backend_class, "put_image", put_image)
        failed = bench.fails(image="new", tags=["1", "2"])
        assert "The tag is immutable: choose another tag" in failed.msg
        assert all(digest in failed.msg for digest in (old["digest"], new["digest"]))
        assert failed.result["changed"]
        assert failed.result["image"]["tags"] == [
            {"tag": "1", "before": None, "after": new["digest"]},
            {"tag": "2", "before": None, "after": None},
        ]

    def test_without_leave_to_look_it_is_refused_by_the_registry(self, bench: ImageBench) -> None:
        bench.set_mutability("IMMUTABLE")
        old, new = bench.layout.image(b"old"), bench.layout.image(b"new")
        bench.layout.finish(old=old, new=new)
        bench.run(image="old", tags=["1"])
        bench.control.faults.add(Fault("access_denied", "DescribeRepositories"))
        failed = bench.fails(image="new", tags=["1"])
        assert failed.result["error"]["code"] == "ImageTagAlreadyExistsException"
        assert all(digest in failed.msg for digest in (old["digest"], new["digest"]))
        assert "ecr:DescribeRepositories" in warnings_of(failed.result)[0]
        assert bench.tags() == {"1": old["digest"]}

    def test_tag_that_the_other_push_gave_to_the_same_image(self, bench: ImageBench) -> None:
        bench.set_mutability("IMMUTABLE")
        bench.layout.finish(bench.layout.image(b"layer"))
        bench.strike("PutImage", "drop_after")
        result = bench.run(tags=["1"])
        assert result["changed"]
        assert bench.calls().count("PutImage") == 2


class TestRegistryThatLosesThings:
    def test_layer_that_is_gone_is_sent_once_more(self, bench: ImageBench) -> None:
        bench.layout.finish(bench.layout.image(b"layer"))
        digest = digest_of(b"layer")
        bench.control.set_availability(bench.repository, digest, "AVAILABLE")
        result = bench.run(tags=["1"])
        assert digest in bench.layers()
        assert bench.calls().count("PutImage") == 2
        assert result["changed"]
        assert actions(result)[digest] == "sent"
        assert len(b"layer") <= result["bytes_sent"]

    def test_child_that_is_gone_is_put_once_more(self, bench: ImageBench, monkeypatch: pytest.MonkeyPatch) -> None:
        child = bench.layout.image(b"layer")
        root = bench.layout.index({"linux/amd64": child})
        bench.layout.finish(root)
        original = bench.control.backend_class.put_image
        lost: list[str] = []

        def put_image(backend: t.Any, name: str, manifest: str, *args: t.Any, **options: t.Any) -> t.Any:
            if '"manifests"' in manifest and not lost:
                lost.append(child["digest"])
                images = backend.repositories[name].images
                images[:] = [image for image in images if image.image_digest != child["digest"]]
            return original(backend, name, manifest, *args, **options)

        monkeypatch.setattr(bench.control.backend_class, "put_image", put_image)
        bench.run(tags=["1"])
        assert lost
        assert bench.digests() == {child["digest"], root["digest"]}

    def test_foreign_layer_that_the_registry_wants(self, bench: ImageBench, monkeypatch: pytest.MonkeyPatch) -> None:
        digest = digest_of(b"windows")
        bench.layout.finish(
            bench.layout.image(
                {"mediaType": "a/b", "digest": digest, "size": 7, "urls": ["https://example.com"]}, b"own"
            )
        )

        def put_image(_backend: t.Any, name: str, *_args: t.Any, **_options: t.Any) -> t.NoReturn:
            raise LayersNotFoundException(layer_digests=digest, repository_name=name)

        monkeypatch.setattr(bench.control.backend_class, "put_image", put_image)
        failed = bench.fails(tags=["1"])
        assert f"at their urls: {digest}" in failed.msg
        assert bench.calls().count("PutImage") == 1
        assert failed.result["changed"]

    def test_layers_that_the_registry_only_says_it_lacks_are_found_there(
        self, bench: ImageBench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bench.layout.finish(bench.layout.image(b"layer"))
        original = bench.control.backend_class.put_image
        refusals = [LayersNotFoundException(layer_digests="", repository_name="")]

        def put_image(backend: t.Any, *args: t.Any, **options: t.Any) -> t.Any:
            if refusals:
                raise refusals.pop()
            return original(backend, *args, **options)

        monkeypatch.setattr(bench.control.backend_class, "put_image", put_image)
        result = bench.run(tags=["1"])
        assert set(actions(result).values()) == {"sent"}
        size = sum(bench.layers().values())
        assert (result["bytes_sent"], result["bytes_present"]) == (2 * size, 0)

    def test_archived_layer_is_told(self, bench: ImageBench) -> None:
        bench.layout.finish(bench.layout.image(b"layer"))
        digest = digest_of(b"layer")
        bench.control.set_availability(bench.repository, digest, "ARCHIVED")
        layers = bench.run(check=True)["layers"]
        assert "archived" in next(layer["reason"] for layer in layers if layer["digest"] == digest)

    @pytest.mark.parametrize("kind", ["drop_after", "drop_before", "server_error", "throttle", "bare_503"])
    def test_put_that_is_tried_again(self, bench: ImageBench, kind: Kind) -> None:
        image = bench.layout.image(b"layer")
        bench.layout.finish(image)
        bench.strike("PutImage", kind)
        assert bench.run(tags=["1"])["changed"]
        assert bench.tags() == {"1": image["digest"]}

    def test_upload_that_fails_leaves_no_tag(self, bench: ImageBench) -> None:
        bench.layout.finish(bench.layout.image(b"layer", b"another layer"))
        bench.strike("CompleteLayerUpload", "kms")
        failed = bench.fails(tags=["1"])
        assert "PutImage" not in bench.calls()
        assert bench.tags() == {}
        assert failed.result["error"]["code"] == "KmsException"
        assert "failed" in actions(failed.result).values()
        assert failed.result["layer_digest"] in failed.msg
        assert "upload_id=" not in failed.msg

    def test_interrupted_push_is_continued(self, bench: ImageBench, tmp_path: Path) -> None:
        bench.control.rules(bench.repository).part_size = 4
        layer = b"0123456789"
        bench.layout.finish(bench.layout.image(layer))
        state: dict[str, t.Any] = {"state_dir": str(tmp_path / "state"), "parallel": 1}
        bench.strike("UploadLayerPart", "kms", skip=200)
        whole = bench.run(check=True, **state)["bytes_sent"]
        bench.control.faults.clear()
        config = whole - len(layer)
        parts_of_config = -(-config // 4)
        bench.strike("UploadLayerPart", "kms", skip=parts_of_config + 1)
        failed = bench.fails(**state)
        assert failed.result["bytes_sent"] == config + 4
        checked = bench.run(check=True, **state)
        result = bench.run(**state)
        assert result["bytes_sent"] == checked["bytes_sent"] == len(layer) - 4
        assert result["bytes_present"] == checked["bytes_present"] == config + 4

    def test_without_leave_to_look_layers_up(self, bench: ImageBench) -> None:
        bench.layout.finish(bench.layout.image(b"layer"))
        bench.strike("BatchCheckLayerAvailability", "access_denied", times=10)
        result = bench.run(tags=["1"])
        assert result["changed"]
        (warning,) = warnings_of(result)
        assert "ecr:BatchCheckLayerAvailability" in warning

    def test_repository_that_does_not_exist(self, bench: ImageBench) -> None:
        bench.layout.finish(bench.layout.image(b"layer"))
        failed = bench.fails(repository_name="not/there")
        assert failed.result["error"]["code"] == "RepositoryNotFoundException"


class TestParallel:
    def test_so_many_layers_are_sent_at_once(self, bench: ImageBench) -> None:
        bench.layout.finish(bench.layout.image(*(bytes([number]) * 100 for number in range(5))))
        bench.strike("InitiateLayerUpload", "delay", times=6, seconds=0.3)
        began = time.monotonic()
        bench.run(parallel=6)
        assert time.monotonic() - began < 6 * 0.3

    def test_failure_stops_the_others_and_those_to_come(self, bench: ImageBench) -> None:
        bench.control.rules(bench.repository).part_size = 10
        layers = [bytes([number]) * 1000 for number in range(10)]
        bench.layout.finish(bench.layout.image(*layers))
        bench.strike("UploadLayerPart", "kms", skip=4)
        failed = bench.fails(tags=["1"], parallel=3)
        assert failed.result["error"]["code"] == "KmsException"
        # Of a thousand parts; the other two uploads may have been in the middle of one.
        assert bench.calls().count("UploadLayerPart") < 20
        assert bench.layers() == {}

    @pytest.mark.parametrize("parallel", [1, 2])
    def test_first_failure_is_told_and_no_blob_follows_though_it_is_noticed_late(
        self, bench: ImageBench, monkeypatch: pytest.MonkeyPatch, parallel: int
    ) -> None:
        def late(pushes: list[Future[None]]) -> t.Iterator[Future[None]]:
            wait(pushes)
            return as_completed(pushes)

        monkeypatch.setattr(_blob_push, "as_completed", late)
        bench.layout.finish(bench.layout.image(*(bytes([number]) * 100 for number in range(9))))
        bench.strike("UploadLayerPart", "kms")
        assert bench.fails(parallel=parallel).result["error"]["code"] == "KmsException"
        assert bench.calls().count("InitiateLayerUpload") < 2 * parallel

    def test_failure_stops_requests_that_are_tried_again(
        self, bench: ImageBench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bench.layout.finish(bench.layout.image(b"a layer that is throttled"))
        monkeypatch.setattr(cloud, "time", time)
        bench.strike("InitiateLayerUpload", "kms")
        bench.strike("InitiateLayerUpload", "throttle", times=100)
        began = time.monotonic()
        assert bench.fails(parallel=2).result["error"]["code"] == "KmsException"
        assert time.monotonic() - began < 3

    @pytest.mark.parametrize("operation", ["BatchCheckLayerAvailability", "PutImage"])
    def test_nothing_is_put_when_nobody_waits(
        self, bench: ImageBench, monkeypatch: pytest.MonkeyPatch, operation: str
    ) -> None:
        bench.layout.finish(bench.layout.image(b"layer"))
        for digest in (digest_of(b"layer"), *(layer["digest"] for layer in bench.run(check=True)["layers"])):
            bench.control.set_availability(bench.repository, digest, "AVAILABLE")
        bench.calls()

        def is_waited_for() -> bool:
            return operation not in bench.control.calls.operations(bench.repository)

        monkeypatch.setattr(_blob_push, "is_waited_for", is_waited_for)
        assert "Nobody waits" in bench.fails(tags=["1", "2"]).msg
        assert bench.calls().count("PutImage") == (operation == "PutImage")

    def test_saved_upload_that_another_task_holds_is_not_touched(self, bench: ImageBench, tmp_path: Path) -> None:
        bench.control.rules(bench.repository).part_size = 4
        bench.layout.finish(bench.layout.image(b"0123456789"))
        state = tmp_path / "state"
        bench.strike("UploadLayerPart", "kms", skip=1)
        bench.fails(state_dir=str(state), parallel=1)
        (held,) = bench.open_uploads()
        with contextlib.ExitStack() as stack:
            for path in state.glob("*.json"):
                lock = stack.enter_context(path.with_suffix(".lock").open("w"))
                fcntl.flock(lock, fcntl.LOCK_EX)
            result = bench.run(state_dir=str(state), parallel=1)
        assert "Another task" in warnings_of(result)[0]
        assert bench.open_uploads() == {held: 4}


class TestDamage:
    @pytest.mark.parametrize("check", [True, False])
    def test_blob_of_another_content(self, bench: ImageBench, check: bool) -> None:
        bench.layout.finish(bench.layout.image(b"layer", b"other"))
        bench.layout.path_of(digest_of(b"layer")).write_bytes(b"LAYER")
        failed = bench.fails(check=check, tags=["1"])
        assert digest_of(b"layer") in failed.msg
        assert digest_of(b"LAYER") in failed.msg
        assert "PutImage" not in bench.calls()
        assert {digest_of(b"layer"), digest_of(b"LAYER")}.isdisjoint(bench.layers())

    @pytest.mark.parametrize("check", [True, False])
    def test_blob_of_another_content_that_the_registry_has(self, bench: ImageBench, check: bool) -> None:
        bench.layout.finish(first=bench.layout.image(b"layer"), second=bench.layout.image(b"layer", b"more"))
        bench.run(image="first")
        bench.layout.path_of(digest_of(b"layer")).write_bytes(b"LAYER")
        bench.calls()
        assert digest_of(b"LAYER") in bench.fails(check=check, image="second").msg
        assert "PutImage" not in bench.calls()

    def test_missing_blob(self, bench: ImageBench) -> None:
        bench.layout.finish(bench.layout.image(b"layer"))
        bench.layout.path_of(digest_of(b"layer")).unlink()
        failed = bench.fails()
        assert digest_of(b"layer") in failed.msg
        assert "missing" in failed.msg
        assert bench.calls() == []

    def test_blob_of_another_size(self, bench: ImageBench) -> None:
        bench.layout.finish(bench.layout.image(b"layer"))
        bench.layout.path_of(digest_of(b"layer")).write_bytes(b"longer")
        assert "6 bytes, not the 5" in bench.fails().msg
        assert bench.calls() == []

    @pytest.mark.parametrize(
        ("members", "words"),
        [
            ({"layers": []}, "without layers"),
            ({"artifactType": "application/vnd.example;v=1"}, "artifactType"),
            ({"mediaType": MEDIA_TYPES[1]}, "mediaType"),
            ({"mediaType": MEDIA_TYPES[2]}, "mediaType"),
            ({"manifests": []}, "manifests"),
            ({"schemaVersion": 1}, "schemaVersion"),
            ({"config": {"mediaType": "a/b;c=d", "digest": "sha256:" + "0" * 64, "size": 1}}, "without parameters"),
            ({"config": {"mediaType": "a/b", "digest": "sha256:../../../etc/passwd", "size": 1}}, "etc/passwd"),
            ({"config": {"mediaType": "a/b", "digest": "sha512:" + "0" * 128, "size": 1}}, "sha512"),
            ({"config": {"mediaType": "a/b", "digest": "sha256:" + "0" * 64, "size": -1}}, "size -1"),
            ({"config": {"mediaType": "a/b", "digest": "sha256:" + "0" * 64, "size": True}}, "size must be a whole"),
            ({"config": {"mediaType": "a/b", "digest": "sha256:" + "0" * 64, "size": 0}}, "0 bytes"),
            ({"config": {"mediaType": "a/b", "digest": "sha256:" + "0" * 64, "size": 52_001 * 2**20}}, "missing"),
        ],
    )
    def test_manifest_that_ecr_would_refuse(self, bench: ImageBench, members: dict[str, t.Any], words: str) -> None:
        bench.layout.finish(bench.layout.image(b"layer", **members))
        failed = bench.fails()
        assert words in failed.msg
        assert "nothing was sent" in failed.msg
        assert bench.calls() == []

    def test_nested_index(self, bench: ImageBench) -> None:
        inner = bench.layout.index({"linux/amd64": bench.layout.image(b"layer")})
        bench.layout.finish(bench.layout.index({"linux/amd64": inner}))
        failed = bench.fails()
        assert inner["digest"] in failed.msg
        assert "index of indexes" in failed.msg

    def test_manifests_that_are_too_many_bytes(self, bench: ImageBench) -> None:
        absent = {"mediaType": MEDIA_TYPES[0], "size": 4 * 2**20}
        images = {f"linux/{number}": {**absent, "digest": f"sha256:{number:064x}"} for number in range(9)}
        bench.layout.finish(bench.layout.index(images))
        assert "9 manifests of the index have 37748736 bytes" in bench.fails().msg

    def test_blob_of_two_sizes(self, bench: ImageBench) -> None:
        layer = bench.layout.blob(b"layer")
        bench.layout.finish(bench.layout.image(layer, {**layer, "size": 6}))
        assert "two sizes" in bench.fails().msg


class TestErrorsOfTheRegistry:
    """Every error that the service model lists for what is called for images."""

    REPOSITORY = "team/app"

    @pytest.fixture
    def layout(self, tmp_path: Path) -> LayoutWriter:
        layout = LayoutWriter(tmp_path / "layout")
        layout.finish(layout.image(b"layer"))
        return layout

    @pytest.fixture
    def ids(self, layout: LayoutWriter) -> dict[str, t.Any]:
        """The request that asks for the image and its tag."""
        digest = json.loads((layout.path / "index.json").read_bytes())["manifests"][0]["digest"]
        wanted = [{"imageDigest": digest}, {"imageTag": "1"}]
        return {"repositoryName": self.REPOSITORY, "imageIds": wanted, "acceptedMediaTypes": ANY}

    @pytest.fixture
    def put(self, layout: LayoutWriter, ids: dict[str, t.Any]) -> dict[str, t.Any]:
        """The request that puts the image."""
        digest = ids["imageIds"][0]["imageDigest"]
        return {
            "repositoryName": self.REPOSITORY,
            "imageManifest": layout.path_of(digest).read_text(),
            "imageManifestMediaType": MEDIA_TYPES[0],
            "imageDigest": digest,
            "imageTag": "1",
        }

    def push(self, layout: LayoutWriter, **options: t.Any) -> dict[str, t.Any]:
        return run_module(ecr_image, repository_name=self.REPOSITORY, src=str(layout.path), tags=["1"], **options)

    def misses(self, registry: StubbedRegistry, ids: dict[str, t.Any]) -> None:
        failures = [
            {"imageId": image_id, "failureCode": "ImageNotFound", "failureReason": "none"}
            for image_id in ids["imageIds"]
        ]
        registry.answers("BatchGetImage", ids, images=[], failures=failures)

    def has_layers(self, registry: StubbedRegistry, layout: LayoutWriter, put: dict[str, t.Any]) -> None:
        manifest = json.loads(layout.path_of(put["imageDigest"]).read_bytes())
        registry.has(self.REPOSITORY, [manifest["config"]["digest"], manifest["layers"][0]["digest"]])

    @pytest.mark.parametrize(
        "code",
        [shape.name for shape in operation_model("PutImage").error_shapes if shape.name != "LayersNotFoundException"],
    )
    def test_of_putting(
        self,
        registry: StubbedRegistry,
        layout: LayoutWriter,
        ids: dict[str, t.Any],
        put: dict[str, t.Any],
        code: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(Pace, "wait", lambda _pace: None)
        self.misses(registry, ids)
        self.has_layers(registry, layout, put)
        again = {"ServerException": 7, "LimitExceededException": 7, "ReferencedImagesNotFoundException": 2}
        for _attempt in range(again.get(code, 1)):
            registry.refuses("PutImage", put, code)
        if "AlreadyExists" in code:
            self.misses(registry, ids)
        with pytest.raises(ModuleFailedError, match=code) as failed:
            self.push(layout)
        assert failed.value.result["error"]["code"] == code
        assert ADVICE[code] in failed.value.msg
        assert failed.value.result["bytes_sent"] == 0

    def test_of_putting_layers_that_stay_lost(self, bench: ImageBench, monkeypatch: pytest.MonkeyPatch) -> None:
        bench.layout.finish(bench.layout.image(b"layer"))

        def put_image(_backend: t.Any, name: str, *_args: t.Any, **_options: t.Any) -> t.NoReturn:
            raise LayersNotFoundException(layer_digests=digest_of(b"layer"), repository_name=name)

        monkeypatch.setattr(bench.control.backend_class, "put_image", put_image)
        failed = bench.fails(tags=["1"])
        assert bench.calls().count("PutImage") == 2
        assert failed.result["error"]["code"] == "LayersNotFoundException"
        assert ADVICE["LayersNotFoundException"] in failed.msg

    @pytest.mark.parametrize("code", [shape.name for shape in operation_model("BatchGetImage").error_shapes])
    def test_of_looking_for_images(
        self, registry: StubbedRegistry, layout: LayoutWriter, ids: dict[str, t.Any], code: str
    ) -> None:
        for _attempt in range(7 if code in ("ServerException", "LimitExceededException") else 1):
            registry.refuses("BatchGetImage", ids, code)
        with pytest.raises(ModuleFailedError, match=code) as failed:
            self.push(layout)
        assert ADVICE[code] in failed.value.msg

    @pytest.mark.parametrize("code", [shape.name for shape in operation_model("DescribeRepositories").error_shapes])
    def test_of_describing_the_repository(
        self, registry: StubbedRegistry, layout: LayoutWriter, ids: dict[str, t.Any], put: dict[str, t.Any], code: str
    ) -> None:
        self.misses(registry, ids)
        self.has_layers(registry, layout, put)
        for _attempt in range(7 if code == "ServerException" else 1):
            registry.refuses("DescribeRepositories", {"repositoryNames": [self.REPOSITORY]}, code)
        with pytest.raises(ModuleFailedError, match=code) as failed:
            self.push(layout, check=True)
        assert ADVICE[code] in failed.value.msg

    def test_image_that_the_registry_has_already(
        self, registry: StubbedRegistry, layout: LayoutWriter, ids: dict[str, t.Any], put: dict[str, t.Any]
    ) -> None:
        self.misses(registry, ids)
        self.has_layers(registry, layout, put)
        registry.refuses("PutImage", put, "ImageAlreadyExistsException")
        image = {
            "registryId": "123456789012",
            "repositoryName": self.REPOSITORY,
            "imageId": {"imageDigest": put["imageDigest"], "imageTag": "1"},
            "imageManifest": put["imageManifest"],
            "imageManifestMediaType": MEDIA_TYPES[0],
        }
        for _read_back_and_verified in range(2):
            registry.answers("BatchGetImage", ids, images=[image, image], failures=[])
        assert not self.push(layout)["changed"]

    @pytest.mark.parametrize(
        ("stored", "words"),
        [
            ({"imageDigest": "sha256:" + "0" * 64}, "does not list"),
            ({"imageTag": "2"}, "its tag 1 is on no image"),
            ({"manifest": "{}"}, "another manifest"),
        ],
    )
    def test_image_that_is_not_as_it_was_put(
        self,
        registry: StubbedRegistry,
        layout: LayoutWriter,
        ids: dict[str, t.Any],
        put: dict[str, t.Any],
        stored: dict[str, str],
        words: str,
    ) -> None:
        self.misses(registry, ids)
        self.has_layers(registry, layout, put)
        registry.answers("PutImage", put, image={"registryId": "123456789012"})
        image = {
            "imageId": {
                "imageDigest": stored.get("imageDigest", put["imageDigest"]),
                "imageTag": stored.get("imageTag", "1"),
            },
            "imageManifest": stored.get("manifest", put["imageManifest"]),
        }
        absent = {"imageId": {"imageTag": "1"}, "failureCode": "ImageNotFound", "failureReason": "none"}
        registry.answers("BatchGetImage", ids, images=[image], failures=[absent] if "imageTag" in stored else [])
        with pytest.raises(ModuleFailedError) as failed:
            self.push(layout)
        assert words in failed.value.msg
        assert failed.value.result["changed"]


def test_puts_keep_to_their_pace(bench: ImageBench, delays: list[float]) -> None:
    images = [bench.layout.image(b"layer", platform=f"linux/arch{number}") for number in range(25)]
    index = bench.layout.index({f"linux/arch{number}": image for number, image in enumerate(images)})
    bench.layout.finish(index)
    began = time.monotonic()
    bench.run(tags=["1"])
    assert bench.calls().count("PutImage") == 26
    # The eleventh call waits for the first to be a second old, and so on.
    assert time.monotonic() - began >= 2
    assert delays == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tags": ["a" * 129]}, "tags 'aaa"),
        ({"tags": ["-latest"]}, "'-latest' must match"),
        ({"tags": ["a:b"]}, "'a:b' must match"),
        ({"platforms": ["linux"]}, "'linux' must be os/architecture"),
        ({"parallel": 0}, "parallel 0 must be 1 to 32"),
        ({"parallel": 33}, "parallel 33"),
        ({"part_size": 1}, "part_size 1 must be"),
        ({"image": "absent"}, "'absent'"),
    ],
)
def test_bad_input(bench: ImageBench, options: dict[str, t.Any], words: str) -> None:
    bench.layout.finish(bench.layout.image(b"layer"))
    failed = bench.fails(**options)
    assert words in failed.msg
    assert "nothing was sent" in failed.msg
    assert bench.calls() == []
