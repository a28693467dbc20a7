# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Readers of images: what every kind of source offers."""

from __future__ import annotations

import abc
import contextlib
import typing as t

if t.TYPE_CHECKING:
    from .._core.blob import Blob
    from .descriptor import Descriptor
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
    def settled(self, will_be_sent: bool) -> SourceImage:
        """Return the image with its final manifest.

        :param will_be_sent: whether it is worth keeping what was made of the layers
        :raises InvalidInputError: a layer is damaged
        :raises TaskStoppedError: the task stopped
        """


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
