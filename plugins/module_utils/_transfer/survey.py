# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks the registry what it has of an image, and refuses what it would refuse after the bytes were sent."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from .._upload.layer import with_saved_upload
from .plan import (
    SENT,
    BlobStep,
    blobs_in_question,
    plan_image,
)
from .run import tag_is_taken

if t.TYPE_CHECKING:
    from .._ansible.module import EcrModule
    from .._ecr.images import ImageRepository
    from .._ecr.repository_settings import RepositorySettings
    from .._ecr.stored_image import StoredImages
    from .._oci.image import Image
    from .._upload.layer import UploadOptions
    from .plan import ImagePlan


@dataclass(frozen=True)
class Survey:
    """The plan, and what was learned on the way of the repository: None for what has not been told yet."""

    plan: ImagePlan
    registry_id: str | None
    repository_uri: str | None


def survey(
    module: EcrModule, repository: ImageRepository, image: Image, tags: t.Sequence[str], options: UploadOptions
) -> Survey:
    """Look for the image under its digest and its tags, and for its layers only where that leaves a question.

    :raises EcrError: a look-up failed, or a tag is immutable and on another image
    """
    stored = _stored(repository, image, tags)
    questions = blobs_in_question(image, stored)
    layers = module.layers(repository, questions) if questions else {}
    plan = plan_image(image, tags, stored, layers, options.expected_part_size)
    registry_id = repository.registry_id or stored.registry_id
    settings = _settings(module, repository, plan, registry_id)
    if settings:
        _check_tags(repository, plan, settings)
    return Survey(
        _with_saved_uploads(module, repository, plan, options),
        registry_id or (settings.registry_id if settings else None),
        settings.uri if settings else None,
    )


def _stored(repository: ImageRepository, image: Image, tags: t.Sequence[str]) -> StoredImages:
    stored = repository.images([image.root.digest], tags)
    if image.root.digest not in stored.by_digest and image.children:
        children = repository.images([child.digest for child in image.children])
        stored.by_digest.update(children.by_digest)
    return stored


def _settings(
    module: EcrModule, repository: ImageRepository, plan: ImagePlan, registry_id: str | None
) -> RepositorySettings | None:
    """Return the settings where they matter: for a tag that moves, and for the account that only a push tells."""
    moving = [step.tag for step in plan.tags if step.moves and step.before]
    if not moving and (registry_id or not module.check_mode):
        return None
    warning = (
        f"The caller may not use ecr:DescribeRepositories on {repository}, so it is not known before the push "
        f"whether these tags can be moved: {', '.join(moving)}."
    )
    return module.unless_denied(repository.settings, warning if moving else None)


def _check_tags(repository: ImageRepository, plan: ImagePlan, settings: RepositorySettings) -> None:
    for step in plan.tags:
        if step.before and step.moves and settings.is_immutable(step.tag):
            raise tag_is_taken(repository, step.tag, step.before, step.after)


def _with_saved_uploads(
    module: EcrModule, repository: ImageRepository, plan: ImagePlan, options: UploadOptions
) -> ImagePlan:
    """Return the plan with only what is left of the uploads that an earlier run has begun."""
    # A run warns by itself, when it holds the state files.
    warn = module.warn if module.check_mode else _say_nothing

    def continued(step: BlobStep) -> BlobStep:
        if step.action != SENT:
            return step
        return replace(step, layer=with_saved_upload(repository, step.layer, options, warn))

    return replace(plan, blobs=tuple(map(continued, plan.blobs)))


def _say_nothing(_message: str) -> None:
    """Take a warning that is given elsewhere."""
