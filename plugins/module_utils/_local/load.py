# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells what kind of source a path is, and opens it."""

from __future__ import annotations

import contextlib
import stat
import typing as t
from pathlib import Path

from .._ecr.validation import InvalidInputError
from .archive import Archive
from .decompression import GZIP
from .directory import Directory
from .docker_archive import MANIFEST, DockerArchive
from .oci_layout import INDEX, OciLayout

if t.TYPE_CHECKING:
    from .._oci.store import ImageSource
    from .files import SourceFiles


@contextlib.contextmanager
def open_sources(path: str, compress: str, parallel: int) -> t.Iterator[list[ImageSource]]:
    """Open a directory or an archive for the length of the block; yield the ways to read it, the best one first.

    What Docker writes since version 25 is an OCI image layout and a docker archive at once. The layout is the better
    one, as it has the manifests. Yet there are archives whose ``index.json`` lists nothing, or images that are not in
    the archive. And nothing of a layout can be compressed, as its manifests are pushed as they are: to compress, the
    docker archive alone is read where there is one.

    :param compress: ``gzip`` to send the layers of a docker archive compressed, ``none`` to send them as they are
    :param parallel: how many of them are compressed at once
    :raises InvalidInputError: it cannot be read, or is no such source
    """
    opened = Directory.opened if _is_directory(path) else Archive.opened
    with opened(path) as files:
        yield _sources(files, compress == GZIP, parallel)


def _is_directory(path: str) -> bool:
    try:
        return stat.S_ISDIR(Path(path).stat().st_mode)
    except (OSError, ValueError):
        # Opening it will say why.
        return False


def _sources(files: SourceFiles, compress: bool, parallel: int) -> list[ImageSource]:
    sources: list[ImageSource] = []
    has_docker_archive = files.size(MANIFEST) is not None
    if files.size(INDEX) is not None and not (compress and has_docker_archive):
        sources.append(OciLayout(files))
    if has_docker_archive:
        sources.append(DockerArchive(files, compress, parallel))
    if not sources:
        raise InvalidInputError(
            f"{files} holds no image, nothing was sent: there is neither {INDEX}, as in an OCI image layout, nor "
            f"{MANIFEST}, as in a docker archive"
        )
    return sources
