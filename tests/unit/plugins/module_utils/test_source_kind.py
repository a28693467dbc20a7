# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What kind of source a path is, and which ways there are to read it."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._source_kind import open_sources
from ansible_collections.layerkit.ecr.plugins.module_utils._validation import InvalidInputError
from ansible_collections.layerkit.ecr.tests.unit.image_files import (
    Files,
    docker_archive,
    oci_layout,
    tar_of,
    write_directory,
)
from ansible_collections.layerkit.ecr.tests.unit.image_reader import read_image

BOTH = {**docker_archive(), **oci_layout()}


def kinds(path: Path, compress: str = "none") -> list[str]:
    with open_sources(str(path), compress, 2) as sources:
        return [type(source).__name__ for source in sources]


def places(directory: Path, files: Files) -> list[Path]:
    """Put a source down in every form that there is."""
    (directory / "plain.tar").write_bytes(tar_of(files))
    (directory / "compressed").write_bytes(gzip.compress(tar_of(files)))
    return [write_directory(directory / "directory", files), directory / "plain.tar", directory / "compressed"]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (oci_layout(), ["OciLayout"]),
        (docker_archive(), ["DockerArchive"]),
        (BOTH, ["OciLayout", "DockerArchive"]),
        ({name: BOTH[name] for name in BOTH if name != "oci-layout"}, ["OciLayout", "DockerArchive"]),
    ],
)
def test_the_kind_is_told_by_what_is_there(tmp_path: Path, files: Files, expected: list[str]) -> None:
    for place in places(tmp_path, files):
        assert kinds(place) == expected
        assert read_image(place).blobs


def test_to_compress_the_docker_archive_is_read(tmp_path: Path) -> None:
    for place in places(tmp_path, BOTH):
        assert kinds(place, "gzip") == ["DockerArchive"]


def test_a_layout_cannot_be_compressed(tmp_path: Path) -> None:
    for place in places(tmp_path, oci_layout()):
        assert kinds(place, "gzip") == ["OciLayout"]


def test_the_path_can_be_a_link(tmp_path: Path) -> None:
    for number, place in enumerate(places(tmp_path, BOTH)):
        (tmp_path / f"link{number}").symlink_to(place)
        assert read_image(tmp_path / f"link{number}").blobs


def test_what_is_no_image_tells_what_was_looked_for(tmp_path: Path) -> None:
    for place in places(tmp_path, {"some/file": b"", "other": b""}):
        with pytest.raises(InvalidInputError, match=r"neither index[.]json, .* nor manifest[.]json") as error:
            kinds(place)
        assert error.value.message.startswith(f"src {str(place)!r} holds no image, nothing was sent")
