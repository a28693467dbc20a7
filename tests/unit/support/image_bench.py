# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An image layout, a repository of the strict server, and ecr_image between them."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.layerkit.ecr.plugins.modules import ecr_image
from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import Fault
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LayoutWriter
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import ModuleFailedError, run_module

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.control import Control
    from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import Kind
    from mypy_boto3_ecr import ECRClient

UPLOADS = ["InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload"]
MEDIA_TYPES = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
]


class ImageBench:
    """Runs ecr_image from a layout to a repository, and reads what the repository has."""

    def __init__(
        self, client: ECRClient, control: Control, repository: str, layout: LayoutWriter, connection: dict[str, t.Any]
    ) -> None:
        self.client = client
        self.control = control
        self.repository = repository
        self.layout = layout
        self.connection = connection

    def run(self, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        task = {"repository_name": self.repository, "src": str(self.layout.path), **options}
        return run_module(ecr_image, check=check, connection=self.connection, **task)

    def fails(self, check: bool = False, **options: t.Any) -> ModuleFailedError:
        with pytest.raises(ModuleFailedError) as failed:
            self.run(check, **options)
        return failed.value

    def strike(self, operation: str, kind: Kind, **options: t.Any) -> None:
        self.control.faults.add(Fault(kind, operation, repository=self.repository, **options))

    def calls(self) -> list[str]:
        """Return the operations called since the last call of this method."""
        calls = self.control.calls.operations(self.repository)
        self.control.calls.clear(self.repository)
        return calls

    def tags(self) -> dict[str, str]:
        """Return the digest of every tag in the repository."""
        ids = self.client.list_images(repositoryName=self.repository)["imageIds"]
        return {image["imageTag"]: image["imageDigest"] for image in ids if "imageTag" in image}

    def digests(self) -> set[str]:
        ids = self.client.list_images(repositoryName=self.repository)["imageIds"]
        return {image["imageDigest"] for image in ids}

    def manifest(self, digest: str) -> bytes:
        """Return a manifest as the registry returns it."""
        answer = self.client.batch_get_image(
            repositoryName=self.repository, imageIds=[{"imageDigest": digest}], acceptedMediaTypes=MEDIA_TYPES
        )
        return answer["images"][0]["imageManifest"].encode()

    def set_mutability(self, mutability: t.Any, exclusions: t.Any = None) -> None:
        filters = {"imageTagMutabilityExclusionFilters": exclusions} if exclusions else {}
        self.client.put_image_tag_mutability(repositoryName=self.repository, imageTagMutability=mutability, **filters)

    def open_uploads(self) -> dict[str, int]:
        return self.control.uploads(self.repository)

    def layers(self) -> dict[str, int]:
        return self.control.layers(self.repository)


def actions(result: dict[str, t.Any], key: str = "layers") -> dict[str, str]:
    return {entry["digest"]: entry["action"] for entry in result[key]}
