# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Uploads one layer, and recovers from what can go wrong on the way.

The parts of an upload are strictly consecutive, so one position, the next byte, says how far it is. Only the registry
knows it for certain. It reports it in the answer to a part, and in InvalidLayerPartException. An upload that
cannot be finished with a bounded number of corrections is replaced by a new one, once. Source:
https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_UploadLayerPart.html.
"""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import replace

from .._core.blob import Blob, RunningDigest
from .._core.errors import ContentChangedError, TaskStoppedError, Unanswered
from .._core.growing import GrowingBlob
from .._ecr.call import Call
from .._ecr.errors import AnswerError, CallError, EcrError, ExplainedError, ForeignAnswerError
from .._ecr.limits import check_layer
from .._ecr.part_body import BlobPart
from .completion import Completion, CompletionAction, complete_upload, plan_completion
from .plan import SavedUpload, check_size

if t.TYPE_CHECKING:
    from .._core.task import Task
    from .._ecr.layer_records import Layer
    from .._ecr.layers import Layers
    from .plan import LayerPlan

MAX_CORRECTIONS = 10

_DAMAGED = "The source is damaged, or was changed during the upload: create it again, or copy it again"


class UploadGoneError(Exception):
    """The upload cannot be resumed; ``error`` is the registry's."""

    def __init__(self, error: EcrError) -> None:
        super().__init__(str(error))
        self.error = error


