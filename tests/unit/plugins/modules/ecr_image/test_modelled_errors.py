# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every error that the service model lists for the operations on images."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path
from unittest.mock import ANY

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.rate_limiter import RateLimiter
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.service_model import operation_model
from ansible_collections.layerkit.ecr.plugins.modules import ecr_image
from ansible_collections.layerkit.ecr.tests.strict_ecr.exceptions import (
    LayersNotFoundException,
)
from ansible_collections.layerkit.ecr.tests.unit.support.image_bench import MEDIA_TYPES, ImageBench
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import digest_of
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LayoutWriter
from ansible_collections.layerkit.ecr.tests.unit.support.modelled_advice import ADVICE
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import ModuleFailedError, run_module
from ansible_collections.layerkit.ecr.tests.unit.support.stubbed_registry import StubbedRegistry


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

    def finds_none_in_the_archive(self, registry: StubbedRegistry, ids: dict[str, t.Any]) -> None:
        asked = ids["imageIds"]
        for image_ids in [asked] if len(asked) == 1 else [asked, *([image_id] for image_id in asked)]:
            expected = {"repositoryName": self.REPOSITORY, "imageIds": image_ids, "filter": {"imageStatus": "ANY"}}
            registry.refuses("DescribeImages", expected, "ImageNotFoundException")

    def has_layers(self, registry: StubbedRegistry, layout: LayoutWriter, put: dict[str, t.Any]) -> None:
        manifest = json.loads(layout.path_of(put["imageDigest"]).read_bytes())
        registry.has(self.REPOSITORY, [manifest["config"]["digest"], manifest["layers"][0]["digest"]], size=None)

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
        monkeypatch.setattr(RateLimiter, "wait", lambda _limiter: None)
        self.misses(registry, ids)
        self.has_layers(registry, layout, put)
        again = {"ServerException": 7, "LimitExceededException": 7, "ReferencedImagesNotFoundException": 2}
        for _attempt in range(again.get(code, 1)):
            registry.refuses("PutImage", put, code)
        if "AlreadyExists" in code:
            self.misses(registry, ids)
            self.finds_none_in_the_archive(registry, ids)
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
            ({"imageTag": "2"}, "Tag 1 is on no image"),
            ({"manifest": "{}"}, "Another manifest"),
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
        hidden = [image_id for image_id in ids["imageIds"] if image_id.keys() & stored.keys()]
        absent = [{"imageId": image_id, "failureCode": "ImageNotFound"} for image_id in hidden]
        registry.answers("BatchGetImage", ids, images=[image], failures=absent)
        if hidden:
            self.finds_none_in_the_archive(registry, {**ids, "imageIds": hidden})
        with pytest.raises(ModuleFailedError) as failed:
            self.push(layout)
        assert words in failed.value.msg
        assert failed.value.result["changed"]
