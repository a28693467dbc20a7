# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries out the plan for one upload, and finds out what has happened when the registry's answer does not say."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from .._ecr.errors import EcrError
from .._ecr.records import Layer, listed
from .completion_plan import CompletionPlan

if t.TYPE_CHECKING:
    from .._ecr.client import Repository

COMPLETED = "completed"
ALREADY_EXISTS = "already_exists"
ALREADY_COMPLETED = "already_completed"


@dataclass(frozen=True)
class Completion:
    """The outcome of a completion, or its prediction.

    ``registry_id`` is None unless the registry answered with it; ``layer`` is None while nothing is known of the layer.
    """

    action: str
    digest: str | None
    layer: Layer | None = None
    registry_id: str | None = None

    @property
    def changed(self) -> bool:
        """Whether this task's upload has become a layer."""
        return self.action == COMPLETED


def predict(plan: CompletionPlan) -> Completion:
    """Return what ``complete`` will do, without doing it."""
    if plan.present:
        return Completion(ALREADY_EXISTS, plan.present.digest, plan.present)
    return Completion(COMPLETED, plan.expected_digest)


def complete(repository: Repository, plan: CompletionPlan) -> Completion:
    """Complete the upload unless the layer is there already.

    :raises EcrError: the upload could not be completed, or the registry stored another layer than the one asked for
    """
    if plan.present:
        return predict(plan)
    try:
        response = repository.complete_upload(plan.upload_id, plan.digests)
    except EcrError as error:
        return _resolved(repository, plan, error)
    digest = _verified(repository, plan, response.get("layerDigest"))
    return Completion(COMPLETED, digest, registry_id=response.get("registryId"))


def described(repository: Repository, completion: Completion) -> Completion:
    """Return the completion with the layer as the registry lists it now, where it can be asked."""
    if completion.layer or completion.digest is None:
        return completion
    try:
        return replace(completion, layer=repository.layers([completion.digest])[completion.digest])
    except EcrError:
        # The layer is complete whether or not it can be looked up.
        return completion


def _verified(repository: Repository, plan: CompletionPlan, digest: str | None) -> str | None:
    if not plan.sha256_digests or digest in plan.sha256_digests:
        return digest
    raise EcrError(
        f"Upload {plan.upload_id} to {repository} was completed, but as another layer than the one asked for: the "
        f"registry answered {digest}, the task lists {listed(plan.sha256_digests)}. The bytes that were uploaded are "
        "not those of the layer: compare the file with its digest, and upload it again",
        changed=True,
        registry_id=repository.registry_id,
        repository_name=repository.name,
        upload_id=plan.upload_id,
        layer_digest=digest,
    )


def _resolved(repository: Repository, plan: CompletionPlan, error: EcrError) -> Completion:
    """Look whether the error means that the layer is there; raise the error when it is not."""
    if error.code not in ("LayerAlreadyExistsException", "UploadNotFoundException") and not error.may_have_been_applied:
        raise error
    available = _available(repository, plan, error)
    arrived = [layer for layer in available if not plan.was_available(layer.digest)]
    if error.may_have_been_applied and arrived:
        return Completion(COMPLETED, arrived[0].digest, arrived[0])
    if error.code == "LayerAlreadyExistsException" and available:
        return Completion(ALREADY_EXISTS, available[0].digest, available[0])
    if error.code == "UploadNotFoundException" and available and len(available) == len(set(plan.sha256_digests)):
        return Completion(ALREADY_COMPLETED, available[0].digest, available[0])
    raise error


def _available(repository: Repository, plan: CompletionPlan, error: EcrError) -> list[Layer]:
    if not plan.sha256_digests:
        return []
    try:
        layers = repository.layers(plan.sha256_digests)
    except EcrError as unanswered:
        raise error from unanswered
    return [layer for layer in layers.values() if layer.is_available]
