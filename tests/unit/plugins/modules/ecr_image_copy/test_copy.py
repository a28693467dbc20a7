# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copies that succeed: what they send, and what they return."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.text import scaled, shortened
from ansible_collections.layerkit.ecr.plugins.modules import ecr_image_copy
from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import DOWNLOAD
from ansible_collections.layerkit.ecr.tests.unit.support.copy_bench import UPLOADS, CopyBench
from ansible_collections.layerkit.ecr.tests.unit.support.image_bench import actions
from ansible_collections.layerkit.ecr.tests.unit.support.pushing import push_layer
from ansible_collections.layerkit.ecr.tests.unit.support.stored_images import store_image

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.unit.support.image_files import Document

URL = "GetDownloadUrlForLayer"


def test_an_image_is_copied_byte_for_byte(bench: CopyBench, image: Document) -> None:
    result = bench.run()
    assert result["changed"] is True
    size = sum(layer["size"] for layer in result["layers"])
    assert (result["bytes_sent"], result["bytes_present"]) == (size, 0)
    assert (bench.bytes_downloaded, bench.bytes_uploaded) == (size, size)
    source, target = bench.calls()
    assert sorted(source) == sorted(["BatchGetImage", *[URL, DOWNLOAD] * 3])
    assert target == [
        "BatchGetImage",
        "BatchCheckLayerAvailability",
        *[call for call in target if call in UPLOADS],
        "PutImage",
        "BatchGetImage",
    ]
    assert bench.is_whole(image)
    assert bench.tags() == {"1.0": image["digest"]}


def test_the_result_names_both_sides(bench: CopyBench, image: Document) -> None:
    result = bench.run()
    assert result["source"] == {
        "repository": bench.source_repository,
        "registry_id": "123456789012",
        "digest": image["digest"],
        "tag": "1.0",
    }
    assert (result["repository_name"], result["registry_id"]) == (bench.repository, "123456789012")
    assert result["image"]["uri"].endswith(f"eu-central-1.amazonaws.com/{bench.repository}@{image['digest']}")
    assert result["image"]["tags"] == [{"tag": "1.0", "before": None, "after": image["digest"]}]
    assert result["referrers"] == []
    assert [manifest["action"] for manifest in result["manifests"]] == ["put"]


def test_a_second_run_is_one_request_on_each_side(bench: CopyBench, image: Document) -> None:
    first = bench.run()
    bench.calls()
    second = bench.run()
    assert bench.calls() == (["BatchGetImage"], ["BatchGetImage"])
    assert (second["changed"], second["bytes_sent"], second["bytes_present"]) == (False, 0, first["bytes_sent"])
    assert second["image"]["digest"] == image["digest"]


def test_check_mode_predicts_the_run_and_reads_no_layer(bench: CopyBench, image: Document) -> None:
    predicted = bench.run(check=True)
    source, target = bench.calls()
    looks = ["BatchGetImage", "BatchCheckLayerAvailability", "DescribeRepositories"]
    assert (source, target) == (["BatchGetImage"], looks)
    assert bench.tags() == {}
    done = bench.run()
    for key in ("changed", "image", "layers", "manifests", "bytes_sent", "bytes_present", "source", "registry_id"):
        assert predicted[key] == done[key], key
    assert predicted["diff"] == done["diff"]
    tag, transfer, *_rest = predicted["diff"]["prepared"].splitlines()
    assert tag == f"1.0: no image -> {shortened(image['digest'])}"
    count = len(done["layers"])
    assert transfer == f"{count} of {count} layers to send, {scaled(done['bytes_sent'])}"
    again = bench.run(check=True)
    assert (again["changed"], again["diff"]) == (False, {"prepared": ""})


def test_layers_that_the_target_has_are_not_read(bench: CopyBench, image: Document) -> None:
    push_layer(bench.target, bench.repository, b"first layer")
    bench.calls()
    result = bench.run()
    assert sorted(actions(result).values()) == ["present", "sent", "sent"]
    assert bench.calls()[0].count(URL) == 2
    assert bench.is_whole(image)


@pytest.mark.parametrize(
    ("tags", "expected"), [(None, ["1.0"]), (["a", "b"], ["a", "b"]), ([], [])], ids=["default", "given", "none"]
)
def test_tags(bench: CopyBench, image: Document, tags: list[str] | None, expected: list[str]) -> None:
    options: dict[str, t.Any] = {} if tags is None else {"tags": tags}
    result = bench.run(**options)
    assert bench.tags() == dict.fromkeys(expected, image["digest"])
    assert bench.manifest(image["digest"]) == bench.content(image)
    assert bench.run(**options)["changed"] is False
    assert result["changed"] is True


