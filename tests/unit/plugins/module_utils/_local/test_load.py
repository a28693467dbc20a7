# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What kind of source a path is, and which image is loaded from it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import InvalidInputError
from ansible_collections.layerkit.ecr.plugins.module_utils._core.task import Task
from ansible_collections.layerkit.ecr.plugins.module_utils._local.load import load_image, open_source
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.image import Image
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.manifest import DOCKER_MANIFEST, OCI_MANIFEST
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.reference import AmbiguousImageError, NoSuchImageError
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import (
    LAYERS,
    Files,
    as_json,
    blob_name,
    digest_of,
    docker_archive,
    tar_of,
    write_directory,
)
from ansible_collections.layerkit.ecr.tests.unit.support.image_reader import read_image
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LayoutWriter, oci_layout

BOTH = {**docker_archive(), **oci_layout()}


def kinds(path: Path, compress: bool = False) -> list[str]:
    with open_source(str(path), "src 'x'", compress, 2, Task(print)) as readers:
        return [type(reader).__name__ for reader in readers]


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
def test_the_kind_is_detected_by_the_files(tmp_path: Path, files: Files, expected: list[str]) -> None:
    for place in places(tmp_path, files):
        assert kinds(place) == expected
        assert read_image(place).blobs


def test_to_compress_the_docker_archive_is_read(tmp_path: Path) -> None:
    for place in places(tmp_path, BOTH):
        assert kinds(place, compress=True) == ["DockerArchive"]


def test_a_layout_cannot_be_compressed(tmp_path: Path) -> None:
    for place in places(tmp_path, oci_layout()):
        assert kinds(place, compress=True) == ["OciLayout"]


def test_the_path_can_be_a_link(tmp_path: Path) -> None:
    for number, place in enumerate(places(tmp_path, BOTH)):
        (tmp_path / f"link{number}").symlink_to(place)
        assert read_image(tmp_path / f"link{number}").blobs


def test_a_source_without_an_image_is_refused(tmp_path: Path) -> None:
    for place in places(tmp_path, {"some/file": b"", "other": b""}):
        with pytest.raises(InvalidInputError) as error:
            kinds(place)
        assert error.value.problem == (
            "src 'x' does not contain an image: it has neither index.json, as an OCI image layout does, nor "
            "manifest.json, as a docker archive does"
        )
        assert error.value.remedy == (
            "Use the output of docker save, podman save, skopeo copy or buildah push, not that of docker export"
        )


class TestArchiveOfBothKinds:
    @pytest.fixture
    def layout(self) -> LayoutWriter:
        layout = LayoutWriter()
        layout.add_entry(layout.manifest(), "app:1.0")
        return layout

    def read(
        self, directory: Path, layout: LayoutWriter, image: str | None = None, docker: Files | None = None
    ) -> tuple[str, list[str]]:
        """Return the media type of the manifest that is used, and the warnings."""
        (directory / "both.tar").write_bytes(tar_of({**(docker or docker_archive()), **layout.complete()}))
        warnings: list[str] = []
        return read_image(directory / "both.tar", image, warnings=warnings).root.media_type, warnings

    def test_the_layout_is_taken_without_a_warning(self, tmp_path: Path, layout: LayoutWriter) -> None:
        assert self.read(tmp_path, layout) == (OCI_MANIFEST, [])

    def test_a_damaged_layout_is_warned_about(self, tmp_path: Path, layout: LayoutWriter) -> None:
        (entry,) = layout.entries
        layout.files[blob_name(entry["digest"])] += b" "
        media_type, (warning,) = self.read(tmp_path, layout)
        assert media_type == DOCKER_MANIFEST
        name = blob_name(entry["digest"])
        assert warning == (
            f"src '{tmp_path}/both.tar': {name} is {entry['size'] + 1} bytes; its descriptor states {entry['size']}. "
            "The docker archive in the same source is used instead, which gives the image another manifest and another "
            "digest."
        )

    def test_several_images_are_a_choice_and_no_defect(self, tmp_path: Path, layout: LayoutWriter) -> None:
        layout.add_entry(layout.manifest([b"another layer"]), "app:2.0")
        with pytest.raises(AmbiguousImageError, match=r"contains 2 images$"):
            self.read(tmp_path, layout)

    def test_several_images_of_the_docker_archive_alone_are_a_choice(
        self, tmp_path: Path, layout: LayoutWriter
    ) -> None:
        layout.entries.clear()
        archives = [docker_archive((b"one",), ("app:1.0",)), docker_archive((b"two",), ("app:2.0",))]
        entries = [json.loads(files["manifest.json"])[0] for files in archives]
        docker = {**archives[0], **archives[1], "manifest.json": as_json(entries)}
        with pytest.raises(AmbiguousImageError, match=r"contains 2 images$"):
            self.read(tmp_path, layout, docker=docker)

    def test_what_only_the_docker_archive_lists_is_found(self, tmp_path: Path, layout: LayoutWriter) -> None:
        name = json.loads(docker_archive()["manifest.json"])[0]["RepoTags"][0]
        layout.entries.clear()
        layout.add_entry(layout.manifest([b"another layer"]), "other:2.0")
        media_type, warnings = self.read(tmp_path, layout, name)
        assert media_type == DOCKER_MANIFEST
        assert len(warnings) == 1

    def test_an_image_that_is_in_neither_is_reported_once(self, tmp_path: Path, layout: LayoutWriter) -> None:
        with pytest.raises(NoSuchImageError) as error:
            self.read(tmp_path, layout, "absent:1.0")
        assert error.value.problem == f"src '{tmp_path}/both.tar' does not contain image 'absent:1.0'"
        assert str(error.value.remedy).startswith("It contains: 'app:1.0' (sha256:")

    def test_damage_of_both_is_reported(self, tmp_path: Path, layout: LayoutWriter) -> None:
        layout.files.pop(blob_name(digest_of(LAYERS[0])))
        docker = docker_archive()
        layer = next(name for name in docker if name.endswith("layer.tar"))
        with pytest.raises(InvalidInputError) as error:
            self.read(tmp_path, layout, docker={name: docker[name] for name in docker if name != layer})
        where = f"src '{tmp_path}/both.tar'"
        assert error.value.problem == (
            f"{where}: blob {digest_of(LAYERS[0])} is missing. The docker archive in the same source cannot be used "
            f"either: {where}: {layer} is missing"
        )
        assert error.value.remedy == "The source is incomplete or damaged: create it again, or copy it again"

    def test_a_layout_that_the_check_refuses_is_not_used(self, tmp_path: Path, layout: LayoutWriter) -> None:
        (tmp_path / "both.tar").write_bytes(tar_of({**docker_archive(), **layout.complete()}))
        warnings: list[str] = []
        task = Task(warnings.append)

        def check(image: Image) -> None:
            if image.root.media_type == OCI_MANIFEST:
                raise InvalidInputError("No registry accepts this layout", "Use another one")

        with open_source(str(tmp_path / "both.tar"), "src 'x'", False, 2, task) as readers:
            image = load_image(readers, "src 'x'", None, [], check, task)
        assert image.root.media_type == DOCKER_MANIFEST
        assert [warning.partition(". ")[0] for warning in warnings] == ["No registry accepts this layout"]
