# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What kind of source a path is, and which image is loaded from it."""

from __future__ import annotations

import gzip
import itertools
import json
import tarfile
import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import InvalidInputError
from ansible_collections.layerkit.ecr.plugins.module_utils._core.task import Task
from ansible_collections.layerkit.ecr.plugins.module_utils._local.load import (
    gains_by_compression,
    load_image,
    open_source,
)
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.descriptor import Descriptor
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.image import Image, PartialImageError
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.manifest import DOCKER_MANIFEST, OCI_MANIFEST, Manifest
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.platform import Platform
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.reference import AmbiguousImageError, NoSuchImageError
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import (
    LAYERS,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER,
    Document,
    Files,
    as_json,
    blob_name,
    digest_of,
    docker_archive,
    entry_of,
    tar_of,
    write_directory,
)
from ansible_collections.layerkit.ecr.tests.unit.support.image_reader import read_image
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LayoutWriter, index_of, oci_layout
from ansible_collections.layerkit.ecr.tests.unit.support.referrers import cosign_signature, named, sbom, tag_of

GZIP_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
BOTH = {**docker_archive(), **oci_layout()}


def kinds(path: Path, compress: bool = False) -> list[str]:
    with open_source(str(path), "src 'x'", compress, 2, Task(print)) as source:
        return [type(reader).__name__ for reader in (source.layout, source.docker) if reader]


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
        image = read_image(place, compress=True)
        assert [blob.media_type for blob in image.root.blobs[1:]] == [GZIP_LAYER] * len(LAYERS)
        assert read_image(place).root.media_type == OCI_MANIFEST


def test_a_signed_image_keeps_its_digest(tmp_path: Path) -> None:
    layout = LayoutWriter()
    image = layout.add_entry(layout.manifest(), "1.0")
    layout.save(image, tags=["app:1.0"])
    for signature in (named(cosign_signature(layout, image), tag_of(image, ".sig")), sbom(layout, image)):
        layout.entries = [image, signature]
        (tmp_path / "signed.tar").write_bytes(tar_of(layout.complete()))
        assert read_image(tmp_path / "signed.tar", compress=True).root.digest == image["digest"]
    layout.entries = [image]
    (tmp_path / "plain.tar").write_bytes(tar_of(layout.complete()))
    assert read_image(tmp_path / "plain.tar", compress=True).root.digest != image["digest"]


