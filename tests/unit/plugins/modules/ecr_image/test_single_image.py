# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The push of one image: calls, result, check mode and a second run."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.layerkit.ecr.tests.unit.support.image_bench import MEDIA_TYPES, UPLOADS, ImageBench, actions
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import digest_of


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

        for key in set(ran) - {"invocation", "msg"}:
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
        assert again["diff"] == {"prepared": ""}

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
