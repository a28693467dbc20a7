# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What kind of source a path is, and which ways there are to read it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.validation import InvalidInputError
from ansible_collections.layerkit.ecr.plugins.module_utils._local.load import open_sources
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.manifest import DOCKER_MANIFEST, OCI_MANIFEST
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import (
    Files,
    Layout,
    blob_name,
    docker_archive,
    oci_layout,
    tar_of,
    write_directory,
)
from ansible_collections.layerkit.ecr.tests.unit.support.image_reader import read_image

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


class TestArchiveOfBothKinds:
    @pytest.fixture
    def layout(self) -> Layout:
        layout = Layout()
        layout.image(layout.manifest(), "app:1.0")
        return layout

    def read(self, directory: Path, layout: Layout, image: str | None = None) -> tuple[str, list[str]]:
        """Return the media type of the manifest that is taken, and the warnings."""
        (directory / "both.tar").write_bytes(tar_of({**docker_archive(), **layout.complete()}))
        warnings: list[str] = []
        return read_image(directory / "both.tar", image, warnings=warnings).root.media_type, warnings

    def test_the_layout_is_taken_without_a_warning(self, tmp_path: Path, layout: Layout) -> None:
        assert self.read(tmp_path, layout) == (OCI_MANIFEST, [])

    def test_a_damaged_layout_is_warned_about(self, tmp_path: Path, layout: Layout) -> None:
        (entry,) = layout.entries
        layout.files[blob_name(entry["digest"])] += b" "
        media_type, (warning,) = self.read(tmp_path, layout)
        assert media_type == DOCKER_MANIFEST
        assert entry["digest"].partition(":")[2] in warning
        assert "another manifest" in warning
        assert "nothing was sent" not in warning

    def test_several_images_are_a_choice_and_no_defect(self, tmp_path: Path, layout: Layout) -> None:
        layout.image(layout.manifest([b"another layer"]), "app:2.0")
        with pytest.raises(InvalidInputError, match=r"holds 2 images.*choose one") as error:
            self.read(tmp_path, layout)
        assert "other kind" not in error.value.message

    def test_what_only_the_docker_archive_lists_is_found(self, tmp_path: Path, layout: Layout) -> None:
        name = json.loads(docker_archive()["manifest.json"])[0]["RepoTags"][0]
        layout.entries.clear()
        layout.image(layout.manifest([b"another layer"]), "other:2.0")
        media_type, warnings = self.read(tmp_path, layout, name)
        assert media_type == DOCKER_MANIFEST
        assert len(warnings) == 1

    def test_what_is_in_neither_is_told_once(self, tmp_path: Path, layout: Layout) -> None:
        with pytest.raises(InvalidInputError) as error:
            self.read(tmp_path, layout, "absent:1.0")
        assert error.value.message.count("does not hold the image") == 1
        assert "'app:1.0'" in error.value.message
