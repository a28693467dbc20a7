# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A repository of the strict server with images, and ecr_image_download from there into a directory."""

from __future__ import annotations

import json
import os
import typing as t
from collections import Counter
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.modules import ecr_image, ecr_image_download
from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import DOWNLOAD, Fault
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import REF_NAME, blob_name, digest_of
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LayoutWriter
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import ModuleFailedError, run_module
from ansible_collections.layerkit.ecr.tests.unit.support.stored_images import store_image

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.control import Control
    from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import Kind
    from ansible_collections.layerkit.ecr.tests.unit.support.image_files import Document
    from mypy_boto3_ecr import ECRClient

MIB = 1024 * 1024
SMALL, BIG = b"small layer" * 100, os.urandom(5 * MIB + 17)
LOOK, URL = "BatchGetImage", "GetDownloadUrlForLayer"


class DownloadBench:
    """Images of a repository: ``app`` has a small and a big layer, ``next`` shares the small one, ``multi`` an index.

    :param directory: an empty directory; ``dest`` is a path in it
    """

    def __init__(
        self, client: ECRClient, control: Control, repository: str, directory: Path, connection: dict[str, t.Any]
    ) -> None:
        self.client = client
        self.control = control
        self.repository = repository
        self.connection = connection
        self.dest = directory / "image"
        self.layout = LayoutWriter()
        self.app = self.layout.image(SMALL, BIG)
        self.next = self.layout.image(SMALL, b"another layer" * 1000)
        self.children = {
            "linux/amd64": self.layout.image(SMALL, b"amd64"),
            "linux/arm64": self.layout.image(SMALL, b"arm64", platform="linux/arm64"),
        }
        self.multi = self.layout.index(self.children)
        control.rules(repository).converts_manifests = True
        for tag, image in (("app", self.app), ("next", self.next), ("multi", self.multi)):
            self.store(image, tag)
        self.calls()

    def store(self, image: Document, tag: str | None) -> None:
        store_image(self.client, self.repository, self.layout, image, tag, self.control)

    def run(self, tag: str | None = "app", check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        """Run the module; without a look for referrers unless the options ask for it."""
        task = {"repository_name": self.repository, "dest": str(self.dest), "referrers": False, **options}
        task.update({"tag": tag} if tag else {})
        return run_module(ecr_image_download, check=check, connection=self.connection, **task)

    def fails(self, tag: str | None = "app", check: bool = False, **options: t.Any) -> ModuleFailedError:
        with pytest.raises(ModuleFailedError) as failed:
            self.run(tag, check, **options)
        return failed.value

    def push(self, **options: t.Any) -> dict[str, t.Any]:
        """Push what was downloaded with ecr_image."""
        task = {"repository_name": self.repository, "src": str(self.dest), **options}
        return run_module(ecr_image, connection=self.connection, **task)

    def strike(self, kind: Kind, operation: str = DOWNLOAD, **options: t.Any) -> None:
        self.control.faults.add(Fault(kind, operation, repository=self.repository, **options))

    def calls(self) -> Counter[str]:
        """Return how often each operation was called since the last call of this method."""
        calls = Counter(self.control.calls.operations(self.repository))
        self.control.calls.clear(self.repository)
        return calls

    def bytes_served(self) -> int:
        """Return the bytes that were downloaded since the last call of ``calls``."""
        return self.control.calls.bytes_served(self.repository)

    def listed(self) -> dict[str | None, str]:
        """Return the digest of each image of the layout, by name."""
        entries = json.loads((self.dest / "index.json").read_bytes())["manifests"]
        return {entry.get("annotations", {}).get(REF_NAME): entry["digest"] for entry in entries}

    def path_of(self, digest: str) -> Path:
        """Return the path of a blob in the layout."""
        return self.dest / blob_name(digest)

    def check_blobs(self) -> None:
        """Check that each file of a blob in the layout has the digest of its name."""
        for path in (self.dest / "blobs/sha256").iterdir():
            assert digest_of(path.read_bytes()) == f"sha256:{path.name}"


def actions(result: dict[str, t.Any], key: str = "layers") -> dict[str, str]:
    return {entry["digest"]: entry["action"] for entry in result[key]}
