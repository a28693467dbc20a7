# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sends layers of an image while they are compressed, before the plan of the push is complete.

Only the digest of a layer says whether the registry has it, and it is known when the layer is complete. So a layer
waits for the answer of the registry. Once a layer is missing, those above it are almost surely missing as well: they
are sent part by part while they are made. The registry is asked all the same, as soon as their digest is known: what
it has is not sent any further, and not completed.

The plan says of each layer what the registry answered, whether or not it was sent meanwhile. A failure is raised when
the plan is carried out.
"""

from __future__ import annotations

import threading
import typing as t
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

from .._core.errors import LayerUploadError, TaskError, UploadProgress
from .._core.growing import BlobDroppedError
from .._core.task import submitted
from .._oci.store import LayerFollower
from .._upload.layer import LayerAction
from .._upload.plan import LayerPlan
from .outcome import BlobPushes

if t.TYPE_CHECKING:
    from .._core.growing import GrowingBlob
    from .._ecr.layer_records import Layer
    from .._ecr.layers import Layers
    from .._upload.layer import LayerPush, LayerPusher

# What a task does if it lacks the permission to look layers up.
ALL_LAYERS_ARE_SENT = "Every layer is sent, because the task cannot check which layers are already there"


@dataclass
class _Layer:
    """A layer that was begun; ``plan`` is None until the registry was asked, ``sending`` ends when it was sent."""

    blob: GrowingBlob
    plan: LayerPlan | None = None
    sending: Future[None] | None = None


class EarlySender(LayerFollower):
    """Sends the layers of one image that are made, until it is stopped.

    ``outcome`` is what became of them so far.

    :param layers: looks layers up
    :param pusher: uploads each layer
    :param part_size: the size of the parts in bytes
    :param parallel: how many layers are sent at once
    """

    def __init__(self, layers: Layers, pusher: LayerPusher, part_size: int, parallel: int) -> None:
        self._layers = layers
        self._pusher = pusher
        self._part_size = part_size
        self._senders = ThreadPoolExecutor(parallel)
        # One request at a time asks for all layers that were completed meanwhile.
        self._asker = ThreadPoolExecutor(1)
        self._changed = threading.Condition()
        self._begun: list[_Layer] = []
        self._unasked: list[_Layer] = []
        self._is_denied = False
        self._is_one_missing = False
        self._is_over = False
        self._refusal: TaskError | None = None
        self._failure: tuple[_Layer, LayerUploadError] | None = None
        self.outcome = BlobPushes()

    def stop(self) -> None:
        """Stop what is still being sent, at the end of its part."""
        with self._changed:
            self._is_over = True
            for layer in self._begun:
                layer.blob.drop()
            self._changed.notify_all()
        self._asker.shutdown(cancel_futures=True)
        self._senders.shutdown(cancel_futures=True)

    def begin(self, layer: GrowingBlob, /) -> None:
        """Send a layer as soon as it is likely that the registry lacks it."""
        begun = _Layer(layer)
        self._begun.append(begun)
        begun.sending = submitted(self._senders, self._send, begun)

    def finish(self, _layer: GrowingBlob, /) -> None:
        """Ask the registry for the layer that was begun last."""
        with self._changed:
            self._unasked.append(self._begun[-1])
        submitted(self._asker, self._ask)

    def drop(self, layer: GrowingBlob, /) -> None:
        """Stop sending a layer that will not be completed."""
        with self._changed:
            layer.drop()
            self._changed.notify_all()

    def plans(self) -> dict[str, LayerPlan]:
        """Return what the registry answered for each layer that was completed, by its digest.

        :raises TaskError: it could not be asked
        """
        self._asker.shutdown()
        if self._refusal:
            raise self._refusal
        return {layer.plan.digest: layer.plan for layer in self._begun if layer.plan}

    def has_sent(self, digest: str) -> bool:
        """Wait until a layer is sent. Return whether it was, False if it never will be here.

        :raises LayerUploadError: a layer could not be sent
        """
        layer = next((begun for begun in self._begun if begun.plan and begun.plan.digest == digest), None)
        if layer is None or layer.sending is None:
            return False
        layer.sending.result()
        if self._failure:
            failed, error = self._failure
            named = replace(error.progress, digest=failed.blob.known_digest or "", size=failed.blob.size)
            raise LayerUploadError(error.cause, named) from error
        return digest in self.outcome.pushed

    def _ask(self) -> None:
        with self._changed:
            asked, self._unasked = self._unasked, []
        try:
            self._answer(asked, self._looked_up([layer.blob.known_digest or "" for layer in asked]))
        except TaskError as error:
            with self._changed:
                self._refusal = self._refusal or error
                self._is_over = True
                for layer in self._begun:
                    layer.blob.drop()
                self._changed.notify_all()

    def _looked_up(self, digests: t.Sequence[str]) -> dict[str, Layer] | None:
        found = None
        if not self._is_denied:
            found = self._layers.available_unless_denied(digests, ALL_LAYERS_ARE_SENT) if digests else {}
        self._is_denied = found is None
        return found

    def _answer(self, asked: t.Iterable[_Layer], found: t.Mapping[str, Layer] | None) -> None:
        for layer in asked:
            digest = layer.blob.known_digest or ""
            plan = LayerPlan(digest, layer.blob.size, self._part_size, found[digest] if found else None)
            plan = self._pusher.with_saved_upload(plan, dry_run=False)
            with self._changed:
                layer.plan = plan
                if plan.is_present:
                    layer.blob.drop()
                else:
                    layer.blob.release()
                    self._is_one_missing = True
                self._changed.notify_all()

    def _send(self, layer: _Layer) -> None:
        try:
            push = self._sent(layer)
        except LayerUploadError as error:
            self._fail(layer, error)
        except TaskError as error:
            self._fail(layer, LayerUploadError(error, UploadProgress("", 0, None, 0, 0)))
        else:
            if push:
                has_ended = push.action is not LayerAction.DROPPED
                self.outcome.count(push.progress.bytes_sent, push if has_ended else None)

    def _sent(self, layer: _Layer) -> LayerPush | None:
        with self._changed:
            self._changed.wait_for(lambda: layer.plan or self._is_over or layer.blob.is_dropped or self._streams)
            if self._is_over or layer.blob.is_dropped:
                return None
            plan = layer.plan
        if plan:
            # The state file is read again once it is held.
            return self._pusher.push(layer.blob, replace(plan, saved=None))
        return self._pusher.push_growing(layer.blob, lambda: self._planned(layer))

    @property
    def _streams(self) -> bool:
        return self._is_one_missing and not self._pusher.keeps_state

    def _planned(self, layer: _Layer) -> LayerPlan:
        """Return the plan of a layer when it is known.

        :raises BlobDroppedError: the layer is not to be completed
        """
        with self._changed:
            self._changed.wait_for(lambda: layer.plan or layer.blob.is_dropped)
            if layer.plan is None or layer.blob.is_dropped:
                raise BlobDroppedError
            return layer.plan

    def _fail(self, layer: _Layer, error: LayerUploadError) -> None:
        self.outcome.count(error.progress.bytes_sent)
        with self._changed:
            self._failure = self._failure or (layer, error)
            self._is_over = True
            self._changed.notify_all()
