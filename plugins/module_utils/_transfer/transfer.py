# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Brings one image into a repository, wherever it is read from: plan, push or rehearsal, and result."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._ecr.layers import Layers
from .._ecr.part_body import stream_parts
from .._upload.layer import LayerPusher
from .blobs import BlobPusher
from .early import EarlySender
from .entries import layers_of_failure
from .result import (
    diff_result,
    image_result,
    layers_result,
    manifests_result,
    push_message,
    referrers_result,
)
from .run import ImagePush
from .survey import NOTHING_KNOWN, Survey, Surveyor

if t.TYPE_CHECKING:
    from .._core.task import Task
    from .._ecr.client import EcrClient
    from .._oci.image import Image
    from .._upload.layer import UploadOptions
    from .entries import Result
    from .plan import ImagePlan
    from .survey import Known


@dataclass(frozen=True)
class _Planned:
    """What the survey found, and what will carry its plan out."""

    survey: Survey
    pusher: BlobPusher
    push: ImagePush


class ImageTransfer:
    """The transfer of one image into the repository of a client.

    :param parallel: how many blobs are sent or read at once
    :param dry_run: whether the run will only predict
    """

    def __init__(self, client: EcrClient, options: UploadOptions, parallel: int, task: Task, dry_run: bool) -> None:
        stream_parts(client.events)
        self._client = client
        self._options = options
        self._layers = LayerPusher(client, options, task)
        self._early = EarlySender(Layers(client), self._layers, options.expected_part_size, parallel)
        self._parallel = parallel
        self._task = task
        self._dry_run = dry_run
        self._planned: _Planned | None = None

    def plan(
        self,
        image: Image,
        tags: t.Sequence[str],
        check: t.Callable[[Image], None],
        known: Known = NOTHING_KNOWN,
        verifies: bool = True,
    ) -> ImagePlan:
        """Ask the registry about the image, and return what ``run`` will do; parameters and errors as in Surveyor.

        :param verifies: whether the run reads back what it put
        """
        early = None if self._dry_run else self._early
        surveyor = Surveyor(self._client, image, check, self._layers, early, self._task, known)
        try:
            survey = surveyor.survey(tags, self._options.expected_part_size)
        except BaseException:
            self._early.stop()
            raise
        pusher = BlobPusher(survey.plan.image, self._layers, self._early, self._parallel, self._task)
        push = ImagePush(self._client, survey.plan, pusher, self._task, verifies)
        self._planned = _Planned(survey, pusher, push)
        return survey.plan

    def run(self) -> None:
        """Carry the plan out, or read what a run would read.

        :raises TaskError: as in ``ImagePush``; ``failure`` says how far the run got
        """
        push = self._steps.push
        try:
            push.rehearse() if self._dry_run else push.run()
        finally:
            self._early.stop()

    def result(self) -> Result:
        """Return what the result of the task says of the image."""
        steps = self._steps
        plan = steps.survey.plan if self._dry_run else steps.push.outcome
        changed = plan.changed if self._dry_run else steps.push.changed
        layers = layers_result(plan, None if self._dry_run else steps.pusher.outcome)
        return {
            "changed": changed,
            "msg": push_message(plan, self._client.repository.name, layers, changed, self._dry_run),
            "diff": diff_result(plan),
            "image": image_result(plan, self._repository_uri(steps)),
            "manifests": manifests_result(plan),
            "referrers": referrers_result(plan),
            **layers,
        }

    def failure(self) -> Result:
        """Return what the result of a failed task says of the run: nothing if nothing was planned or sent."""
        if self._planned is None:
            sent = self._early.outcome
            return {"changed": sent.changed, "bytes_sent": sent.bytes_sent} if sent.bytes_sent else {}
        push, pusher = self._planned.push, self._planned.pusher
        return {
            "changed": push.changed,
            "image": image_result(push.outcome, self._repository_uri(self._planned)),
            **layers_of_failure(layers_result(push.outcome, pusher.outcome)),
        }

    @property
    def account(self) -> str | None:
        """The AWS account of the registry, None if no answer has reported it yet."""
        return (self._planned.push.registry_id or self._planned.survey.registry_id) if self._planned else None

    @property
    def _steps(self) -> _Planned:
        return t.cast(_Planned, self._planned)

    def _repository_uri(self, steps: _Planned) -> str | None:
        registry_id = steps.push.registry_id or steps.survey.registry_id
        return steps.survey.repository_uri or (self._client.uri(registry_id) if registry_id else None)
