# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images of a docker archive, and the manifests that are made of them."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import tarfile
import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core import task as _task
from ansible_collections.layerkit.ecr.plugins.module_utils._core.blob import Blob
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import InvalidInputError, TaskStoppedError
from ansible_collections.layerkit.ecr.plugins.module_utils._core.task import Task
from ansible_collections.layerkit.ecr.plugins.module_utils._core.text import MIB
from ansible_collections.layerkit.ecr.plugins.module_utils._local import docker_archive as _docker_archive
from ansible_collections.layerkit.ecr.plugins.module_utils._local.archive import Archive
from ansible_collections.layerkit.ecr.plugins.module_utils._local.compression import compressed
from ansible_collections.layerkit.ecr.plugins.module_utils._local.docker_archive import (
    DockerArchive,
    DockerDraft,
    DockerImage,
)
from ansible_collections.layerkit.ecr.plugins.module_utils._local.spool import Spool
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.platform import Platform
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.reference import AmbiguousImageError, NoSuchImageError
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.store import LayerFollower
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import (
    LAYERS,
    Files,
    as_json,
    config_of,
    digest_of,
    docker_archive,
    entry_of,
    tar_of,
)
from ansible_collections.layerkit.ecr.tests.unit.support.image_reader import digest_by_parts

TAR = "application/vnd.docker.image.rootfs.diff.tar"
GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip"
LARGE = bytes(range(251)) * 100_000

Open = t.Callable[..., DockerArchive]


@pytest.fixture
def opened(tmp_path: Path) -> t.Iterator[Open]:
    """Open files as a docker archive."""
    with contextlib.ExitStack() as stack:

        def open_files(
            files: Files, compress: bool = False, packed: t.Callable[[bytes], bytes] = bytes
        ) -> DockerArchive:
            path = tmp_path / f"{len(list(tmp_path.iterdir()))}.tar"
            path.write_bytes(packed(tar_of(files)))
            return DockerArchive(
                stack.enter_context(Archive.opened(str(path), "src 'x'")),
                compress,
                2,
                Task(print),
                stack.enter_context(Spool()),
            )

        yield open_files


def settled(archive: DockerArchive, image: str | None = None) -> DockerImage:
    """Return an image with its final manifest."""
    found = archive.choose(image)
    return found.settled(LayerFollower(), {}) if isinstance(found, DockerDraft) else found


def manifest_of(archive: DockerArchive, image: str | None = None) -> dict[str, t.Any]:
    """Return the manifest of an image after a check of its blobs."""
    return manifest_of_image(settled(archive, image))


def manifest_of_image(image: DockerImage) -> dict[str, t.Any]:
    content = image.manifest(image.root)
    assert (image.root.digest, image.root.size) == (digest_of(content), len(content))
    manifest: dict[str, t.Any] = json.loads(content)
    assert manifest["mediaType"] == image.root.media_type == "application/vnd.docker.distribution.manifest.v2+json"
    for blob in (manifest["config"], *manifest["layers"]):
        with image.open(blob["digest"]) as opened:
            assert blob["size"] == opened.size == image.size(blob["digest"])
            assert digest_by_parts(opened) == blob["digest"]
            opened.check_unchanged()
    return manifest


def unpacked(image: DockerImage, layer: dict[str, t.Any]) -> bytes:
    with image.open(layer["digest"]) as blob:
        return gzip.decompress(b"".join(blob.chunks(0, blob.size)))


def test_layers_are_described_as_they_are(opened: Open) -> None:
    manifest = manifest_of(opened(docker_archive()))
    assert manifest["schemaVersion"] == 2
    assert manifest["config"] == {
        "mediaType": "application/vnd.docker.container.image.v1+json",
        "size": len(config_of(LAYERS)),
        "digest": digest_of(config_of(LAYERS)),
    }
    assert manifest["layers"] == [
        {"mediaType": TAR, "size": len(layer), "digest": digest_of(layer)} for layer in LAYERS
    ]


@pytest.mark.parametrize("compress", [False, True])
def test_the_manifest_is_the_same_every_time(opened: Open, compress: bool) -> None:
    files = docker_archive((*LAYERS, LARGE))
    packings: list[t.Callable[[bytes], bytes]] = [bytes, bytes, gzip.compress]
    images = [settled(opened(files, compress, packed)) for packed in packings]
    assert len({image.manifest(image.root) for image in images}) == 1


