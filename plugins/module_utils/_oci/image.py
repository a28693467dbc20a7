# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One image of a source, whole: its manifests, the platforms chosen, and every blob that belongs to it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from functools import cached_property, partial

from .._core.json_document import JsonObject
from .._ecr.limits import check_layer_size
from .._ecr.records import sha256_of
from .._ecr.validation import InvalidInputError
from .manifest import Manifest, check_manifest_size
from .platform import Platform
from .reference import AmbiguousImageError, NoSuchImageError

if t.TYPE_CHECKING:
    from .descriptor import Descriptor
    from .store import ImageSource

# The configurations of images that run; those of artifacts say nothing of a platform.
_CONFIGS = ("application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json")
_LARGEST_CONFIG = 4 * 1024 * 1024
# They are held in memory until they are put.
_LARGEST_MANIFESTS = 32 * 1024 * 1024
_MOST_LISTED = 20
# What attestations have for a platform.
_NO_SYSTEM = "unknown"


@dataclass(frozen=True)
class Image:
    """An image of a source, checked for what Amazon ECR would refuse.

    ``children`` are the images of an index, each once. ``foreign`` are the digests of layers that are to be had
    elsewhere, by their ``urls``, and that the source does not hold. ``platforms`` are in the order of the index.
    """

    source: ImageSource
    root: Manifest
    children: tuple[Manifest, ...]
    platforms: tuple[Platform, ...]
    foreign: frozenset[str]

    @property
    def manifests(self) -> tuple[Manifest, ...]:
        """All manifests, in the order in which they are put: what is referred to comes first."""
        return (*self.children, self.root)

    @cached_property
    def blobs(self) -> dict[str, Descriptor]:
        """Every blob once, by its digest, as the first manifest that refers to it describes it."""
        blobs: dict[str, Descriptor] = {}
        for manifest in self.manifests:
            for blob in manifest.blobs:
                blobs.setdefault(blob.digest, blob)
        return blobs

    def platform_of(self, manifest: Manifest) -> Platform | None:
        """Return the platform that one of the manifests is for, None for an index and for an artifact."""
        for image in self.root.images:
            if image.digest == manifest.digest and image.platform:
                return image.platform
        return self.platforms[0] if manifest is self.root and self.platforms and not manifest.is_index else None


def load_image(
    sources: t.Sequence[ImageSource],
    src: str,
    image: str | None,
    platforms: t.Sequence[Platform],
    part_size: int,
    warn: t.Callable[[str], None],
) -> Image:
    """Return an image of a source.

    :param sources: the ways to read the source; the first that makes a whole image is taken, with a warning if it is
        not the first of all
    :param image: a reference name, a tag or a digest; None for the only image
    :param platforms: those to be picked, none for all
    :param part_size: the size in bytes of the parts that layers will be sent in
    :raises InvalidInputError: there is no such image, or it is damaged, or Amazon ECR would refuse it
    """
    source, *others = sources
    try:
        return _Loader(source, f"src {src!r}", part_size).load(image, platforms)
    except AmbiguousImageError:
        raise
    except InvalidInputError as refusal:
        if not others:
            raise
        found = _instead(partial(load_image, others, src, image, platforms, part_size, warn), refusal)
        reason = refusal.message.replace(", nothing was sent", "")
        warn(f"The image gets another manifest, that of the docker archive that src is as well, as {reason}.")
        return found


def _instead(load: t.Callable[[], Image], refusal: InvalidInputError) -> Image:
    """Return the image that another way to read the source finds, or raise what the refusal of the first comes to."""
    try:
        return load()
    except InvalidInputError as other:
        # What is in neither is told once.
        if isinstance(refusal, NoSuchImageError) or isinstance(other, NoSuchImageError):
            raise refusal from other
        both = f"{refusal.message}. Read as the other kind of archive that it is as well: {other.message}"
        raise InvalidInputError(both) from other


