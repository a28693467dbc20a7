# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Opens a source of images, and loads one image of it."""

from __future__ import annotations

import contextlib
import stat
import typing as t
from pathlib import Path

from .._core.errors import InvalidInputError
from .._oci.image import Image, assemble_image
from .._oci.reference import AmbiguousImageError, NoSuchImageError
from .archive import Archive
from .directory import Directory
from .docker_archive import MANIFEST, DockerArchive
from .files import USE_AN_IMAGE
from .oci_layout import INDEX, OciLayout

if t.TYPE_CHECKING:
    from .._core.task import Task
    from .._oci.platform import Platform
    from .._oci.store import ImageReader
    from .files import SourceFiles


@contextlib.contextmanager
def open_source(path: str, name: str, compress: bool, parallel: int, task: Task) -> t.Iterator[list[ImageReader]]:
    """Open a directory or an archive for the length of the block; yield the ways to read it, the best one first.

    Since version 25 ``docker save`` writes an archive that is an OCI image layout and a docker archive at once. The
    layout is preferred because it contains the manifests, but some tools write a layout that lists no image, or lists
    an image that the archive does not contain. The layers of a layout cannot be compressed, because its manifests state
    their digests: with ``compress`` only the docker archive is read, if there is one.

    :param name: names the source in messages, such as ``src 'app.tar'``
    :param compress: whether the uncompressed layers of a docker archive are sent compressed, with gzip
    :param parallel: how many layers are compressed and hashed at once
    :raises InvalidInputError: the path cannot be read, or is not such a source
    """
    opened = Directory.opened if _is_directory(path) else Archive.opened
    with opened(path, name) as files:
        yield _readers(files, compress, parallel, task)


def load_image(
    readers: t.Sequence[ImageReader],
    name: str,
    image: str | None,
    platforms: t.Sequence[Platform],
    check: t.Callable[[Image], None],
    task: Task,
) -> Image:
    """Return an image of a source, checked for completeness.

    The first reader that gives a good image is used, with a warning if it is not the first of all.

    :param readers: the ways to read the source, as ``open_source`` yields them
    :param name: names the source in messages
    :param image: a reference name, a tag or a digest; None for the only image
    :param platforms: the platforms that are wanted, empty for all
    :param check: raises InvalidInputError if the image cannot be used where it is to go
    :raises NoSuchImageError: the source does not contain the image, or not for one of the platforms
    :raises AmbiguousImageError: more than one image fits
    :raises InvalidInputError: the source is damaged, or its image cannot be used
    """
    refusals: list[InvalidInputError] = []
    for reader in readers:
        try:
            found = assemble_image(reader.choose(image), platforms, name)
            check(found)
        except AmbiguousImageError:
            # Another reader would list the same images, or not all of them.
            raise
        except InvalidInputError as refusal:
            refusals.append(refusal)
            continue
        if refusals:
            task.warn(
                f"{refusals[0].problem}. The docker archive in the same source is used instead, which gives the image "
                "another manifest and another digest."
            )
        return found
    raise _refusal(refusals)


def _refusal(refusals: t.Sequence[InvalidInputError]) -> InvalidInputError:
    """Return the one error to report when no reader gives a good image."""
    first, *others = refusals
    if not others or any(isinstance(refusal, NoSuchImageError) for refusal in refusals):
        return first
    problems = (refusal.problem for refusal in others)
    also = "The docker archive in the same source cannot be used either"
    return InvalidInputError(f"{first.problem}. {also}: {'. '.join(problems)}", first.remedy)


def _is_directory(path: str) -> bool:
    try:
        return stat.S_ISDIR(Path(path).stat().st_mode)
    except (OSError, ValueError):
        # The error comes when the path is opened.
        return False


def _readers(files: SourceFiles, compress: bool, parallel: int, task: Task) -> list[ImageReader]:
    readers: list[ImageReader] = []
    has_docker_archive = files.size(MANIFEST) is not None
    if files.size(INDEX) is not None and not (compress and has_docker_archive):
        readers.append(OciLayout(files))
    if has_docker_archive:
        readers.append(DockerArchive(files, compress, parallel, task))
    if not readers:
        raise InvalidInputError(
            f"{files} does not contain an image: it has neither {INDEX}, as an OCI image layout does, nor {MANIFEST}, "
            "as a docker archive does",
            USE_AN_IMAGE,
        )
    return readers
