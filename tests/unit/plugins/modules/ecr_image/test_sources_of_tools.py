# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sources that tools and users really produce, pushed to the strict server and to moto, where a second push is none."""

from __future__ import annotations

import bz2
import json
import lzma
import shlex
import subprocess
import tarfile
import typing as t
import uuid
from dataclasses import dataclass
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.modules import ecr_image
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import (
    LAYERS,
    REF_NAME,
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
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LayoutWriter, index_of, oci_layout
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import (
    CREDENTIALS,
    ModuleFailedError,
    run_module,
    warnings_of,
)

if t.TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

DOCKER_NAME = "io.containerd.image.name"


@dataclass(frozen=True)
class Repository:
    """A new repository, and a directory for sources."""

    client: ECRClient
    name: str
    directory: Path

    def push(
        self, files: Files, entries: t.Sequence[tarfile.TarInfo] = (), check: bool = False, **options: t.Any
    ) -> dict[str, t.Any]:
        """Push an image of an archive of files and of further entries, which have no content."""
        archive = self.directory / "image.tar"
        archive.write_bytes(tar_of(files, *entries))
        return self.push_path(archive, check, **options)

    def push_path(self, src: Path | str, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        connection = {
            **CREDENTIALS,
            "region": self.client.meta.region_name,
            "endpoint_url": self.client.meta.endpoint_url,
        }
        task = {"repository_name": self.name, "src": str(src), **options}
        return run_module(ecr_image, check=check, connection=connection, **task)

    def pushed(self, files: Files, entries: t.Sequence[tarfile.TarInfo] = (), **options: t.Any) -> dict[str, t.Any]:
        """Push an image as it was predicted, and once more, which changes nothing; return the first result."""
        predicted = self.push(files, entries, check=True, **options)
        first = self.push(files, entries, **options)
        second = self.push(files, entries, **options)
        results = (predicted, first, second)
        assert [result["changed"] for result in results] == [True, True, False]
        assert len({result["image"]["digest"] for result in results}) == 1
        assert len({tuple(warnings_of(result)) for result in results}) == 1
        return first

    def refused(self, files: Files, **options: t.Any) -> str:
        """Return the message of a push that is refused, in check mode too, before anything is sent."""
        messages = set()
        for check in (True, False):
            with pytest.raises(ModuleFailedError) as failed:
                self.push(files, check=check, **options)
            messages.add(failed.value.msg)
        [message] = messages
        assert "Nothing was sent" in message
        assert self.client.list_images(repositoryName=self.name)["imageIds"] == []
        return message

    def manifest(self, digest: str) -> bytes:
        answer = self.client.batch_get_image(repositoryName=self.name, imageIds=[{"imageDigest": digest}])
        return answer["images"][0]["imageManifest"].encode()


@pytest.fixture(params=["strict", "moto"])
def repository(request: pytest.FixtureRequest, ecr: ECRClient, plain_moto: ECRClient, tmp_path: Path) -> Repository:
    client = {"strict": ecr, "moto": plain_moto}[request.param]
    name = f"sources-{uuid.uuid4()}"
    client.create_repository(repositoryName=name)
    return Repository(client, name, tmp_path)


class TestLayoutThatIsAnIndex:
    """Entries of index.json for several platforms, without names or with one name, as apko and paketo write them."""

    @pytest.fixture(params=[None, "1.0"])
    def layout(self, request: pytest.FixtureRequest) -> LayoutWriter:
        layout = LayoutWriter()
        layout.entries = [layout.of_platform("linux/amd64"), layout.of_platform("linux/arm64")]
        if request.param:
            for entry in layout.entries:
                entry["annotations"] = {REF_NAME: request.param}
        return layout

    def test_it_is_pushed_byte_for_byte(self, repository: Repository, layout: LayoutWriter) -> None:
        files = layout.complete()
        result = repository.pushed(files, tags=["1"])
        assert result["image"]["digest"] == digest_of(files["index.json"])
        assert result["image"]["platforms"] == ["linux/amd64", "linux/arm64"]
        assert repository.manifest(result["image"]["digest"]) == files["index.json"]

    def test_one_platform_of_it_is_pushed(self, repository: Repository, layout: LayoutWriter) -> None:
        result = repository.pushed(layout.complete(), tags=["1"], platforms=["linux/aarch64"])
        assert result["image"]["digest"] == layout.entries[1]["digest"]

    def test_a_platform_that_it_lacks_is_named(self, repository: Repository, layout: LayoutWriter) -> None:
        message = repository.refused(layout.complete(), platforms=["linux/s390x"])
        assert "does not contain an image for platform linux/s390x" in message
        assert "linux/amd64, linux/arm64" in message


class TestPlatformsThatWereNotPulled:
    """What ``docker save`` writes of an image of which some platforms are on the host, and nothing but its layout."""

    PLATFORMS = ("linux/amd64", "linux/arm64", "linux/s390x")

    def saved(self, there: t.Sequence[str], saves: bool = True) -> tuple[Files, dict[str, Document]]:
        layout = LayoutWriter()
        entries = {platform: layout.of_platform(platform, platform in there) for platform in self.PLATFORMS}
        if saves:
            layout.save(entries[there[0]], tags=["acme/web:3"])
        layout.add_entry(index_of(*entries.values()))["annotations"] = {DOCKER_NAME: "docker.io/acme/web:3"}
        return layout.complete(), entries

    @pytest.mark.parametrize("saves", [True, False])
    @pytest.mark.parametrize("compress", ["none", "gzip"])
    @pytest.mark.parametrize("image", [None, "acme/web:3"])
    def test_the_only_one_is_pushed_with_a_warning(
        self, repository: Repository, saves: bool, compress: str, image: str | None
    ) -> None:
        files, entries = self.saved(["linux/arm64"], saves)
        result = repository.pushed(files, tags=["3"], compress=compress, image=image)
        digest = entries["linux/arm64"]["digest"]
        assert result["image"]["digest"] == digest
        [warning] = warnings_of(result)
        assert "Missing: linux/amd64, linux/s390x. It contains linux/arm64" in warning
        assert f"linux/arm64 is pushed alone, under its own digest {digest}" in warning
        assert "platforms: [linux/arm64]" in warning

    @pytest.mark.parametrize("saves", [True, False])
    @pytest.mark.parametrize("compress", ["none", "gzip"])
    def test_several_are_a_choice(self, repository: Repository, saves: bool, compress: str) -> None:
        files, entries = self.saved(["linux/amd64", "linux/arm64"], saves)
        message = repository.refused(files, compress=compress)
        assert "Missing: linux/s390x. It contains linux/amd64, linux/arm64" in message
        assert "platforms: [linux/amd64, linux/arm64]" in message
        both = repository.pushed(files, platforms=["linux/amd64", "linux/arm64"], compress=compress)
        assert both["image"]["platforms"] == ["linux/amd64", "linux/arm64"]
        one = repository.push(files, platforms=["linux/amd64"], compress=compress, tags=["1"])
        assert one["image"]["digest"] == entries["linux/amd64"]["digest"]
        assert warnings_of(one) == []

    @pytest.mark.parametrize("saves", [True, False])
    def test_one_that_is_not_there_is_named_with_the_remedy(self, repository: Repository, saves: bool) -> None:
        files, _entries = self.saved(["linux/amd64"], saves)
        message = repository.refused(files, platforms=["linux/arm64"])
        assert "Missing: linux/arm64. It contains linux/amd64" in message
        assert "platforms: [linux/amd64]" in message
        assert "keeps its digest" in message

    def test_the_digest_of_the_index_means_all_of_it(self, repository: Repository) -> None:
        files, _entries = self.saved(["linux/amd64"])
        [root] = json.loads(files["index.json"])["manifests"]
        assert "Missing: linux/arm64, linux/s390x" in repository.refused(files, image=root["digest"])


class TestCompressionOfAnArchiveOfSeveralPlatforms:
    """Its manifest.json knows one of them, and its layers are compressed already."""

    @pytest.fixture
    def layout(self) -> LayoutWriter:
        layout = LayoutWriter()
        images = [layout.of_platform("linux/amd64"), layout.of_platform("linux/arm64")]
        layout.save(images[0], tags=["acme/web:3"])
        layout.add_entry(index_of(*images))["annotations"] = {DOCKER_NAME: "docker.io/acme/web:3"}
        return layout

    @pytest.mark.parametrize("compress", ["none", "gzip"])
    def test_no_platform_is_lost(self, repository: Repository, layout: LayoutWriter, compress: str) -> None:
        result = repository.pushed(layout.complete(), tags=["3"], compress=compress)
        assert result["image"]["digest"] == layout.entries[0]["digest"]
        assert result["image"]["platforms"] == ["linux/amd64", "linux/arm64"]

    @pytest.mark.parametrize("platform", ["linux/amd64", "linux/arm64"])
    def test_each_platform_is_found(self, repository: Repository, layout: LayoutWriter, platform: str) -> None:
        result = repository.pushed(layout.complete(), platforms=[platform], compress="gzip")
        assert result["image"]["platforms"] == [platform]

    @pytest.mark.parametrize("is_index_json", [False, True])
    @pytest.mark.parametrize("name", [None, "3"])
    def test_a_name_that_only_the_docker_archive_has_means_all_platforms(
        self, repository: Repository, layout: LayoutWriter, is_index_json: bool, name: str | None
    ) -> None:
        if is_index_json:
            [index] = layout.entries
            layout.entries = json.loads(layout.files[blob_name(index["digest"])])["manifests"]
        for entry in layout.entries:
            entry["annotations"] = {} if name is None else {REF_NAME: name}
        files = layout.complete()
        config = json.loads(files["manifest.json"])[0]["Config"]
        result = repository.pushed(files, image="acme/web:3")
        assert result["image"]["platforms"] == ["linux/amd64", "linux/arm64"]
        arm = repository.push(files, image="acme/web:3", platforms=["linux/arm64"], tags=["arm"])
        assert arm["image"]["platforms"] == ["linux/arm64"]
        by_id = repository.push(files, image=f"sha256:{config.rpartition('/')[2]}", tags=["id"])
        assert by_id["image"]["platforms"] == ["linux/amd64"]


def test_two_images_and_no_name_are_a_choice(repository: Repository) -> None:
    layout = LayoutWriter()
    one, two = (layout.of_platform("linux/amd64", text=text) for text in ("one", "two"))
    layout.save(one, two)
    layout.entries = [one]
    message = repository.refused(layout.complete())
    assert "contains 2 images" in message
    assert one["digest"] in message
    assert repository.pushed(layout.complete(), image=one["digest"])["image"]["digest"] == one["digest"]


def test_of_more_than_a_thousand_images_one_is_pushed(repository: Repository) -> None:
    layout = LayoutWriter()
    entry = layout.add_entry(layout.manifest(), "wanted")
    for number in range(1000):
        layout.entries.append({**entry, "digest": digest_of(b"%d" % number), "annotations": {REF_NAME: f"i{number}:1"}})
    assert repository.pushed(layout.complete(), image="wanted")["image"]["digest"] == entry["digest"]


@pytest.mark.parametrize("image", ["busybox:latest", "busybox", "docker.io/library/busybox:latest", "latest"])
def test_the_long_name_of_docker_hub_is_found(repository: Repository, image: str) -> None:
    files = docker_archive(tags=["index.docker.io/library/busybox:latest"])
    assert repository.pushed(files, image=image)["changed"]


def test_names_in_lower_case_are_read(repository: Repository) -> None:
    files = docker_archive()
    [entry] = json.loads(files["manifest.json"])
    lower = {name[0].lower() + name[1:]: value for name, value in entry.items()}
    result = repository.pushed({**files, "manifest.json": as_json([lower])}, image="example.org/app:1.0")
    assert len(result["layers"]) == 1 + len(LAYERS)


UNREADABLE_ENTRIES: list[t.Any] = [5, None, "image", [], {}]


@pytest.mark.parametrize("entry", [*UNREADABLE_ENTRIES, {"Config": "a.json", "config": "b.json"}])
@pytest.mark.parametrize("compress", ["none", "gzip"])
def test_an_entry_of_a_docker_archive_that_is_not_chosen_is_not_read(
    repository: Repository, entry: t.Any, compress: str
) -> None:
    files = docker_archive()
    files["manifest.json"] = as_json([entry, *json.loads(files["manifest.json"])])
    assert repository.pushed(files, image="example.org/app:1.0", compress=compress)["changed"]


@pytest.mark.parametrize("entry", UNREADABLE_ENTRIES)
def test_an_entry_of_a_layout_that_is_not_chosen_is_not_read(repository: Repository, entry: t.Any) -> None:
    layout = LayoutWriter()
    layout.add_entry(layout.manifest(), "1.0")
    layout.entries.insert(0, entry)
    assert repository.pushed(layout.complete(), image="1.0")["changed"]


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        (5, "manifest.json[0] must be an object"),
        ({"Config": "a.json", "config": "b.json"}, "manifest.json[0] Config occurs twice, in different case"),
    ],
)
def test_what_is_wrong_with_the_entry_that_is_chosen_is_named(repository: Repository, entry: t.Any, fault: str) -> None:
    assert fault in repository.refused({"manifest.json": as_json([entry])})


