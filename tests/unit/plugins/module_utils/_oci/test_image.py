# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An image, assembled from any reader: platforms, blobs, and what cannot be an image."""

from __future__ import annotations

import contextlib
import json
import re
import typing as t

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.blob import Blob
from ansible_collections.layerkit.ecr.plugins.module_utils._core.digest import sha256_of
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import InvalidInputError
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.descriptor import Descriptor
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.image import (
    Image,
    PartialImageError,
    assemble_image,
)
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.platform import Platform
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.reference import AmbiguousImageError, NoSuchImageError
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.store import COPY_AGAIN, SourceImage
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import (
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER,
    OCI_MANIFEST,
    Document,
    as_json,
)

NAME = "src 'x'"
ABSENT = "sha256:" + "a" * 64


def members_of(platform: str) -> Document:
    return dict(zip(("os", "architecture", "variant"), platform.split("/"), strict=False))


class BytesBlob(Blob):
    """Bytes in memory."""

    def __init__(self, content: bytes) -> None:
        super().__init__("bytes", len(content))
        self._content = content

    def read(self, position: int, size: int) -> bytes:
        return self._content[position : position + size]

    def check_unchanged(self) -> None:
        raise NotImplementedError


class Store(SourceImage):
    """An image in memory; ``root`` is set by ``image`` and ``index``. ``opened`` are the digests of opened blobs."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}
        self.opened: list[str] = []

    def manifest(self, descriptor: Descriptor) -> bytes:
        return self.content[descriptor.digest]

    def size(self, digest: str) -> int | None:
        return len(self.content[digest]) if digest in self.content else None

    def open(self, digest: str) -> contextlib.AbstractContextManager[Blob]:
        self.opened.append(digest)
        return contextlib.nullcontext(BytesBlob(self.content[digest]))

    def add(self, content: bytes, media_type: str = OCI_LAYER, **members: t.Any) -> Document:
        digest = sha256_of([content])
        self.content[digest] = content
        return {"mediaType": media_type, "digest": digest, "size": len(content), **members}

    def config(self, platform: str) -> Document:
        return self.add(
            as_json(dict(zip(("os", "architecture", "variant"), platform.split("/"), strict=False))), OCI_CONFIG
        )

    def image(self, *layers: Document, platform: str = "linux/amd64", **members: t.Any) -> Document:
        manifest = {"schemaVersion": 2, "config": self.config(platform), "layers": layers, **members}
        return self._rooted(self.add(as_json(manifest), OCI_MANIFEST))

    def index(self, *images: Document, **members: t.Any) -> Document:
        return self._rooted(self.add(as_json({"schemaVersion": 2, "manifests": images, **members}), OCI_INDEX))

    def _rooted(self, entry: Document) -> Document:
        self.root = Descriptor(entry["mediaType"], entry["digest"], entry["size"])
        return entry

    def assemble(self, *platforms: str, is_exact: bool = False) -> Image:
        wanted = [Platform.parse(platform, "platforms") for platform in platforms]
        return assemble_image(self, wanted, NAME, is_exact)


@pytest.fixture
def store() -> Store:
    return Store()


def of_platforms(store: Store, *platforms: str, is_stated: bool = True) -> dict[str, Document]:
    """Make an index with an image for each platform, and return the entries."""
    entries = {}
    for platform in platforms:
        image = store.image(store.add(platform.encode()), platform=platform)
        entries[platform] = {**image, "platform": members_of(platform)} if is_stated else image
    store.index(*entries.values())
    return entries


def test_an_image_is_its_manifest_and_its_blobs(store: Store) -> None:
    layer = store.add(b"layer")
    entry = store.image(layer, layer)
    image = store.assemble()
    assert image.reader is store
    assert (image.root.digest, image.children, image.manifests) == (entry["digest"], (), (image.root,))
    assert list(image.blobs) == [store.config("linux/amd64")["digest"], layer["digest"]]
    assert image.platforms == (Platform("linux", "amd64"),)
    assert image.platform_of(image.root) == Platform("linux", "amd64")
    assert image.foreign == frozenset()


def test_there_can_be_no_layers_and_empty_layers(store: Store) -> None:
    """Whether a registry accepts them is for the registry to say."""
    store.image()
    assert len(store.assemble().blobs) == 1
    store.image(store.add(b""), config=store.add(b"", "application/vnd.example"))
    assert [blob.size for blob in store.assemble().blobs.values()] == [0]


@pytest.mark.parametrize("is_stated", [True, False])
def test_an_index_is_all_of_its_images(store: Store, is_stated: bool) -> None:
    entries = of_platforms(store, "linux/amd64", "linux/arm64/v8", "unknown/unknown", is_stated=is_stated)
    image = store.assemble()
    assert image.root.content == store.content[store.root.digest]
    assert [child.digest for child in image.children] == [entry["digest"] for entry in entries.values()]
    assert image.manifests == (*image.children, image.root)
    assert image.platforms == (Platform("linux", "amd64"), Platform("linux", "arm64", "v8"))
    assert image.platform_of(image.root) is None
    assert len(image.blobs) == 6


def test_one_platform_is_an_image_alone(store: Store) -> None:
    entries = of_platforms(store, "linux/amd64", "linux/arm64/v8")
    image = store.assemble("linux/arm64")
    assert (image.root.digest, image.children) == (entries["linux/arm64/v8"]["digest"], ())
    assert image.platforms == (Platform("linux", "arm64", "v8"),)


def test_several_platforms_are_a_smaller_index(store: Store) -> None:
    entries = of_platforms(store, "linux/amd64", "linux/arm64/v8", "windows/amd64")
    image = store.assemble("windows/amd64", "linux/amd64")
    assert [entry.digest for entry in image.root.images] == [
        entries[platform]["digest"] for platform in ("linux/amd64", "windows/amd64")
    ]
    assert image.root.digest != store.root.digest
    assert len(image.children) == 2


def test_only_the_images_of_the_platforms_must_be_there(store: Store) -> None:
    entries = of_platforms(store, "linux/amd64", "linux/arm64/v8")
    del store.content[entries["linux/arm64/v8"]["digest"]]
    assert store.assemble("linux/amd64").platforms == (Platform("linux", "amd64"),)


def test_a_platform_that_is_missing_is_reported(store: Store) -> None:
    of_platforms(store, "linux/arm64/v8", "linux/amd64", "unknown/unknown")
    with pytest.raises(NoSuchImageError) as error:
        store.assemble("linux/amd64", "linux/s390x")
    assert error.value.problem == "src 'x' does not contain an image for platform linux/s390x"
    assert error.value.remedy == "It contains: linux/amd64, linux/arm64/v8"


def test_a_single_image_must_be_of_the_platform(store: Store) -> None:
    store.image(store.add(b"layer"))
    assert store.assemble("linux/amd64").platforms
    with pytest.raises(NoSuchImageError, match=r"does not contain an image for platform linux/arm64$") as error:
        store.assemble("linux/arm64")
    assert error.value.remedy == "It contains: linux/amd64"


def test_an_artifact_has_no_platform(store: Store) -> None:
    store.image(store.add(b"layer"), config=store.add(b"{}", "application/vnd.oci.empty.v1+json"))
    assert store.assemble().platforms == ()
    assert store.opened == []
    with pytest.raises(NoSuchImageError) as error:
        store.assemble("linux/amd64")
    assert error.value.remedy is None


def test_two_images_of_one_platform_are_a_choice(store: Store) -> None:
    first, second = (
        {**store.image(store.add(name)), "platform": {"os": "linux", "architecture": "amd64"}}
        for name in (b"first", b"second")
    )
    store.index(first, second)
    with pytest.raises(AmbiguousImageError) as error:
        store.assemble("linux/amd64")
    assert error.value.problem == "src 'x' contains 2 images for platform linux/amd64"
    assert error.value.remedy == (
        "Name the variant, or choose one of these by its digest: "
        f"{first['digest']} (linux/amd64), {second['digest']} (linux/amd64)"
    )
    assert len(store.assemble().children) == 2


def test_an_attestation_that_is_missing_is_named(store: Store) -> None:
    entries = of_platforms(store, "linux/amd64", "unknown/unknown")
    del store.content[entries["unknown/unknown"]["digest"]]
    image = store.assemble()
    assert image.root.digest == entries["linux/amd64"]["digest"]
    assert image.missing == (f"attestation {entries['unknown/unknown']['digest']}",)


def test_an_image_without_one_of_its_blobs_is_missing(store: Store) -> None:
    entries = of_platforms(store, "linux/amd64", "linux/arm64/v8", "linux/s390x")
    layer = sha256_of([b"linux/arm64/v8"])
    del store.content[layer]
    lacking = f"linux/arm64/v8 (its blob {layer} is missing)"
    with pytest.raises(PartialImageError) as error:
        store.assemble()
    assert error.value.missing == (lacking,)
    assert tuple(map(str, error.value.complete)) == ("linux/amd64", "linux/s390x")
    del store.content[entries["linux/s390x"]["digest"]]
    image = store.assemble()
    assert (image.root.digest, image.missing) == (entries["linux/amd64"]["digest"], (lacking, "linux/s390x"))


def test_an_index_whose_digest_was_asked_for_must_be_whole(store: Store) -> None:
    entries = of_platforms(store, "linux/amd64", "linux/arm64/v8")
    assert len(store.assemble(is_exact=True).children) == 2
    del store.content[entries["linux/arm64/v8"]["digest"]]
    assert store.assemble().root.digest == entries["linux/amd64"]["digest"]
    with pytest.raises(PartialImageError) as error:
        store.assemble(is_exact=True)
    assert error.value.missing == ("linux/arm64/v8",)


def test_an_image_without_its_configuration_is_missing(store: Store) -> None:
    entries = of_platforms(store, "linux/amd64", "linux/arm64/v8", is_stated=False)
    config = json.loads(store.content[entries["linux/arm64/v8"]["digest"]])["config"]["digest"]
    del store.content[config]
    image = store.assemble()
    missing = (f"{entries['linux/arm64/v8']['digest']} (its blob {config} is missing)",)
    assert (image.root.digest, image.missing) == (entries["linux/amd64"]["digest"], missing)


def test_what_is_wrong_with_other_images_of_an_index_does_not_matter(store: Store) -> None:
    wanted = {**store.image(store.add(b"layer")), "platform": {"os": "linux", "architecture": "amd64"}}
    others: list[Document] = [
        {"mediaType": OCI_MANIFEST, "digest": "sha512:" + "a" * 128, "size": 1, "platform": members_of("linux/arm64")},
        {"mediaType": None, "digest": ABSENT, "size": 1, "platform": members_of("linux/s390x")},
        {"mediaType": OCI_INDEX, "digest": ABSENT, "size": 1},
        {"mediaType": "text/plain", "digest": ABSENT, "size": -1},
        {},
    ]
    store.index(*others, wanted)
    assert store.assemble("linux/amd64").root.digest == wanted["digest"]
    for platform, rule in (("linux/arm64", "digest 'sha512:"), ("linux/s390x", "mediaType is missing")):
        with pytest.raises(InvalidInputError, match=rule):
            store.assemble(platform)
    with pytest.raises(InvalidInputError, match="digest 'sha512:"):
        store.assemble()


def test_layers_that_are_hosted_elsewhere_are_foreign(store: Store) -> None:
    foreign = {"mediaType": OCI_LAYER, "digest": ABSENT, "size": 5, "urls": ["https://example.org/layer"]}
    here = {**store.add(b"layer"), "urls": ["https://example.org/other"]}
    store.image(foreign, here)
    assert store.assemble().foreign == {ABSENT}


@pytest.mark.parametrize(
    ("blob", "change", "problem"),
    [
        ("layer", {"digest": ABSENT}, f"blob {ABSENT} is missing"),
        ("config", {"digest": ABSENT, "urls": ["https://example.org/config"]}, f"blob {ABSENT} is missing"),
        ("layer", {"size": 4}, "blob sha256:[a-f0-9]{64} is 5 bytes; its descriptor states 4"),
        ("config", {"size": 4}, "blob sha256:[a-f0-9]{64} is 40 bytes; its descriptor states 4"),
    ],
)
def test_a_blob_that_is_missing_or_cut_is_reported(store: Store, blob: str, change: Document, problem: str) -> None:
    blobs = {"layer": store.add(b"layer"), "config": store.config("linux/amd64")}
    blobs[blob].update(change)
    store.image(blobs["layer"], config=blobs["config"])
    with pytest.raises(InvalidInputError) as error:
        store.assemble()
    assert re.fullmatch(f"src 'x': {problem}", error.value.problem)
    assert error.value.remedy == COPY_AGAIN


def test_a_damaged_configuration_is_reported(store: Store) -> None:
    store.image(store.add(b"layer"))
    digest = store.config("linux/amd64")["digest"]
    store.content[digest] = store.content[digest].replace(b"linux", b"linus")
    with pytest.raises(InvalidInputError, match="is damaged: its content does not match its digest") as error:
        store.assemble()
    assert error.value.remedy == COPY_AGAIN


def test_a_large_configuration_is_not_read(store: Store) -> None:
    store.image(store.add(b"layer"), config=store.add(b" " * (4 * 1024 * 1024 + 1), OCI_CONFIG))
    with pytest.raises(InvalidInputError, match=r"configuration .* is 4194305 bytes; the limit is 4194304"):
        store.assemble()
    assert store.opened == []


def test_the_manifests_of_an_index_are_bounded(store: Store) -> None:
    large = {"mediaType": OCI_MANIFEST, "digest": ABSENT, "size": 4 * 1024 * 1024}
    store.index(*[large] * 9)
    with pytest.raises(InvalidInputError, match="9 manifests of the index are 37748736 bytes; the limit is 33554432"):
        store.assemble()


def test_what_is_no_image_is_not_read(store: Store) -> None:
    store.root = Descriptor("application/vnd.oci.image.layer.v1.tar+gzip", ABSENT, 5_000_000)
    with pytest.raises(InvalidInputError, match=f"manifest {ABSENT} has the media type .*, which is not that of an"):
        store.assemble()
