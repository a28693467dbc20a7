# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tags, digests and names of images, and the choice of one image among several.

Sources: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests for tags, and
https://pkg.go.dev/github.com/distribution/reference#ParseNormalizedNamed for short names.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from .._core.digest import SHA256_DIGEST, SHA256_RULE
from .._core.errors import InvalidInputError
from .._core.text import listed, quoted

if t.TYPE_CHECKING:
    from .._core.spelling import Fault
    from .platform import Platform

_MAX_LISTED = 10
_MAX_PLATFORMS_LISTED = 20
_MAX_TAG = 128
_TAG = re.compile("[a-zA-Z0-9_][a-zA-Z0-9._-]*")
_TAG_RULE = (
    f"A tag is 1 to {_MAX_TAG} letters, digits, underscores, periods and hyphens, and does not begin with a period or "
    "a hyphen"
)
# https://github.com/opencontainers/image-spec/blob/main/annotations.md#pre-defined-annotation-keys
_REF_COMPONENT = "[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*"
_REF_NAME = re.compile(f"{_REF_COMPONENT}(?:/{_REF_COMPONENT})*")
_MAX_REF_NAME = 255
# https://pkg.go.dev/github.com/distribution/reference
_DOCKER_COMPONENT = "[a-z0-9]+(?:(?:[.]|_|__|-+)[a-z0-9]+)*"
_DOCKER_NAME = re.compile(
    f"(?:[A-Za-z0-9.-]+(?::[0-9]+)?/)?{_DOCKER_COMPONENT}(?:/{_DOCKER_COMPONENT})*:[a-zA-Z0-9_][a-zA-Z0-9._-]{{0,127}}"
)
_SHORT_ID = re.compile("[a-f0-9]{12,64}")


class NoSuchImageError(InvalidInputError):
    """The source does not contain the image that the task names.

    :param name: names the source
    :param wanted: what it does not contain, such as ``image 'app:1.0'``
    """

    def __init__(self, name: str, wanted: str, remedy: str | None = None) -> None:
        super().__init__(f"{name} does not contain {wanted}", remedy)
        self.name = name
        self.wanted = wanted


class AmbiguousImageError(InvalidInputError):
    """More than one image of the source fits what the task names."""


@dataclass(frozen=True)
class NamedImage:
    """An image that can be chosen: its names in the source, and its digest, in a docker archive the image id."""

    digest: str
    names: tuple[str, ...]
    platform: Platform | None = None

    def __str__(self) -> str:
        names = ", ".join(map(quoted, self.names[:_MAX_LISTED]))
        if not names:
            return f"{self.digest} ({self.platform})" if self.platform else self.digest
        return f"{names} ({', '.join(filter(None, (self.digest, str(self.platform or ''))))})"


def checked_tags(tags: t.Iterable[str], label: str) -> list[str]:
    """Return the tags without duplicates.

    :param label: names a tag in errors
    :raises InvalidInputError: one of them is not a tag
    """
    tags = list(dict.fromkeys(tags))
    for tag in tags:
        if not is_tag(tag):
            fault = _fault_of_tag(tag)
            raise InvalidInputError(f"{label} {quoted(tag)} {fault.what}", fault.remedy or _TAG_RULE)
    return tags


def is_tag(text: str) -> bool:
    """Return whether a text is a tag."""
    return len(text) <= _MAX_TAG and bool(_TAG.fullmatch(text))


def _fault_of_tag(text: str) -> Fault:
    """Return what is wrong with a text that is not a tag."""
    # Python compiles a file in every task that imports it, and few tasks have wrong names.
    from .._core.spelling import Fault, fault_of_text

    name, _colon, tag = text.rpartition(":")
    if "@" in text or SHA256_DIGEST.fullmatch(text):
        what = "has a digest" if "@" in text else "is a digest, not a tag"
        return Fault(what, "A tag has no digest. Give the tag alone")
    if name and is_tag(tag):
        return Fault("is a tag with a name: give the tag alone", f"Write {tag}")
    if len(text) > _MAX_TAG:
        return Fault(f"has {len(text)} characters, at most {_MAX_TAG} are possible")
    return fault_of_text(text) or _fault_of_letters(text)


def _fault_of_letters(text: str) -> Fault:
    from .._core.spelling import Fault

    other = re.search("[^a-zA-Z0-9._-]", text)
    version = f"Replace the + of a semantic version, for example by _. {_TAG_RULE}" if "+" in text else ""
    return Fault(f"has {other[0]!r}" if other else f"begins with {text[0]!r}", version)


def checked_digests(digests: t.Iterable[str], label: str) -> list[str]:
    """Return the digests without duplicates.

    :param label: names a digest in errors
    :raises InvalidInputError: one of them is not a sha256 digest
    """
    digests = list(dict.fromkeys(digests))
    for digest in digests:
        if not SHA256_DIGEST.fullmatch(digest):
            from .._core.spelling import fault_of_digest

            fault = fault_of_digest(digest)
            raise InvalidInputError(f"{label} {quoted(digest)} {SHA256_RULE}, but {fault.what}", fault.remedy or None)
    return digests