class TestGainsByCompression:
    """Whether an image of a layout is read from the docker archive beside it to be compressed."""

    CONFIG: t.ClassVar[Document] = {"mediaType": OCI_CONFIG, "digest": "sha256:" + "c" * 64, "size": 1}
    LAYER: t.ClassVar[Document] = {"mediaType": OCI_LAYER, "digest": "sha256:" + "d" * 64, "size": 1}
    ROOT = Descriptor(OCI_MANIFEST, "sha256:" + "a" * 64, 1)

    def gains(
        self,
        *types: str,
        root: Descriptor = ROOT,
        saved: str = CONFIG["digest"],
        foreign: frozenset[str] = frozenset(),
        **members: t.Any,
    ) -> bool:
        layers = [{**self.LAYER, "mediaType": media_type} for media_type in types]
        document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": self.CONFIG, "layers": layers, **members}
        manifest = Manifest.parse(as_json(document), OCI_MANIFEST, "manifest")
        image = Image(t.cast("t.Any", None), manifest, (), (), foreign)
        return gains_by_compression(root, image, [saved])

    @pytest.mark.parametrize(
        ("types", "expected"),
        [
            ([OCI_LAYER], True),
            ([f"{OCI_LAYER}+gzip", OCI_LAYER], True),
            (["application/vnd.docker.image.rootfs.diff.tar"], True),
            (["application/vnd.docker.image.rootfs.diff.tar.gzip"], False),
            ([f"{OCI_LAYER}+gzip"], False),
            ([f"{OCI_LAYER}+zstd", OCI_LAYER], False),
            (["text/plain", OCI_LAYER], False),
            ([], False),
        ],
    )
    def test_a_layer_must_be_uncompressed_and_none_of_another_kind(self, types: list[str], expected: bool) -> None:
        assert self.gains(*types) is expected

    def test_it_must_be_the_very_image(self) -> None:
        assert not self.gains(OCI_LAYER, saved="sha256:" + "b" * 64)

    def test_an_image_of_an_index_keeps_its_digest(self) -> None:
        assert not self.gains(OCI_LAYER, root=Descriptor(OCI_INDEX, "sha256:" + "a" * 64, 1))

    def test_what_the_manifest_says_of_the_image_is_not_lost(self) -> None:
        assert not self.gains(OCI_LAYER, annotations={"org.opencontainers.image.source": "https://example.org"})
        assert not self.gains(OCI_LAYER, foreign=frozenset({self.LAYER["digest"]}))


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
            "Use the output of docker save, podman save, skopeo copy or buildah push, not that of docker export. To "
            "push a single layer, use ecr_layer"
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
        media_type, [warning] = self.read(tmp_path, layout, name)
        assert media_type == DOCKER_MANIFEST
        assert warning.startswith(
            f"The OCI image layout in src '{tmp_path}/both.tar' does not list image '{name}'. The docker archive in "
            "the same source is used instead"
        )

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

        with open_source(str(tmp_path / "both.tar"), "src 'x'", False, 2, task) as source:
            image = load_image(source, None, [], check, task)
        assert image.root.media_type == DOCKER_MANIFEST
        assert [warning.partition(". ")[0] for warning in warnings] == ["No registry accepts this layout"]


class TestDigestOfUncompressedLayers:
    """An image whose layers could be compressed, which gives it another digest."""

    @pytest.fixture
    def entry(self, tmp_path: Path) -> Document:
        layout = LayoutWriter()
        entry = layout.add_entry(layout.manifest(), "1.0")
        (tmp_path / "both.tar").write_bytes(tar_of({**docker_archive(), **layout.complete()}))
        return entry

    def test_the_digest_that_is_named_is_pushed(self, tmp_path: Path, entry: Document) -> None:
        for image in (entry["digest"], entry["digest"][7:19]):
            assert read_image(tmp_path / "both.tar", image, compress=True).root.digest == entry["digest"]

    def test_another_name_lets_it_be_compressed(self, tmp_path: Path, entry: Document) -> None:
        image_id = json.loads(docker_archive()["manifest.json"])[0]["Config"].partition(".")[0]
        for image in (None, "1.0", f"sha256:{image_id}"):
            assert read_image(tmp_path / "both.tar", image, compress=True).root.digest != entry["digest"]


@pytest.mark.parametrize("tag", ["0123456789ab", "0123456789abcdef0123456789abcdef01234567"])
def test_a_tag_that_looks_like_a_digest_is_a_tag(tmp_path: Path, tag: str) -> None:
    layout = LayoutWriter()
    there = layout.of_platform("linux/amd64")
    root = layout.add_entry(index_of(there, layout.of_platform("linux/arm64", is_there=False)), f"acme/web:{tag}")
    (tmp_path / "saved.tar").write_bytes(tar_of(layout.complete()))
    for image in (tag, f"acme/web:{tag}"):
        found = read_image(tmp_path / "saved.tar", image)
        assert (found.root.digest, found.missing) == (there["digest"], ("linux/arm64",))
    for image in (root["digest"], root["digest"][7:19]):
        with pytest.raises(PartialImageError):
            read_image(tmp_path / "saved.tar", image)


PLATFORMS = ("linux/amd64", "linux/arm64", "linux/s390x")
COMPLETE, MANIFEST_ONLY, ABSENT = "complete", "manifest only", "absent"
STATES = list(itertools.product((COMPLETE, MANIFEST_ONLY, ABSENT), repeat=len(PLATFORMS)))


