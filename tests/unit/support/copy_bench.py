# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two repositories of the strict server in two regions, and ecr_image_copy between them."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.layerkit.ecr.plugins.modules import ecr_image_copy
from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import DOWNLOAD, Fault
from ansible_collections.layerkit.ecr.tests.strict_ecr.fixtures import ecr_client
from ansible_collections.layerkit.ecr.tests.unit.support.image_bench import MEDIA_TYPES
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import blob_name
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LayoutWriter
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import ModuleFailedError, run_module
from ansible_collections.layerkit.ecr.tests.unit.support.stored_images import store_image

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.control import Control
    from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import Kind
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR
    from ansible_collections.layerkit.ecr.tests.unit.support.image_files import Document
    from mypy_boto3_ecr import ECRClient

SOURCE_REGION = "us-west-2"
UPLOADS = ["InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload"]


class CopyBench:
    """Runs ecr_image_copy between two repositories, and reads what they have."""

    def __init__(self, target: ECRClient, server: StrictECR, repository: str, connection: dict[str, t.Any]) -> None:
        self.target = target
        self.source = ecr_client(server.url, region=SOURCE_REGION)
        self.control: Control = server.control
        self.repository = repository
        self.source_repository = f"{repository}-source"
        self.source.create_repository(repositoryName=self.source_repository)
        self.connection = connection
        self.layout = LayoutWriter()
        for name in (self.repository, self.source_repository):
            self.control.rules(name).min_part_bytes = 1
            self.control.rules(name).converts_manifests = True
        self.calls()

    def store(self, image: Document, tag: str | None = None) -> str:
        """Put an image of the layout into the source."""
        digest = store_image(self.source, self.source_repository, self.layout, image, tag, self.control)
        self.control.calls.clear(self.source_repository)
        return digest

    def run(self, check: bool = False, source: dict[str, t.Any] | None = None, **options: t.Any) -> dict[str, t.Any]:
        origin = {"repository_name": self.source_repository, "region": SOURCE_REGION, **(source or {"tag": "1.0"})}
        task = {"repository_name": self.repository, "source": origin, "referrers": False, **options}
        return run_module(ecr_image_copy, check=check, connection=self.connection, **task)

    def fails(self, **options: t.Any) -> ModuleFailedError:
        with pytest.raises(ModuleFailedError) as failed:
            self.run(**options)
        return failed.value

    def strike_source(self, operation: str, kind: Kind, **options: t.Any) -> None:
        self.control.faults.add(Fault(kind, operation, repository=self.source_repository, **options))

    def strike_target(self, operation: str, kind: Kind, **options: t.Any) -> None:
        self.control.faults.add(Fault(kind, operation, repository=self.repository, **options))

    def calls(self) -> tuple[list[str], list[str]]:
        """Return the operations called on the source and on the target since the last call of this method."""
        found = []
        for name in (self.source_repository, self.repository):
            found.append(self.control.calls.operations(name))
            self.control.calls.clear(name)
        return found[0], found[1]

    @property
    def bytes_downloaded(self) -> int:
        return self.control.calls.bytes_served(self.source_repository)

    @property
    def bytes_uploaded(self) -> int:
        return self.control.calls.bytes_received(self.repository)

    def tags(self) -> dict[str, str]:
        """Return the digest of every tag in the target."""
        ids = self.target.list_images(repositoryName=self.repository)["imageIds"]
        return {image["imageTag"]: image["imageDigest"] for image in ids if "imageTag" in image}

    def manifest(self, digest: str) -> bytes:
        """Return a manifest as the target returns it."""
        answer = self.target.batch_get_image(
            repositoryName=self.repository, imageIds=[{"imageDigest": digest}], acceptedMediaTypes=MEDIA_TYPES
        )
        return answer["images"][0]["imageManifest"].encode()

    def content(self, descriptor: Document) -> bytes:
        return self.layout.files[blob_name(descriptor["digest"])]

    def layers(self) -> dict[str, int]:
        """Return the sizes of the layers of the target."""
        return self.control.layers(self.repository)

    def is_whole(self, image: Document) -> bool:
        """Return whether the target has an image of one platform, byte for byte, with all of its layers."""
        document = json.loads(self.content(image))
        blobs = {blob["digest"] for blob in (document["config"], *document["layers"])}
        contents = all(self.control.content(digest) == self.layout.files[blob_name(digest)] for digest in blobs)
        return self.manifest(image["digest"]) == self.content(image) and blobs <= set(self.layers()) and contents


def without_downloads(calls: list[str]) -> list[str]:
    return [call for call in calls if call not in ("GetDownloadUrlForLayer", DOWNLOAD)]
