# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real images match their names, according to skopeo, and the defective ones have their defects."""

from __future__ import annotations

import json
import tarfile
import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.tests.real_images import RealImage, Tools, make_images

EMPTY_CONFIG = "application/vnd.oci.empty.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


def manifest_of(tools: Tools, reference: str) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", json.loads(tools.skopeo("inspect", "--raw", reference)))


def layers_of(tools: Tools, image: RealImage) -> list[str]:
    return [layer["digest"] for layer in manifest_of(tools, image.reference)["layers"]]


def test_a_name_may_stand_for_the_image_of_another(tools: Tools, images: dict[str, RealImage]) -> None:
    first = images["first_of_family"]
    assert manifest_of(tools, f"oci:{first.src}:latest") == manifest_of(tools, first.reference)


@pytest.mark.parametrize("source", ["family", "docker_archive"])
def test_two_images_share_their_base(tools: Tools, images: dict[str, RealImage], source: str) -> None:
    first, second = images[f"first_of_{source}"], images[f"second_of_{source}"]
    shared = [here == there for here, there in zip(layers_of(tools, first), layers_of(tools, second), strict=True)]
    assert (first.src, shared) == (second.src, [True, False])


def test_images_of_the_index_share_their_base(images: dict[str, RealImage]) -> None:
    index = images["index"]
    blobs = Path(index.src, "blobs")
    manifests = [json.loads((blobs / digest.replace(":", "/")).read_bytes()) for digest in index.platforms.values()]
    layers = [[layer["digest"] for layer in manifest["layers"]] for manifest in manifests]
    assert list(index.platforms) == ["linux/amd64", "linux/arm64/v8", "linux/arm/v7"]
    assert [len({of_image[depth] for of_image in layers}) for depth in (0, 1)] == [1, 3]


@pytest.mark.parametrize(
    ("name", "media_type"), [("single", f"{LAYER}+gzip"), ("zstd", f"{LAYER}+zstd"), ("docker_save", LAYER)]
)
def test_layers_are_compressed(tools: Tools, images: dict[str, RealImage], name: str, media_type: str) -> None:
    layers = manifest_of(tools, images[name].reference)["layers"]
    assert [layer["mediaType"] for layer in layers] == [media_type, media_type]


def test_an_image_is_the_same_in_its_archives(images: dict[str, RealImage]) -> None:
    assert images["single"].digest == images["oci_archive"].digest == images["oci_archive_gzip"].digest
    assert images["index"].digest == images["index_archive"].digest
    repacked = ["docker_archive", "docker_save", "docker_save_by_digest", "docker_save_without_layers"]
    assert {images[name].config for name in repacked} == {images["single"].config}


def test_artifact_is_no_image(tools: Tools, images: dict[str, RealImage]) -> None:
    manifest = manifest_of(tools, images["artifact"].reference)
    assert (manifest["artifactType"], manifest["config"]["mediaType"]) == ("application/spdx+json", EMPTY_CONFIG)


def test_docker_save_by_digest_has_no_list_of_manifests(images: dict[str, RealImage]) -> None:
    with tarfile.open(images["docker_save_by_digest"].src) as archive:
        index = t.cast("t.IO[bytes]", archive.extractfile("index.json")).read()
    assert json.loads(index)["manifests"] is None


def test_docker_save_without_layers_lists_none(tools: Tools, images: dict[str, RealImage]) -> None:
    assert manifest_of(tools, f"oci-archive:{images['docker_save_without_layers'].src}")["layers"] == []


def test_docker_save_of_one_platform_lacks_the_others(
    tools: Tools, images: dict[str, RealImage], tmp_path: Path
) -> None:
    reference = f"oci-archive:{images['docker_save_of_one_platform'].src}:1.0"
    tools.skopeo("--override-arch", "amd64", "copy", reference, f"oci:{tmp_path / 'there'}")
    with pytest.raises(RuntimeError, match="no such file"):
        tools.skopeo("--override-arch", "arm64", "copy", reference, f"oci:{tmp_path / 'not-there'}")
    assert manifest_of(tools, reference) == manifest_of(tools, images["index"].reference)


def test_images_are_not_put_where_something_is(tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    with pytest.raises(RuntimeError, match="is not empty"):
        make_images(tmp_path)


def test_missing_tool_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match=r"umoci is missing: tests/tools/system_packages\.sh"):
        make_images(tmp_path / "images")
