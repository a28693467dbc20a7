# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Manifests that refer to another one: signatures, SBOMs, attestations.

A manifest names what it refers to as its ``subject``. Where a registry does not list such manifests itself, a tag that
contains the digest leads to an index of them, and older tools know what they wrote by such a tag alone. Sources:
https://github.com/opencontainers/distribution-spec/blob/main/spec.md#referrers-tag-schema and
https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

if t.TYPE_CHECKING:
    from .manifest import Manifest

Found = t.TypeVar("Found")

# What cosign adds to the tag: signatures, attestations and SBOMs.
COSIGN_SUFFIXES = (".sig", ".att", ".sbom")

_TAG = re.compile(r"sha256-([a-f0-9]{64})(|\.sig|\.att|\.sbom)")


@dataclass(frozen=True)
class Referrer:
    """A manifest or an index that refers to the manifest with the digest ``subject``.

    ``tag`` is the tag that tools find it by, None if they find it by its ``subject``.
    """

    manifest: Manifest
    subject: str
    tag: str | None = None


def without_repetition(found: t.Iterable[Found], key: t.Callable[[Found], tuple[str, str | None]]) -> list[Found]:
    """Return what was found once for each tag, and once for each digest that has no tag; those with a tag come first.

    :param key: returns the digest and the tag
    """
    kept: dict[tuple[str, str | None], Found] = {}
    digests: set[str] = set()
    for each in sorted(found, key=lambda each: key(each)[1] is None):
        digest, tag = key(each)
        if tag or digest not in digests:
            kept.setdefault((digest, tag), each)
        digests.add(digest)
    return list(kept.values())


@dataclass(frozen=True)
class ReferrerTag:
    """A tag that leads to what refers to the manifest with the digest ``subject``."""

    subject: str
    suffix: str

    @classmethod
    def parse(cls, tag: str) -> ReferrerTag | None:
        """Read a tag, and return None if it is any other."""
        found = _TAG.fullmatch(tag)
        return cls(f"sha256:{found[1]}", found[2]) if found else None

    @property
    def is_list(self) -> bool:
        """Whether the tag is that of an index that lists referrers. Otherwise it is that of a referrer."""
        return not self.suffix

    def __str__(self) -> str:
        return self.subject.replace(":", "-") + self.suffix


def referrer_tags(subject: str) -> list[ReferrerTag]:
    """Return all tags that lead to what refers to the manifest with this digest."""
    return [ReferrerTag(subject, suffix) for suffix in ("", *COSIGN_SUFFIXES)]
