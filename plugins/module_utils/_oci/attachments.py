# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds what goes with an image: the referrers of its manifests, the referrers of these, and so on."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .._core.errors import InvalidInputError
from .._core.text import MIB
from .image import Attachment, Image, assemble_referrer

if t.TYPE_CHECKING:
    from .._core.task import Task
    from .referrer import Referrer

# More than any image has. A signature of an SBOM of an image has two levels.
MAX_REFERRERS = 1_000
MAX_LEVELS = 8
# All manifests are held in memory until they are sent.
_MAX_MANIFESTS = 32 * MIB


def with_referrers(image: Image, name: str, task: Task) -> Image:
    """Return the image with everything that its source contains and that refers to its manifests.

    :param name: names the source in messages
    :raises InvalidInputError: a referrer is damaged or incomplete, leads back to itself, or there are too many
    """
    _warn_of_others(image, name, task)
    return replace(image, attachments=_Search(image, name).found())


class _Search:
    """The search for the referrers of one image, level by level."""

    def __init__(self, image: Image, name: str) -> None:
        self._image = image
        self._name = name
        # What each manifest refers to. Those of the image are where the search begins.
        self._subjects: dict[str, str | None] = {manifest.digest: None for manifest in image.manifests}
        self._tags: set[str] = set()
        self._attachments: list[Attachment] = []

    def found(self) -> tuple[Attachment, ...]:
        """Return the referrers, each after what it refers to."""
        level = list(self._subjects)
        for _level in range(MAX_LEVELS):
            known = set(self._subjects)
            referrers = [referrer for referrer in self._image.reader.referrers(level) if self._is_new(referrer)]
            self._check_count(len(self._attachments) + len(referrers))
            self._attachments += [assemble_referrer(self._image.reader, each, self._name) for each in referrers]
            self._check_size()
            level = [digest for digest in self._subjects if digest not in known]
            if not level:
                return tuple(self._attachments)
        raise self._refused(f"has referrers of referrers at more than {MAX_LEVELS} levels")

    def _is_new(self, referrer: Referrer) -> bool:
        """Note a referrer. One can be there already: as an image of an index, or under another tag."""
        digest, tag = referrer.manifest.digest, referrer.tag
        if digest in self._chain(referrer.subject):
            raise self._refused(f"has a referrer that leads back to itself: {digest} refers to {referrer.subject}")
        is_new = digest not in self._subjects or (tag is not None and tag not in self._tags)
        self._subjects.setdefault(digest, referrer.subject)
        self._tags |= {tag} if tag else set()
        return is_new

    def _chain(self, digest: str) -> t.Iterator[str]:
        """Yield a digest, what that refers to, and so on."""
        at: str | None = digest
        while at is not None:
            yield at
            at = self._subjects.get(at)

    def _check_count(self, count: int) -> None:
        if count > MAX_REFERRERS:
            raise self._refused(f"has {count} referrers; the limit is {MAX_REFERRERS}")

    def _check_size(self) -> None:
        manifests = [manifest for attachment in self._attachments for manifest in attachment.image.manifests]
        size = sum(len(manifest.content) for manifest in manifests)
        if size > _MAX_MANIFESTS:
            raise self._refused(f"has referrers with {size} bytes of manifests; the limit is {_MAX_MANIFESTS}")

    def _refused(self, rule: str) -> InvalidInputError:
        return InvalidInputError(
            f"{self._name}: image {self._image.root.digest} {rule}",
            "Remove these signatures, SBOMs or attestations from the source",
        )


def _warn_of_others(image: Image, name: str, task: Task) -> None:
    """Warn of the referrers of an index of which only some platforms are used."""
    listed = image.reader.root.digest
    if listed in {manifest.digest for manifest in image.manifests}:
        return
    count = len(image.reader.referrers([listed]))
    if count:
        task.warn(
            f"{name}: {count} referrer{'s' if count > 1 else ''} of index {listed}, such as signatures, SBOMs and "
            "attestations, are left out because they apply to all platforms of the index and not to some of them."
        )