class LayerUpload:
    """The upload of one layer.

    ``upload`` is the open upload, None before it is opened; ``bytes_sent`` and ``parts_sent`` count what the registry
    received from this run. ``unanswered`` is the step that failed and may have been carried out.

    :param plan: returns the plan of the layer; called at the end, so the layer may still be made until then
    :param saved: the upload to resume
    :param part_size: the size asked for in bytes, None for the size that the registry recommends
    :param keep: called with the upload after every step, and with None when it is given up
    :param task: checked before every step; an upload that it stops can be resumed
    """

    def __init__(
        self,
        layers: Layers,
        blob: Blob,
        plan: t.Callable[[], LayerPlan],
        saved: SavedUpload | None,
        part_size: int | None,
        keep: t.Callable[[SavedUpload | None], None],
        task: Task,
    ) -> None:
        self._layers = layers
        self._blob = blob
        self._planned = plan
        self._part_size = part_size
        self._keep = keep
        self._task = task
        self._running_digest = RunningDigest(blob)
        self._corrections = 0
        self._began_at = 0
        self._is_ours_alone = saved is None
        self._may_be_complete = False
        self.upload = saved
        self.unanswered: Unanswered | None = None
        self.bytes_sent = 0
        self.parts_sent = 0

    @property
    def _plan(self) -> LayerPlan:
        return self._planned()

    @property
    def _known_digest(self) -> str | None:
        """The digest of the layer, None while it is made. The plan would wait for that."""
        return self._blob.known_digest if isinstance(self._blob, GrowingBlob) else self._plan.digest

    def run(self, upload_id: str | None = None) -> Completion:
        """Send what the registry lacks, and complete the upload.

        :param upload_id: an upload to resume whose position is not known
        :raises EcrError: the registry refused, and retrying did not help, or reports another size for the layer
        :raises ContentChangedError: the file changed, and nothing was completed
        :raises TaskStoppedError: the task stopped, and nothing was completed
        :raises BlobDroppedError: the layer will not be made, or is there, and nothing was completed
        """
        completion = self._run(upload_id)
        try:
            check_size(self._plan, completion.layer, self._layers.repository, completion.changed)
        except AnswerError:
            # The layer is there, so the upload has ended.
            self._forget()
            raise
        self._task.progress.finish(self._plan.digest)
        return completion

    def _run(self, upload_id: str | None) -> Completion:
        try:
            return self._attempt(upload_id)
        except UploadGoneError:
            layer = self._look()
            if layer and layer.is_stored:
                return Completion(CompletionAction.ALREADY_EXISTS, layer.digest, layer)
        if upload_id is not None:
            self._task.warn(
                f"The registry does not know upload {upload_id}, or it cannot be resumed. The layer is sent from its "
                "beginning in a new upload."
            )
        self._forget()
        try:
            return self._attempt(None)
        except UploadGoneError as gone:
            self._forget()
            explained = _given_up(gone.error)
            # An error that was its own cause would have no end.
            raise explained from (explained.__cause__ if explained is gone.error else gone)

    def _attempt(self, upload_id: str | None) -> Completion:
        self._corrections = 0
        upload = self._open(upload_id)
        self._began_at = upload.next_byte
        digest = self._known_digest
        if digest:
            self._task.progress.begin({digest: self._blob.size - upload.next_byte})
        self._send()
        return self._complete()

    def _look(self) -> Layer | None:
        if self._plan.found is None:
            return None
        return self._layers.available([self._plan.digest])[self._plan.digest]

    def _open(self, upload_id: str | None) -> SavedUpload:
        if self.upload is not None:
            return self._move_to(replace(self.upload, part_size=self._part_size or self.upload.part_size))
        if upload_id is not None:
            self._is_ours_alone = False
            part_size = self._part_size or self._plan.part_size
            # If the registry does not say, the first part is sent and corrected.
            return self._move_to(SavedUpload(upload_id, part_size, self._ask(upload_id) or 0))
        opened = self._layers.initiate()
        part_size = self._part_size or opened.part_size
        check_layer(str(self._blob), self._blob.max_size, part_size)
        return self._move_to(SavedUpload(opened.upload_id, part_size, 0))

    def _forget(self) -> None:
        self._is_ours_alone = True
        self.upload = None
        self.unanswered = None
        self._keep(None)

    def _move_to(self, upload: SavedUpload) -> SavedUpload:
        self.upload = upload
        self._keep(upload)
        return upload

    @contextlib.contextmanager
    def _watching(self, step: Unanswered) -> t.Iterator[None]:
        """Remember the step if it fails without an answer that says whether it was carried out."""
        self.unanswered = None
        try:
            yield
        except EcrError as error:
            self.unanswered = step if error.may_have_been_applied else None
            raise
        except TaskStoppedError:
            # The task was stopped between two attempts.
            self.unanswered = step
            raise

    def _check(self) -> None:
        self._task.check()
        self._blob.check_unchanged()

    def _ask(self, upload_id: str) -> int | None:
        """Offer a byte where none can belong. The refusal names the position, and nothing is stored.

        Returns None if the registry refuses the byte as such.
        """
        beyond = self._blob.size + 1
        try:
            self._layers.upload_part(upload_id, beyond, beyond, b"\0")
        except CallError as error:
            return None if error.code == "InvalidParameterException" else self._position_in(error)
        call = Call("UploadLayerPart", self._layers.repository, upload_id, first_byte=beyond, last_byte=beyond)
        raise UploadGoneError(AnswerError(call, f"Upload {upload_id} has more bytes than {self._blob}"))

    def _position_in(self, error: CallError) -> int:
        """Return the next byte that the registry's refusal of a part names."""
        if error.code == "UploadNotFoundException":
            raise UploadGoneError(error)
        if error.code != "InvalidLayerPartException":
            raise error
        expected = error.expected_byte
        if expected is None or expected > self._blob.size:
            raise UploadGoneError(error)
        return expected

    def _position_after(self, error: CallError, upload_id: str, last: int) -> int:
        """Return the next byte after a part failed that ends with ``last``; raise the error if that is not a position.

        An answer that is not Amazon ECR's names none. Then the registry is asked whether the part arrived.
        """
        if not isinstance(error, ForeignAnswerError) or not error.is_unresolved:
            return self._position_in(error)
        try:
            position = self._ask(upload_id)
        except EcrError as unanswered:
            raise error from unanswered
        if position == last + 1:
            return position
        # A single byte can be reported like none.
        if position is not None and last > 0:
            error.rule_out()
            self.unanswered = None
        raise error

    def _send(self) -> None:
        upload = t.cast(SavedUpload, self.upload)
        while self._blob.wait_for(upload.next_byte + upload.part_size) > upload.next_byte:
            self._check()
            upload = replace(upload, next_byte=self._send_part(upload))
            self._move_to(upload)
            self._show(upload.next_byte)

    def _show(self, position: int) -> None:
        """Show that the bytes before a position have been sent."""
        digest = self._known_digest
        if digest:
            self._task.progress.set_left(digest, self._blob.size - position)

    def _send_part(self, upload: SavedUpload) -> int:
        """Send the part that begins at the next byte. Return the next byte after it."""
        first = upload.next_byte
        last = self._blob.wait_for(first + upload.part_size) - 1
        if not self._blob.is_remote:
            self._running_digest.catch_up(first)
        self._blob.prepare(first, last - first + 1)
        part = BlobPart(self._blob, first, last, self._running_digest, lambda sent: self._show(first + sent))
        self._task.has_sent = True
        try:
            with self._watching(Unanswered.PART):
                self._layers.upload_part(upload.upload_id, first, last, part)
        except CallError as error:
            # The registry refuses bytes that change after they were signed as if the credentials were wrong.
            self._blob.check_unchanged()
            next_byte = self._position_after(error, upload.upload_id, last)
            self.unanswered = None
            if next_byte != last + 1:
                self._count_correction(next_byte, error)
                return next_byte
            if not error.may_have_been_applied:
                return next_byte
        self.bytes_sent += len(part)
        self.parts_sent += 1
        return last + 1

    def _count_correction(self, next_byte: int, error: CallError) -> None:
        self._corrections += 1
        self._is_ours_alone = False
        if self._corrections > MAX_CORRECTIONS:
            raise UploadGoneError(error)
        if next_byte == 0:
            self._start_over(error)

    def _start_over(self, error: EcrError) -> None:
        """Resume at byte 0, because the registry reports that nothing of the upload has arrived."""
        if self._began_at == 0:
            # It had the first byte before, so it would lose it again.
            raise UploadGoneError(error)
        self._began_at = 0
        self._move_to(replace(t.cast(SavedUpload, self.upload), next_byte=0))

    def _complete(self) -> Completion:
        upload = t.cast(SavedUpload, self.upload)
        self._check()
        self._check_digest()
        found = None if self._plan.found is None else {self._plan.digest: self._plan.found}
        try:
            with self._watching(Unanswered.COMPLETION):
                return complete_upload(self._layers, plan_completion(upload.upload_id, [self._plan.digest], found))
        except EcrError as error:
            return self._completed_after_all(error)

    def _check_digest(self) -> None:
        if self._blob.is_remote and not self._running_digest.is_complete:
            # What an earlier run sent would be fetched once more. The registry compares the digest itself.
            return
        if self._running_digest.digest() != self._plan.digest:
            raise ContentChangedError(
                f"{self._blob} has other content than its digest states",
                "Run the task again" if self._blob.is_remote else _DAMAGED,
            )

    def _completed_after_all(self, error: EcrError) -> Completion:
        """Decide whether a refused completion still means success; raise the error otherwise."""
        self._may_be_complete = self._may_be_complete or error.may_have_been_applied
        if error.code == "LayerAlreadyExistsException":
            # The registry compares the bytes with the one digest given before it reports that it has the layer.
            action = CompletionAction.COMPLETED if self._may_be_complete else CompletionAction.ALREADY_EXISTS
            return Completion(action, self._plan.digest)
        if error.code == "EmptyUploadException":
            self._start_over(error)
            self._send()
            return self._complete()
        # Another task may have sent other bytes, or parts that are too small, to this upload.
        spoiled = not self._is_ours_alone and error.code in ("InvalidLayerException", "LayerPartTooSmallException")
        if spoiled or error.code == "UploadNotFoundException":
            raise UploadGoneError(error) from error
        raise error


def _given_up(error: EcrError) -> EcrError:
    """Return the failure of an upload that replaced another one and is gone as well."""
    contradictions = {
        "EmptyUploadException": "The registry confirmed each part of {upload}, and reports the upload as empty",
        "InvalidLayerPartException": (
            "The registry refuses parts of {upload}, although each begins where the registry expects it"
        ),
    }
    if not isinstance(error, CallError) or error.code not in contradictions:
        return error
    upload = f"upload {error.call.upload_id} to {error.call.repository}"
    return ExplainedError(
        error,
        contradictions[error.code].format(upload=upload),
        "Something else may be sending to this upload, or something between the host and Amazon ECR may change the "
        "requests. Run the task again. It opens a new upload",
    )
