# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ecr_image_download of images that tools made: other tools read the files, and a push of them changes nothing."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.modules import ecr_image, ecr_image_download
from ansible_collections.layerkit.ecr.tests.unit.support.downloading import files_in
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import digest_of
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import run_module

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.real_images import RealImage, Tools

Run = t.Callable[..., dict[str, t.Any]]
LAYOUTS = ["single", "index", "zstd", "artifact", "oci_archive_gzip", "index_archive"]
PLATFORM = "linux/amd64"


@pytest.fixture
def push(connection: dict[str, t.Any], repository: str) -> Run:
    def run(src: str, **options: t.Any) -> dict[str, t.Any]:
        patient = {**connection, "aws_config": {}}
        return run_module(ecr_image, connection=patient, repository_name=repository, src=src, tags=["1.0"], **options)

    return run


@pytest.fixture
def download(connection: dict[str, t.Any], repository: str, tmp_path: Path) -> Run:
    def run(**options: t.Any) -> dict[str, t.Any]:
        task = {"repository_name": repository, "tag": "1.0", "dest": str(tmp_path / "image"), **options}
        return run_module(ecr_image_download, connection={**connection, "aws_config": {}}, **task)

    return run


def pushed(push: Run, source: RealImage) -> dict[str, t.Any]:
    return push(source.src, **({"image": source.image} if source.image else {}))


@pytest.mark.parametrize("name", LAYOUTS)
def test_layout_is_the_source_byte_for_byte(
    push: Run, download: Run, images: dict[str, RealImage], tools: Tools, tmp_path: Path, name: str
) -> None:
    pushed(push, images[name])
    dest = tmp_path / "image"
    assert download()["image"]["digest"] == images[name].digest
    assert tools.skopeo("inspect", "--raw", f"oci:{dest}:1.0") == tools.skopeo(
        "inspect", "--raw", images[name].reference
    )
    # skopeo checks the digest of everything that it copies.
    options = ["--all", "--preserve-digests"]
    tools.skopeo("copy", *options, images[name].reference, f"dir:{tmp_path / 'source'}")
    tools.skopeo("copy", *options, f"oci:{dest}:1.0", f"dir:{tmp_path / 'copy'}")
    assert files_in(tmp_path / "copy") == files_in(tmp_path / "source")
    assert all(digest_of(path.read_bytes())[7:] == path.name for path in (dest / "blobs/sha256").iterdir())
    assert not download()["changed"]
    assert not push(str(dest))["changed"]


def test_archive_of_an_index_is_read_by_skopeo(
    push: Run, download: Run, images: dict[str, RealImage], tools: Tools, tmp_path: Path
) -> None:
    pushed(push, images["index"])
    dest = tmp_path / "image"
    download(format="oci-archive")
    read = tools.skopeo("inspect", "--raw", f"oci-archive:{dest}:1.0")
    assert read == tools.skopeo("inspect", "--raw", images["index"].reference)
    assert not push(str(dest))["changed"]


@pytest.mark.parametrize("name", ["single", "index", "docker_archive"])
def test_docker_archive_is_read_by_skopeo(
    push: Run, download: Run, images: dict[str, RealImage], tools: Tools, tmp_path: Path, name: str
) -> None:
    pushed(push, images[name])
    dest = tmp_path / "image"
    result = download(format="docker-archive", platforms=[PLATFORM], reference_name="example.org/app:1.0")
    reference = f"docker-archive:{dest}:example.org/app:1.0"
    # The configuration of the only platform comes first.
    assert digest_of(tools.skopeo("inspect", "--config", "--raw", reference)) == result["layers"][0]["digest"]
    # skopeo checks the layers by the digests in the configuration.
    tools.skopeo("copy", reference, f"oci:{tmp_path / 'copy'}:1.0")
    assert not download(format="docker-archive", platforms=[PLATFORM], reference_name="example.org/app:1.0")["changed"]


def test_push_of_a_docker_archive_recognises_the_image(
    push: Run, download: Run, images: dict[str, RealImage], tmp_path: Path
) -> None:
    pushed(push, images["single"])
    download(format="docker-archive")
    assert not push(str(tmp_path / "image"))["changed"]


def test_umoci_unpacks_a_layout(
    push: Run, download: Run, images: dict[str, RealImage], tools: Tools, tmp_path: Path
) -> None:
    pushed(push, images["single"])
    download()
    assert tools.umoci("list", "--layout", str(tmp_path / "image")).decode().split() == ["1.0"]
    tools.umoci("unpack", "--rootless", "--image", f"{tmp_path / 'image'}:1.0", str(tmp_path / "bundle"))
    assert list((tmp_path / "bundle/rootfs").iterdir())
    # What no entry of the layout leads to would be removed.
    before = files_in(tmp_path / "image")
    tools.umoci("gc", "--layout", str(tmp_path / "image"))
    assert files_in(tmp_path / "image") == before
