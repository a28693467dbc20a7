# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One image of a source, complete: its manifests, the platforms chosen, and every blob."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from functools import cached_property

from .._core.digest import sha256_of
from .._core.errors import InvalidInputError
from .._core.json_document import MAX_DOCUMENT, JsonObject
from .._core.text import MIB, listed
from .manifest import Manifest
from .platform import Platform
from .reference import AmbiguousImageError, NoSuchImageError
from .store import COPY_AGAIN

if t.TYPE_CHECKING:
    from .descriptor import Descriptor
    from .store import SourceImage

# Only the configurations of container images state a platform, those of artifacts do not.
_CONFIGS = ("application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json")
# All manifests of an image are held in memory until they are sent.
_MAX_MANIFESTS = 32 * MIB
_MAX_LISTED = 20
# The platform of an attestation is unknown/unknown.
_NO_SYSTEM = "unknown"


@dataclass(frozen=True)
class Image:
    """An image of a source. Every blob that is not foreign exists and has the size that the manifests state.

    ``children`` are the images of an index, without duplicates. ``foreign`` are the digests of layers that the source
    does not contain because they are hosted at their ``urls``. ``platforms`` are in the order of the index.
    ``reader`` opens the blobs.
    """

    reader: SourceImage
    root: Manifest
    children: tuple[Manifest, ...]
    platforms: tuple[Platform, ...]
    foreign: frozenset[str]

    @property
    def manifests(self) -> tuple[Manifest, ...]:
        """All manifests in the order in which a registry accepts them: those that the root lists come first."""
        return (*self.children, self.root)

    @cached_property
    def blobs(self) -> dict[str, Descriptor]:
        """Every blob once, by its digest, as the first manifest that lists it describes it."""
        blobs: dict[str, Descriptor] = {}
        for manifest in self.manifests:
            for blob in manifest.blobs:
                blobs.setdefault(blob.digest, blob)
        return blobs

    def platform_of(self, manifest: Manifest) -> Platform | None:
        """Return the platform of one of the manifests, None for an index and for an artifact."""
        for image in self.root.images:
            if image.digest == manifest.digest and image.platform:
                return image.platform
        return self.platforms[0] if manifest is self.root and self.platforms and not manifest.is_index else None


def assemble_image(reader: SourceImage, platforms: t.Sequence[Platform], name: str) -> Image:
    """Read the manifests of an image, reduce it to some of its platforms, and check that its blobs exist.

    :param platforms: the platforms that are wanted, empty for all
    :param name: names the source in errors
    :raises NoSuchImageError: the image does not have one of the platforms
    :raises AmbiguousImageError: the index lists the only platform wanted more than once
    :raises InvalidInputError: a manifest or a blob is missing or damaged
    """
    root = _manifest(reader, reader.root, name)
    if root.is_index:
        return _index(reader, root, platforms, name)
    foreign = _check_blobs(reader, [root], name)
    found = _configured_platform(reader, root, name)
    for wanted in platforms:
        if found is None or not wanted.includes(found):
            raise _no_platform(wanted, [found] if found else [], name)
    return Image(reader, root, (), _systems([found]), foreign)


def _index(reader: SourceImage, index: Manifest, wanted: t.Sequence[Platform], name: str) -> Image:
    picked = _picked(reader, index, wanted, name) if wanted else index.images
    _check_manifests_size(picked, name)
    chosen = {descriptor: _manifest(reader, descriptor, name) for descriptor in picked}
    images = {manifest.digest: manifest for manifest in chosen.values()}
    # AWS Lambda, for example, accepts no index: one platform gives the image alone.
    is_alone = bool(wanted) and len(images) == 1
    if len(wanted) == 1 and not is_alone:
        choices = listed([f"{image.digest} ({image.platform})" for image in chosen], _MAX_LISTED)
        raise AmbiguousImageError(
            f"{name} contains {len(images)} images for platform {wanted[0]}",
            f"Name the variant, or choose one of these by its digest: {choices}",
        )
    *children, root = images.values() if is_alone else (*images.values(), index.with_images(chosen))
    foreign = _check_blobs(reader, [*children, root], name)
    found = [_platform(reader, descriptor, manifest, name) for descriptor, manifest in chosen.items()]
    return Image(reader, root, tuple(children), _systems(found), foreign)


