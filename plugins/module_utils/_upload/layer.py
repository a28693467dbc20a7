# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pushes one layer: looks at what an earlier run left, uploads, and reports how far it got."""

from __future__ import annotations

import contextlib
import enum
import typing as t
from dataclasses import dataclass, replace

from .._core.errors import ContentChangedError, LayerUploadError, Resume, TaskError, UploadProgress
from .._core.growing import BlobDroppedError
from .._ecr.errors import EcrError
from .._ecr.layers import Layers
from .._ecr.limits import DEFAULT_PART
from .plan import LayerIdentity, LayerPlan, check_size
from .upload import LayerUpload

if t.TYPE_CHECKING:
    from .._core.blob import Blob
    from .._core.growing import GrowingBlob
    from .._core.task import Task
    from .._ecr.client import EcrClient
    from .plan import SavedUpload
    from .state import UploadState


# How long a registry may take to list a layer that it has.
SECOND_LOOK_SECONDS = 3


class LayerAction(enum.Enum):
    """What became of a layer."""

    UPLOADED = "uploaded"
    ALREADY_EXISTS = "already_exists"
    FAILED = "failed"
    DROPPED = "dropped"


@dataclass(frozen=True)
class UploadOptions:
    """How a task wants its layers uploaded; ``part_size`` is in bytes, None for the size that the registry recommends.

    ``accepts_upload_id`` says whether the user can resume an upload by its id.
    """

    part_size: int | None = None
    upload_id: str | None = None
    state_directory: str | None = None
    accepts_upload_id: bool = True

    @property
    def expected_part_size(self) -> int:
        """The size of the parts as far as it is known before the registry is asked."""
        return self.part_size or DEFAULT_PART

    @property
    def resume(self) -> Resume:
        """How the next run can resume an upload of this one."""
        if self.state_directory:
            return Resume.BY_STATE
        return Resume.BY_UPLOAD_ID if self.accepts_upload_id else Resume.NEEDS_STATE


@dataclass(frozen=True)
class LayerPush:
    """The outcome of pushing one layer, or its prediction."""

    action: LayerAction
    progress: UploadProgress

    @property
    def changed(self) -> bool:
        """Whether the layer is in the repository because of this run."""
        return self.action is LayerAction.UPLOADED