@pytest.mark.parametrize("pack", [lzma.compress, bz2.compress], ids=["xz", "bzip2"])
@pytest.mark.parametrize("files", [docker_archive(), oci_layout()], ids=["docker archive", "layout"])
def test_an_archive_can_be_compressed_by_xz_and_bzip2(
    repository: Repository, files: Files, pack: t.Callable[[bytes], bytes]
) -> None:
    plain = repository.pushed(files)
    archive = repository.directory / "packed"
    archive.write_bytes(pack(tar_of(files)))
    packed = repository.push_path(archive)
    assert (packed["changed"], packed["image"]["digest"]) == (False, plain["image"]["digest"])
    repository.client.batch_delete_image(
        repositoryName=repository.name, imageIds=[{"imageDigest": plain["image"]["digest"]}]
    )
    assert repository.push_path(archive)["changed"]


@pytest.mark.parametrize("compress", ["none", "gzip"])
def test_a_layer_can_be_a_hard_link(repository: Repository, compress: str) -> None:
    layer = LAYERS[0]
    files = docker_archive([layer, layer])
    [entry] = json.loads(files["manifest.json"])
    files["manifest.json"] = as_json([{**entry, "Layers": [entry["Layers"][0], "second.tar"]}])
    link = entry_of("second.tar", type=tarfile.LNKTYPE, linkname=entry["Layers"][0])
    result = repository.pushed(files, [link], compress=compress)
    [sent] = [blob["digest"] for blob in result["layers"][1:]]
    assert (sent == digest_of(layer)) is (compress == "none")
    held = json.loads(repository.manifest(result["image"]["digest"]))
    assert [blob["digest"] for blob in held["layers"]] == [sent] * 2


