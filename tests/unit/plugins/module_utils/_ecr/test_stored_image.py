# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images of a repository as a source."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._ansible.failure import message
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import InvalidInputError, TaskError
from ansible_collections.layerkit.ecr.plugins.module_utils._core.task import Task
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.call import Repository
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.client import EcrClient
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.image_records import StoredImage
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.stored_image import RepositoryReader
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.descriptor import Descriptor
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.image import assemble_image
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.manifest import OCI_MANIFEST
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.platform import Platform
from ansible_collections.layerkit.ecr.tests.strict_ecr.fixtures import ecr_client
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import blob_name
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LayoutWriter
from ansible_collections.layerkit.ecr.tests.unit.support.stored_images import store_image

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.plugins.module_utils._oci.image import Image
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR
    from ansible_collections.layerkit.ecr.tests.unit.support.image_files import Document
    from mypy_boto3_ecr import ECRClient


class ReaderBench:
    """A repository with an image `single` and an index `multi`, and their reader."""

    def __init__(self, ecr: ECRClient, server: StrictECR, repository: str) -> None:
        self.ecr = ecr
        self.control = server.control
        self.repository = repository
        self.layout = LayoutWriter()
        self.single = self.layout.image(b"first", b"second")
        self.children = {
            "linux/amd64": self.layout.image(b"shared", b"amd64"),
            "linux/arm64": self.layout.image(b"shared", b"arm64", platform="linux/arm64"),
        }
        self.multi = self.layout.index(self.children)
        self.control.rules(repository).converts_manifests = True
        store_image(ecr, repository, self.layout, self.single, "single")
        store_image(ecr, repository, self.layout, self.multi, "multi")
        self.control.calls.clear(repository)
        warnings: list[str] = []
        self.task = Task(warnings.append)
        client = EcrClient(ecr_client(server.url), Repository(repository, role="source"), self.task)
        self.reader = RepositoryReader(client, self.task)

    def image(self, name: str, *platforms: str) -> Image:
        wanted = [Platform.parse(platform, "platform") for platform in platforms]
        return assemble_image(self.reader.choose(name, wanted), wanted, self.repository, is_exact=True)

    def content(self, descriptor: Document) -> bytes:
        return self.layout.files[blob_name(descriptor["digest"])]

    def calls(self) -> list[str]:
        calls = self.control.calls.operations(self.repository)
        self.control.calls.clear(self.repository)
        return calls

    def refused(self, name: str) -> str:
        with pytest.raises(TaskError) as caught:
            self.image(name)
        return message(caught.value)


@pytest.fixture
def bench(ecr: ECRClient, strict_ecr: StrictECR, repository: str) -> ReaderBench:
    return ReaderBench(ecr, strict_ecr, repository)


@pytest.mark.parametrize("by", ["tag", "digest"])
def test_an_image_is_read_byte_for_byte_in_one_request(bench: ReaderBench, by: str) -> None:
    image = bench.image("single" if by == "tag" else bench.single["digest"])
    assert image.root.content == bench.content(bench.single)
    assert image.root.digest == bench.single["digest"]
    assert bench.calls() == ["BatchGetImage"]
    for digest, blob in image.blobs.items():
        with image.reader.open(digest) as opened:
            assert opened.read(0, opened.size) == bench.layout.files[blob_name(digest)]
            assert opened.size == blob.size


def test_an_index_is_read_with_its_images_in_two_requests(bench: ReaderBench) -> None:
    image = bench.image("multi")
    assert [manifest.content for manifest in image.manifests] == [
        *map(bench.content, bench.children.values()),
        bench.content(bench.multi),
    ]
    assert [str(platform) for platform in image.platforms] == ["linux/amd64", "linux/arm64"]
    assert bench.calls() == ["BatchGetImage", "BatchGetImage"]


def test_one_platform_is_the_image_alone(bench: ReaderBench) -> None:
    image = bench.image("multi", "linux/arm64")
    assert (image.root.digest, image.children) == (bench.children["linux/arm64"]["digest"], ())