def test_an_image_named_by_its_digest_gets_no_tag_unless_one_is_given(bench: CopyBench, image: Document) -> None:
    source = {"digest": image["digest"]}
    assert bench.run(source=source)["source"]["tag"] is None
    assert bench.tags() == {}
    bench.run(source=source, tags=["2.0"])
    assert bench.tags() == {"2.0": image["digest"]}


def test_layers_of_several_parts(bench: CopyBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ecr_image_copy, "part_size_for", lambda _sizes: 4_000)
    image = bench.layout.image(bytes(range(250)) * 40, b"x" * 9_000)
    bench.store(image, "1.0")
    result = bench.run()
    assert bench.bytes_downloaded == result["bytes_sent"]
    assert bench.calls()[1].count("UploadLayerPart") == 3 + 3 + 1
    assert bench.is_whole(image)


@pytest.fixture
def children(bench: CopyBench) -> dict[str, t.Any]:
    return {
        "linux/amd64": bench.layout.image(b"shared", b"amd64"),
        "linux/arm64/v8": bench.layout.image(b"shared", b"arm64", platform="linux/arm64/v8"),
        "linux/arm/v7": bench.layout.image(b"shared", b"arm v7", platform="linux/arm/v7"),
    }


@pytest.fixture
def index(bench: CopyBench, children: dict[str, t.Any]) -> Document:
    index = bench.layout.index(children)
    bench.store(index, "1.0")
    return index


def test_an_index_is_copied_with_all_its_images(bench: CopyBench, index: Document, children: dict[str, t.Any]) -> None:
    result = bench.run()
    assert bench.manifest(index["digest"]) == bench.content(index)
    assert all(bench.is_whole(child) for child in children.values())
    assert bench.tags() == {"1.0": index["digest"]}
    assert result["image"]["platforms"] == list(children)
    # The shared layer crosses once.
    assert bench.bytes_downloaded == result["bytes_sent"]
    bench.calls()
    assert bench.run()["changed"] is False
    assert bench.calls() == (["BatchGetImage"], ["BatchGetImage"])


def test_one_platform_is_copied_without_the_index(
    bench: CopyBench, index: Document, children: dict[str, t.Any]
) -> None:
    assert index
    child = children["linux/arm64/v8"]
    assert bench.run(platforms=["linux/arm64"])["image"]["digest"] == child["digest"]
    assert bench.is_whole(child)
    bench.calls()
    assert bench.run(platforms=["linux/arm64"])["changed"] is False
    assert bench.calls() == (["BatchGetImage"], ["BatchGetImage"])


def test_several_platforms_are_copied_with_an_index_of_their_own(bench: CopyBench, index: Document) -> None:
    platforms = ["linux/amd64", "linux/arm/v7"]
    result = bench.run(platforms=platforms)
    assert result["image"]["platforms"] == platforms
    assert result["image"]["digest"] not in (None, index["digest"])
    assert result["source"]["digest"] == index["digest"]
    bench.calls()
    assert bench.run(platforms=platforms)["changed"] is False
    assert bench.calls() == (["BatchGetImage"], ["BatchGetImage"])


def test_only_the_images_that_the_target_lacks_are_read(
    bench: CopyBench, index: Document, children: dict[str, t.Any]
) -> None:
    bench.run(platforms=["linux/amd64"])
    bench.calls()
    result = bench.run()
    assert bench.tags() == {"1.0": index["digest"]}
    assert sorted(manifest["action"] for manifest in result["manifests"]) == ["present", "put", "put", "put"]
    assert bench.calls()[0][:2] == ["BatchGetImage", "BatchGetImage"]
    assert len(children) == 3


def test_the_platform_of_a_single_image_must_fit(bench: CopyBench, image: Document) -> None:
    assert bench.run(platforms=["linux/amd64"])["image"]["platforms"] == ["linux/amd64"]
    failed = bench.fails(platforms=["linux/arm64"])
    assert "does not contain an image for platform linux/arm64" in failed.msg
    assert f"source repository {bench.source_repository}" in failed.msg
    assert bench.is_whole(image)


def test_foreign_layers_are_left_out(bench: CopyBench) -> None:
    foreign = bench.layout.blob(b"hosted elsewhere", urls=["https://example.org/layer"])
    image = bench.layout.image(bench.layout.blob(b"own"), foreign)
    bench.store(image, "1.0")
    result = bench.run()
    assert actions(result)[foreign["digest"]] == "skipped"
    assert bench.manifest(image["digest"]) == bench.content(image)
    assert bench.run()["changed"] is False


