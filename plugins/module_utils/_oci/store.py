# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Readers and writers of images: what every kind of source and of target offers."""

from __future__ import annotations

import abc
import contextlib
import enum
import typing as t
from dataclasses import dataclass

if t.TYPE_CHECKING:
    from .._core.blob import Blob
    from .._core.growing import GrowingBlob
    from .descriptor import Descriptor
    from .manifest import Manifest
    from .platform import Platform
    from .referrer import Referrer

# The remedy when a part of a source is missing or damaged.
COPY_AGAIN = "The source is incomplete or damaged: create it again, or copy it again"


class SourceImage(abc.ABC):
    """One image of a source: its manifests and blobs by their digests. Several threads can read it at once.

    ``root`` is the descriptor of its manifest or index. ``is_remote`` says that opening a blob costs requests, so that
    none is opened only to learn the platform of an image.
    """

    is_remote = False

    def __init__(self, root: Descriptor) -> None:
        self.root = root

    @abc.abstractmethod
    def manifest(self, descriptor: Descriptor) -> bytes:
        """Return the bytes of the root, or of a manifest that the root lists.

        :raises InvalidInputError: the manifest is missing, too large, or contradicts its descriptor
        """

    @abc.abstractmethod
    def size(self, digest: str) -> int | None:
        """Return the size of a blob in bytes, None if the source does not contain the blob.

        :raises InvalidInputError: the file of this name cannot be a blob
        """

    def was_read(self, _digest: str) -> bool:
        """Return whether the blob was read from its beginning to its end, and has its digest."""
        return False

    @abc.abstractmethod
    def open(self, digest: str) -> contextlib.AbstractContextManager[Blob]:
        """Open a blob that the source contains."""

    def referrers(self, _subjects: t.Sequence[str]) -> list[Referrer]:
        """Return the manifests of the source that refer to one of the manifests with these digests, each once.

        ``size`` and ``open`` know their blobs, and ``manifest`` the images that they list.

        :raises InvalidInputError: one of them is damaged or is not supported
        """
        return []


class DraftImage(SourceImage):
    """An image whose manifest is made here, and is not final yet because that takes a pass over its layers.

    Its manifest has the right configuration and number of layers.
    """

    @abc.abstractmethod
    def settled(self, follower: LayerFollower | None, known: t.Mapping[str, Descriptor]) -> SourceImage:
        """Return the image with its final manifest.

        :param known: layers that are not made, because they are where the image goes to, by the digests of their
            uncompressed content
        :param follower: follows what is made of the layers; None if it is not worth keeping
        :raises InvalidInputError: a layer is damaged
        :raises TaskStoppedError: the task stopped
        """


class LayerFollower:
    """Learns of the layers of a draft while they are made, one after the other, the lowest first; may ignore them."""

    def begin(self, layer: GrowingBlob, /) -> None:
        """Learn of a layer before its first byte is made."""

    def finish(self, layer: GrowingBlob, /) -> None:
        """Learn that the layer that was begun last is complete."""

    def drop(self, layer: GrowingBlob, /) -> None:
        """Learn that the layer that was begun last will not be completed."""
        layer.drop()


class ImageReader(abc.ABC):
    """A source of images."""

    @abc.abstractmethod
    def choose(self, image: str | None, platforms: t.Sequence[Platform] = ()) -> SourceImage:
        """Return one image.

        :param image: a reference name, a tag or a digest; None for the only image
        :param platforms: the platforms that will be used of it, empty for all
        :raises NoSuchImageError: no image fits
        :raises AmbiguousImageError: more than one image fits
        :raises InvalidInputError: the source is damaged
        """


@dataclass(frozen=True)
class ListedImage:
    """An image that a target lists: its manifest or index, and its name, None for an image without one."""

    descriptor: Descriptor
    name: str | None


@dataclass(frozen=True)
class ImageContent:
    """What a target is to hold: the images that it lists, and the manifests and blobs, each once, of these images.

    The first image listed is the one that was asked for. Manifests come before those that list them.
    """

    listed: tuple[ListedImage, ...]
    manifests: tuple[Manifest, ...]
    blobs: tuple[Descriptor, ...]


class Presence(enum.Enum):
    """What a target has of a blob or a manifest."""

    WHOLE = "all of its bytes"
    PARTIAL = "some of its bytes, from an earlier run"
    DAMAGED = "a file whose bytes are not those of its digest"
    ABSENT = "nothing"


@dataclass(frozen=True)
class Held:
    """What a target has of one blob or manifest. ``gaps`` are the bytes that it lacks: each a start and an end."""

    presence: Presence
    gaps: tuple[tuple[int, int], ...] = ()

    @property
    def missing(self) -> int:
        """How many bytes are missing."""
        return sum(end - start for start, end in self.gaps)


@dataclass(frozen=True)
class Holding:
    """What a target has of the content that it is to hold.

    ``parts`` are its blobs and manifests, by digest. ``before`` is the digest of the image that the target lists by the
    name of the first image, or that it lists without a name if that has none; None if there is no such image.
    ``is_listed`` says whether the target lists the images as it should.
    """

    parts: t.Mapping[str, Held]
    is_listed: bool
    before: str | None = None

    @property
    def is_complete(self) -> bool:
        """Whether there is nothing to write."""
        return self.is_listed and all(held.presence is Presence.WHOLE for held in self.parts.values())


class OpenTarget(abc.ABC):
    """A target that one task writes to. Several threads can write at once, but only one to the same bytes.

    ``holding`` is what it had when the task began to write.
    """

    holding: Holding

    @abc.abstractmethod
    def write(self, digest: str, start: int, chunks: t.Iterable[bytes]) -> None:
        """Write consecutive bytes of a blob from ``start`` on, which must be the start of a gap or 1 MiB after it.

        :raises TaskError: they cannot be written
        """

    @abc.abstractmethod
    def prove(self, digest: str) -> bool:
        """Check the digest of a blob that has all of its bytes, and keep it. Otherwise forget it, and return False.

        :raises TaskError: it cannot be written
        """

    @abc.abstractmethod
    def finish(self) -> None:
        """Write the manifests, and then list the images.

        :raises TaskError: they cannot be written
        """


class ImageWriter(abc.ABC):
    """A target of images. Nothing is written before ``opened``."""

    @abc.abstractmethod
    def content(self, digest: str, size: int) -> bytes | None:
        """Return a small blob or a manifest, None if the target does not have it whole."""

    @abc.abstractmethod
    def survey(self, wanted: ImageContent) -> Holding:
        """Return what the target has.

        :raises InvalidInputError: the target cannot hold the content, or is something else than such a target
        """

    @abc.abstractmethod
    def opened(self, wanted: ImageContent, found: Holding) -> contextlib.AbstractContextManager[OpenTarget]:
        """Open the target for one task, for the length of the block. What is not finished then is kept for the next.

        :param found: what the target had before
        :raises InvalidInputError: another task writes to the target, or there is not enough space
        """

    @abc.abstractmethod
    def tidy(self, wanted: ImageContent) -> None:
        """Remove what tasks that were killed left of content that is complete now, unless another task writes."""

    @abc.abstractmethod
    def paths(self, wanted: ImageContent) -> list[str]:
        """Return the paths of the directories and files that the content consists of, each directory first."""
