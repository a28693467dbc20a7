# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images of an OCI image layout."""

from __future__ import annotations

import contextlib
import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import InvalidInputError
from ansible_collections.layerkit.ecr.plugins.module_utils._core.json_document import MAX_DOCUMENT
from ansible_collections.layerkit.ecr.plugins.module_utils._core.task import Task
from ansible_collections.layerkit.ecr.plugins.module_utils._local.archive import Archive
from ansible_collections.layerkit.ecr.plugins.module_utils._local.directory import Directory
from ansible_collections.layerkit.ecr.plugins.module_utils._local.oci_layout import OciLayout
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.descriptor import Descriptor
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.platform import Platform
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.reference import AmbiguousImageError, NoSuchImageError
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import (
    LAYERS,
    OCI_INDEX,
    OCI_MANIFEST,
    REF_NAME,
    Document,
    as_json,
    blob_name,
    digest_of,
    tar_of,
    write_directory,
)
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LayoutWriter, index_of, oci_layout

Open = t.Callable[[dict[str, bytes]], OciLayout]

AMD64, ARM64 = (Platform("linux", name) for name in ("amd64", "arm64"))


def named(entry: Document, name: str) -> Document:
    return {**entry, "annotations": {REF_NAME: name}}


@pytest.fixture(params=["directory", "archive"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> t.Iterator[Open]:
    """Open a layout as a directory, and as an archive."""
    with contextlib.ExitStack() as stack:

        def open_files(files: dict[str, bytes]) -> OciLayout:
            if request.param == "directory":
                path = write_directory(tmp_path / "layout", files)
                return OciLayout(stack.enter_context(Directory.opened(str(path), "src 'x'")), Task(print))
            (tmp_path / "layout.tar").write_bytes(tar_of(files))
            return OciLayout(stack.enter_context(Archive.opened(str(tmp_path / "layout.tar"), "src 'x'")), Task(print))

        yield open_files


def test_manifests_and_blobs_are_the_files(opened: Open) -> None:
    files = oci_layout()
    image = opened(files).choose(None)
    assert image.root.media_type == OCI_MANIFEST
    assert image.manifest(image.root) == files[blob_name(image.root.digest)]
    for layer in LAYERS:
        assert image.size(digest_of(layer)) == len(layer)
        with image.open(digest_of(layer)) as blob:
            assert blob.read(0, blob.size) == layer
    assert image.size("sha256:" + "a" * 64) is None


def test_an_image_is_chosen_by_any_of_its_names(opened: Open) -> None:
    source = LayoutWriter()
    entry = source.add_entry(source.manifest())
    other = source.add_entry(source.manifest((b"other",)), "2.0")
    entry["annotations"] = {
        "io.containerd.image.name": "docker.io/library/alpine:3",
        "org.opencontainers.image.ref.name": "stable",
    }
    layout = opened(source.complete())
    for image in ("alpine:3", "docker.io/library/alpine:3", "3", "stable", entry["digest"]):
        assert layout.choose(image).root.digest == entry["digest"]
    assert layout.choose("2.0").root.digest == other["digest"]


def test_entries_of_one_image_are_one(opened: Open) -> None:
    source = LayoutWriter()
    for name in ("1.0", "latest"):
        source.add_entry(source.manifest(), name)
    layout = opened(source.complete())
    assert layout.choose(None).root == layout.choose("1.0").root == layout.choose("latest").root


def test_an_image_within_an_index_is_chosen_by_digest(opened: Open) -> None:
    source = LayoutWriter()
    inner = source.blob(as_json(source.manifest((b"inner",))), OCI_MANIFEST)
    index = source.blob(as_json(index_of(inner)), OCI_INDEX)
    absent = {"mediaType": OCI_INDEX, "digest": "sha256:" + "a" * 64, "size": 10}
    source.add_entry(index_of(absent, index, index), "all")
    layout = opened(source.complete())
    assert layout.choose(inner["digest"]).root.size == inner["size"]
    assert layout.choose(index["digest"]).root.media_type == OCI_INDEX
    with pytest.raises(InvalidInputError, match="does not contain image 'sha256:b"):
        layout.choose("sha256:" + "b" * 64)


@pytest.mark.parametrize("annotations", [None, {}, {"org.opencontainers.image.ref.name": 1}])
def test_names_that_are_none_are_passed_over(opened: Open, annotations: object) -> None:
    source = LayoutWriter()
    source.add_entry(source.manifest())["annotations"] = annotations
    assert opened(source.complete()).choose(None).root.media_type == OCI_MANIFEST


def test_a_manifest_must_be_what_its_descriptor_says(opened: Open) -> None:
    files = oci_layout()
    image = opened(files).choose(None)
    found = image.root
    content = files[blob_name(found.digest)]
    for wrong, rule in (
        (
            Descriptor(OCI_MANIFEST, found.digest, found.size - 1),
            f"is {len(content)} bytes; its descriptor states {found.size - 1}",
        ),
        (Descriptor(OCI_MANIFEST, found.digest, 0), f"is {len(content)} bytes; its descriptor states 0"),
        (Descriptor(OCI_MANIFEST, digest_of(LAYERS[0])[:-1] + "z", 5), "is missing"),
        (Descriptor(OCI_MANIFEST, digest_of(LAYERS[0]), found.size), "is 12000 bytes; its descriptor states"),
    ):
        with pytest.raises(InvalidInputError, match=rule):
            image.manifest(wrong)


def test_a_manifest_that_is_too_large_is_not_read(opened: Open) -> None:
    source = LayoutWriter()
    entry = source.add_entry({**source.manifest(), "annotations": {"a": "x" * MAX_DOCUMENT}})
    image = opened(source.complete()).choose(None)
    with pytest.raises(InvalidInputError, match=f"is {entry['size']} bytes; the limit is 4194304"):
        image.manifest(image.root)


class TestIndexOfTheLayoutAsAnImage:
    """Entries that differ by their platforms are one image."""

    @pytest.fixture
    def source(self) -> LayoutWriter:
        return LayoutWriter()

    @pytest.mark.parametrize("members", [{}, {"mediaType": None}, {"annotations": {"a": "ä"}}])
    def test_it_is_index_json_itself(self, opened: Open, source: LayoutWriter, members: Document) -> None:
        source.entries = [source.of_platform("linux/amd64"), source.of_platform("linux/arm64")]
        files = source.complete(**members)
        image = opened(files).choose(None)
        assert image.root == Descriptor(OCI_INDEX, digest_of(files["index.json"]), len(files["index.json"]))
        assert image.manifest(image.root) == files["index.json"]

    def test_the_entries_of_one_name_are_one(self, opened: Open, source: LayoutWriter) -> None:
        ours, other = (
            [named(source.of_platform(platform, text=name), name) for platform in ("linux/amd64", "linux/arm64")]
            for name in ("app:1.0", "other:2.0")
        )
        source.entries = [ours[0], other[0], ours[1], other[1]]
        files = source.complete()
        layout = opened(files)
        image = layout.choose("app:1.0")
        assert json.loads(image.manifest(image.root)) == {**json.loads(files["index.json"]), "manifests": ours}
        assert layout.choose("app:1.0").root == image.root != layout.choose("2.0").root
        with pytest.raises(AmbiguousImageError, match="contains 4 images"):
            layout.choose(None)

    def test_images_of_different_names_are_not_one(self, opened: Open, source: LayoutWriter) -> None:
        source.entries = [
            named(source.of_platform("linux/amd64"), "app:1.0"),
            named(source.of_platform("linux/arm64"), "db:1.0"),
        ]
        layout = opened(source.complete())
        for image in (None, "1.0"):
            with pytest.raises(AmbiguousImageError):
                layout.choose(image)

    def test_two_images_of_one_platform_are_a_choice(self, opened: Open, source: LayoutWriter) -> None:
        source.entries = [
            source.of_platform("linux/amd64", text="one"),
            source.of_platform("linux/amd64", text="two"),
            source.of_platform("linux/arm64"),
        ]
        layout = opened(source.complete())
        for platforms in ([], [AMD64], [ARM64, AMD64]):
            with pytest.raises(AmbiguousImageError):
                layout.choose(None, platforms)
        # Then there is nothing to choose.
        assert layout.choose(None, [ARM64]).root.media_type == OCI_INDEX

    def test_builds_of_windows_and_attestations_are_different(self, opened: Open, source: LayoutWriter) -> None:
        source.entries = [
            source.of_platform("linux/amd64"),
            source.of_platform("windows/amd64", text="one"),
            source.of_platform("windows/amd64", text="two"),
            source.of_platform("unknown/unknown", text="one"),
            source.of_platform("unknown/unknown", text="two"),
        ]
        for entry, version in zip(source.entries[1:3], ("10.0.17763.1", "10.0.20348.1"), strict=True):
            entry["platform"]["os.version"] = version
        assert opened(source.complete()).choose(None).root.media_type == OCI_INDEX

    def test_the_platform_can_be_that_of_the_configuration(self, opened: Open, source: LayoutWriter) -> None:
        source.entries = [source.of_platform("linux/amd64"), source.of_platform("linux/arm64")]
        for entry in source.entries:
            del entry["platform"]
        assert opened(source.complete()).choose(None).root.media_type == OCI_INDEX

    def test_what_has_no_platform_is_a_choice(self, opened: Open, source: LayoutWriter) -> None:
        artifact = source.manifest(config=source.blob(b"{}", "application/vnd.oci.empty.v1+json"))
        source.entries = [source.of_platform("linux/amd64"), source.blob(as_json(artifact), OCI_MANIFEST)]
        layout = opened(source.complete())
        with pytest.raises(AmbiguousImageError):
            layout.choose(None)
        assert layout.choose(None, [AMD64]).root.media_type == OCI_INDEX

    def test_what_cannot_be_read_is_a_choice(self, opened: Open, source: LayoutWriter) -> None:
        damaged = source.of_platform("linux/arm64", is_there=False)
        del damaged["platform"]
        source.entries = [source.of_platform("linux/amd64"), damaged]
        with pytest.raises(AmbiguousImageError):
            opened(source.complete()).choose(None, [ARM64])

    def test_its_digest_is_that_of_index_json(self, opened: Open, source: LayoutWriter) -> None:
        source.entries = [source.of_platform("linux/amd64"), source.of_platform("linux/arm64")]
        files = source.complete()
        digest = digest_of(files["index.json"])
        layout = opened(files)
        for image in (digest, digest[7:19]):
            assert layout.choose(image).root == layout.choose(None).root

    def test_the_digest_of_the_entries_of_one_name_is_known(self, opened: Open, source: LayoutWriter) -> None:
        source.entries = [
            named(source.of_platform(platform, text=name), name)
            for name in ("app:1.0", "other:2.0")
            for platform in ("linux/amd64", "linux/arm64")
        ]
        layout = opened(source.complete())
        for name in ("app:1.0", "other:2.0"):
            digest = layout.choose(name).root.digest
            for image in (digest, digest[7:19]):
                assert layout.choose(image).root.digest == digest
        with pytest.raises(NoSuchImageError):
            layout.choose("sha256:" + "0" * 64)

    @pytest.mark.parametrize("name", [None, "app:1.0"])
    def test_an_index_beside_its_own_images_is_the_image(
        self, opened: Open, source: LayoutWriter, name: str | None
    ) -> None:
        source.entries = [source.of_platform("linux/amd64"), source.of_platform("linux/arm64")]
        index = source.add_entry(index_of(*source.entries))
        if name:
            source.entries = [named(entry, name) for entry in source.entries]
        for platforms in ([], [ARM64]):
            assert opened(source.complete()).choose(name, platforms).root.digest == index["digest"]

    def test_an_index_beside_others_is_a_choice(self, opened: Open, source: LayoutWriter) -> None:
        inner = source.of_platform("linux/amd64")
        source.entries = [source.of_platform("linux/arm64"), source.blob(as_json(index_of(inner)), OCI_INDEX)]
        with pytest.raises(AmbiguousImageError):
            opened(source.complete()).choose(None)


@pytest.mark.parametrize(
    "other",
    [
        {"mediaType": OCI_MANIFEST, "digest": "sha512:" + "a" * 128, "size": 1},
        {"mediaType": None, "digest": "sha256:" + "a" * 64, "size": 1},
        {"mediaType": OCI_INDEX, "digest": "sha256:" + "a" * 64, "size": -1},
        {"mediaType": OCI_MANIFEST, "digest": 5, "platform": {"os": 1}, "annotations": []},
        {},
    ],
)
def test_an_entry_that_is_not_chosen_does_not_matter(opened: Open, other: Document) -> None:
    source = LayoutWriter()
    entry = source.add_entry(source.manifest(), "app:1.0")
    source.entries.insert(0, other)
    layout = opened(source.complete())
    assert layout.choose("app:1.0").root.digest == layout.choose(entry["digest"]).root.digest == entry["digest"]
    with pytest.raises(AmbiguousImageError):
        layout.choose(None)
    with pytest.raises(InvalidInputError, match="does not contain image 'sha256:bb"):
        layout.choose("sha256:" + "b" * 64)


def test_the_number_of_entries_is_not_bounded(opened: Open) -> None:
    source = LayoutWriter()
    entry = source.add_entry(source.manifest(), "wanted")
    for number in range(2000):
        source.entries.append(named({**entry, "digest": digest_of(b"%d" % number)}, f"app:{number}"))
    layout = opened(source.complete())
    assert layout.choose("wanted").root.digest == entry["digest"]
    with pytest.raises(AmbiguousImageError, match="contains 2001 images"):
        layout.choose(None)


def test_the_search_for_a_digest_is_bounded(opened: Open) -> None:
    source = LayoutWriter()
    padding = {"annotations": {"a": "x" * 3 * 1024 * 1024}}
    child = source.of_platform("linux/amd64", is_there=False)
    for number in range(12):
        source.add_entry({**index_of({**child, "digest": digest_of(b"%d" % number)}), **padding}, str(number))
    layout = opened(source.complete())
    assert layout.choose(digest_of(b"0")).root.digest == digest_of(b"0")
    with pytest.raises(InvalidInputError, match="does not contain image"):
        layout.choose(digest_of(b"11"))


def test_a_layout_without_a_version_is_warned_about(tmp_path: Path) -> None:
    files = oci_layout()
    del files["oci-layout"]
    warnings: list[str] = []
    with Directory.opened(str(write_directory(tmp_path / "layout", files)), "src 'x'") as directory:
        assert OciLayout(directory, Task(warnings.append)).choose(None).root.media_type == OCI_MANIFEST
    assert warnings == ["src 'x': oci-layout is missing. index.json is read as that of an OCI image layout."]
