# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is mistaken for an image is recognised, and the error says what to do."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import InvalidInputError
from ansible_collections.layerkit.ecr.plugins.module_utils._core.task import Task
from ansible_collections.layerkit.ecr.plugins.module_utils._local.load import open_source
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import (
    Document,
    Files,
    as_json,
    docker_archive,
    entry_of,
    tar_of,
    write_directory,
)
from ansible_collections.layerkit.ecr.tests.unit.support.image_reader import read_image
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import oci_layout


def refusal_of(path: str | Path) -> InvalidInputError:
    with pytest.raises(InvalidInputError) as error, open_source(str(path), "src 'x'", False, 1, Task(print)):
        pytest.fail("it was opened")
    return error.value


@pytest.mark.parametrize(
    ("path", "problem", "remedy"),
    [
        ("oci:/srv/layout", "is a reference, not a path", "Give the path alone: /srv/layout"),
        (
            "oci:build/layout:1.0",
            "is a reference, not a path",
            "Give the path alone: build/layout, and 1.0 as the name of the image",
        ),
        (
            "docker-archive:app.tar:example.org/app:1.0",
            "is a reference, not a path",
            "Give the path alone: app.tar, and example.org/app:1.0 as the name of the image",
        ),
        ("oci-archive:app.tar", "is a reference, not a path", "Give the path alone: app.tar"),
        ("oci-layout:lay", "is a reference, not a path", "Give the path alone: lay"),
        ("oci-layout:///srv/lay", "is a reference, not a path", "Give the path alone: /srv/lay"),
        ("oci-dir:lay", "is a reference, not a path", "Give the path alone: lay"),
        ("docker-archive://app.tar", "is a reference, not a path", "Give the path alone: app.tar"),
        ("file:///srv/app.tar", "is a reference, not a path", "Give the path alone: /srv/app.tar"),
        (
            "oci://ghcr.io/acme/web:3",
            "is a reference, not a path",
            "Make an archive of the image first: skopeo copy docker://ghcr.io/acme/web:3 oci-archive:image.tar",
        ),
        (
            "tarball:rootfs.tar",
            "is a reference, not a path",
            "Make an archive of the image first: skopeo copy tarball:rootfs.tar oci-archive:image.tar",
        ),
        (
            "dir:/srv/a b",
            "is a reference, not a path",
            "Make an archive of the image first: skopeo copy 'dir:/srv/a b' oci-archive:image.tar",
        ),
        (
            "docker://alpine:3",
            "is a reference, not a path",
            "Make an archive of the image first: skopeo copy docker://alpine:3 oci-archive:image.tar",
        ),
        (
            "docker-daemon:app:1.0",
            "is a reference, not a path",
            "Make an archive of the image first: skopeo copy docker-daemon:app:1.0 oci-archive:image.tar",
        ),
        ("https://example.org/app.tar", "is a URL, not a path", "Download the file first"),
    ],
)
def test_a_reference_is_no_path(path: str, problem: str, remedy: str) -> None:
    error = refusal_of(path)
    assert (error.problem, error.remedy) == (f"src 'x' {problem}", remedy)


@pytest.mark.parametrize(
    "image",
    [
        "docker.io/library/alpine:3",
        "docker.io/library/alpine",
        "ghcr.io/acme/web@sha256:" + "a" * 64,
        "localhost:5000/web",
        "alpine:3.20",
        "acme/web:3",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:3",
    ],
)
def test_the_name_of_an_image_is_no_path(image: str) -> None:
    error = refusal_of(image)
    assert error.problem == "src 'x' does not exist. It looks like the name of an image, and images are not pulled"
    assert error.remedy == (
        f"Make an archive of the image first: docker pull {image} && docker save --output image.tar {image}"
    )


@pytest.mark.parametrize("image", ["sha256:" + "a" * 64, "a" * 64, "0123456789ab", "sha256:0123456789ab"])
def test_the_id_of_an_image_is_no_path(image: str) -> None:
    error = refusal_of(image)
    assert error.problem == (
        "src 'x' does not exist. It looks like the id of an image, and images are not read from a daemon"
    )
    assert error.remedy == f"Make an archive of the image first: docker save --output image.tar {image}"


@pytest.mark.parametrize("path", ["app.tar", "build/app.tar", "my.dir/app.tar.gz", "/srv/app", "./app:1.0", "app", ""])
def test_a_path_that_is_missing_is_no_name(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert refusal_of(path).problem.startswith("src 'x' does not exist on the host" if path else "src 'x' is empty")


def test_a_path_that_looks_like_a_name_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("docker.io").mkdir()
    Path("docker.io/alpine:3").write_bytes(tar_of(docker_archive()))
    write_directory(Path("oci:layout"), oci_layout())
    for path in ("docker.io/alpine:3", "oci:layout"):
        assert read_image(Path(path)).blobs


def places(directory: Path, files: Files, *entries: tarfile.TarInfo) -> list[Path]:
    (directory / "files.tar").write_bytes(tar_of(files, *entries))
    return [write_directory(directory / "files", files), directory / "files.tar"]


@pytest.mark.parametrize(
    "files",
    [
        {".dockerenv": b"", "etc/hosts": b""},
        {"etc/passwd": b"root", "usr/bin/env": b"ELF"},
        {"rootfs/etc/passwd": b"root", "rootfs/etc/os-release": b"", "config.json": b"{}"},
        # Containers of an image from scratch.
        {"etc/hosts": b"", "etc/resolv.conf": b"", "hello": b"ELF"},
        {"run/.containerenv": b"", "hello": b"ELF"},
    ],
)
def test_a_file_system_is_no_image(tmp_path: Path, files: Files) -> None:
    # As in a real one.
    devices = [entry_of("dev/null", type=tarfile.CHRTYPE), entry_of("lib", type=tarfile.SYMTYPE, linkname="/usr/lib")]
    for place in places(tmp_path, files, *devices):
        error = refusal_of(place)
        assert error.problem == (
            "src 'x' is a file system, as docker export writes it or a layer contains it, not an image"
        )
        assert "docker save --output image.tar IMAGE" in str(error.remedy)
        assert "docker commit CONTAINER IMAGE" in str(error.remedy)


@pytest.mark.parametrize("more", [{"version": b"Directory Transport Version: 1.1\n"}, {}])
@pytest.mark.parametrize("members", [{"config": {}, "layers": []}, {"manifests": []}])
def test_a_directory_of_skopeo_is_named(tmp_path: Path, members: Document, more: Files) -> None:
    manifest = as_json({"schemaVersion": 2, **members})
    for place in places(tmp_path, {"manifest.json": manifest, **more}):
        error = refusal_of(place)
        assert error.problem == "src 'x' was written by skopeo with the transport dir:"
        directory = place if place.is_dir() else "DIRECTORY"
        assert error.remedy == f"Make an archive of the image first: skopeo copy dir:{directory} oci-archive:image.tar"


@pytest.mark.parametrize("files", [docker_archive(), oci_layout()])
def test_other_files_in_an_image_do_not_matter(tmp_path: Path, files: Files) -> None:
    more = {"version": b"1.0", "etc/hostname": b""}
    for place in places(tmp_path, {**files, **more}):
        assert read_image(place).blobs
