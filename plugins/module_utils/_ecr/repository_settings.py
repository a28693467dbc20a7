# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A repository's own settings: where it is, and which of its tags stay where they are."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass


@dataclass(frozen=True)
class RepositorySettings:
    """One entry of DescribeRepositories' answer.

    ``exclusions`` are the filters of the tags that are the other way; ``*`` in them stands for any characters. Source:
    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_Repository.html.
    """

    registry_id: str
    uri: str
    tag_mutability: str
    exclusions: tuple[str, ...] = ()

    @classmethod
    def from_response(cls, entry: t.Mapping[str, t.Any]) -> RepositorySettings:
        """Make the settings of an entry of the answer's ``repositories``."""
        filters = entry.get("imageTagMutabilityExclusionFilters") or ()
        return cls(
            registry_id=entry["registryId"],
            uri=entry["repositoryUri"],
            tag_mutability=entry.get("imageTagMutability", "MUTABLE"),
            exclusions=tuple(exclusion["filter"] for exclusion in filters),
        )

    def is_immutable(self, tag: str) -> bool:
        """Tell whether the tag cannot be moved to another image."""
        excluded = any(_pattern(exclusion).fullmatch(tag) for exclusion in self.exclusions)
        return self.tag_mutability.startswith("IMMUTABLE") != excluded


def _pattern(exclusion: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, exclusion.split("*"))))
