# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A layer, a repository of the strict server that accepts tiny parts, and the upload between them."""

from __future__ import annotations

import contextlib
import hashlib
import typing as t
from pathlib import Path

from ansible_collections.layerkit.ecr.plugins.module_utils._core.blob import FileBlob
from ansible_collections.layerkit.ecr.plugins.module_utils._core.task import Task
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.call import Repository
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.client import EcrClient
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.layers import Layers
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.part_body import stream_parts
from ansible_collections.layerkit.ecr.plugins.module_utils._upload.layer import LayerPush, LayerPusher, UploadOptions
from ansible_collections.layerkit.ecr.plugins.module_utils._upload.plan import LayerPlan, SavedUpload
from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import Fault

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.control import Control
    from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import Kind
    from mypy_boto3_ecr import ECRClient


class LayerBench:
    """Uploads ``content`` in parts of ``part_size`` bytes, and reports what the server received."""

    def __init__(
        self, client: ECRClient, control: Control, repository: str, path: Path, content: bytes, part_size: int
    ) -> None:
        self.client = client
        self.control = control
        self.repository = repository
        self.path = path
        self.content = content
        self.digest = "sha256:" + hashlib.sha256(content).hexdigest()
        self.warnings: list[str] = []
        self.may_look = True
        path.write_bytes(content)
        rules = control.rules(repository)
        rules.min_part_bytes = 1
        rules.part_size = part_size

    def strike(self, operation: str, kind: Kind, **options: t.Any) -> None:
        """Add a fault to the calls on the repository."""
        self.control.faults.add(Fault(kind, operation, repository=self.repository, **options))

    @contextlib.contextmanager
    def during(self, event: str, handler: t.Callable[..., None], *, last: bool = False) -> t.Iterator[None]:
        """Call a handler for an event of the client, after all other handlers if ``last``."""
        events = self.client.meta.events
        (events.register_last if last else events.register)(event, handler)
        try:
            yield
        finally:
            events.unregister(event, handler)

    def push(self, **options: t.Any) -> LayerPush:
        """Push the layer as a task does."""
        if not self.may_look:
            self.strike("BatchCheckLayerAvailability", "access_denied", times=1000)
        task = Task(self.warnings.append)
        client = EcrClient(self.client, Repository(self.repository), task)
        upload_options = UploadOptions(**options)
        stream_parts(client.events)
        pusher = LayerPusher(client, upload_options, task)
        with FileBlob.open(str(self.path), f"src {str(self.path)!r}") as blob:
            found = Layers(client).available([self.digest])[self.digest] if self.may_look else None
            plan = LayerPlan(self.digest, blob.size, upload_options.expected_part_size, found)
            push = pusher.push(blob, plan)
            if not plan.is_present:
                pusher.confirm(plan, push)
            pusher.tidy([plan])
            return push

    def saved(self, **options: t.Any) -> SavedUpload | None:
        """Return the upload that a task would resume by its state file, without touching that."""
        task = Task(self.warnings.append)
        client = EcrClient(self.client, Repository(self.repository), task)
        upload_options = UploadOptions(**options)
        plan = LayerPlan(self.digest, len(self.content), upload_options.expected_part_size, None)
        return LayerPusher(client, upload_options, task).with_saved_upload(plan, dry_run=True).saved

    def open_upload(self, *parts: bytes) -> str:
        """Open an upload with these parts, as an earlier run would."""
        upload_id = self.client.initiate_layer_upload(repositoryName=self.repository)["uploadId"]
        for part in parts:
            self.add_part(upload_id, part)
        self.control.calls.clear(self.repository)
        return upload_id

    def add_part(self, upload_id: str, part: bytes) -> None:
        """Add a part to an open upload, without the task's knowledge."""
        first = self.control.uploads(self.repository)[upload_id]
        self.client.upload_layer_part(
            repositoryName=self.repository,
            uploadId=upload_id,
            partFirstByte=first,
            partLastByte=first + len(part) - 1,
            layerPartBlob=part,
        )

    def complete_elsewhere(self) -> None:
        """Upload the layer in one part, as another task would."""
        upload_id = self.client.initiate_layer_upload(repositoryName=self.repository)["uploadId"]
        self.add_part(upload_id, self.content)
        self.client.complete_layer_upload(
            repositoryName=self.repository, uploadId=upload_id, layerDigests=[self.digest]
        )

    def holds_the_layer(self) -> bool:
        """Return whether the repository has this layer and no other."""
        return self.control.layers(self.repository) == {self.digest: len(self.content)}

    def holds_nothing(self) -> bool:
        """Return whether the repository has no layers."""
        return self.control.layers(self.repository) == {}

    def calls(self) -> tuple[int, int, int]:
        """Return the number of InitiateLayerUpload, UploadLayerPart and CompleteLayerUpload calls."""
        counts = self.control.calls.counts(self.repository)
        return (
            counts.get("InitiateLayerUpload", 0),
            counts.get("UploadLayerPart", 0),
            counts.get("CompleteLayerUpload", 0),
        )