def test_a_layout_without_its_version_is_pushed_with_a_warning(repository: Repository) -> None:
    files = oci_layout()
    del files["oci-layout"]
    [warning] = warnings_of(repository.pushed(files, tags=["1"]))
    assert "oci-layout is missing" in warning


@pytest.mark.parametrize("is_index_json", [False, True])
def test_a_build_cache_is_named(repository: Repository, is_index_json: bool) -> None:
    layout = LayoutWriter()
    cache = [layout.blob(b"layer", "application/vnd.oci.image.layer.v1.tar+gzip")]
    cache.append(layout.blob(b'{"layers":[]}', "application/vnd.buildkit.cacheconfig.v0"))
    if is_index_json:
        layout.entries = cache
    else:
        layout.add_entry(index_of(*cache), "latest")
    choices: list[dict[str, t.Any]] = [
        {},
        {"platforms": ["linux/amd64"]},
        {"image": "latest"},
        {"image": cache[1]["digest"]},
    ]
    for options in choices if is_index_json else choices[:3]:
        message = repository.refused(layout.complete(), **options)
        assert "is a build cache that BuildKit exported, not an image" in message
        assert "docker buildx build" in message


@pytest.mark.parametrize(
    ("src", "words"),
    [
        ("oci:/srv/layout", "Give the path alone: /srv/layout."),
        ("docker.io/library/alpine:3", "docker pull docker.io/library/alpine:3 && docker save --output image.tar"),
    ],
)
def test_a_reference_is_no_source(repository: Repository, src: str, words: str) -> None:
    with pytest.raises(ModuleFailedError) as failed:
        repository.push_path(src)
    assert failed.value.msg.startswith(f"src '{src}' ")
    assert words in failed.value.msg
    assert "Nothing was sent" in failed.value.msg


