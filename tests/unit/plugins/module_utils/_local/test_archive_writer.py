# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archives that are written: the same bytes for the same image, complete or not there."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import InvalidInputError, TaskError
from ansible_collections.layerkit.ecr.plugins.module_utils._local import space
from ansible_collections.layerkit.ecr.plugins.module_utils._local.archive_plan import oci_archive
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.descriptor import Descriptor
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.manifest import OCI_MANIFEST, Manifest
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.store import ImageContent, ListedImage
from ansible_collections.layerkit.ecr.tests.unit.support.downloading import (
    BrokenConnectionError,
    Faults,
    download,
    files_in,
    target_of,
)
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import (
    OCI_CONFIG,
    OCI_LAYER,
    as_json,
    blob_name,
    config_of,
    digest_of,
)
from ansible_collections.layerkit.ecr.tests.unit.support.image_reader import read_image
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LAYER_TYPE, LayoutWriter

MIB = 1024 * 1024
PLAIN = (b"first layer " * 1000, os.urandom(6 * MIB + 5))
STORED = tuple(gzip.compress(layer, 1, mtime=0) for layer in PLAIN)
KINDS = ("oci-archive", "docker-archive")


class Sources(t.NamedTuple):
    """A layout with images by name, and their descriptors."""

    path: Path
    images: dict[str, dict[str, t.Any]]


def image_of(layout: LayoutWriter, config_type: str = OCI_CONFIG, **layer: t.Any) -> dict[str, t.Any]:
    """Add an image of two gzip layers; ``layer`` are members of the descriptor of the last one."""
    config = layout.blob(config_of(PLAIN), config_type)
    layers = [layout.blob(content, LAYER_TYPE) for content in STORED]
    layers[-1].update(layer)
    manifest = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": layers}
    return layout.document(manifest, OCI_MANIFEST)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    layout = LayoutWriter(tmp_path_factory.mktemp("source"))
    images = {
        "app": image_of(layout),
        "artifact": image_of(layout, "application/vnd.example.config+json"),
        "zstd": image_of(layout, mediaType=f"{OCI_LAYER}+zstd"),
        "index": layout.index({name: layout.of_platform(name) for name in ("linux/amd64", "linux/arm64")}),
    }
    return Sources(layout.finish(**images), images)


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    return tmp_path / "image.tar"


@pytest.mark.parametrize("kind", KINDS)
def test_archive_is_read_as_the_image(sources: Sources, dest: Path, kind: str) -> None:
    assert download(sources.path, target_of(dest, kind), "app", name="app:1.0").changed
    found = read_image(dest, "app:1.0", compress=False)
    assert set(found.blobs) == {digest_of(config_of(PLAIN)), *map(digest_of, STORED)}
    assert kind == "docker-archive" or found.root.digest == sources.images["app"]["digest"]
    assert [path.name for path in dest.parent.iterdir()] == [dest.name]


@pytest.mark.parametrize("kind", KINDS)
def test_same_image_makes_the_same_bytes(sources: Sources, dest: Path, tmp_path: Path, kind: str) -> None:
    other = tmp_path / "other.tar"
    download(sources.path, target_of(dest, kind), "app", name="app:1.0")
    download(sources.path, target_of(other, kind), "app", name="app:1.0")
    assert dest.read_bytes() == other.read_bytes()
    with tarfile.open(dest) as archive:
        entries = archive.getmembers()
    assert {(entry.mtime, entry.uid, entry.gid, entry.uname, entry.mode) for entry in entries} == {(0, 0, 0, "", 0o644)}
    assert all(entry.isreg() for entry in entries)


@pytest.mark.parametrize("name", ["x" * 246, "x" * 255, "\u00e4" * 127])
def test_name_can_be_as_long_as_the_file_system_allows(sources: Sources, dest: Path, name: str) -> None:
    dest = dest.with_name(name)
    with pytest.raises(BrokenConnectionError):
        download(sources.path, target_of(dest, "oci-archive"), "app", faults=Faults(MIB))
    (partial,) = dest.parent.iterdir()
    assert partial.name.startswith(".")
    assert partial.name.endswith(".partial")
    download(sources.path, target_of(dest, "oci-archive"), "app")
    assert [path.name for path in dest.parent.iterdir()] == [name]