def checked_ref_name(name: str, label: str) -> str:
    """Return a name for an image in an OCI image layout. Every tag is one.

    :param label: names it in errors
    :raises InvalidInputError: it is not such a name
    """
    is_name = len(name) <= _MAX_REF_NAME and _REF_NAME.fullmatch(name)
    if not is_name and not is_tag(name):
        raise InvalidInputError(
            f"{label} {quoted(name)} is not a name for an image in an OCI image layout",
            f"Such a name is a tag, or up to {_MAX_REF_NAME} letters and digits with single periods, hyphens, "
            "underscores, colons, slashes, @ or + between them",
        )
    return name


def checked_docker_name(name: str, label: str) -> str:
    """Return a name for an image in a docker archive.

    :param label: names it in errors
    :raises InvalidInputError: it is not such a name
    """
    if len(name) > _MAX_REF_NAME or not _DOCKER_NAME.fullmatch(name):
        raise InvalidInputError(
            f"{label} {quoted(name)} is not a name for an image in a docker archive",
            "Such a name has a tag, such as my-app:1.4.2 or registry.example.com/my-app:1.4.2, and lower-case letters "
            "before it",
        )
    return name


def choose(
    images: t.Iterable[NamedImage], image: str | None, name: str, platforms: t.Sequence[Platform] = ()
) -> NamedImage:
    """Return the image that is wanted; parameters and errors as in ``matching``.

    :param platforms: the platforms that are wanted, empty for all
    :raises NoSuchImageError: several images fit, but none runs on these platforms
    :raises AmbiguousImageError: more than one image fits
    """
    found = matching(images, image, name)
    if len(found) == 1:
        return found[0]
    picked = of_platforms(found, platforms)
    if not picked:
        raise no_platform(platforms[0], [each.platform for each in found if each.platform], name)
    if len(picked) > 1:
        raise ambiguous(picked, image, name)
    return picked[0]


def of_platforms(images: t.Sequence[NamedImage], wanted: t.Sequence[Platform]) -> list[NamedImage]:
    """Return those of the images that run on the platforms wanted. Only images that share a name are alternatives.

    :param wanted: the platforms, empty for all
    """
    if not images or not wanted or not share_a_name(images):
        return list(images)
    known = [image.platform for image in images if image.platform]
    picked = {found for platform in wanted for found in platform.narrowed(known)}
    return [image for image in images if image.platform in picked]


def no_platform(platform: Platform, found: t.Sequence[Platform], name: str) -> NoSuchImageError:
    """Make the error of a platform for which there is no image; the remedy lists those that were found."""
    names = sorted(set(map(str, found)))
    remedy = f"It contains: {listed(names, _MAX_PLATFORMS_LISTED)}" if names else None
    return NoSuchImageError(name, f"an image for platform {platform}", remedy)


def matching(images: t.Iterable[NamedImage], image: str | None, name: str) -> list[NamedImage]:
    """Return the images that fit, at least one. Several entries with one digest are one image.

    :param image: a name, a tag, a digest, or an image id of 12 digits or more; None for the only image
    :param name: names the source in errors
    :raises NoSuchImageError: no image fits; the remedy lists all images
    """
    known = _merged(images)
    found = known if image is None else _matching(known, image)
    if not known:
        raise NoSuchImageError(name, "an image")
    if not found:
        raise NoSuchImageError(name, f"image {quoted(image)}", f"It contains: {_list(known)}")
    return found


def ambiguous(found: t.Sequence[NamedImage], image: str | None, name: str) -> AmbiguousImageError:
    """Make the error of several images that fit; the remedy lists them."""
    which = "" if image is None else f" named {quoted(image)}"
    return AmbiguousImageError(f"{name} contains {len(found)} images{which}", f"Choose one of these: {_list(found)}")


def share_a_name(images: t.Sequence[NamedImage]) -> bool:
    """Return whether one name means all of the images, or none of them has a name."""
    first, *others = (set(map(full_name, image.names)) for image in images)
    return bool(first.intersection(*others)) or not any((first, *others))


def is_digest_of(image: str | None, digest: str) -> bool:
    """Return whether an image is named by this digest, or by the beginning of it. A tag can look like one."""
    return image is not None and (
        image == digest or (bool(_SHORT_ID.fullmatch(image)) and digest.startswith(f"sha256:{image}"))
    )


def full_name(name: str) -> str:
    """Return a reference name with the registry and the tag that docker adds to short names."""
    registry, slash, path = name.partition("/")
    if not slash or not (set(".:") & set(registry) or registry == "localhost"):
        registry, path = "docker.io", name
    if registry == "index.docker.io":
        registry = "docker.io"
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
    """Return the images that match in the strictest sense in which any image matches."""
    full = full_name(wanted)
    senses: list[t.Callable[[NamedImage], bool]] = [
        lambda image: wanted in (image.digest, *image.names),
        lambda image: full in map(full_name, image.names),
        # podman puts its own images under localhost.
        lambda image: full_name(f"localhost/{wanted}") in map(full_name, image.names),
        lambda image: any(name.rpartition("/")[2].endswith(f":{wanted}") for name in image.names),
        lambda image: is_digest_of(wanted, image.digest),
    ]
    matches = ([image for image in images if sense(image)] for sense in senses)
    return next(filter(None, matches), [])


def _list(images: t.Sequence[NamedImage]) -> str:
    return listed(list(map(str, images)), _MAX_LISTED, "; ")
