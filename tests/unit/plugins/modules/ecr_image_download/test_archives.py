# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Downloads into archives."""

from __future__ import annotations

import gzip
import json
import tarfile
import typing as t

import pytest
from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import DOWNLOAD
from ansible_collections.layerkit.ecr.tests.unit.support.download_bench import LOOK, URL, DownloadBench
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import OCI_CONFIG, OCI_MANIFEST, config_of
from ansible_collections.layerkit.ecr.tests.unit.support.image_reader import read_image
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LAYER_TYPE

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.unit.support.image_files import Document

KINDS = ("oci-archive", "docker-archive")
PLAIN = (b"first layer " * 1000, b"second layer " * 5000)


def docker_image(bench: DownloadBench, **platform: str) -> Document:
    """Add an image that docker load can read to the files of the bench, and return its descriptor."""
    config = bench.layout.blob(config_of(PLAIN, **platform), OCI_CONFIG)
    layers = [bench.layout.blob(gzip.compress(layer, mtime=0), LAYER_TYPE) for layer in PLAIN]
    manifest = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": layers}
    return bench.layout.document(manifest, OCI_MANIFEST)


@pytest.mark.parametrize("kind", KINDS)
def test_archive_is_written_once(bench: DownloadBench, kind: str) -> None:
    bench.store(docker_image(bench), "1.0")
    bench.calls()
    predicted = bench.run("1.0", check=True, format=kind)
    assert not bench.dest.exists()
    result = bench.run("1.0", format=kind)
    assert (predicted["bytes_fetched"], predicted["diff"]) == (result["bytes_fetched"], result["diff"])
    assert result["state"] == "file"
    read_image(bench.dest)
    assert bench.calls() == {LOOK: 2, URL: 3, DOWNLOAD: 3}
    before = bench.dest.stat().st_mtime_ns
    assert not bench.run("1.0", format=kind)["changed"]
    assert bench.calls() == {LOOK: 1}
    assert bench.dest.stat().st_mtime_ns == before


@pytest.mark.parametrize("kind", KINDS)
def test_archive_of_another_image_is_replaced(bench: DownloadBench, kind: str) -> None:
    bench.run(format=kind)
    first = bench.dest.read_bytes()
    assert bench.run("next", format=kind)["changed"]
    assert bench.run("app", format=kind)["changed"]
    assert bench.dest.read_bytes() == first


def test_push_of_an_oci_archive_changes_nothing(bench: DownloadBench) -> None:
    bench.run("multi", format="oci-archive")
    assert not bench.push(tags=["multi"])["changed"]


def test_push_of_a_docker_archive_changes_nothing(bench: DownloadBench) -> None:
    bench.store(docker_image(bench), "1.0")
    bench.run("1.0", format="docker-archive")
    assert not bench.push(tags=["1.0"])["changed"]


def names_in(bench: DownloadBench) -> t.Any:
    with tarfile.open(bench.dest) as archive:
        return json.load(t.cast("t.IO[bytes]", archive.extractfile("manifest.json")))[0]["RepoTags"]


def test_docker_archive_has_the_name_of_the_repository(bench: DownloadBench) -> None:
    assert bench.run(format="docker-archive")["reference_name"] == f"{bench.repository}:app"
    assert names_in(bench) == [f"{bench.repository}:app"]
    bench.run(format="docker-archive", reference_name="registry.example.com:5000/app:1.0")
    assert names_in(bench) == ["registry.example.com:5000/app:1.0"]
    bench.run(None, format="docker-archive", digest=bench.app["digest"])
    assert names_in(bench) is None


def test_docker_archive_needs_one_platform(bench: DownloadBench) -> None:
    failed = bench.fails("multi", format="docker-archive")
    assert "has 2 platforms, and a docker-archive holds one" in failed.msg
    assert "Set platforms to one of these: linux/amd64, linux/arm64." in failed.msg
    assert not bench.dest.exists()
    bench.run("multi", format="docker-archive", platforms=["linux/arm64"])


def test_docker_archive_takes_the_only_platform_of_an_index(bench: DownloadBench) -> None:
    image = docker_image(bench)
    attestation = bench.layout.image(b"in-toto", platform="unknown/unknown")
    bench.store(bench.layout.index({"linux/amd64": image, "unknown/unknown": attestation}), "built")
    assert bench.run("built", format="docker-archive")["image"]["digest"] == image["digest"]


def test_index_is_whole_in_an_archive(bench: DownloadBench) -> None:
    bench.run("multi", format="oci-archive")
    assert bench.calls()[LOOK] == 2
    assert read_image(bench.dest).root.digest == bench.multi["digest"]
    assert not bench.run("multi", format="oci-archive")["changed"]
    assert bench.calls() == {LOOK: 1}


def test_bytes_that_count_as_fetched_are_those_that_were_served(bench: DownloadBench) -> None:
    bench.run("next", format="oci-archive")
    bench.calls()
    # Both have the small layer, but an archive is written anew.
    assert bench.run("app", format="oci-archive")["bytes_fetched"] == bench.bytes_served()


@pytest.mark.parametrize("check", [False, True])
def test_path_that_ends_with_a_slash_is_no_archive(bench: DownloadBench, check: bool) -> None:
    failed = bench.fails(check=check, format="oci-archive", dest=f"{bench.dest}/")
    assert failed.msg == f"dest '{bench.dest}/' is a directory, and an archive is a file. Add the name of the file."
    assert not bench.dest.exists()
