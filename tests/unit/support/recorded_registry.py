# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A repository that a module writes to through a recording proxy, and that a test reads directly."""

from __future__ import annotations

import json
import typing as t
import uuid

from ansible_collections.layerkit.ecr.plugins.modules import ecr_image
from ansible_collections.layerkit.ecr.tests.strict_ecr.fixtures import REGION
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import run_module

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.real_images import RealImage
    from ansible_collections.layerkit.ecr.tests.unit.support.recording_proxy import RecordingProxy
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_ecr.type_defs import ImageIdentifierTypeDef

MEDIA_TYPES = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
]


class Held(t.NamedTuple):
    """An image as the registry returns it."""

    digest: str
    media_type: str
    manifest: bytes

    @property
    def document(self) -> dict[str, t.Any]:
        return t.cast("dict[str, t.Any]", json.loads(self.manifest))

    @property
    def children(self) -> list[dict[str, t.Any]]:
        return t.cast("list[dict[str, t.Any]]", self.document.get("manifests", []))

    @property
    def layers(self) -> list[dict[str, t.Any]]:
        return t.cast("list[dict[str, t.Any]]", self.document["layers"])

    @property
    def blobs(self) -> dict[str, int]:
        """The sizes of the config and the layers, by digest."""
        return {blob["digest"]: blob["size"] for blob in (self.document["config"], *self.layers)}


class Registry:
    """A new repository.

    :param client: of the server itself
    :param proxy: in front of the server
    """

    def __init__(self, client: ECRClient, proxy: RecordingProxy) -> None:
        self._client = client
        self.proxy = proxy
        self.repository = self.create_repository()

    def create_repository(self, mutability: t.Literal["MUTABLE", "IMMUTABLE"] = "MUTABLE") -> str:
        """Create another repository and use it from now on."""
        self.repository = f"real/{uuid.uuid4().hex[:12]}"
        self._client.create_repository(repositoryName=self.repository, imageTagMutability=mutability)
        return self.repository

    def push(self, image: RealImage, /, *, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        """Run ecr_image for an image; raise ModuleFailedError if it fails."""
        connection = {
            "endpoint_url": self.proxy.url,
            "region": REGION,
            "access_key": "AKIAREALIMAGES",
            "secret_key": "not-a-secret-0nly-for-real-images",
        }
        arguments = {"repository_name": self.repository, "src": image.src, "image": image.image, **options}
        return run_module(ecr_image, check=check, connection=connection, **arguments)

    def get(self, name: str) -> Held:
        """Return the image with a tag or digest, as it was put."""
        image_id: ImageIdentifierTypeDef = {"imageDigest": name} if ":" in name else {"imageTag": name}
        answer = self._client.batch_get_image(
            repositoryName=self.repository, imageIds=[image_id], acceptedMediaTypes=MEDIA_TYPES
        )
        [image] = answer["images"]
        return Held(image["imageId"]["imageDigest"], image["imageManifestMediaType"], image["imageManifest"].encode())

    def tags(self) -> dict[str, tuple[str, ...]]:
        """Return the sorted tags of all images, by digest."""
        images = self._client.describe_images(repositoryName=self.repository)["imageDetails"]
        return {image["imageDigest"]: tuple(sorted(image.get("imageTags", []))) for image in images}

    def available(self, digests: t.Iterable[str]) -> dict[str, int]:
        """Return the sizes of the blobs that are available, by digest."""
        answer = self._client.batch_check_layer_availability(
            repositoryName=self.repository, layerDigests=sorted(digests)
        )
        layers = [layer for layer in answer["layers"] if layer["layerAvailability"] == "AVAILABLE"]
        return {layer["layerDigest"]: layer["layerSize"] for layer in layers}
