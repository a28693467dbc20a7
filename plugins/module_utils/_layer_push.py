# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans and carries out the push of one layer, and keeps its state for the next run where that is wanted."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass, replace

from ansible_collections.amazon.aws.plugins.module_utils.exceptions import AnsibleAWSError
from ansible_collections.layerkit.ecr.plugins.module_utils._blob import BlobChangedError
from ansible_collections.layerkit.ecr.plugins.module_utils._completion import ALREADY_EXISTS
from ansible_collections.layerkit.ecr.plugins.module_utils._layer_upload import LayerUpload
from ansible_collections.layerkit.ecr.plugins.module_utils._part_size import USUAL_PART
from ansible_collections.layerkit.ecr.plugins.module_utils._upload_state import (
    LayerIdentity,
    SavedUpload,
    UploadState,
)
from ansible_collections.layerkit.ecr.plugins.module_utils._validation import InvalidInputError

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.plugins.module_utils._blob import Blob
    from ansible_collections.layerkit.ecr.plugins.module_utils._layer_plan import LayerPlan
    from ansible_collections.layerkit.ecr.plugins.module_utils._repository import Repository

UPLOADED = "uploaded"
FAILED = "failed"

Warn = t.Callable[[str], None]


@dataclass(frozen=True)
class UploadOptions:
    """How a task wants its layers uploaded; ``part_size`` is in bytes, None for what the registry advises."""

    part_size: int | None = None
    upload_id: str | None = None
    state_dir: str | None = None

    @property
    def expected_part_size(self) -> int:
        """The size of the parts as far as it is known before the registry is asked."""
        return self.part_size or USUAL_PART


@dataclass(frozen=True)
class LayerPush:
    """The outcome of pushing one layer, or its prediction.

    ``bytes_sent`` and ``part_count`` are what this run brought to the registry.
    """

    action: str
    layer_digest: str
    layer_size: int
    upload_id: str | None
    bytes_sent: int
    part_count: int

    @property
    def changed(self) -> bool:
        """Whether the layer is in the repository because of this run."""
        return self.action == UPLOADED


def checked_digest(blob: Blob, expected: str | None) -> str:
    """Hash the blob and return its digest.

    :raises InvalidInputError: it is not the digest expected
    """
    digest = blob.digest()
    if expected not in (None, digest):
        raise InvalidInputError(
            f"src {blob.path} has the digest {digest}, not layer_digest {expected}, nothing was sent"
        )
    return digest


def predict(repository: Repository, plan: LayerPlan, options: UploadOptions, warn: Warn) -> LayerPush:
    """Return what ``push_layer`` will do, without doing it or touching an earlier run's state."""
    if options.state_dir is not None and options.upload_id is None and not plan.is_present:
        plan = replace(plan, saved=UploadState.peek(options.state_dir, _identity(repository, plan), warn))
    return LayerPush(
        action=ALREADY_EXISTS if plan.is_present else UPLOADED,
        layer_digest=plan.digest,
        layer_size=plan.size,
        upload_id=plan.saved.upload_id if plan.saved else options.upload_id,
        bytes_sent=plan.bytes_to_send,
        part_count=plan.parts_to_send,
    )


def push_layer(repository: Repository, blob: Blob, plan: LayerPlan, options: UploadOptions, warn: Warn) -> LayerPush:
    """Upload the layer unless the plan says that it is there.

    :raises AnsibleAWSError: the layer could not be uploaded; ``kwargs`` say how far it is and how to go on
    """
    if plan.is_present:
        return predict(repository, plan, options, warn)
    with _state(repository, plan, options, warn) as state:
        saved = state.load() if state and options.upload_id is None else None
        upload = LayerUpload(repository, blob, replace(plan, saved=saved), options.part_size, _keeper(state))
        try:
            completion = upload.run(options.upload_id)
        except AnsibleAWSError as error:
            error.kwargs.update(_progress(FAILED, plan, upload))
            if isinstance(error, BlobChangedError):
                _keeper(state)(None)
            elif upload.upload:
                error.kwargs["next_byte"] = upload.upload.next_byte
                error.message = f"{_how_to_go_on(plan, upload.upload)} {error.message}"
            raise
        _keeper(state)(None)
    return LayerPush(**_progress(UPLOADED if completion.changed else ALREADY_EXISTS, plan, upload))


def _how_to_go_on(plan: LayerPlan, upload: SavedUpload) -> str:
    return (
        f"The layer is not complete, the registry has {upload.next_byte} of its {plan.size} bytes. "
        f"To go on, run the task again with upload_id={upload.upload_id}, or with the same state_dir."
    )


def _progress(action: str, plan: LayerPlan, upload: LayerUpload) -> dict[str, t.Any]:
    return {
        "action": action,
        "layer_digest": plan.digest,
        "layer_size": plan.size,
        "upload_id": upload.upload.upload_id if upload.upload else None,
        "bytes_sent": upload.bytes_sent,
        "part_count": upload.parts_sent,
    }


def _keeper(state: UploadState | None) -> t.Callable[[SavedUpload | None], None]:
    def keep(upload: SavedUpload | None) -> None:
        if state and upload:
            state.save(upload)
        elif state:
            state.remove()

    return keep


def _state(
    repository: Repository, plan: LayerPlan, options: UploadOptions, warn: Warn
) -> contextlib.AbstractContextManager[UploadState | None]:
    if options.state_dir is None:
        return contextlib.nullcontext()
    return UploadState.held(options.state_dir, _identity(repository, plan), warn)


def _identity(repository: Repository, plan: LayerPlan) -> LayerIdentity:
    return LayerIdentity(repository.name, repository.registry_id, repository.region, plan.digest, plan.size)