# What a program or a web page can have in a file index.json.
INDEXES_OF_OTHERS = [None, b"{}", b"<html>", b'{"name": "app", "manifests": []}']


def beside(files: Files, index: bytes | None) -> Files:
    return files if index is None else {**files, "index.json": index}


@pytest.mark.parametrize("index", INDEXES_OF_OTHERS)
def test_the_file_system_of_a_container_is_no_source(repository: Repository, index: bytes | None) -> None:
    message = repository.refused(beside({".dockerenv": b"", "etc/passwd": b"root"}, index))
    assert "is a file system, as docker export writes it" in message
    assert "docker save --output image.tar IMAGE" in message


@pytest.mark.parametrize("index", INDEXES_OF_OTHERS)
def test_a_directory_of_skopeo_is_no_source(repository: Repository, index: bytes | None) -> None:
    layout = LayoutWriter()
    files = {"version": b"Directory Transport Version: 1.1\n", "manifest.json": as_json(layout.manifest())}
    message = repository.refused(beside(files, index))
    assert "was written by skopeo with the transport dir:" in message
    assert "skopeo copy dir:DIRECTORY oci-archive:image.tar" in message


@pytest.mark.parametrize("src", ["{layout}", "{layout}/", ".", "../layout"])
def test_links_of_bazel_are_refused_with_the_command_that_copies_them(
    repository: Repository, src: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = write_directory(repository.directory / "layout", oci_layout())
    blob = next(path for path in (layout / "blobs/sha256").iterdir())
    blob.rename(repository.directory / "outside")
    blob.symlink_to(repository.directory / "outside")
    monkeypatch.chdir(layout)
    with pytest.raises(ModuleFailedError) as failed:
        repository.push_path(src.format(layout=layout))
    command = f"cp -rL {layout} {layout}-copy"
    assert command in failed.value.msg
    subprocess.run(shlex.split(command), check=True)
    assert repository.push_path(f"{layout}-copy")["changed"]