class LayerPusher:
    """Pushes layers into the repository of a client.

    :param client: prepared by ``part_body.stream_parts``
    :param options: how each layer is uploaded
    """

    def __init__(self, client: EcrClient, options: UploadOptions, task: Task) -> None:
        self._client = client
        self._options = options
        self._task = task
        self._layers = Layers(client)

    @property
    def keeps_state(self) -> bool:
        """Whether uploads can be resumed by their state files, which have the names of their layers."""
        return self._options.state_directory is not None

    def with_saved_upload(self, plan: LayerPlan, dry_run: bool) -> LayerPlan:
        """Return the plan with the upload that an earlier run left, without touching its state file.

        :param dry_run: whether to warn here of a file that cannot be used. A run warns when it holds the file
        """
        if self._options.state_directory is None or self._options.upload_id is not None or plan.is_present:
            return plan
        saved, misfit = _upload_state().peek(self._options.state_directory, self._identity(plan))
        if misfit and dry_run:
            self._task.warn(misfit)
        return self._resumed(plan, saved)

    def predict(self, plan: LayerPlan) -> LayerPush:
        """Return what ``push`` will do, without doing it."""
        if plan.is_present:
            return LayerPush(LayerAction.ALREADY_EXISTS, UploadProgress(plan.digest, plan.size, None, 0, 0))
        upload_id = plan.saved.upload_id if plan.saved else self._options.upload_id
        progress = UploadProgress(plan.digest, plan.size, upload_id, plan.bytes_to_send, plan.parts_to_send)
        return LayerPush(LayerAction.UPLOADED, progress)

    def push(self, blob: Blob, plan: LayerPlan) -> LayerPush:
        """Upload the layer unless the plan says that it is there.

        :raises InvalidInputError: the directory of the state files cannot be used
        :raises LayerUploadError: the layer could not be uploaded
        """
        if plan.is_present:
            return self.predict(plan)
        with self._state(plan) as state:
            return self._push(blob, plan, state)

    def push_growing(self, blob: GrowingBlob, planned: t.Callable[[], LayerPlan]) -> LayerPush:
        """Upload a layer while it is made. Its digest would name the state file, so none is kept.

        :param planned: waits until the layer is complete and looked up, and returns its plan
        :raises LayerUploadError: the layer could not be uploaded; its digest is empty if that is not known yet
        """

        def so_far() -> LayerPlan:
            return LayerPlan(blob.known_digest or "", blob.max_size, self._options.expected_part_size, None)

        upload = LayerUpload(self._layers, blob, planned, None, self._options.part_size, _keeper(None), self._task)
        return self._uploaded(upload, so_far)

    def tidy(self, done: t.Iterable[LayerPlan]) -> None:
        """Remove the state files that earlier runs left of layers that are in the registry now, and very old ones."""
        if self._options.state_directory is not None:
            _upload_state().tidy(self._options.state_directory, map(self._identity, done))

    def check_size(self, plan: LayerPlan) -> None:
        """Check that a layer that is there has the size of ours.

        :raises AnswerError: the registry reports another size for the same digest
        """
        check_size(plan, plan.found, self._client.repository)

    def confirm(self, plan: LayerPlan, push: LayerPush) -> None:
        """Warn if the registry does not list a layer that it completed, or answered that it has, if it can be asked.

        :raises AnswerError: the registry lists the layer with another size
        """
        digest = push.progress.digest
        try:
            layer = self._layers.available([digest])[digest]
            if not layer.is_stored:
                self._task.pause(SECOND_LOOK_SECONDS)
                layer = self._layers.available([digest])[digest]
        except EcrError:
            # The layer is complete whether or not it can be looked up.
            return
        if layer.is_stored:
            check_size(plan, layer, self._client.repository, push.changed)
            return
        answer = (
            "The upload was completed"
            if push.changed
            else f"The registry refused to complete layer {digest} with LayerAlreadyExistsException"
        )
        self._task.warn(
            f"{answer}, but {self._client.repository} does not list the layer as available: it is {layer.availability} "
            "in the answer to BatchCheckLayerAvailability. An image that refers to it may be refused."
        )

    def _push(self, blob: Blob, plan: LayerPlan, state: UploadState | None) -> LayerPush:
        keep = _keeper(state)
        saved = state.load() if state and self._options.upload_id is None else None
        plan = self._resumed(plan, saved)
        upload = LayerUpload(self._layers, blob, lambda: plan, plan.saved, self._options.part_size, keep, self._task)
        try:
            push = self._uploaded(upload, lambda: plan)
        except LayerUploadError as error:
            if isinstance(error.cause, ContentChangedError):
                keep(None)
            raise
        if push.action is not LayerAction.DROPPED:
            keep(None)
        if saved and upload.upload and upload.upload.upload_id != saved.upload_id:
            self._task.warn(
                f"Upload {saved.upload_id} of the state file could not be resumed, so a new upload was opened. The old "
                "one expired or belongs to another account."
            )
        return push

    def _uploaded(self, upload: LayerUpload, planned: t.Callable[[], LayerPlan]) -> LayerPush:
        try:
            completion = upload.run(self._options.upload_id)
        except BlobDroppedError:
            return LayerPush(LayerAction.DROPPED, self._progress(planned(), upload))
        except TaskError as error:
            raise LayerUploadError(error, self._failed(planned(), upload, error)) from error
        action = LayerAction.UPLOADED if completion.changed else LayerAction.ALREADY_EXISTS
        return LayerPush(action, self._progress(planned(), upload))

    def _progress(self, plan: LayerPlan, upload: LayerUpload) -> UploadProgress:
        upload_id = upload.upload.upload_id if upload.upload else self._options.upload_id
        receiver = self._client.repository.role or UploadProgress.receiver
        return UploadProgress(
            plan.digest, plan.size, upload_id, upload.bytes_sent, upload.parts_sent, receiver=receiver
        )

    def _failed(self, plan: LayerPlan, upload: LayerUpload, error: TaskError) -> UploadProgress:
        progress = replace(self._progress(plan, upload), resume=self._options.resume)
        if upload.upload is None or isinstance(error, ContentChangedError):
            return progress
        return replace(progress, next_byte=upload.upload.next_byte, unanswered=upload.unanswered)

    def _resumed(self, plan: LayerPlan, saved: SavedUpload | None) -> LayerPlan:
        if saved is None:
            return plan
        return replace(plan, saved=saved, part_size=self._options.part_size or saved.part_size)

    def _state(self, plan: LayerPlan) -> contextlib.AbstractContextManager[UploadState | None]:
        if self._options.state_directory is None:
            return contextlib.nullcontext()
        return _upload_state().held(self._options.state_directory, self._identity(plan), self._task)

    def _identity(self, plan: LayerPlan) -> LayerIdentity:
        repository = self._client.repository
        return LayerIdentity(repository.name, repository.registry_id, self._client.region, plan.digest, plan.size)


def _upload_state() -> type[UploadState]:
    # Python compiles a file in every task that imports it, and few tasks have a directory for state files.
    from .state import UploadState

    return UploadState


def _keeper(state: UploadState | None) -> t.Callable[[SavedUpload | None], None]:
    def keep(upload: SavedUpload | None) -> None:
        if state and upload:
            state.save(upload)
        elif state:
            state.remove()

    return keep
