# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The push of a complete index."""

from __future__ import annotations

import typing as t

from ansible_collections.layerkit.ecr.tests.unit.support.image_bench import ImageBench, actions
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import digest_of
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import warnings_of


class TestIndex:
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
        assert "5 bytes; its descriptor states 6" in bench.fails().msg

    def test_missing_blob_that_has_urls_in_one_of_its_images(self, bench: ImageBench) -> None:
        layer = {"mediaType": "a/b", "digest": digest_of(b"absent"), "size": 6}
        foreign = bench.layout.image({**layer, "urls": ["https://example.com"]}, platform="linux/arm64")
        bench.layout.finish(bench.layout.index({"linux/amd64": bench.layout.image(layer), "linux/arm64": foreign}))
        result = bench.run(tags=["1"])
        assert result["image"]["digest"] == foreign["digest"]
        (warning,) = warnings_of(result)
        assert f"linux/amd64 (its blob {layer['digest']} is missing)" in warning
