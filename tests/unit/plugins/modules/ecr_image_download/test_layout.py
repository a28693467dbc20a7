# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Downloads into an OCI image layout: what is asked for, what is written, and what a second run does."""

from __future__ import annotations

import re

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.text import shortened
from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import DOWNLOAD
from ansible_collections.layerkit.ecr.tests.unit.support.download_bench import (
    BIG,
    LOOK,
    SMALL,
    URL,
    DownloadBench,
    actions,
)
from ansible_collections.layerkit.ecr.tests.unit.support.downloading import files_in
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import blob_name, digest_of
from ansible_collections.layerkit.ecr.tests.unit.support.image_reader import read_image


def test_image_is_written_byte_for_byte(bench: DownloadBench) -> None:
    result = bench.run()
    assert result["changed"]
    assert result["image"]["digest"] == bench.app["digest"]
    assert result["image"]["uri"] == f"{result['image']['repository_uri']}@{bench.app['digest']}"
    assert result["reference_name"] == "app"
    assert (result["dest"], result["format"]) == (str(bench.dest), "oci")
    assert set(actions(result).values()) == {"fetched"}
    assert actions(result, "manifests") == {bench.app["digest"]: "fetched"}
    assert bench.listed() == {"app": bench.app["digest"]}
    files = files_in(bench.dest)
    assert files[blob_name(bench.app["digest"])] == bench.layout.files[blob_name(bench.app["digest"])]
    assert files[blob_name(digest_of(BIG))] == BIG
    read_image(bench.dest)
    assert result["bytes_fetched"] == bench.bytes_served() == sum(layer["size"] for layer in result["layers"])
    calls = bench.calls()
    # One look, and a URL for each of the three blobs. The big one is read in two ranges.
    assert calls == {LOOK: 1, URL: 3, DOWNLOAD: 4}


def test_second_run_is_one_request(bench: DownloadBench) -> None:
    bench.run()
    bench.calls()
    before = files_in(bench.dest)
    result = bench.run()
    assert not result["changed"]
    assert bench.calls() == {LOOK: 1}
    assert set(actions(result).values()) == set(actions(result, "manifests").values()) == {"present"}
    assert result["bytes_fetched"] == 0
    assert result["diff"] == {"prepared": ""}
    assert files_in(bench.dest) == before


@pytest.mark.parametrize("platforms", [[], ["linux/arm64"], ["linux/arm64", "linux/amd64"]])
def test_second_run_of_an_index_is_one_request(bench: DownloadBench, platforms: list[str]) -> None:
    first = bench.run("multi", platforms=platforms)
    assert bench.calls()[LOOK] == 2
    second = bench.run("multi", platforms=platforms)
    assert not second["changed"]
    assert bench.calls() == {LOOK: 1}
    assert second["image"] == first["image"]


def test_second_run_of_a_named_platform_is_one_request(bench: DownloadBench) -> None:
    assert bench.run(platforms=["linux/amd64"])["image"]["platforms"] == ["linux/amd64"]
    bench.calls()
    assert not bench.run(platforms=["linux/amd64"])["changed"]
    assert bench.calls() == {LOOK: 1}


def test_check_mode_predicts_and_writes_nothing(bench: DownloadBench) -> None:
    predicted = bench.run(check=True)
    assert not bench.dest.exists()
    assert bench.calls() == {LOOK: 1}
    done = bench.run()
    # Ansible adds the status of what exists.
    status = {"gid", "group", "mode", "owner", "size", "state", "uid", "invocation", "msg"}
    assert {key: done[key] for key in done.keys() - status} == {
        key: predicted[key] for key in predicted.keys() - status
    }
    assert not bench.run(check=True)["changed"]


def test_diff_names_images_and_layers(bench: DownloadBench) -> None:
    bench.run(reference_name="latest")
    diff = bench.run("next", reference_name="latest", check=True)["diff"]
    first, second, *rest = diff["prepared"].splitlines()
    assert first == f"image: {shortened(bench.app['digest'])} -> {shortened(bench.next['digest'])}"
    assert re.fullmatch(r"\d of \d layers to fetch, \d+ KiB", second)
    assert f"+ {shortened(digest_of(b'another layer' * 1000))}  13 KiB" in rest
    assert shortened(digest_of(SMALL)) not in diff["prepared"]
    assert rest[-1] == f"+ manifest {shortened(bench.next['digest'])}"