def test_docker_archive_has_the_layers_as_they_are(sources: Sources, dest: Path) -> None:
    download(sources.path, target_of(dest, "docker-archive"), "app", name="example.org/app:1.0")
    with tarfile.open(dest) as archive:
        (entry,) = json.load(t.cast("t.IO[bytes]", archive.extractfile("manifest.json")))
        content = {member.name: t.cast("t.IO[bytes]", archive.extractfile(member)).read() for member in archive}
    assert entry["RepoTags"] == ["example.org/app:1.0"]
    assert content[entry["Config"]] == config_of(PLAIN)
    assert tuple(content[name] for name in entry["Layers"]) == STORED
    assert list(content) == ["manifest.json", entry["Config"], *entry["Layers"]]


@pytest.mark.parametrize("kind", KINDS)
def test_second_run_reads_nothing_and_writes_nothing(sources: Sources, dest: Path, kind: str) -> None:
    download(sources.path, target_of(dest, kind), "app", name="app:1.0")
    before = dest.stat()
    faults = Faults()
    assert not download(sources.path, target_of(dest, kind), "app", name="app:1.0", faults=faults).changed
    assert not faults.asked
    after = dest.stat()
    assert (after.st_ino, after.st_mtime_ns, after.st_ctime_ns) == (
        before.st_ino,
        before.st_mtime_ns,
        before.st_ctime_ns,
    )


@pytest.mark.parametrize("position", [0, 100, 10_000, -MIB, -1])
@pytest.mark.parametrize("kind", KINDS)
def test_archive_with_any_other_byte_is_written_again(sources: Sources, dest: Path, kind: str, position: int) -> None:
    download(sources.path, target_of(dest, kind), "app", name="app:1.0")
    content = dest.read_bytes()
    changed = bytearray(content)
    changed[position] ^= 0xFF
    dest.write_bytes(changed)
    assert download(sources.path, target_of(dest, kind), "app", name="app:1.0").changed
    assert dest.read_bytes() == content


def test_another_name_is_another_archive(sources: Sources, dest: Path) -> None:
    download(sources.path, target_of(dest, "oci-archive"), "app", name="1.0")
    assert download(sources.path, target_of(dest, "oci-archive"), "app", name="1.1").changed
    read_image(dest, "1.1")


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_there_stays_until_the_archive_is_complete(sources: Sources, dest: Path, kind: str) -> None:
    dest.write_bytes(b"what was there")
    dest.chmod(0o640)
    with pytest.raises(BrokenConnectionError):
        download(sources.path, target_of(dest, kind), "app", name="app:1.0", faults=Faults(break_after=4 * MIB))
    assert dest.read_bytes() == b"what was there"
    predicted = download(sources.path, target_of(dest, kind), "app", name="app:1.0", is_dry=True)
    result = download(sources.path, target_of(dest, kind), "app", name="app:1.0")
    assert 0 < result.bytes_fetched <= sum(map(len, STORED)) - 2 * MIB
    assert result.bytes_fetched == predicted.plan.bytes_to_fetch
    read_image(dest, "app:1.0")
    assert dest.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in dest.parent.iterdir()] == [dest.name]


def test_partial_archive_of_another_image_is_begun_again(sources: Sources, dest: Path) -> None:
    with pytest.raises(BrokenConnectionError):
        download(sources.path, target_of(dest, "oci-archive"), "app", faults=Faults(break_after=4 * MIB))
    result = download(sources.path, target_of(dest, "oci-archive"), "artifact")
    assert result.bytes_fetched == sum(step.blob.size for step in result.plan.blobs)
    read_image(dest)


def test_wrong_bytes_get_no_name(sources: Sources, dest: Path) -> None:
    with pytest.raises(TaskError, match="do not have the digest of layer"):
        download(sources.path, target_of(dest, "oci-archive"), "app", faults=Faults(lies={digest_of(STORED[1]): 99}))
    assert not dest.exists()