def test_layers_are_compressed_while_they_are_sent(opened: Open) -> None:
    image = settled(opened(docker_archive((*LAYERS, LARGE)), compress=True))
    layers = manifest_of_image(image)["layers"]
    assert [layer["mediaType"] for layer in layers] == [GZIP] * 3
    assert [unpacked(image, layer) for layer in layers] == [*LAYERS, LARGE]
    with image.open(layers[0]["digest"]) as blob:
        # RFC 1952: deflate, no name, no time.
        assert blob.read(0, 8) == b"\x1f\x8b\x08\0\0\0\0\0"


@pytest.mark.parametrize("packed", [bytes, gzip.compress])
@pytest.mark.parametrize("compress", [False, True])
def test_compressed_layers_stay_as_they_are(opened: Open, compress: bool, packed: t.Callable[[bytes], bytes]) -> None:
    stored = [gzip.compress(layer, mtime=1) for layer in (*LAYERS, LARGE)]
    layers = manifest_of(opened(docker_archive((*LAYERS, LARGE), stored=stored), compress, packed))["layers"]
    assert layers == [{"mediaType": GZIP, "size": len(layer), "digest": digest_of(layer)} for layer in stored]


def test_a_damaged_layer_is_seen_when_it_is_read(opened: Open) -> None:
    archive = opened(docker_archive(stored=(LAYERS[0], LAYERS[1][:-1] + b"x")))
    with settled(archive).open(digest_of(LAYERS[1])) as blob:
        assert blob.digest() != digest_of(LAYERS[1])


def test_a_damaged_layer_is_seen_before_it_is_compressed(opened: Open) -> None:
    archive = opened(docker_archive(stored=(LAYERS[0], LAYERS[1][:-1] + b"x")), compress=True)
    with pytest.raises(
        InvalidInputError, match=f"is damaged or .*: its uncompressed content is not {digest_of(LAYERS[1])}"
    ):
        settled(archive)


