# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One image of a source, complete: its manifests, the platforms chosen, and every blob."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass, replace
from functools import cached_property

from .._core.digest import sha256_of
from .._core.errors import InvalidInputError
from .._core.json_document import MAX_DOCUMENT, JsonObject
from .._core.text import MIB, listed
from .manifest import Manifest, check_is_image, image_descriptor
from .platform import Platform
from .reference import AmbiguousImageError, no_platform
from .store import COPY_AGAIN, DraftImage

if t.TYPE_CHECKING:
    from .descriptor import Descriptor, Entry
    from .referrer import Referrer
    from .store import LayerFollower, SourceImage

# Only the configurations of container images state a platform, those of artifacts do not.
CONFIGS = ("application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json")
# All manifests of an image are held in memory until they are sent.
_MAX_MANIFESTS = 32 * MIB
_MAX_LISTED = 20


class PartialImageError(InvalidInputError):
    """An index lists images that the source does not contain.

    :param missing: names these images by their platforms, or else by their digests, and states the first blob that one
        lacks whose manifest is there
    :param complete: the platforms of the images that the source contains with all of their blobs
    """

    def __init__(self, name: str, missing: t.Sequence[str], complete: t.Sequence[Platform]) -> None:
        contains = f"It contains {listed(list(map(str, complete)), _MAX_LISTED)}" if complete else None
        problem = f"{name} does not contain all images that its index lists. Missing: {listed(missing, _MAX_LISTED)}"
        super().__init__(". ".join(filter(None, (problem, contains))), None if complete else COPY_AGAIN)
        self.missing = tuple(missing)
        self.complete = tuple(complete)


@dataclass(frozen=True)
class Image:
    """An image of a source. Every blob that is not foreign exists and has the size that the manifests state.

    ``children`` are the images of an index, without duplicates. ``foreign`` are the digests of layers that the source
    does not contain because they are hosted at their ``urls``. ``platforms`` are in the order of the index;
    those that only a configuration states are left out if the source is remote and no platforms are wanted. ``reader``
    opens the blobs. ``missing`` names the other images of an index if this is the only one that the source contains
    completely, as ``PartialImageError`` names them. ``attachments`` go with the image; each comes after what it refers
    to.
    """

    reader: SourceImage
    root: Manifest
    children: tuple[Manifest, ...]
    platforms: tuple[Platform, ...]
    foreign: frozenset[str]
    missing: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()

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

    @property
    def parts(self) -> tuple[Image, ...]:
        """The image without its attachments, and the images of these, in the order in which a registry accepts them."""
        return (self, *(attachment.image for attachment in self.attachments))

    def platform_of(self, manifest: Manifest) -> Platform | None:
        """Return the platform of one of the manifests, None for an index and for an artifact."""
        for image in self.root.images:
            if image.digest == manifest.digest and image.platform:
                return image.platform
        return self.platforms[0] if manifest is self.root and self.platforms and not manifest.is_index else None


@dataclass(frozen=True)
class Attachment:
    """A referrer of an image, such as a signature, with its blobs and, if it is an index, the images that it lists."""

    referrer: Referrer
    image: Image


def blobs_of(images: t.Iterable[Image]) -> dict[str, Descriptor]:
    """Return every blob of several images once, by its digest."""
    blobs: dict[str, Descriptor] = {}
    for image in images:
        for digest, blob in image.blobs.items():
            blobs.setdefault(digest, blob)
    return blobs


def settled_image(image: Image, follower: LayerFollower | None, known: t.Mapping[str, Descriptor]) -> Image:
    """Return a draft with its final manifest, and any other image as it is.

    :param known: layers that are not made, because they are where the image goes to, by the digests of their
        uncompressed content
    :param follower: follows what is made of the layers; None if it is not worth keeping
    :raises InvalidInputError: a layer is damaged
    :raises TaskStoppedError: the task stopped
    """
    if not isinstance(image.reader, DraftImage):
        return image
    source = image.reader.settled(follower, known)
    return replace(image, reader=source, root=_manifest(source, source.root, "The image"))