def test_second_task_is_refused(sources: Sources, dest: Path) -> None:
    first = target_of(dest, "oci-archive")
    content = download(sources.path, first, "app", is_dry=True).plan.content
    refused = pytest.raises(InvalidInputError, match="Another task is writing to dest")
    with first.opened(content, first.survey(content)), refused:
        download(sources.path, target_of(dest, "oci-archive"), "app")


def test_link_to_an_archive_is_followed(sources: Sources, dest: Path, tmp_path: Path) -> None:
    place = tmp_path / "elsewhere/real.tar"
    place.parent.mkdir()
    dest.symlink_to(place)
    download(sources.path, target_of(dest, "oci-archive"), "app")
    assert dest.is_symlink()
    read_image(place)


@pytest.mark.parametrize("kind", KINDS)
def test_directory_is_no_archive(sources: Sources, dest: Path, kind: str) -> None:
    dest.mkdir()
    with pytest.raises(InvalidInputError, match="is a directory, and an archive is a file"):
        download(sources.path, target_of(dest, kind), "app", name="app:1.0")


def test_parent_directory_must_exist(sources: Sources, dest: Path) -> None:
    with pytest.raises(InvalidInputError, match="does not exist on this host"):
        download(sources.path, target_of(dest / "app.tar", "oci-archive"), "app")


def test_space_is_checked_first(sources: Sources, dest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space, "_MARGIN", 10**18)
    with pytest.raises(InvalidInputError, match=r"needs \d+ more bytes"):
        download(sources.path, target_of(dest, "oci-archive"), "app")
    assert not list(dest.parent.iterdir())


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("index", "holds an image for one platform, and this one has several"),
        ("artifact", "has the media type 'application/vnd.example"),
        ("zstd", "uncompressed or compressed with gzip"),
    ],
)
def test_docker_archive_refuses_what_docker_load_cannot_read(
    sources: Sources, dest: Path, image: str, words: str
) -> None:
    with pytest.raises(InvalidInputError, match=words):
        download(sources.path, target_of(dest, "docker-archive"), image, name="app:1.0")
    assert not list(dest.parent.iterdir())


def test_docker_archive_refuses_an_image_with_foreign_layers(tmp_path: Path, dest: Path) -> None:
    layout = LayoutWriter(tmp_path / "source")
    image = image_of(layout, urls=["https://example.org/layer"])
    del layout.files[blob_name(digest_of(STORED[-1]))]
    with pytest.raises(InvalidInputError, match="is hosted at external URLs"):
        download(layout.finish(app=image), target_of(dest, "docker-archive"), "app", name="app:1.0")
    download(layout.path, target_of(dest, "oci-archive"), "app")
    assert digest_of(STORED[-1]) in read_image(dest).foreign


def test_index_goes_into_an_archive_with_all_its_images(sources: Sources, dest: Path) -> None:
    download(sources.path, target_of(dest, "oci-archive"), "index")
    found = read_image(dest)
    assert found.root.digest == sources.images["index"]["digest"]
    assert len(found.children) == 2


def test_layers_larger_than_the_octal_field_have_their_place() -> None:
    huge = Descriptor(LAYER_TYPE, digest_of(b"huge"), 9 * 1024**3)
    manifest = Manifest(as_json({"schemaVersion": 2}), OCI_MANIFEST)
    image = ListedImage(Descriptor(OCI_MANIFEST, manifest.digest, len(manifest.content)), "1.0")
    plan = oci_archive(ImageContent((image,), (manifest,), (huge,)))
    (region,) = plan.regions
    _position, before = plan.between[0]
    header = tarfile.TarInfo.frombuf(before[-512:], "utf-8", "strict")
    assert (header.name, header.size) == (blob_name(huge.digest), huge.size)
    assert plan.size == region.start + huge.size + 1024


def test_archive_unpacks_to_the_layout(sources: Sources, dest: Path, tmp_path: Path) -> None:
    layout = tmp_path / "layout"
    download(sources.path, target_of(dest, "oci-archive"), "app")
    download(sources.path, target_of(layout), "app")
    with tarfile.open(fileobj=io.BytesIO(dest.read_bytes())) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    assert files_in(tmp_path / "unpacked") == files_in(layout)