@pytest.mark.parametrize("damage", ["missing", "short", "other bytes"])
def test_damaged_layer_alone_is_fetched_again(bench: DownloadBench, damage: str) -> None:
    bench.run()
    path = bench.path_of(digest_of(BIG))
    path.unlink()
    if damage != "missing":
        path.write_bytes(BIG[:-5] if damage == "short" else bytes(len(BIG)))
    bench.calls()
    predicted = bench.run(check=True)
    assert actions(predicted)[digest_of(BIG)] == "fetched"
    bench.calls()
    result = bench.run()
    assert actions(result) == actions(predicted)
    assert bench.bytes_served() == result["bytes_fetched"] == len(BIG)
    assert bench.calls() == {LOOK: 1, URL: 1, DOWNLOAD: 2}
    read_image(bench.dest)


def test_other_images_stay_and_the_same_name_is_replaced(bench: DownloadBench) -> None:
    bench.run()
    result = bench.run("next")
    assert actions(result)[digest_of(SMALL)] == "present"
    assert bench.listed() == {"app": bench.app["digest"], "next": bench.next["digest"]}
    bench.run("next", reference_name="app")
    assert bench.listed() == {"app": bench.next["digest"], "next": bench.next["digest"]}


def test_digest_has_no_name_unless_one_is_given(bench: DownloadBench) -> None:
    result = bench.run(None, digest=bench.app["digest"])
    assert result["reference_name"] is None
    assert bench.listed() == {None: bench.app["digest"]}
    bench.calls()
    assert not bench.run(None, digest=bench.app["digest"])["changed"]
    assert bench.calls() == {LOOK: 1}
    bench.run(None, digest=bench.app["digest"], reference_name="registry.example.com/app:1.0")
    assert bench.listed()["registry.example.com/app:1.0"] == bench.app["digest"]


def test_index_is_listed_when_all_platforms_are_wanted(bench: DownloadBench) -> None:
    result = bench.run("multi")
    assert bench.listed() == {"multi": bench.multi["digest"]}
    assert result["image"]["platforms"] == ["linux/amd64", "linux/arm64"]
    assert len(result["manifests"]) == 3
    read_image(bench.dest)


def test_child_is_listed_when_one_platform_is_wanted(bench: DownloadBench) -> None:
    result = bench.run("multi", platforms=["linux/arm64"])
    child = bench.children["linux/arm64"]["digest"]
    assert bench.listed() == {"multi": child}
    assert result["image"]["uri"].endswith(f"@{child}")
    assert not bench.path_of(bench.multi["digest"]).exists()
    read_image(bench.dest)


def test_foreign_layers_are_skipped(bench: DownloadBench) -> None:
    foreign = bench.layout.blob(b"a layer that is elsewhere", urls=["https://example.org/layer"])
    bench.store(bench.layout.image(SMALL, foreign), "windows")
    result = bench.run("windows")
    assert actions(result)[foreign["digest"]] == "skipped"
    assert not bench.path_of(foreign["digest"]).exists()
    assert not bench.run("windows")["changed"]
    assert foreign["digest"] in read_image(bench.dest, "windows").foreign


@pytest.mark.parametrize("tag", ["app", "multi"])
def test_push_of_a_download_changes_nothing(bench: DownloadBench, tag: str) -> None:
    bench.run(tag)
    assert not bench.push(tags=[tag])["changed"]


def test_tag_that_moved_is_downloaded_under_the_same_name(bench: DownloadBench) -> None:
    bench.run()
    bench.store(bench.next, "app")
    assert bench.run()["changed"]
    assert bench.listed() == {"app": bench.next["digest"]}


def test_manifest_of_a_child_that_is_lost_is_fetched_again(bench: DownloadBench) -> None:
    bench.run("multi")
    bench.path_of(bench.children["linux/arm64"]["digest"]).unlink()
    bench.calls()
    result = bench.run("multi")
    assert actions(result, "manifests") == {
        bench.children["linux/amd64"]["digest"]: "present",
        bench.children["linux/arm64"]["digest"]: "fetched",
        bench.multi["digest"]: "present",
    }
    assert bench.calls() == {LOOK: 2}
    read_image(bench.dest)
