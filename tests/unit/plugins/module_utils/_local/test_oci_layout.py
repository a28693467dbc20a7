# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images of an OCI image layout."""

from __future__ import annotations

import contextlib
import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import InvalidInputError
from ansible_collections.layerkit.ecr.plugins.module_utils._core.json_document import MAX_DOCUMENT
from ansible_collections.layerkit.ecr.plugins.module_utils._local.archive import Archive
from ansible_collections.layerkit.ecr.plugins.module_utils._local.directory import Directory
from ansible_collections.layerkit.ecr.plugins.module_utils._local.oci_layout import OciLayout
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.descriptor import Descriptor
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import (
    LAYERS,
    OCI_INDEX,
    OCI_MANIFEST,
    as_json,
    blob_name,
    digest_of,
    tar_of,
    write_directory,
)
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LayoutWriter, index_of, oci_layout

Open = t.Callable[[dict[str, bytes]], OciLayout]


@pytest.fixture(params=["directory", "archive"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> t.Iterator[Open]:
    """Open a layout as a directory, and as an archive."""
    with contextlib.ExitStack() as stack:

        def open_files(files: dict[str, bytes]) -> OciLayout:
            if request.param == "directory":
                path = write_directory(tmp_path / "layout", files)
                return OciLayout(stack.enter_context(Directory.opened(str(path), "src 'x'")))
            (tmp_path / "layout.tar").write_bytes(tar_of(files))
            return OciLayout(stack.enter_context(Archive.opened(str(tmp_path / "layout.tar"), "src 'x'")))

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