def assemble_image(reader: SourceImage, platforms: t.Sequence[Platform], name: str, is_exact: bool = False) -> Image:
    """Read the manifests of an image, reduce it to some of its platforms, and check that its blobs exist.

    An index of which the source contains one image alone, as ``docker save`` writes it after a pull, is that image.

    :param platforms: the platforms that are wanted, empty for all
    :param name: names the source in errors
    :param is_exact: whether an index must be complete, because its digest was asked for
    :raises NoSuchImageError: the image does not have one of the platforms
    :raises AmbiguousImageError: the index lists the only platform wanted more than once
    :raises PartialImageError: the source does not contain all images of the index
    :raises InvalidInputError: a manifest or a blob is missing or damaged
    """
    root = _manifest(reader, reader.root, name)
    if root.is_index:
        return _Index(reader, root, name).image(platforms, is_exact)
    foreign = _check_blobs(reader, [root], name)
    found = None if reader.is_remote and not platforms else _configured_platform(reader, root, name)
    for wanted in platforms:
        if found is None or not wanted.includes(found):
            raise no_platform(wanted, [found] if found else [], name)
    return Image(reader, root, (), _systems([found]), foreign)


def assemble_referrer(reader: SourceImage, referrer: Referrer, name: str) -> Attachment:
    """Read the images that a referrer lists if it is an index, and check that all of its blobs exist.

    :param reader: what returned the referrer
    :raises InvalidInputError: a manifest or a blob is missing or damaged
    """
    root = referrer.manifest
    if root.is_index:
        return Attachment(referrer, _Index(reader, root, name).image((), is_exact=True))
    return Attachment(referrer, Image(reader, root, (), (), _check_blobs(reader, [root], name)))


def listed_image(reader: SourceImage, name: str) -> Image:
    """Return an image by its root alone, for a registry that has whatever the root lists. Only the root is read.

    :param name: names the source in errors
    :raises InvalidInputError: the root is damaged, or is not an image
    """
    root = _manifest(reader, reader.root, name)
    foreign = frozenset(blob.digest for blob in root.blobs if reader.size(blob.digest) is None)
    return Image(reader, root, (), _systems(entry.platform for entry in root.entries), foreign)


def stated_platform(reader: SourceImage, descriptor: Descriptor, name: str) -> Platform | None:
    """Return the platform that the descriptor of an image states, or else its configuration, None if neither does.

    :param name: names the source in errors
    :raises InvalidInputError: the manifest or the configuration is missing or damaged
    """
    if descriptor.platform:
        return descriptor.platform
    return _configured_platform(reader, _manifest(reader, descriptor, name), name)


def image_ids(reader: SourceImage, name: str) -> set[str]:
    """Return the digests of the configurations of an image, one for each platform that the source contains.

    :param name: names the source in errors
    """
    root = _manifest(reader, reader.root, name)
    return _Index(reader, root, name).image_ids() if root.is_index else {root.blobs[0].digest}