class _Loader:
    def __init__(self, source: ImageSource, where: str, part_size: int) -> None:
        self._source = source
        self._where = where
        self._part_size = part_size

    def load(self, image: str | None, wanted: t.Sequence[Platform]) -> Image:
        root = self._manifest(self._source.choose(image))
        chosen: dict[Descriptor, Manifest] = {}
        if root.is_index:
            picked = self._picked(root, wanted) if wanted else root.images
            self._check_manifests_size(picked)
            chosen = {descriptor: self._manifest(descriptor) for descriptor in picked}
            root = self._reduced(root, chosen, wanted)
        children = {child.digest: child for child in chosen.values()} if root.is_index else {}
        foreign = self._check_blobs([*children.values(), root])
        found = [self._platform(descriptor, child) for descriptor, child in chosen.items()]
        if not chosen:
            found = [self._configured_platform(root)]
            self._check_platform(found[0], wanted)
        platforms = tuple(dict.fromkeys(platform for platform in found if platform and platform.os != _NO_SYSTEM))
        return Image(self._source, root, tuple(children.values()), platforms, foreign)

    def _check_manifests_size(self, images: t.Sequence[Descriptor]) -> None:
        size = sum(image.size for image in images)
        if size > _LARGEST_MANIFESTS:
            raise InvalidInputError(
                f"{self._where}: the {len(images)} manifests of the index have {size} bytes, of which "
                f"{_LARGEST_MANIFESTS} at most are read, nothing was sent"
            )

    def _manifest(self, descriptor: Descriptor) -> Manifest:
        content = self._source.manifest(descriptor)
        return Manifest.parse(content, descriptor.media_type, f"{self._where}: manifest {descriptor.digest}")

    def _reduced(
        self, root: Manifest, chosen: t.Mapping[Descriptor, Manifest], wanted: t.Sequence[Platform]
    ) -> Manifest:
        # Whoever picks one platform wants an image, not an index: Lambda takes no other.
        images = {manifest.digest: manifest for manifest in chosen.values()}
        if wanted and len(images) == 1:
            return next(iter(images.values()))
        if len(wanted) == 1:
            found = [f"{image.digest} ({image.platform})" for image in chosen]
            raise AmbiguousImageError(
                f"{self._where} has {len(images)} images for the platform {wanted[0]}, nothing was sent: name the "
                f"variant, or choose one with image: {', '.join(found[:_MOST_LISTED])}"
            )
        reduced = root.with_images(chosen)
        check_manifest_size(len(reduced.content), f"{self._where}: the index of the platforms chosen")
        return reduced

    def _picked(self, index: Manifest, wanted: t.Sequence[Platform]) -> list[Descriptor]:
        found = {image: self._platform(image, None) for image in index.images}
        platforms = [platform for platform in found.values() if platform and platform.os != _NO_SYSTEM]
        picked: set[Platform] = set()
        for platform in wanted:
            meant = platform.narrowed(platforms)
            if not meant:
                raise self._no_platform(platform, platforms)
            picked |= meant
        return [image for image, platform in found.items() if platform in picked]

    def _check_platform(self, found: Platform | None, wanted: t.Sequence[Platform]) -> None:
        for platform in wanted:
            if found is None or not platform.includes(found):
                raise self._no_platform(platform, [found] if found else [])

    def _no_platform(self, platform: Platform, found: t.Sequence[Platform]) -> NoSuchImageError:
        names = sorted(set(map(str, found)))
        listed = ", ".join(names[:_MOST_LISTED]) or "none"
        return NoSuchImageError(
            f"{self._where} has no image for the platform {platform}, nothing was sent: it has {listed}"
        )

    def _platform(self, descriptor: Descriptor, manifest: Manifest | None) -> Platform | None:
        if descriptor.platform:
            return descriptor.platform
        return self._configured_platform(manifest or self._manifest(descriptor))

    def _configured_platform(self, manifest: Manifest) -> Platform | None:
        config = manifest.blobs[0]
        if config.media_type not in _CONFIGS:
            return None
        where = f"{self._where}: config {config.digest}"
        if config.size > _LARGEST_CONFIG:
            raise InvalidInputError(
                f"{where} has {config.size} bytes, nothing was sent: {_LARGEST_CONFIG} bytes at most are read"
            )
        self._check_blob(config, self._source.size(config.digest), is_layer=False)
        with self._source.open(config.digest) as blob:
            content = blob.read(0, blob.size)
        found = sha256_of([content])
        if found != config.digest:
            raise InvalidInputError(f"{where} is damaged, nothing was sent: its bytes have the digest {found}")
        return Platform.from_json(JsonObject.parse(content, where))

    def _check_blobs(self, manifests: t.Sequence[Manifest]) -> frozenset[str]:
        """Check every blob's size, and return the digests of the layers that are to be had elsewhere."""
        sizes: dict[str, int | None] = {}
        for manifest in manifests:
            for blob in manifest.blobs:
                if blob.digest not in sizes:
                    sizes[blob.digest] = self._source.size(blob.digest)
                is_layer = blob is not manifest.blobs[0]
                self._check_blob(blob, sizes[blob.digest], is_layer)
        return frozenset(digest for digest, size in sizes.items() if size is None)

    def _check_blob(self, blob: Descriptor, size: int | None, is_layer: bool) -> None:
        name = f"{self._where}: blob {blob.digest}"
        if size is None:
            if not (is_layer and blob.urls):
                raise InvalidInputError(f"{name} is missing, nothing was sent")
        elif size != blob.size:
            raise InvalidInputError(f"{name} has {size} bytes, not the {blob.size} of its descriptor, nothing was sent")
        else:
            check_layer_size(name, size, self._part_size)
