# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Completes an upload, and decides what an error of CompleteLayerUpload means."""

from __future__ import annotations

import enum
import typing as t
from dataclasses import dataclass, replace

from .._core.digest import is_sha256
from .._core.text import listed, printable
from .._ecr.call import Call
from .._ecr.errors import AnswerError, CallError, EcrError, ExplainedError

if t.TYPE_CHECKING:
    from .._ecr.layer_records import Layer
    from .._ecr.layers import Layers


class CompletionAction(enum.Enum):
    """What became of an upload."""

    COMPLETED = "completed"
    ALREADY_EXISTS = "already_exists"
    ALREADY_COMPLETED = "already_completed"


@dataclass(frozen=True)
class CompletionPlan:
    """What a run will do with one upload.

    ``layers`` are what the registry reports of the SHA-256 digests, in the order of the task; None if it could not be
    asked.
    """

    upload_id: str
    digests: tuple[str, ...]
    layers: tuple[Layer, ...] | None

    @property
    def sha256_digests(self) -> tuple[str, ...]:
        """The digests that Amazon ECR validates an upload with. The others prove nothing."""
        return tuple(filter(is_sha256, self.digests))

    @property
    def present(self) -> Layer | None:
        """The layer that makes sending unnecessary, if the registry has every SHA-256 digest, archived or not.

        Amazon ECR accepts an upload when any digest matches, so one digest among several that is there says nothing
        about this upload.
        """
        if self.layers and all(layer.is_stored for layer in self.layers):
            return self.layers[0]
        return None

    @property
    def expected_digest(self) -> str | None:
        """The digest that the registry will answer with, None if several are possible."""
        if self.present:
            return self.present.digest
        candidates = set(self.sha256_digests)
        return candidates.pop() if len(candidates) == 1 else None

    def was_stored(self, digest: str) -> bool:
        """Return whether the registry had this layer when the plan was made."""
        return any(layer.digest == digest and layer.is_stored for layer in self.layers or ())


def plan_completion(upload_id: str, digests: t.Sequence[str], layers: t.Mapping[str, Layer] | None) -> CompletionPlan:
    """Return the plan for what the task asks for and what the registry has.

    :param layers: the layers found of the SHA-256 digests, None if the caller lacks the permission
    """
    found = None if layers is None else tuple(layers.values())
    return CompletionPlan(upload_id, tuple(digests), found)


@dataclass(frozen=True)
class Completion:
    """The outcome of a completion, or its prediction.

    ``registry_id`` is None unless the registry answered with it; ``layer`` is None while nothing is known of the layer.
    """

    action: CompletionAction
    digest: str | None
    layer: Layer | None = None
    registry_id: str | None = None

    @property
    def changed(self) -> bool:
        """Whether the upload of this task became a layer."""
        return self.action is CompletionAction.COMPLETED


def predict_completion(plan: CompletionPlan) -> Completion:
    """Return what ``complete_upload`` will do, without doing it."""
    if plan.present:
        return Completion(CompletionAction.ALREADY_EXISTS, plan.present.digest, plan.present)
    return Completion(CompletionAction.COMPLETED, plan.expected_digest)


def complete_upload(layers: Layers, plan: CompletionPlan) -> Completion:
    """Complete the upload unless the layer is there already.

    :raises EcrError: the upload could not be completed, or the registry stored another layer than the one asked for
    """
    if plan.present:
        return predict_completion(plan)
    try:
        answer = layers.complete(plan.upload_id, plan.digests)
    except EcrError as error:
        return _resolved(layers, plan, error)
    digest = _verified(layers, plan, answer.digest)
    return Completion(CompletionAction.COMPLETED, digest, registry_id=answer.registry_id)


def with_layer(layers: Layers, completion: Completion) -> Completion:
    """Return the completion with the layer as the registry lists it now, if the registry can be asked."""
    if completion.layer or completion.digest is None:
        return completion
    try:
        return replace(completion, layer=layers.available([completion.digest])[completion.digest])
    except EcrError:
        # The layer is complete whether or not it can be looked up.
        return completion


def _verified(layers: Layers, plan: CompletionPlan, digest: str | None) -> str | None:
    if not plan.sha256_digests or digest in plan.sha256_digests:
        return digest
    raise AnswerError(
        Call("CompleteLayerUpload", layers.repository, plan.upload_id, plan.digests),
        f"Upload {plan.upload_id} to {layers.repository} was completed as another layer. The registry reports "
        f"{printable(str(digest))}, but the task lists {listed(plan.sha256_digests)}",
        "The uploaded bytes are not those of the layer. Compare the file with its digest, and upload it again",
        changed=True,
        layer_digest=digest,
    )


def _resolved(layers: Layers, plan: CompletionPlan, error: EcrError) -> Completion:
    """Decide whether a refused completion still means success; raise the error otherwise."""
    if error.code not in ("LayerAlreadyExistsException", "UploadNotFoundException") and not error.may_have_been_applied:
        raise error
    stored = _stored(layers, plan, error)
    arrived = [layer for layer in stored if not plan.was_stored(layer.digest)]
    if error.may_have_been_applied and arrived:
        return Completion(CompletionAction.COMPLETED, arrived[0].digest, arrived[0])
    if error.code == "LayerAlreadyExistsException" and stored:
        return Completion(CompletionAction.ALREADY_EXISTS, stored[0].digest, stored[0])
    if error.code == "UploadNotFoundException" and stored and len(stored) == len(set(plan.sha256_digests)):
        return Completion(CompletionAction.ALREADY_COMPLETED, stored[0].digest, stored[0])
    raise error


def _stored(layers: Layers, plan: CompletionPlan, error: EcrError) -> list[Layer]:
    if not plan.sha256_digests:
        return []
    try:
        found = layers.available(plan.sha256_digests)
    except EcrError as unanswered:
        raise _unknown(plan, error) from unanswered
    return [layer for layer in found.values() if layer.is_stored]


def _unknown(plan: CompletionPlan, error: EcrError) -> EcrError:
    """Return the error of a completion whose outcome cannot be looked up.

    Amazon ECR forgets an upload that is completed, so after a lost answer it reports it as unknown.
    """
    if not isinstance(error, CallError) or not (error.lost_an_answer and error.code == "UploadNotFoundException"):
        return error
    return ExplainedError(
        error,
        f"It is unknown whether upload {plan.upload_id} to {error.call.repository} was completed. An answer was lost, "
        "the registry does not know the upload any more, and the layer could not be looked up",
        "Run the task again. It looks the layer up first",
    )