def test_the_platform_of_a_single_image_is_read_only_if_it_matters(bench: ReaderBench) -> None:
    assert bench.image("single").platforms == ()
    assert "GetDownloadUrlForLayer" not in bench.calls()
    assert [str(platform) for platform in bench.image("single", "linux/amd64").platforms] == ["linux/amd64"]
    with pytest.raises(TaskError, match="does not contain an image for platform linux/arm64"):
        bench.image("single", "linux/arm64")


def test_foreign_layers_are_left_out(bench: ReaderBench, ecr: ECRClient) -> None:
    foreign = bench.layout.blob(b"hosted elsewhere", urls=["https://example.org/layer"])
    own = bench.layout.blob(b"own")
    store_image(ecr, bench.repository, bench.layout, bench.layout.image(own, foreign), "foreign")
    image = bench.image("foreign")
    assert image.foreign == {foreign["digest"]}
    assert image.reader.size(own["digest"]) == 3


@pytest.mark.parametrize("name", ["absent", "sha256:" + "0" * 64])
def test_an_absent_image_is_named_with_its_repository(bench: ReaderBench, name: str) -> None:
    words = bench.refused(name)
    assert f"source repository {bench.repository} does not contain image '{name}'. Nothing was sent." in words


@pytest.mark.parametrize("failure", ["ImageNotFound", "ImageInaccessible"])
@pytest.mark.parametrize("by", ["tag", "digest"])
def test_an_archived_image_is_explained(bench: ReaderBench, failure: t.Any, by: str) -> None:
    bench.control.rules(bench.repository).archived_failure = failure
    bench.control.set_image_status(bench.repository, bench.single["digest"], "ARCHIVED")
    words = bench.refused("single" if by == "tag" else bench.single["digest"])
    assert "The image is archived." in words
    assert f"source repository {bench.repository}" in words


@pytest.mark.parametrize("failure", ["ImageNotFound", "ImageInaccessible"])
def test_an_archived_child_is_explained(bench: ReaderBench, failure: t.Any) -> None:
    bench.control.rules(bench.repository).archived_failure = failure
    child = bench.children["linux/arm64"]["digest"]
    bench.control.set_image_status(bench.repository, child, "ARCHIVED")
    words = bench.refused("multi")
    assert "The image is archived." in words
    assert child in words
    assert bench.image("multi", "linux/amd64").root.digest == bench.children["linux/amd64"]["digest"]


def test_a_manifest_that_was_changed_on_the_way_is_refused(bench: ReaderBench, monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.layerkit.ecr.plugins.module_utils._ecr import images

    # Amazon ECR converts a manifest whose type it is not told to be accepted.
    monkeypatch.setattr(images, "_ACCEPTED_MEDIA_TYPES", ["application/vnd.oci.artifact.manifest.v1+json"])
    monkeypatch.setattr(
        "ansible_collections.layerkit.ecr.tests.strict_ecr.models._digest_of", lambda _text: bench.single["digest"]
    )
    assert "returned another manifest" in bench.refused("single")


def test_manifests_of_another_repository_save_a_request(bench: ReaderBench) -> None:
    source = bench.reader.choose("multi")
    assert source.children == [child["digest"] for child in bench.children.values()]
    known = bench.reader._images.get(source.children)
    bench.calls()
    source.learn(known.by_digest.values())
    assert len(assemble_image(source, (), "it", is_exact=True).children) == 2
    assert bench.calls() == []


def test_manifest_of_another_size_than_the_index_states_is_refused(bench: ReaderBench) -> None:
    image = bench.reader.choose("single")
    stated = Descriptor(OCI_MANIFEST, bench.single["digest"], bench.single["size"] + 1)
    with pytest.raises(InvalidInputError, match=f"its descriptor states {bench.single['size'] + 1}"):
        image.manifest(stated)


def test_manifests_of_others_are_used_only_if_they_are_what_their_digests_name(bench: ReaderBench) -> None:
    image = bench.reader.choose("multi")
    child = bench.children["linux/amd64"]
    image.learn([StoredImage(child["digest"], "{}", OCI_MANIFEST)])
    found = Descriptor(OCI_MANIFEST, child["digest"], child["size"])
    assert image.manifest(found) == bench.content(child)
