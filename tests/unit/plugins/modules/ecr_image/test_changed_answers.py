# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers that contradict the image: another text under a digest, another size of a layer."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.layerkit.ecr.plugins.modules import ecr_image_info
from ansible_collections.layerkit.ecr.tests.unit.support.image_bench import UPLOADS, ImageBench
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import digest_of
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import run_module, warnings_of


def change_text(bench: ImageBench, digest: str, text: t.Callable[[str], str]) -> str:
    """Let the registry return another text under a digest, and return the digest of that text."""
    repositories = [backend.repositories.get(bench.repository) for backend in bench.control._backends()]
    stored = [image for repository in repositories if repository for image in repository.images]
    (image,) = [image for image in stored if image.image_digest == digest]
    image.image_manifest = text(image.image_manifest)
    return digest_of(image.image_manifest.encode())


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("part", ["root", "linux/arm64/v8"])
@pytest.mark.parametrize("tags", [["1"], ["1", "2"]])
@pytest.mark.parametrize("text", [lambda text: text + "\n", lambda _text: "{}", lambda _text: ""])
def test_manifest_of_another_text_is_not_unchanged(
    bench: ImageBench,
    index: dict[str, t.Any],
    check: bool,
    part: str,
    tags: list[str],
    text: t.Callable[[str], str],
) -> None:
    bench.run(tags=["1"])
    bench.calls()
    digest = index[part]["digest"]
    other = change_text(bench, digest, text)
    failed = bench.fails(check, tags=tags)
    words = f"another manifest for image {digest} of repository {bench.repository}. Its text has the digest {other}."
    assert words in failed.msg
    assert (failed.result["changed"], bench.calls()) == (False, ["BatchGetImage"])


@pytest.mark.parametrize("check", [True, False])
def test_child_of_another_text_is_not_relied_on(bench: ImageBench, index: dict[str, t.Any], check: bool) -> None:
    child = index["linux/arm64/v8"]["digest"]
    bench.run(image=index["root"]["digest"], platforms=["linux/arm64/v8"])
    change_text(bench, child, lambda text: text + "\n")
    bench.calls()
    assert f"another manifest for image {child}" in bench.fails(check, tags=["1"]).msg
    assert not set(bench.calls()) & {"PutImage", *UPLOADS}


@pytest.mark.parametrize("check", [True, False])
def test_layer_that_the_registry_has_with_another_size(
    bench: ImageBench, check: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.layout.finish(bench.layout.image(b"layer", b"another layer"))
    bench.run()
    bench.layout.finish(bench.layout.image(b"layer", b"a third layer"))
    original = bench.control.backend_class._layer

    def layer(backend: t.Any, *args: t.Any) -> dict[str, t.Any]:
        answer = original(backend, *args)
        return {**answer, "layerSize": 4} if answer["layerDigest"] == digest_of(b"layer") else answer

    monkeypatch.setattr(bench.control.backend_class, "_layer", layer)
    bench.calls()
    failed = bench.fails(check)
    assert f"layer {digest_of(b'layer')} of repository {bench.repository} with 4 bytes, but" in failed.msg
    assert not set(bench.calls()) & {"PutImage", *UPLOADS}


def test_info_warns_of_a_manifest_of_another_text(bench: ImageBench) -> None:
    image = bench.layout.image(b"layer")
    bench.layout.finish(image)
    bench.run(tags=["1"])
    task: dict[str, t.Any] = {"repository_name": bench.repository, "tags": ["1"]}
    assert warnings_of(run_module(ecr_image_info, connection=bench.connection, **task)) == []
    other = change_text(bench, image["digest"], lambda text: text + "\n")
    result = run_module(ecr_image_info, connection=bench.connection, **task)
    assert f"another manifest for image {image['digest']}: its text has the digest {other}" in warnings_of(result)[0]


def test_put_that_no_attempt_had_an_answer_to_is_not_looked_for(bench: ImageBench) -> None:
    bench.layout.finish(bench.layout.image(b"layer"))
    bench.strike("PutImage", "bare_500", times=7)
    bench.fails(tags=["1"])
    # The one before the push.
    assert bench.calls().count("BatchGetImage") == 1