class _Index:
    """The images that an index lists, and those of them that the source contains.

    :param name: names the source in errors
    """

    def __init__(self, reader: SourceImage, index: Manifest, name: str) -> None:
        self._reader = reader
        self._index = index
        self._name = name
        self._manifests: dict[Entry, Manifest] = {}
        self._opens_configurations = not reader.is_remote

    def image(self, wanted: t.Sequence[Platform], is_exact: bool) -> Image:
        """Return the index, or the images of it that are wanted, if the source contains them."""
        self._opens_configurations |= bool(wanted)
        picked = self._picked(wanted) if wanted else list(self._index.entries)
        _check_manifests_size(list(map(image_descriptor, picked)), self._name)
        missing = [entry for entry in picked if not self._is_complete(entry)]
        if not missing:
            return self._of(picked, wanted)
        complete = [entry for entry in self._index.entries if self._runs_somewhere(entry)]
        names = list(dict.fromkeys(map(self._name_of_missing, missing)))
        platforms = _systems(map(self._platform, complete))
        if wanted or is_exact or len(complete) != 1:
            raise PartialImageError(self._name, names, platforms)
        return replace(self._of(complete, platforms), missing=tuple(names))

    def image_ids(self) -> set[str]:
        """Return the digests of the configurations of the images that the source contains."""
        ids = set()
        for entry in self._index.entries:
            # What is wrong with an image that nobody wants does not matter.
            with contextlib.suppress(InvalidInputError):
                ids |= {self._manifest(entry).blobs[0].digest} if self._has(entry) else set()
        return ids

    def _of(self, picked: t.Sequence[Entry], wanted: t.Sequence[Platform]) -> Image:
        chosen = {entry.descriptor: self._manifest(entry) for entry in picked}
        images = {manifest.digest: manifest for manifest in chosen.values()}
        # AWS Lambda, for example, accepts no index: one platform gives the image alone.
        is_alone = bool(wanted) and len(images) == 1
        if len(wanted) == 1 and not is_alone:
            choices = listed([f"{image.digest} ({image.platform})" for image in chosen], _MAX_LISTED)
            raise AmbiguousImageError(
                f"{self._name} contains {len(images)} images for platform {wanted[0]}",
                f"Name the variant, or choose one of these by its digest: {choices}",
            )
        *children, root = images.values() if is_alone else (*images.values(), self._index.with_entries(picked))
        foreign = _check_blobs(self._reader, [*children, root], self._name)
        return Image(self._reader, root, tuple(children), _systems(map(self._platform, picked)), foreign)

    def _picked(self, wanted: t.Sequence[Platform]) -> list[Entry]:
        found = {entry: self._platform(entry) for entry in self._index.entries}
        systems = _systems(found.values())
        picked: set[Platform] = set()
        for platform in wanted:
            narrowed = platform.narrowed(systems)
            if not narrowed:
                raise no_platform(platform, systems, self._name)
            picked |= narrowed
        return [entry for entry, platform in found.items() if platform in picked]

    def _platform(self, entry: Entry) -> Platform | None:
        """Return the platform of an image, None if it is not stated and the source does not contain the image."""
        if entry.platform or not self._opens_configurations or not self._has(entry):
            return entry.platform
        manifest = self._manifest(entry)
        if self._reader.size(manifest.blobs[0].digest) is None:
            return None
        return _configured_platform(self._reader, manifest, self._name)

    def _runs_somewhere(self, entry: Entry) -> bool:
        """Return whether the source contains an image, with all of its blobs, that has a platform."""
        # What is wrong with an image that nobody wants does not matter.
        with contextlib.suppress(InvalidInputError):
            platform = self._platform(entry)
            return platform is not None and platform.is_known and self._is_complete(entry)
        return False

    def _is_complete(self, entry: Entry) -> bool:
        """Return whether the source contains the manifest of an image and all of its blobs."""
        return self._has(entry) and self._missing_blob(entry) is None

    def _missing_blob(self, entry: Entry) -> str | None:
        """Return the digest of the first blob that the source lacks, None if it contains all."""
        config, *layers = self._manifest(entry).blobs
        needed = [config, *(layer for layer in layers if not layer.urls)]
        return next((blob.digest for blob in needed if self._reader.size(blob.digest) is None), None)

    def _name_of_missing(self, entry: Entry) -> str:
        """Return the name of an image that is not complete, and which blob it lacks if its manifest is there."""
        name = _name_of(entry)
        return f"{name} (its blob {self._missing_blob(entry)} is missing)" if self._has(entry) else name

    def _has(self, entry: Entry) -> bool:
        """Return whether an entry is that of an image, and the source contains its manifest."""
        try:
            descriptor = image_descriptor(entry)
        except InvalidInputError:
            return False
        return self._reader.size(descriptor.digest) is not None

    def _manifest(self, entry: Entry) -> Manifest:
        if entry not in self._manifests:
            self._manifests[entry] = _manifest(self._reader, entry.descriptor, self._name)
            _check_manifests_size([read.descriptor for read in self._manifests], self._name)
        return self._manifests[entry]


def _name_of(entry: Entry) -> str:
    """Return the platform of an image, or its digest if it has none."""
    if entry.platform and entry.platform.is_known:
        return str(entry.platform)
    return f"attestation {entry.descriptor.digest}" if entry.platform else entry.descriptor.digest


def _systems(platforms: t.Iterable[Platform | None]) -> tuple[Platform, ...]:
    """Return the platforms that are known, without duplicates."""
    return tuple(dict.fromkeys(platform for platform in platforms if platform and platform.is_known))


def _manifest(reader: SourceImage, descriptor: Descriptor, name: str) -> Manifest:
    where = f"{name}: manifest {descriptor.digest}"
    # What is none, such as a layer of a cache, can be too large to read.
    check_is_image(descriptor.media_type, where)
    return Manifest.parse(reader.manifest(descriptor), descriptor.media_type, where)


def _check_manifests_size(images: t.Sequence[Descriptor], name: str) -> None:
    size = sum(image.size for image in images)
    if size > _MAX_MANIFESTS:
        raise InvalidInputError(
            f"{name}: the {len(images)} manifests of the index are {size} bytes; the limit is {_MAX_MANIFESTS}"
        )


def _configured_platform(reader: SourceImage, manifest: Manifest, name: str) -> Platform | None:
    config = manifest.blobs[0]
    if config.media_type not in CONFIGS:
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
