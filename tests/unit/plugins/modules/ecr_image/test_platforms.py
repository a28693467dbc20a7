# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The platforms of an index that are pushed."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.layerkit.ecr.tests.unit.support.image_bench import MEDIA_TYPES, ImageBench


class TestPlatforms:
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