def test_retagging_is_one_look_and_one_put_for_each_tag(bench: CopyBench, image: Document) -> None:
    bench.run()
    bench.calls()
    # What is given and is that of the task makes no difference.
    same = {"repository_name": bench.repository, "region": "eu-central-1", "access_key": "AKIAUNITTESTS", "tag": "1.0"}
    same["secret_key"] = bench.connection["secret_key"]
    predicted = bench.run(check=True, source=same, tags=["stable", "latest"])
    assert bench.calls()[1] == ["BatchGetImage"]
    result = bench.run(source=same, tags=["stable", "latest"])
    assert bench.calls() == ([], ["BatchGetImage", "PutImage", "PutImage"])
    assert predicted["changed"] is result["changed"] is True
    assert bench.tags() == dict.fromkeys(["1.0", "stable", "latest"], image["digest"])
    assert bench.manifest(image["digest"]) == bench.content(image)
    bench.calls()
    assert bench.run(source=same, tags=["stable", "latest"])["changed"] is False
    assert bench.calls()[1] == ["BatchGetImage"]


# The spelling of the source, the options of the task that differ, and how often the registry is asked before the put.
# An account that the task does not name is only known from an answer.
ACCOUNT = "123456789012"
KEYS = {"access_key": "AKIAOTHER", "secret_key": "unit-tests"}
SPELLINGS: dict[str, tuple[dict[str, t.Any], dict[str, t.Any], int]] = {
    "region": ({"region": "eu-central-1"}, {}, 1),
    "region and registry_id": ({"region": "eu-central-1", "registry_id": ACCOUNT}, {"registry_id": ACCOUNT}, 1),
    "registry_id": ({"region": None, "registry_id": ACCOUNT}, {}, 2),
    "credentials": ({"region": None, **KEYS}, {}, 2),
    "credentials and registry_id": ({"region": None, **KEYS}, {"registry_id": ACCOUNT}, 1),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_repository_is_recognised_however_it_is_spelled(
    bench: CopyBench, image: Document, spelling: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, options, looks = SPELLINGS[spelling]
    config = tmp_path / "config"
    config.write_text("[default]\nregion = eu-central-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    bench.run()
    bench.calls()
    bench.connection.pop("region")
    source = {"repository_name": bench.repository, "tag": "1.0", **source}
    result = bench.run(source=source, tags=["stable"], referrers=True, **options)
    assert bench.calls() == ([], [*["BatchGetImage"] * looks, "PutImage"])
    assert (result["changed"], result["bytes_sent"]) == (True, 0)
    assert bench.tags() == dict.fromkeys(["1.0", "stable"], image["digest"])


def test_a_repository_of_the_same_name_in_another_registry_is_another_one(bench: CopyBench, image: Document) -> None:
    bench.source.create_repository(repositoryName=bench.repository)
    bench.source_repository = bench.repository
    # Not by the control, which would store the layers in both.
    store_image(bench.source, bench.repository, bench.layout, image, "1.0")
    assert bench.run(source={"tag": "1.0", "registry_id": "123456789012"})["bytes_sent"] > 0
    assert bench.is_whole(image)


def test_an_index_gets_another_tag_without_its_images_being_read(bench: CopyBench, index: Document) -> None:
    bench.run()
    bench.calls()
    same = {"repository_name": bench.repository, "region": None, "tag": "1.0"}
    result = bench.run(source=same, tags=["stable"], referrers=True)
    assert bench.calls() == ([], ["BatchGetImage", "PutImage"])
    assert bench.tags() == dict.fromkeys(["1.0", "stable"], index["digest"])
    assert len(result["image"]["platforms"]) == 3


def test_a_tag_moves(bench: CopyBench, image: Document) -> None:
    bench.run()
    other = bench.layout.image(b"another")
    bench.store(other, "2.0")
    result = bench.run(source={"tag": "2.0"}, tags=["1.0"])
    assert result["image"]["tags"] == [{"tag": "1.0", "before": image["digest"], "after": other["digest"]}]
    assert bench.tags() == {"1.0": other["digest"]}


def test_the_target_names_the_source_if_it_is_not_given(bench: CopyBench, image: Document) -> None:
    bench.source.create_repository(repositoryName=bench.repository)
    assert image
    failed = bench.fails(source={"repository_name": None, "tag": "1.0"})
    assert f"source repository {bench.repository} does not contain image '1.0'" in failed.msg
