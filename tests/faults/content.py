# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an image consists of, and whether a registry, a layout or an archive has it byte for byte.

Reads with nothing but the standard library and bare calls, so that nothing of the code under test vouches for itself.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import tarfile
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.layerkit.ecr.tests.unit.support.image_bench import MEDIA_TYPES
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import blob_name, digest_of

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.control import Control
    from ansible_collections.layerkit.ecr.tests.unit.support.image_files import Files
    from mypy_boto3_ecr import ECRClient

# Returns the content of a blob; raises AssertionError or KeyError if it is missing.
Read = t.Callable[[str], bytes]
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Content:
    """The configuration of an image, and its layers without compression."""

    config: bytes
    layers: tuple[bytes, ...]

    def check(self, manifest: bytes, read: Read) -> None:
        """Assert that a manifest describes this image, and that each of its blobs can be read."""
        document = json.loads(manifest)
        assert checked(document["config"], read) == self.config
        assert tuple(plain(checked(layer, read)) for layer in document["layers"]) == self.layers


# By platform; one of "" alone is no index.
Contents = t.Mapping[str, Content]


def checked(descriptor: t.Mapping[str, t.Any], read: Read) -> bytes:
    """Return a blob that is as its descriptor says."""
    content = read(descriptor["digest"])
    assert len(content) == descriptor["size"]
    assert digest_of(content) == descriptor["digest"]
    return content


def plain(layer: bytes) -> bytes:
    """Return a layer without its compression."""
    return gzip.decompress(layer) if layer.startswith(_GZIP) else layer


def check_image(contents: Contents, manifest: bytes, read: Read) -> None:
    """Assert that an image, or an index of images, is whole."""
    if "" in contents:
        contents[""].check(manifest, read)
        return
    entries = json.loads(manifest)["manifests"]
    assert {f"{entry['platform']['os']}/{entry['platform']['architecture']}" for entry in entries} == set(contents)
    for entry in entries:
        name = f"{entry['platform']['os']}/{entry['platform']['architecture']}"
        contents[name].check(checked(entry, read), read)


class View:
    """What a repository has, by bare calls."""

    def __init__(self, client: ECRClient, control: Control, repository: str) -> None:
        self._client = client
        self._control = control
        self._repository = repository

    def tags(self) -> dict[str, str]:
        """Return the digest of every tag."""
        ids = self._client.list_images(repositoryName=self._repository)["imageIds"]
        return {image["imageTag"]: image["imageDigest"] for image in ids if "imageTag" in image}

    def read(self, digest: str) -> bytes:
        """Return a manifest or a layer of the repository."""
        if digest in self._control.layers(self._repository):
            content = self._control.content(digest)
            assert content is not None
            return content
        answer = self._client.batch_get_image(
            repositoryName=self._repository, imageIds=[{"imageDigest": digest}], acceptedMediaTypes=MEDIA_TYPES
        )
        return answer["images"][0]["imageManifest"].encode()

    def check_layers(self) -> None:
        """Assert that each layer of the repository is what its digest says."""
        for digest, size in self._control.layers(self._repository).items():
            content = self.read(digest)
            assert (len(content), digest_of(content)) == (size, digest)


def files_of(path: Path) -> Files:
    """Return the content of all files in a directory or an archive."""
    if path.is_dir():
        return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}
    with tarfile.open(path) as archive:
        opened = [(entry.name, archive.extractfile(entry)) for entry in archive if entry.isfile()]
        return {name: file.read() for name, file in opened if file}


def check_files(contents: Contents, files: Files) -> None:
    """Assert that files are the image, as a layout and for Docker as far as these have what they need."""
    assert {"index.json", "manifest.json"} & set(files)
    if "index.json" in files:
        [entry] = json.loads(files["index.json"])["manifests"]

        def read(digest: str) -> bytes:
            return files[blob_name(digest)]

        check_image(contents, checked(entry, read), read)
    if "manifest.json" in files:
        [image] = json.loads(files["manifest.json"])
        layers = tuple(plain(files[name]) for name in image["Layers"])
        assert Content(files[image["Config"]], layers) == contents[""]


def check_names(files: Files) -> None:
    """Assert that whatever has the final name of a blob has its content."""
    for name, content in files.items():
        if name.startswith("blobs/sha256/"):
            assert hashlib.sha256(content).hexdigest() == name.rpartition("/")[2]
