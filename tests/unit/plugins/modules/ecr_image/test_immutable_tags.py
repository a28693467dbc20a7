# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Repositories with immutable tags."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import Fault
from ansible_collections.layerkit.ecr.tests.unit.support.image_bench import MEDIA_TYPES, UPLOADS, ImageBench
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import warnings_of
from moto.ecr.exceptions import ImageAlreadyExistsException


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
        assert all(name in failed.msg for name in (old["digest"], new["digest"], "Tag 1 of", "immutable"))
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
        assert f"Tag {stays} of" in bench.fails(image="new", tags=[moves, stays]).msg
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
        assert "is immutable and on" in failed.msg
        assert "Choose another tag" in failed.msg
        assert all(digest in failed.msg for digest in (old["digest"], new["digest"]))
        assert failed.result["changed"]
        assert failed.result["image"]["tags"] == [
            {"tag": "1", "before": None, "after": new["digest"]},
            {"tag": "2", "before": None, "after": None},
        ]

    def test_without_permission_to_describe_the_registry_refuses_the_tag(self, bench: ImageBench) -> None:
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