def _picked(reader: SourceImage, index: Manifest, wanted: t.Sequence[Platform], name: str) -> list[Descriptor]:
    found = {image: _platform(reader, image, None, name) for image in index.images}
    systems = _systems(found.values())
    picked: set[Platform] = set()
    for platform in wanted:
        narrowed = platform.narrowed(systems)
        if not narrowed:
            raise _no_platform(platform, systems, name)
        picked |= narrowed
    return [image for image, platform in found.items() if platform in picked]


def _no_platform(platform: Platform, found: t.Sequence[Platform], name: str) -> NoSuchImageError:
    names = sorted(set(map(str, found)))
    return NoSuchImageError(
        f"{name} does not contain an image for platform {platform}",
        f"It contains: {listed(names, _MAX_LISTED)}" if names else None,
    )


def _systems(platforms: t.Iterable[Platform | None]) -> tuple[Platform, ...]:
    """Return the platforms that are known, without duplicates."""
    return tuple(dict.fromkeys(platform for platform in platforms if platform and platform.os != _NO_SYSTEM))


def _manifest(reader: SourceImage, descriptor: Descriptor, name: str) -> Manifest:
    content = reader.manifest(descriptor)
    return Manifest.parse(content, descriptor.media_type, f"{name}: manifest {descriptor.digest}")


def _check_manifests_size(images: t.Sequence[Descriptor], name: str) -> None:
    size = sum(image.size for image in images)
    if size > _MAX_MANIFESTS:
        raise InvalidInputError(
            f"{name}: the {len(images)} manifests of the index are {size} bytes; the limit is {_MAX_MANIFESTS}"
        )


def _platform(reader: SourceImage, descriptor: Descriptor, manifest: Manifest | None, name: str) -> Platform | None:
    """Return the platform that the descriptor states, or else the configuration of the image."""
    if descriptor.platform:
        return descriptor.platform
    return _configured_platform(reader, manifest or _manifest(reader, descriptor, name), name)


def _configured_platform(reader: SourceImage, manifest: Manifest, name: str) -> Platform | None:
    config = manifest.blobs[0]
    if config.media_type not in _CONFIGS:
        return None
    where = f"{name}: configuration {config.digest}"
    if config.size > MAX_DOCUMENT:
        raise InvalidInputError(f"{where} is {config.size} bytes; the limit is {MAX_DOCUMENT}")
    _check_blob(config, reader.size(config.digest), is_layer=False, name=name)
    with reader.open(config.digest) as blob:
        content = blob.read(0, blob.size)
    if sha256_of([content]) != config.digest:
        raise InvalidInputError(f"{where} is damaged: its content does not match its digest", COPY_AGAIN)
    return Platform.from_json(JsonObject.parse(content, where))


def _check_blobs(reader: SourceImage, manifests: t.Sequence[Manifest], name: str) -> frozenset[str]:
    """Check the presence and the size of every blob, and return the digests of foreign layers."""
    sizes: dict[str, int | None] = {}
    for manifest in manifests:
        for blob in manifest.blobs:
            if blob.digest not in sizes:
                sizes[blob.digest] = reader.size(blob.digest)
            is_layer = blob is not manifest.blobs[0]
            _check_blob(blob, sizes[blob.digest], is_layer, name)
    return frozenset(digest for digest, size in sizes.items() if size is None)


def _check_blob(blob: Descriptor, size: int | None, is_layer: bool, name: str) -> None:
    where = f"{name}: blob {blob.digest}"
    if size is None:
        if not (is_layer and blob.urls):
            raise InvalidInputError(f"{where} is missing", COPY_AGAIN)
    elif size != blob.size:
        raise InvalidInputError(f"{where} is {size} bytes; its descriptor states {blob.size}", COPY_AGAIN)
