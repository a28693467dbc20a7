# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans and carries out the push of one layer, and keeps its state for the next run where that is wanted."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import asdict, dataclass, replace

from .._core.blob import BlobChangedError
from .._core.errors import TaskError
from .._core.task import is_waited_for
from .._ecr.errors import EcrError
from .._ecr.limits import USUAL_PART
from .._ecr.validation import InvalidInputError
from .completion import ALREADY_EXISTS
from .state import (
    LayerIdentity,
    SavedUpload,
    UploadState,
)
from .upload import LayerUpload

if t.TYPE_CHECKING:
    from .._core.blob import Blob
    from .._ecr.client import Repository
    from .plan import LayerPlan

UPLOADED = "uploaded"
FAILED = "failed"

Warn = t.Callable[[str], None]


@dataclass(frozen=True)
class UploadOptions:
    """How a task wants its layers uploaded; ``part_size`` is in bytes, None for what the registry advises.

    ``takes_upload_id`` says whether an upload can be continued by its id, too.
    """

    part_size: int | None = None
    upload_id: str | None = None
    state_dir: str | None = None
    takes_upload_id: bool = True

    @property
    def expected_part_size(self) -> int:
        """The size of the parts as far as it is known before the registry is asked."""
        return self.part_size or USUAL_PART


@dataclass(frozen=True)
class LayerPush:
    """The outcome of pushing one layer, or its prediction.

    ``bytes_sent`` and ``part_count`` are what the registry received from this run.
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
        raise InvalidInputError(f"{blob} has the digest {digest}, not layer_digest {expected}, nothing was sent")
    return digest


def with_saved_upload(repository: Repository, plan: LayerPlan, options: UploadOptions, warn: Warn) -> LayerPlan:
    """Return the plan with what an earlier run has left, without touching that, for check mode."""
    if options.state_dir is None or options.upload_id is not None or plan.is_present:
        return plan
    return _resumed(plan, options, UploadState.peek(options.state_dir, _identity(repository, plan), warn))


def predict(plan: LayerPlan, options: UploadOptions) -> LayerPush:
    """Return what ``push_layer`` will do, without doing it."""
    if plan.is_present:
        return LayerPush(ALREADY_EXISTS, plan.digest, plan.size, upload_id=None, bytes_sent=0, part_count=0)
    upload_id = plan.saved.upload_id if plan.saved else options.upload_id
    return LayerPush(UPLOADED, plan.digest, plan.size, upload_id, plan.bytes_to_send, plan.parts_to_send)


def push_layer(
    repository: Repository,
    blob: Blob,
    plan: LayerPlan,
    options: UploadOptions,
    warn: Warn,
    goes_on: t.Callable[[], bool] | None = None,
) -> LayerPush:
    """Upload the layer unless the plan says that it is there.

    :param goes_on: asked before every step; the upload stops when it says no. If not given, it goes on as long as the
        task is waited for
    :raises TaskError: the layer could not be uploaded; ``kwargs`` say how far it is and how to go on
    """
    if plan.is_present:
        if options.state_dir is not None:
            UploadState.discard(options.state_dir, _identity(repository, plan))
        return predict(plan, options)
    with _state(repository, plan, options, warn) as state:
        keep = _keeper(state)
        saved = state.load() if state and options.upload_id is None else None
        plan = _resumed(plan, options, saved)
        upload = LayerUpload(repository, blob, plan, options.part_size, keep, goes_on or is_waited_for)
        try:
            completion = upload.run(options.upload_id)
        except TaskError as error:
            if isinstance(error, BlobChangedError):
                keep(None)
            _tell(error, plan, options, upload)
            raise
        keep(None)
    if saved and upload.upload and upload.upload.upload_id != saved.upload_id:
        warn(
            f"Upload {saved.upload_id} of the state file could not be continued, another one was begun: it has "
            "expired, or belongs to another account."
        )
    return _progress(UPLOADED if completion.changed else ALREADY_EXISTS, plan, options, upload)


def warn_unless_available(repository: Repository, push: LayerPush, warn: Warn) -> None:
    """Look whether a layer that was uploaded is listed now, where the registry can be asked."""
    try:
        layer = repository.layers([push.layer_digest])[push.layer_digest]
    except EcrError:
        # The layer is complete whether or not it can be looked up.
        return
    if not layer.is_available:
        warn(f"The upload was completed, but {repository} does not list the layer as available, or not yet.")


def not_begun(digest: str, size: int, options: UploadOptions) -> dict[str, t.Any]:
    """Return the keys that every outcome has, for a task that failed before it could upload."""
    return asdict(LayerPush(FAILED, digest, size, options.upload_id, bytes_sent=0, part_count=0))


def _tell(error: TaskError, plan: LayerPlan, options: UploadOptions, upload: LayerUpload) -> None:
    """Let the error tell how far the upload is, and how to go on."""
    error.kwargs.update(asdict(_progress(FAILED, plan, options, upload)))
    if upload.upload and not isinstance(error, BlobChangedError):
        error.kwargs["next_byte"] = upload.upload.next_byte
        where = f"the registry has {upload.upload.next_byte} of its {plan.size} bytes"
        how = _way_to_go_on(options, upload.upload.upload_id)
        prefix = f"The layer is not complete, {where}; {how}. "
        error.description = prefix + error.description


def _way_to_go_on(options: UploadOptions, upload_id: str) -> str:
    if options.state_dir:
        return "to go on, run the task again with the same state_dir"
    if options.takes_upload_id:
        return f"to go on, run the task again with upload_id={upload_id}"
    return "with a state_dir, the next run would go on there"


def _resumed(plan: LayerPlan, options: UploadOptions, saved: SavedUpload | None) -> LayerPlan:
    if saved is None:
        return plan
    return replace(plan, saved=saved, part_size=options.part_size or saved.part_size)


def _progress(action: str, plan: LayerPlan, options: UploadOptions, upload: LayerUpload) -> LayerPush:
    upload_id = upload.upload.upload_id if upload.upload else options.upload_id
    return LayerPush(action, plan.digest, plan.size, upload_id, upload.bytes_sent, upload.parts_sent)


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
