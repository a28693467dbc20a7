# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Layouts that are damaged, or that Amazon ECR would refuse."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.layerkit.ecr.tests.unit.support.image_bench import MEDIA_TYPES, ImageBench
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import digest_of


class TestDamage:
    @pytest.mark.parametrize("check", [True, False])
    def test_blob_of_another_content(self, bench: ImageBench, check: bool) -> None:
        bench.layout.finish(bench.layout.image(b"layer", b"other"))
        bench.layout.path_of(digest_of(b"layer")).write_bytes(b"LAYER")
        failed = bench.fails(check=check, tags=["1"])
        assert digest_of(b"layer").partition(":")[2] in failed.msg
        assert "has other content than its digest states" in failed.msg
        assert "create it again, or copy it again" in failed.msg
        assert "PutImage" not in bench.calls()
        assert {digest_of(b"layer"), digest_of(b"LAYER")}.isdisjoint(bench.layers())

    @pytest.mark.parametrize("check", [True, False])
    def test_blob_of_another_content_that_the_registry_has(self, bench: ImageBench, check: bool) -> None:
        bench.layout.finish(first=bench.layout.image(b"layer"), second=bench.layout.image(b"layer", b"more"))
        bench.run(image="first")
        bench.layout.path_of(digest_of(b"layer")).write_bytes(b"LAYER")
        bench.calls()
        words = bench.fails(check=check, image="second").msg
        assert f"{digest_of(b'layer')[7:]} has other content than its digest states" in words
        assert "create it again, or copy it again" in words
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
        assert "6 bytes; its descriptor states 5" in bench.fails().msg
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
            ({"config": {"mediaType": "a/b", "digest": "sha256:" + "0" * 64, "size": 0}}, "missing"),
            ({"config": {"mediaType": "a/b", "digest": "sha256:" + "0" * 64, "size": 52_001 * 2**20}}, "missing"),
        ],
    )
    def test_manifest_that_ecr_would_refuse(self, bench: ImageBench, members: dict[str, t.Any], words: str) -> None:
        bench.layout.finish(bench.layout.image(b"layer", **members))
        failed = bench.fails()
        assert words in failed.msg
        assert "Nothing was sent" in failed.msg
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
        assert "9 manifests of the index are 37748736 bytes" in bench.fails().msg

    def test_blob_of_two_sizes(self, bench: ImageBench) -> None:
        layer = bench.layout.blob(b"layer")
        bench.layout.finish(bench.layout.image(layer, {**layer, "size": 6}))
        assert "two different sizes" in bench.fails().msg
