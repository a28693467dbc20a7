# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The choice of one image among those of a source, by name, tag or digest.

Source of the short names: https://pkg.go.dev/github.com/distribution/reference#ParseNormalizedNamed.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from .._ecr.validation import InvalidInputError

if t.TYPE_CHECKING:
    from .platform import Platform

_MOST_LISTED = 10
_SHORT_ID = re.compile("[a-f0-9]{12,64}")


class NoSuchImageError(InvalidInputError):
    """The source does not hold what the task asks for."""


class AmbiguousImageError(InvalidInputError):
    """The source holds more than one image that can be meant."""


@dataclass(frozen=True)
class NamedImage:
    """An image that can be chosen, its names in the source, and its digest: in a docker archive the image id."""

    digest: str
    names: tuple[str, ...]
    platform: Platform | None = None

    def __str__(self) -> str:
        names = ", ".join(f"{name!r:.200}" for name in self.names[:_MOST_LISTED])
        return f"{names or 'without a name'} ({', '.join(filter(None, (self.digest, str(self.platform or ''))))})"


def choose(images: t.Iterable[NamedImage], image: str | None, where: str) -> NamedImage:
    """Return the image that is meant, where several entries of one digest are one image.

    :param image: a name, a tag, a digest, or an image id of 12 digits or more; None for the only one
    :param where: names the source in errors
    :raises NoSuchImageError: there is no such image; the error lists those that there are
    :raises AmbiguousImageError: there is more than one; the error lists them
    """
    known = _merged(images)
    found = known if image is None else _matching(known, image)
    if len(found) == 1:
        return found[0]
    if not found:
        rule = f"does not hold the image {image!r}, but" if known else "holds no image"
        raise NoSuchImageError(f"{where} {rule}{_listed(known)}, nothing was sent")
    meant = "" if image is None else f" of the name {image!r}"
    raise AmbiguousImageError(
        f"{where} holds {len(found)} images{meant}, nothing was sent: choose one with image:{_listed(found)}"
    )


def full_name(name: str) -> str:
    """Return a reference name with the registry and the tag that docker takes for granted."""
    registry, slash, path = name.partition("/")
    if not slash or not (set(".:") & set(registry) or registry == "localhost"):
        registry, path = "docker.io", name
    if registry == "docker.io" and "/" not in path:
        path = f"library/{path}"
    return f"{registry}/{path}" if ":" in path.rpartition("/")[2] else f"{registry}/{path}:latest"


def _merged(images: t.Iterable[NamedImage]) -> list[NamedImage]:
    merged: dict[str, NamedImage] = {}
    for image in images:
        before = merged.get(image.digest, NamedImage(image.digest, (), image.platform))
        merged[image.digest] = NamedImage(image.digest, (*before.names, *image.names), before.platform)
    return list(merged.values())


def _matching(images: list[NamedImage], wanted: str) -> list[NamedImage]:
    """Return those that match in the strictest sense in which any does."""
    full = full_name(wanted)
    senses: list[t.Callable[[NamedImage], bool]] = [
        lambda image: wanted in (image.digest, *image.names),
        lambda image: full in map(full_name, image.names),
        # What podman names an image of its own.
        lambda image: full_name(f"localhost/{wanted}") in map(full_name, image.names),
        lambda image: any(name.rpartition("/")[2].endswith(f":{wanted}") for name in image.names),
        lambda image: bool(_SHORT_ID.fullmatch(wanted)) and image.digest.startswith(f"sha256:{wanted}"),
    ]
    matches = ([image for image in images if sense(image)] for sense in senses)
    return next(filter(None, matches), [])


def _listed(images: list[NamedImage]) -> str:
    more = len(images) - _MOST_LISTED
    listed = "; ".join(map(str, images[:_MOST_LISTED])) + (f"; and {more} more" if more > 0 else "")
    return f" {listed}" if listed else ""
