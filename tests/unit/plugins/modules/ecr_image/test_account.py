# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task reports is what this run did, also when others push the same image, and when it fails on the way."""

from __future__ import annotations

import contextlib
import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.text import shortened
from ansible_collections.layerkit.ecr.tests.unit.support.image_bench import ImageBench, actions
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import digest_of
from moto.core.exceptions import ServiceException


class TestManyRunsAtOnce:
    @pytest.fixture
    def overtaken(self, bench: ImageBench, monkeypatch: pytest.MonkeyPatch) -> set[str]:
        """The digests of manifests that another run puts just before this one; each layer it completes before."""
        backend, manifests = bench.control.backend_class, set[str]()
        complete_layer_upload, put_image = backend.complete_layer_upload, backend.put_image

        def complete(backend: t.Any, name: str, upload_id: str, *args: t.Any, **options: t.Any) -> t.Any:
            received = backend._received[upload_id]
            if manifests:
                backend.repositories[name].layers[received.digest] = received.total
            return complete_layer_upload(backend, name, upload_id, *args, **options)

        def put(backend: t.Any, name: str, manifest: str, *args: t.Any, **options: t.Any) -> t.Any:
            if digest_of(manifest.encode()) in manifests:
                with contextlib.suppress(ServiceException):
                    put_image(backend, name, manifest, *args, **options)
            return put_image(backend, name, manifest, *args, **options)

        monkeypatch.setattr(backend, "complete_layer_upload", complete)
        monkeypatch.setattr(backend, "put_image", put)
        return manifests

    @pytest.mark.parametrize("tags", [["1", "2"], []])
    def test_run_that_another_overtook_is_unchanged_in_every_key(
        self, bench: ImageBench, index: dict[str, t.Any], overtaken: set[str], tags: list[str]
    ) -> None:
        overtaken.update(image["digest"] for image in index.values())
        result = bench.run(tags=tags)
        assert result["changed"] is False
        assert result["diff"] == {"prepared": ""}
        assert set(actions(result, "manifests").values()) == set(actions(result).values()) == {"present"}
        digest = index["root"]["digest"]
        assert result["image"]["tags"] == [{"tag": tag, "before": digest, "after": digest} for tag in tags]
        assert bench.tags() == dict.fromkeys(tags, digest)

    def test_run_reports_only_its_own_manifests(
        self, bench: ImageBench, index: dict[str, t.Any], overtaken: set[str]
    ) -> None:
        child = index["linux/arm64/v8"]["digest"]
        overtaken.add(child)
        result = bench.run(tags=["1"])
        assert result["changed"] is True
        put = {digest for digest, action in actions(result, "manifests").items() if action == "put"}
        assert put == {image["digest"] for image in index.values()} - {child}
        assert shortened(child) not in result["diff"]["prepared"]

    def test_lost_answer_to_a_put_is_this_runs_change(self, bench: ImageBench) -> None:
        image = bench.layout.image(b"layer")
        bench.layout.finish(image)
        bench.strike("PutImage", "drop_after")
        result = bench.run(tags=["1"])
        assert (result["changed"], actions(result, "manifests")) == (True, {image["digest"]: "put"})
        assert result["image"]["tags"] == [{"tag": "1", "before": None, "after": image["digest"]}]


class TestFailures:
    def test_failure_after_something_was_sent_does_not_say_that_nothing_was(
        self, bench: ImageBench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bench.layout.finish(bench.layout.image(b"a layer that is sent first" * 100, b"layer"))
        original = bench.control.backend_class.complete_layer_upload

        def lose_the_other(*args: t.Any, **options: t.Any) -> t.Any:
            bench.layout.path_of(digest_of(b"layer")).unlink(missing_ok=True)
            return original(*args, **options)

        monkeypatch.setattr(bench.control.backend_class, "complete_layer_upload", lose_the_other)
        failed = bench.fails(tags=["1"], parallel=1)
        assert failed.result["bytes_sent"] > 0
        assert failed.result["changed"] is True
        assert "Nothing was sent" not in failed.msg
        assert f"Layer {shortened(digest_of(b'layer'))} was not uploaded" in failed.msg

    def test_credentials_that_expire_after_the_push_undo_nothing(self, bench: ImageBench) -> None:
        bench.layout.finish(bench.layout.image(b"layer"))
        bench.strike("BatchGetImage", "expired_token", skip=1)
        words = bench.fails(tags=["1"]).msg
        assert "look up" in words
        assert "What was sent stays in the registry, and the next run sends only what is missing." in words
        assert list(bench.tags()) == ["1"]

    def test_failure_before_anything_was_sent_says_so(self, bench: ImageBench, tmp_path: Path) -> None:
        bench.layout.finish(bench.layout.image(b"layer"))
        (tmp_path / "file").touch()
        failed = bench.fails(tags=["1"], state_dir=str(tmp_path / "file"))
        assert "bytes_sent" not in failed.result
        assert bench.open_uploads() == {}
        assert "Nothing was sent" in failed.msg

    def test_tags_that_were_not_reached_stay_where_they_were(self, bench: ImageBench) -> None:
        first = bench.layout.image(b"layer")
        bench.layout.finish(first)
        bench.run(tags=["2"])
        second = bench.layout.image(b"layer", b"another")
        bench.layout.finish(second)
        bench.strike("PutImage", "access_denied", skip=1)
        failed = bench.fails(tags=["1", "2", "3"])
        assert failed.result["image"]["tags"] == [
            {"tag": "1", "before": None, "after": second["digest"]},
            {"tag": "2", "before": first["digest"], "after": first["digest"]},
            {"tag": "3", "before": None, "after": None},
        ]