def test_a_draft_reads_no_layer(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = (LAYERS[0], gzip.compress(LAYERS[1]), LARGE)
    archive = opened(docker_archive((*LAYERS, LARGE), stored=stored), compress=True)
    read: list[str] = []
    open_file = Archive.open

    def recorded(self: Archive, name: str) -> contextlib.AbstractContextManager[Blob]:
        read.append(name)
        return open_file(self, name)

    monkeypatch.setattr(Archive, "open", recorded)
    draft = archive.choose(None)
    assert isinstance(draft, DockerDraft)
    assert [name for name in read if name.endswith("layer.tar")] == []
    manifest = json.loads(draft.manifest(draft.root))
    # What it says of the layers holds for those that are not compressed.
    assert manifest["layers"] == [
        {"mediaType": media_type, "size": len(content), "digest": digest_of(layer)}
        for media_type, content, layer in zip((TAR, GZIP, TAR), stored, (*LAYERS, LARGE), strict=True)
    ]
    final = manifest_of_image(draft.settled(LayerFollower(), {}))
    assert final["config"] == manifest["config"]
    assert [layer["mediaType"] for layer in final["layers"]] == [GZIP] * 3


def with_a_second_name(second: bytes) -> Files:
    """Return an archive whose layers are one by the configuration, and two files."""
    files = docker_archive([LAYERS[0]] * 2)
    [entry] = json.loads(files["manifest.json"])
    names = [entry["Layers"][0], "second/layer.tar"]
    return {**files, names[1]: second, "manifest.json": as_json([{**entry, "Layers": names}])}


def test_a_layer_under_two_names_is_compressed_once(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    compressions: list[t.Iterable[bytes]] = []

    def counted(chunks: t.Iterable[bytes]) -> t.Iterator[bytes]:
        compressions.append(chunks)
        return compressed(chunks)

    monkeypatch.setattr(_docker_archive, "compressed", counted)
    image = settled(opened(with_a_second_name(LAYERS[0]), compress=True))
    assert len(compressions) == 1
    first, second = manifest_of_image(image)["layers"]
    assert first == second
    assert unpacked(image, first) == LAYERS[0]


def test_every_file_of_a_layer_is_checked(opened: Open) -> None:
    archive = opened(with_a_second_name(LAYERS[0][:-1] + b"x"), compress=True)
    with pytest.raises(InvalidInputError, match=r"second/layer\.tar is damaged or belongs to another image"):
        settled(archive)


class EndlessBlob(Blob):
    """Many zeros after the first bytes; ``read_up_to`` is how far it was read."""

    def __init__(self, head: bytes) -> None:
        super().__init__("endless", 1024 * MIB)
        self._head = head
        self.read_up_to = 0

    def read(self, position: int, size: int) -> bytes:
        self.read_up_to = max(self.read_up_to, position + size)
        return bytes(size) if position else self._head.ljust(size, b"\0")

    def check_unchanged(self) -> None:
        raise NotImplementedError


@pytest.fixture(params=[b"", b"\x1f\x8b"], ids=["compressed here", "gzip"])
def endless(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> EndlessBlob:
    """Replace the second layer by one that takes long to read."""
    blob = EndlessBlob(request.param)
    name = f"{digest_of(LAYERS[1])[7:]}/layer.tar"
    head, open_file = Archive.head, Archive.open
    monkeypatch.setattr(Archive, "head", lambda self, file: blob.read(0, 10) if file == name else head(self, file))
    monkeypatch.setattr(
        Archive, "open", lambda self, file: contextlib.nullcontext(blob) if file == name else open_file(self, file)
    )
    return blob


def test_a_damaged_layer_stops_the_others(opened: Open, endless: EndlessBlob) -> None:
    damaged = gzip.compress(b"damaged")
    archive = opened(docker_archive((LAYERS[1], LAYERS[0]), stored=(b"", damaged)), compress=True)
    with pytest.raises(InvalidInputError, match=f"{digest_of(LAYERS[0])[7:]}/layer.tar is damaged"):
        settled(archive)
    assert endless.read_up_to < endless.size


def test_layers_are_read_while_ansible_waits(
    opened: Open, endless: EndlessBlob, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = opened(docker_archive(), compress=True)
    monkeypatch.setattr(_task, "is_waited_for", lambda: endless.read_up_to < 5 * MIB)
    with pytest.raises(TaskStoppedError, match="its timeout expired"):
        settled(archive)
    assert endless.read_up_to == 5 * MIB


def test_a_layer_can_be_there_twice(opened: Open) -> None:
    layers = (LAYERS[0], LAYERS[1], LAYERS[0])
    assert [layer["digest"] for layer in manifest_of(opened(docker_archive(layers)))["layers"]] == list(
        map(digest_of, layers)
    )


def test_the_platform_is_that_of_the_configuration(opened: Open) -> None:
    config = config_of(LAYERS, architecture="arm64", variant="v8")
    files = docker_archive()
    [entry] = json.loads(files["manifest.json"])
    files.update({"config.json": config, "manifest.json": as_json([{**entry, "Config": "config.json"}])})
    assert settled(opened(files)).root.platform == Platform("linux", "arm64", "v8")


def test_one_of_several_images_is_chosen(opened: Open) -> None:
    first = docker_archive((LAYERS[0],), ("example.org/app:1.0", "alpine:3"))
    second = docker_archive((LAYERS[1],), None)
    entries = [json.loads(files["manifest.json"])[0] for files in (first, second)]
    archive = opened({**first, **second, "manifest.json": as_json(entries)})
    ids = [digest_of(config_of((layer,))) for layer in LAYERS]
    for image in ("example.org/app:1.0", "1.0", "alpine:3", "docker.io/library/alpine:3", ids[0], ids[0][7:19]):
        assert manifest_of(archive, image)["config"]["digest"] == ids[0]
    assert manifest_of(archive, ids[1])["config"]["digest"] == ids[1]
    with pytest.raises(AmbiguousImageError, match="contains 2 images") as error:
        settled(archive)
    assert error.value.remedy == (
        f"Choose one of these: 'example.org/app:1.0', 'alpine:3' ({ids[0]}, linux/amd64); {ids[1]} (linux/amd64)"
    )


@pytest.mark.parametrize("most", [32 * MIB, 1000], ids=["all are read", "few are read"])
def test_of_more_than_a_thousand_images_one_is_chosen(opened: Open, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(_docker_archive, "_MAX_SEARCHED", most)
    files = docker_archive()
    (entry,) = json.loads(files["manifest.json"])
    entries = []
    for number in range(1201):
        config = config_of(LAYERS, created=str(number))
        name = f"{digest_of(config)[7:]}.json"
        files[name] = config
        entries.append({**entry, "Config": name, "RepoTags": [f"app:{number}"]})
    archive = opened({**files, "manifest.json": as_json(entries)})
    for image in ("app:1200", digest_of(config)):
        assert manifest_of(archive, image)["config"]["digest"] == digest_of(config)
    with pytest.raises(AmbiguousImageError, match="contains 1201 images"):
        archive.choose(None)


@pytest.mark.parametrize("names", [(None, None), (("app:3",), ("app:3", "app:latest"))], ids=["no names", "one name"])
def test_the_platform_decides_between_images_of_one_name(
    opened: Open, names: tuple[t.Sequence[str] | None, ...]
) -> None:
    archive = opened(of_platforms(dict(zip(("amd64", "arm64"), names, strict=True))))
    amd64, arm64 = (Platform("linux", name) for name in ("amd64", "arm64"))
    for platform in (amd64, arm64):
        assert archive.choose(None, [platform]).root.platform == platform
    for platforms in ([], [amd64, arm64]):
        with pytest.raises(AmbiguousImageError, match="contains 2 images"):
            archive.choose(None, platforms)
    with pytest.raises(NoSuchImageError, match="does not contain an image for platform linux/s390x") as error:
        archive.choose(None, [Platform("linux", "s390x")])
    assert error.value.remedy == "It contains: linux/amd64, linux/arm64"


def test_the_platform_does_not_decide_between_images_of_different_names(opened: Open) -> None:
    archive = opened(of_platforms({"amd64": ("app:3",), "arm64": ("db:3",)}))
    with pytest.raises(AmbiguousImageError, match="contains 2 images"):
        archive.choose(None, [Platform("linux", "arm64")])


def of_platforms(names: t.Mapping[str, t.Sequence[str] | None]) -> Files:
    """Return a docker archive with an image for each architecture, and the names of it."""
    files = {f"{name}.json": config_of((), architecture=name) for name in names}
    entries = [{"Config": f"{name}.json", "RepoTags": tags, "Layers": []} for name, tags in names.items()]
    return {**files, "manifest.json": as_json(entries)}


def test_layers_can_be_links(tmp_path: Path) -> None:
    """As docker before version 25 and skopeo write them."""
    files = docker_archive()
    [entry] = json.loads(files["manifest.json"])
    files["manifest.json"] = as_json([{**entry, "Layers": ["a/layer.tar", "b/layer.tar"]}])
    links = [
        entry_of(f"{name}/layer.tar", type=tarfile.SYMTYPE, linkname=f"../{target}")
        for name, target in zip("ab", entry["Layers"], strict=True)
    ]
    (tmp_path / "image.tar").write_bytes(tar_of(files, *links))
    with Archive.opened(str(tmp_path / "image.tar"), "src 'x'") as archive:
        layers = manifest_of(DockerArchive(archive, False, 1, Task(print), Spool()))["layers"]
    assert [layer["digest"] for layer in layers] == list(map(digest_of, LAYERS))


@pytest.mark.parametrize("name", ["{}.json", "sha256:{}", "blobs/sha256/{}"])
def test_a_name_that_states_a_digest_is_checked(opened: Open, name: str) -> None:
    files = docker_archive()
    [entry] = json.loads(files["manifest.json"])
    for stated, is_right in ((hashlib.sha256(config_of(LAYERS)).hexdigest(), True), ("a" * 64, False)):
        config = name.format(stated)
        changed = {**files, config: config_of(LAYERS), "manifest.json": as_json([{**entry, "Config": config}])}
        archive = opened(changed)
        if is_right:
            assert manifest_of(archive)["config"]["digest"] == f"sha256:{stated}"
        else:
            with pytest.raises(InvalidInputError, match=f"{config} is damaged or belongs to another image"):
                settled(archive)


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("layers", [(), (b"",), (b"", *LAYERS)])
def test_there_can_be_no_layers_and_empty_layers(opened: Open, layers: tuple[bytes, ...], compress: bool) -> None:
    assert len(manifest_of(opened(docker_archive(layers), compress))["layers"]) == len(layers)
