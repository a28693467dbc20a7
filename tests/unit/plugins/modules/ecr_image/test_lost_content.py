# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A registry that loses, or reports as missing, what it has received."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.layerkit.ecr.tests.strict_ecr.exceptions import (
    LayersNotFoundException,
    ReferencedImagesNotFoundException,
)
from ansible_collections.layerkit.ecr.tests.unit.support.image_bench import ImageBench, actions
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import digest_of


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

    def test_foreign_layer_that_the_registry_requires(self, bench: ImageBench, monkeypatch: pytest.MonkeyPatch) -> None:
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
        assert f"at external URLs: {digest}" in failed.msg
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

    def test_image_that_lists_no_others_is_put_once_more(
        self, bench: ImageBench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        child = bench.layout.image(b"layer")
        bench.layout.finish(bench.layout.index({"linux/amd64": child}))
        original = bench.control.backend_class.put_image
        refusals = [ReferencedImagesNotFoundException(image_digests=child["digest"], repository_name="")]

        def put_image(backend: t.Any, name: str, manifest: str, *args: t.Any, **options: t.Any) -> t.Any:
            if '"manifests"' not in manifest and refusals:
                raise refusals.pop()
            return original(backend, name, manifest, *args, **options)

        monkeypatch.setattr(bench.control.backend_class, "put_image", put_image)
        assert bench.run(tags=["1"])["changed"]
        # The child twice, and the index.
        assert bench.calls().count("PutImage") == 3