class TestPlatformsThatAreNotThere:
    """What ``docker save`` writes of an image of which only some platforms were pulled, or not all of their layers."""

    def load(
        self, directory: Path, states: t.Sequence[str], wanted: str | None, saves: bool, compress: bool
    ) -> tuple[Image, dict[str, Document], Document]:
        """Return the image, and the entries and the descriptor of its index."""
        layout = LayoutWriter()
        entries = {platform: layout.of_platform(platform, state != ABSENT) for platform, state in self.pairs(states)}
        there = self.there(states)
        if saves:
            layout.save(*[entries[platform] for platform in there[:1]], tags=["example.org/app:1.0"])
        for platform, state in self.pairs(states):
            if state == MANIFEST_ONLY:
                del layout.files[blob_name(self.layer(layout, entries[platform]))]
        root = layout.add_entry(index_of(*entries.values()), "1.0")
        (directory / "saved.tar").write_bytes(tar_of(layout.complete()))
        warnings: list[str] = []
        task = Task(warnings.append)
        platforms = [Platform.parse(wanted, "platforms")] if wanted else []
        with open_source(str(directory / "saved.tar"), "src 'x'", compress, 2, task) as source:
            image = load_image(source, None, platforms, lambda _image: None, task)
        assert warnings == []
        return image, entries, root

    def pairs(self, states: t.Sequence[str]) -> list[tuple[str, str]]:
        return list(zip(PLATFORMS, states, strict=True))

    def there(self, states: t.Sequence[str]) -> tuple[str, ...]:
        return tuple(platform for platform, state in self.pairs(states) if state == COMPLETE)

    def layer(self, layout: LayoutWriter, entry: Document) -> str:
        [layer] = json.loads(layout.files[blob_name(entry["digest"])])["layers"]
        return str(layer["digest"])

    def missing(self, states: t.Sequence[str], *wanted: str) -> tuple[str, ...]:
        """Return how the platforms are named that are not complete, as far as they are wanted."""
        layout = LayoutWriter()
        layers = {platform: self.layer(layout, layout.of_platform(platform)) for platform in PLATFORMS}
        return tuple(
            platform if state == ABSENT else f"{platform} (its blob {layers[platform]} is missing)"
            for platform, state in self.pairs(states)
            if state != COMPLETE and platform in (wanted or PLATFORMS)
        )

    @pytest.mark.parametrize("states", STATES, ids=", ".join)
    @pytest.mark.parametrize("saves", [False, True], ids=["layout", "layout and docker archive"])
    @pytest.mark.parametrize("compress", [False, True], ids=["none", "gzip"])
    def test_without_a_platform(self, tmp_path: Path, states: tuple[str, ...], saves: bool, compress: bool) -> None:
        there, missing = self.there(states), self.missing(states)
        if len(there) in (0, 2):
            with pytest.raises(PartialImageError) as error:
                self.load(tmp_path, states, None, saves, compress)
            assert (error.value.missing, tuple(map(str, error.value.complete))) == (missing, there)
            return
        image, entries, root = self.load(tmp_path, states, None, saves, compress)
        expected = entries[there[0]] if missing else root
        assert (image.root.digest, image.missing) == (expected["digest"], missing)
        assert tuple(map(str, image.platforms)) == there

    @pytest.mark.parametrize("states", STATES, ids=", ".join)
    @pytest.mark.parametrize("wanted", PLATFORMS)
    @pytest.mark.parametrize("saves", [False, True], ids=["layout", "layout and docker archive"])
    def test_with_a_platform(self, tmp_path: Path, states: tuple[str, ...], wanted: str, saves: bool) -> None:
        there = self.there(states)
        if wanted not in there:
            with pytest.raises(PartialImageError) as error:
                self.load(tmp_path, states, wanted, saves, compress=True)
            missing = self.missing(states, wanted)
            assert (error.value.missing, tuple(map(str, error.value.complete))) == (missing, there)
            return
        image, entries, _root = self.load(tmp_path, states, wanted, saves, compress=True)
        assert (image.root.digest, image.missing) == (entries[wanted]["digest"], ())


