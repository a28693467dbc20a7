# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tags and digests that name images."""

from __future__ import annotations

import re
import typing as t

from .._ecr.records import SHA256_DIGEST
from .._ecr.validation import InvalidInputError

# https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests; ECR's own model allows more.
_TAG = re.compile("[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")


def checked_tags(tags: t.Iterable[str]) -> list[str]:
    """Return the tags, each once.

    :raises InvalidInputError: container engines take no such tag
    """
    for tag in tags:
        if not _TAG.fullmatch(tag):
            raise InvalidInputError(f"tags {tag!r:.200} must match {_TAG.pattern}, nothing was sent")
    return list(dict.fromkeys(tags))


def checked_digests(digests: t.Iterable[str]) -> list[str]:
    """Return the digests, each once.

    :raises InvalidInputError: no image of Amazon ECR has such a digest
    """
    for digest in digests:
        if not SHA256_DIGEST.fullmatch(digest):
            raise InvalidInputError(f"digests {digest!r:.200} must match {SHA256_DIGEST.pattern}, nothing was sent")
    return list(dict.fromkeys(digests))
