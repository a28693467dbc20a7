# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sends and checks the blobs of one image, several at once."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .._core.digest import sha256_of
from .._core.errors import ContentChangedError, LayerUploadError, TaskError, UploadProgress
from .._core.text import MIB
from .._oci.store import COPY_AGAIN

if t.TYPE_CHECKING:
    from .._core.task import Job, Task
    from .._oci.descriptor import Descriptor
    from .._oci.image import Image
    from .._upload.layer import LayerPusher
    from .._upload.plan import LayerPlan
    from .early import EarlySender


# To send as many bytes takes less time than to wait for the answers to three requests.
SMALL_LAYER = MIB


class BlobPusher:
    """Sends and checks blobs of one image.

    :param layers: uploads each blob
    :param early: what is being sent of the image already
    :param parallel: how many blobs are sent or read at once; several small layers are sent in place of another one
    """

    def __init__(self, image: Image, layers: LayerPusher, early: EarlySender, parallel: int, task: Task) -> None:
        self._image = image
        self._layers = layers
        self._early = early
        self._parallel = parallel
        self._task = task
        self.outcome = early.outcome

    def run(self, layers: t.Sequence[LayerPlan], checked: t.Iterable[Descriptor]) -> None:
        """Send layers in this order, and check the digests of other blobs, except those that were checked before.

        The first failure stops the others at their next step.

        :raises LayerUploadError: a layer could not be sent
        :raises TaskError: a blob is damaged
        """
        sending = {self._sender(layer): layer.size for layer in layers}
        checking = [self._checker(blob) for blob in checked if not self._image.reader.was_read(blob.digest)]
        small = {send for send, size in sending.items() if size <= SMALL_LAYER}
        self._task.progress.begin({layer.digest: layer.bytes_to_send for layer in layers})
        self._task.run_all([*sending, *checking], self._parallel, small)

    def tidy(self, done: t.Iterable[LayerPlan]) -> None:
        """Remove what earlier runs left of layers that are in the repository now."""
        self._layers.tidy(done)

    def _sender(self, layer: LayerPlan) -> Job:
        # The state file is read again once it is held.
        unsaved = replace(layer, saved=None)

        def send() -> None:
            if self._early.has_sent(layer.digest):
                self._task.progress.finish(layer.digest)
                return
            try:
                with self._image.reader.open(layer.digest) as blob:
                    push = self._layers.push(blob, unsaved)
            except LayerUploadError as error:
                self.outcome.count(error.progress.bytes_sent)
                raise
            except TaskError as error:
                raise LayerUploadError(error, UploadProgress(layer.digest, layer.size, None, 0, 0)) from error
            self.outcome.count(push.progress.bytes_sent, push)

        return send

    def _checker(self, blob: Descriptor) -> Job:
        def check() -> None:
            with self._image.reader.open(blob.digest) as opened:
                if sha256_of(self._task.guard(opened.chunks(0, opened.size))) != blob.digest:
                    raise ContentChangedError(f"{opened} has other content than its digest states", COPY_AGAIN)

        return check