def test_the_index_of_the_layout_itself_can_lack_platforms(tmp_path: Path) -> None:
    layout = LayoutWriter()
    layout.entries = [layout.of_platform(platform, platform == "linux/arm64") for platform in PLATFORMS]
    image = read_image(write_directory(tmp_path / "layout", layout.complete()))
    assert (image.root.digest, image.missing) == (layout.entries[1]["digest"], ("linux/amd64", "linux/s390x"))


def test_a_layout_that_lacks_every_platform_gives_way_to_the_docker_archive(tmp_path: Path) -> None:
    layout = LayoutWriter()
    layout.add_entry(index_of(*[layout.of_platform(platform, is_there=False) for platform in PLATFORMS]))
    (tmp_path / "both.tar").write_bytes(tar_of({**docker_archive(), **layout.complete()}))
    warnings: list[str] = []
    assert read_image(tmp_path / "both.tar", warnings=warnings).root.media_type == DOCKER_MANIFEST
    [warning] = warnings
    assert "Missing: linux/amd64, linux/arm64, linux/s390x" in warning
    assert "gives the image another manifest and another digest" in warning


def test_a_docker_archive_that_is_damaged_does_not_stop_the_layout(tmp_path: Path) -> None:
    (tmp_path / "both.tar").write_bytes(tar_of({**oci_layout(), "manifest.json": b"{}"}))
    for compress in (False, True):
        assert read_image(tmp_path / "both.tar", compress=compress).root.media_type == OCI_MANIFEST


UNREADABLE = {
    "FIFO": {"type": tarfile.FIFOTYPE},
    "link out of the source": {"type": tarfile.SYMTYPE, "linkname": "../../etc/hostname"},
}


@pytest.mark.parametrize("entry", UNREADABLE.values(), ids=UNREADABLE)
class TestOneOfTwoThatCannotBeRead:
    def read(
        self, directory: Path, files: Files, entry: Document, *names: str, compress: bool = False
    ) -> tuple[str, list[str]]:
        """Return the media type of the manifest that is used, and the warnings."""
        entries = [entry_of(name, **entry) for name in names]
        (directory / "x.tar").write_bytes(tar_of({name: files[name] for name in files if name not in names}, *entries))
        warnings: list[str] = []
        return read_image(directory / "x.tar", compress=compress, warnings=warnings).root.media_type, warnings

    @pytest.mark.parametrize("compress", [False, True])
    def test_the_layout_does_not_need_the_docker_archive(self, tmp_path: Path, entry: Document, compress: bool) -> None:
        assert self.read(tmp_path, BOTH, entry, "manifest.json", compress=compress) == (OCI_MANIFEST, [])

    def test_the_docker_archive_is_used_with_a_warning(self, tmp_path: Path, entry: Document) -> None:
        media_type, [warning] = self.read(tmp_path, BOTH, entry, "index.json")
        assert media_type == DOCKER_MANIFEST
        assert ": index.json " in warning
        assert "The docker archive in the same source is used instead" in warning

    @pytest.mark.parametrize("names", [("index.json",), ("manifest.json",), ("index.json", "manifest.json")])
    def test_without_another_one_it_is_refused(self, tmp_path: Path, entry: Document, names: tuple[str, ...]) -> None:
        files = {name: BOTH[name] for name in BOTH if name not in ("index.json", "manifest.json")}
        with pytest.raises(InvalidInputError) as error:
            self.read(tmp_path, files, entry, *names)
        assert all(f": {name} " in error.value.problem for name in names)


