# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Brings a whole layer to the registry, and recovers from what can go wrong on the way.

The parts of an upload are strictly consecutive, so one position, the next byte, says how far it is. Only the registry
knows it for certain: it tells it in the answer to a part, or in InvalidLayerPartException. Source:
https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_UploadLayerPart.html.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .._core.blob import Blob, BlobChangedError, Witness
from .._core.task import nobody_waits
from .._ecr.errors import EcrError
from .._ecr.limits import check_layer_size, usable_part_size
from .._ecr.part_body import BlobPart
from .._ecr.records import ARCHIVED
from .completion import (
    ALREADY_EXISTS,
    COMPLETED,
    Completion,
    complete,
)
from .completion_plan import plan_completion
from .state import SavedUpload

if t.TYPE_CHECKING:
    from .._ecr.client import Repository
    from .._ecr.records import Layer
    from .plan import LayerPlan

MOST_CORRECTIONS = 10


class UploadGoneError(Exception):
    """The upload cannot be continued; ``error`` is the registry's."""

    def __init__(self, error: EcrError) -> None:
        super().__init__(str(error))
        self.error = error


class LayerUpload:
    """One layer on its way into the registry.

    ``upload`` is the open upload, None before it is opened; ``bytes_sent`` and ``parts_sent`` count what this run
    brought.

    :param part_size: the size asked for in bytes, None for what the registry advises
    :param keep: called with the upload after every step, and with None when it has come to nothing
    :param is_waited_for: asked before every step; the upload stops, and can be continued, when nobody waits any more
    """

    def __init__(
        self,
        repository: Repository,
        blob: Blob,
        plan: LayerPlan,
        part_size: int | None,
        keep: t.Callable[[SavedUpload | None], None],
        is_waited_for: t.Callable[[], bool],
    ) -> None:
        self._repository = repository
        self._blob = blob
        self._plan = plan
        self._part_size = part_size
        self._keep = keep
        self._is_waited_for = is_waited_for
        self._witness = Witness(blob)
        self._corrections = 0
        self._is_ours_alone = plan.saved is None
        self._may_be_complete = False
        self.upload = plan.saved
        self.bytes_sent = 0
        self.parts_sent = 0

    def run(self, upload_id: str | None = None) -> Completion:
        """Send what the registry does not have, and complete the upload.

        :param upload_id: an upload whose position is not known, to go on with
        :raises EcrError: the registry refused for good
        :raises BlobChangedError: the file has changed, nothing was completed
        :raises TaskError: nobody waits for the task any more, nothing was completed
        """
        try:
            return self._attempt(upload_id)
        except UploadGoneError:
            layer = self._look()
            if layer and layer.is_available:
                return Completion(ALREADY_EXISTS, layer.digest, layer)
        self._forget()
        try:
            return self._attempt(None)
        except UploadGoneError as gone:
            self._forget()
            raise gone.error from gone

    def _attempt(self, upload_id: str | None) -> Completion:
        self._open(upload_id)
        self._send()
        return self._complete()

    def _look(self) -> Layer | None:
        if self._plan.found is None:
            return None
        return self._repository.layers([self._plan.digest])[self._plan.digest]

    def _open(self, upload_id: str | None) -> None:
        if self.upload is not None:
            self._move_to(replace(self.upload, part_size=self._part_size or self.upload.part_size))
            return
        if upload_id is not None:
            self._is_ours_alone = False
            self._move_to(SavedUpload(upload_id, self._part_size or self._plan.part_size, self._ask(upload_id)))
            return
        response = self._repository.initiate_upload()
        part_size = self._part_size or usable_part_size(response.get("partSize"))
        check_layer_size(str(self._blob), self._blob.size, part_size)
        self._move_to(SavedUpload(response["uploadId"], part_size, 0))

    def _forget(self) -> None:
        self._is_ours_alone = True
        self.upload = None
        self._keep(None)

    def _move_to(self, upload: SavedUpload) -> None:
        self.upload = upload
        self._keep(upload)

    def _check(self) -> None:
        if not self._is_waited_for():
            raise nobody_waits()
        self._blob.check_unchanged()

    def _ask(self, upload_id: str) -> int:
        """Offer a byte where none can belong: the refusal tells the position, and nothing is stored."""
        beyond = self._blob.size + 1
        try:
            self._repository.upload_part(upload_id, beyond, beyond, b"\0")
        except EcrError as error:
            # A registry may judge the position by itself: then the first part is corrected.
            return 0 if error.code == "InvalidParameterException" else self._position_in(error)
        raise UploadGoneError(EcrError(f"Upload {upload_id} holds more bytes than {self._blob} has"))

    def _position_in(self, error: EcrError) -> int:
        """Return the next byte that the registry's refusal of a part names."""
        if error.code == "UploadNotFoundException":
            raise UploadGoneError(error)
        if error.code != "InvalidLayerPartException":
            raise error
        last_valid = error.response.get("lastValidByteReceived")
        if last_valid is None or not -1 <= last_valid < self._blob.size:
            raise UploadGoneError(error)
        return int(last_valid) + 1

    def _send(self) -> None:
        upload = t.cast(SavedUpload, self.upload)
        while upload.next_byte < self._blob.size:
            self._check()
            upload = replace(upload, next_byte=self._send_part(upload))
            self._move_to(upload)

    def _send_part(self, upload: SavedUpload) -> int:
        """Send the part that begins at the next byte, and return the next byte after it."""
        first = upload.next_byte
        last = min(first + upload.part_size, self._blob.size) - 1
        self._witness.catch_up(first)
        part = BlobPart(self._blob, first, last, self._witness)
        try:
            self._repository.upload_part(upload.upload_id, first, last, part)
        except EcrError as error:
            # Bytes that change after they were signed are refused as if the credentials were wrong.
            self._blob.check_unchanged()
            next_byte = self._position_in(error)
            if next_byte != last + 1:
                self._count_correction(next_byte, error)
                return next_byte
            if not error.may_have_been_applied:
                return next_byte
        self.bytes_sent += len(part)
        self.parts_sent += 1
        return last + 1

    def _count_correction(self, next_byte: int, error: EcrError) -> None:
        self._corrections += 1
        self._is_ours_alone = False
        if next_byte == 0:
            raise UploadGoneError(error)
        if self._corrections > MOST_CORRECTIONS:
            self._move_to(replace(t.cast(SavedUpload, self.upload), next_byte=next_byte))
            raise error

    def _complete(self) -> Completion:
        upload = t.cast(SavedUpload, self.upload)
        self._check()
        sent = self._witness.digest()
        if sent != self._plan.digest:
            raise BlobChangedError(
                f"{self._blob} has the digest {sent}, not {self._plan.digest}: "
                "it is damaged, or was changed while it was uploaded"
            )
        found = None if self._plan.found is None else {self._plan.digest: self._plan.found}
        try:
            return complete(self._repository, plan_completion(upload.upload_id, [self._plan.digest], found))
        except EcrError as error:
            return self._completed_after_all(error)

    def _completed_after_all(self, error: EcrError) -> Completion:
        """Return what a refused completion comes to, or raise the error that it is."""
        self._may_be_complete = self._may_be_complete or error.may_have_been_applied
        if error.code == "LayerAlreadyExistsException" and not self._is_archived():
            # The registry compares the bytes with the one digest given before it says that it has the layer.
            return Completion(COMPLETED if self._may_be_complete else ALREADY_EXISTS, self._plan.digest)
        # What another task has sent to this upload can be other bytes, or parts that are too small.
        spoilt = not self._is_ours_alone and error.code in ("InvalidLayerException", "LayerPartTooSmallException")
        if spoilt or error.code == "UploadNotFoundException":
            raise UploadGoneError(error) from error
        raise error

    def _is_archived(self) -> bool:
        return self._plan.found is not None and self._plan.found.availability == ARCHIVED
