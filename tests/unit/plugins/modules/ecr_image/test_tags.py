# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tags that a push sets, in a repository whose tags can be moved."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.text import shortened
from ansible_collections.layerkit.ecr.tests.unit.support.image_bench import ImageBench, actions
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import digest_of


class TestTags:
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
        assert checked["diff"]["prepared"].splitlines() == [
            f"latest: {shortened(old['digest'])} -> {shortened(new['digest'])}",
            "1 of 3 layers to send, 3 B",
            f"+ {shortened(digest_of(b'new'))}  3 B  linux/amd64",
            f"+ manifest {shortened(new['digest'])}  linux/amd64",
        ]
