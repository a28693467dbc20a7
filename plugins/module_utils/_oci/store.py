# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where images come from: what every kind of source can do."""

from __future__ import annotations

import abc
import contextlib
import typing as t

if t.TYPE_CHECKING:
    from .._core.blob import Blob
    from .descriptor import Descriptor


class ImageSource(abc.ABC):
    """Images in files, under the digests of their manifests and blobs; several threads can read it at once."""

    @abc.abstractmethod
    def choose(self, image: str | None) -> Descriptor:
        """Return the manifest or index of one image.

        :param image: a reference name, a tag or a digest; None for the only one
        :raises InvalidInputError: there is no such image, or more than one; the error lists those that there are
        """

    @abc.abstractmethod
    def manifest(self, descriptor: Descriptor) -> bytes:
        """Return the bytes of a manifest or an index.

        :raises InvalidInputError: it is missing, too large for Amazon ECR, or not what its descriptor says
        """

    @abc.abstractmethod
    def size(self, digest: str) -> int | None:
        """Return the size of a blob in bytes, None when it is not there.

        :raises InvalidInputError: the file under this name cannot be a blob
        """

    @abc.abstractmethod
    def open(self, digest: str) -> contextlib.AbstractContextManager[Blob]:
        """Open a blob that is there."""