@pytest.mark.parametrize(("name", "expected"), [("manifest.json", OCI_MANIFEST), ("index.json", DOCKER_MANIFEST)])
def test_a_dangling_link_in_a_directory_does_not_stop_the_other_kind(tmp_path: Path, name: str, expected: str) -> None:
    directory = write_directory(tmp_path / "x", BOTH)
    (directory / name).unlink()
    (directory / name).symlink_to("absent.json")
    assert read_image(directory).root.media_type == expected


class TestTwoImagesAndNoName:
    """An archive in which the layout and the docker archive do not have the same images."""

    @pytest.fixture
    def layout(self) -> LayoutWriter:
        layout = LayoutWriter()
        one, two = (layout.of_platform("linux/amd64", text=text) for text in ("one", "two"))
        layout.save(one, two)
        layout.entries = [one]
        return layout

    def read(self, directory: Path, layout: LayoutWriter, image: str | None = None) -> Image:
        (directory / "both.tar").write_bytes(tar_of(layout.complete()))
        return read_image(directory / "both.tar", image)

    @pytest.mark.parametrize("compress", [False, True])
    def test_it_is_a_choice(self, tmp_path: Path, layout: LayoutWriter, compress: bool) -> None:
        (tmp_path / "both.tar").write_bytes(tar_of(layout.complete()))
        with pytest.raises(AmbiguousImageError, match=r"contains 2 images$") as error:
            read_image(tmp_path / "both.tar", compress=compress)
        [entry] = layout.entries
        second = json.loads(layout.files["manifest.json"])[1]["Config"].rpartition("/")[2]
        assert error.value.remedy == (
            f"Choose one of these: {entry['digest']} (linux/amd64); sha256:{second} (linux/amd64)"
        )
        assert read_image(tmp_path / "both.tar", entry["digest"], compress).root.digest == entry["digest"]
        chosen = read_image(tmp_path / "both.tar", f"sha256:{second}", compress)
        assert chosen.root.blobs[0].digest == f"sha256:{second}"

    def test_platforms_of_one_image_are_one(self, tmp_path: Path) -> None:
        layout = LayoutWriter()
        images = [layout.of_platform(platform) for platform in PLATFORMS]
        layout.save(*images)
        root = layout.add_entry(index_of(*images))
        assert self.read(tmp_path, layout).root.digest == root["digest"]

    def test_a_name_that_both_have_must_mean_one_image(self, tmp_path: Path, layout: LayoutWriter) -> None:
        [one] = layout.entries
        one["annotations"] = {"org.opencontainers.image.ref.name": "app:1.0"}
        entries = json.loads(layout.files["manifest.json"])
        layout.files["manifest.json"] = as_json([entries[0], {**entries[1], "RepoTags": ["app:1.0"]}])
        with pytest.raises(AmbiguousImageError, match=r"contains 2 images named 'app:1[.]0'$") as error:
            self.read(tmp_path, layout, "app:1.0")
        assert str(error.value.remedy).startswith(f"Choose one of these: 'app:1.0' ({one['digest']}, linux/amd64); ")

    @pytest.mark.parametrize("compress", [False, True])
    def test_a_name_that_only_docker_knows_means_the_image_of_the_layout(
        self, tmp_path: Path, layout: LayoutWriter, compress: bool
    ) -> None:
        [one] = layout.entries
        layout.entries.append(layout.of_platform("linux/amd64", text="other"))
        entries = json.loads(layout.files["manifest.json"])
        layout.files["manifest.json"] = as_json([{**entries[0], "RepoTags": ["app:1.0"]}])
        (tmp_path / "both.tar").write_bytes(tar_of(layout.complete()))
        image_id = entries[0]["Config"].rpartition("/")[2]
        for image in ("app:1.0", f"sha256:{image_id}", image_id[:12]):
            warnings: list[str] = []
            found = read_image(tmp_path / "both.tar", image, compress, warnings)
            assert (found.root.digest, warnings) == (one["digest"], [])

    @pytest.mark.parametrize("is_there", [True, False])
    def test_an_image_id_means_the_image_within_an_index(self, tmp_path: Path, is_there: bool) -> None:
        layout = LayoutWriter()
        one = layout.of_platform("linux/amd64")
        layout.save(one)
        damaged = layout.document({}, OCI_INDEX)
        layout.files[blob_name(damaged["digest"])] = b"[]"
        layout.entries = [damaged, layout.of_platform("linux/s390x")]
        layout.add_entry(index_of(one, layout.of_platform("linux/arm64", is_there)), "1.0")
        (tmp_path / "both.tar").write_bytes(tar_of(layout.complete()))
        image_id = json.loads(layout.files["manifest.json"])[0]["Config"].rpartition("/")[2]
        for image in (f"sha256:{image_id}", image_id[:12]):
            warnings: list[str] = []
            found = read_image(tmp_path / "both.tar", image, True, warnings)
            assert (found.root.digest, found.missing, warnings) == (one["digest"], (), [])

    @pytest.mark.parametrize("listed", [1, 2], ids=["one in the layout", "both in the layout"])
    @pytest.mark.parametrize("image", [None, "acme/web:3"])
    def test_the_platform_decides_between_images_of_one_name(
        self, tmp_path: Path, listed: int, image: str | None
    ) -> None:
        layout = LayoutWriter()
        images = {platform: layout.of_platform(platform) for platform in PLATFORMS[:2]}
        layout.save(*images.values(), tags=["acme/web:3"])
        layout.entries = list(images.values())[:listed]
        (tmp_path / "both.tar").write_bytes(tar_of(layout.complete()))
        for platform, entry in images.items():
            warnings: list[str] = []
            task = Task(warnings.append)
            with open_source(str(tmp_path / "both.tar"), "src 'x'", False, 2, task) as source:
                wanted = Platform.parse(platform, "platforms")
                found = load_image(source, image, [wanted], lambda _image: None, task)
            assert found.platforms == (wanted,)
            is_listed = entry in layout.entries
            assert (found.root.digest == entry["digest"], warnings == []) == (is_listed, is_listed)

    def test_what_is_not_there_is_warned_about(self, tmp_path: Path, layout: LayoutWriter) -> None:
        entries = json.loads(layout.files["manifest.json"])
        absent = {"Config": "absent.json", "RepoTags": ["app:2.0"], "Layers": []}
        layout.files["manifest.json"] = as_json([{**entries[0], "RepoTags": ["app:1.0"]}, absent])
        (tmp_path / "both.tar").write_bytes(tar_of(layout.complete()))
        warnings: list[str] = []
        [entry] = layout.entries
        assert read_image(tmp_path / "both.tar", warnings=warnings).root.digest == entry["digest"]
        [warning] = warnings
        assert warning.endswith(
            "lists images that are left out because their configurations are missing or damaged: 'app:2.0' "
            "(absent.json). If you need them, create the source again, or copy it again."
        )
        # The one that is named is there.
        assert read_image(tmp_path / "both.tar", "app:1.0", warnings=warnings).root.digest == entry["digest"]
        assert warnings == [warning]

    def test_a_platform_of_the_image_itself_is_not_left_out(self, tmp_path: Path) -> None:
        layout = LayoutWriter()
        images = [layout.of_platform(platform) for platform in ("linux/amd64", "linux/arm64")]
        layout.save(*images)
        layout.add_entry(index_of(*images))
        del layout.files[json.loads(layout.files["manifest.json"])[1]["Config"]]
        (tmp_path / "both.tar").write_bytes(tar_of(layout.complete()))
        warnings: list[str] = []
        assert read_image(tmp_path / "both.tar", warnings=warnings).platforms == (Platform("linux", "amd64"),)
        assert not any("left out" in warning for warning in warnings)
