# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a tag cannot be moved."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from .._ecr.call import Repository


def immutable_tag(repository: Repository, tag: str, found: str, wanted: str) -> tuple[str, str]:
    """Return problem and remedy of an immutable tag.

    :param found: the digest of the image that the tag is on
    :param wanted: the digest of the image that it was to be moved to
    """
    problem = f"Tag {tag} of {repository} is immutable and on {found}. It cannot be moved to {wanted}"
    return problem, "Choose another tag, or delete the image that has it"
