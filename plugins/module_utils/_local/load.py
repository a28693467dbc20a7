# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Opens a source of images, and loads one image of it."""

from __future__ import annotations

import contextlib
import json
import stat
import typing as t
from dataclasses import dataclass
from pathlib import Path

from .._core.digest import SHA256_DIGEST
from .._core.errors import InvalidInputError
from .._core.text import listed
from .._oci.image import Image, PartialImageError, assemble_image, image_ids
from .._oci.manifest import INDEXES
from .._oci.reference import (
    AmbiguousImageError,
    NamedImage,
    NoSuchImageError,
    ambiguous,
    is_digest_of,
    matching,
    of_platforms,
)
from .directory import Directory
from .files import MANIFEST, USE_AN_IMAGE
from .lookalikes import check_files
from .oci_layout import INDEX, OciLayout, is_layout
from .spool import Spool

if t.TYPE_CHECKING:
    from .._core.task import Task
    from .._oci.descriptor import Descriptor
    from .._oci.platform import Platform
    from .._oci.store import SourceImage
    from .docker_archive import DockerArchive
    from .files import SourceFiles
    from .oci_layout import LayoutImage

# The members of a manifest that is made of a docker archive.
_PLAIN_MANIFEST = {"schemaVersion", "mediaType", "config", "layers"}


@dataclass(frozen=True)
class Source:
    """A source that is open, and the ways to read it, at least one.

    :param name: names the source in messages
    :param compress: whether the uncompressed layers of a docker archive are sent compressed
    """

    name: str
    layout: OciLayout | None
    docker: DockerArchive | None
    compress: bool


@contextlib.contextmanager
def open_source(path: str, name: str, compress: bool, parallel: int, task: Task) -> t.Iterator[Source]:
    """Open a directory or an archive for the length of the block.

    Since version 25 ``docker save`` writes an archive that is an OCI image layout and a docker archive at once.

    :param name: names the source in messages, such as ``src 'app.tar'``
    :param compress: whether the uncompressed layers of a docker archive are sent compressed, with gzip
    :param parallel: how many layers are compressed and hashed at once
    :raises InvalidInputError: the path cannot be read, or is not such a source
    """
    with _files(path, name) as files, Spool() as spool:
        if not is_layout(files):
            check_files(files, path)
        yield _source(files, compress, parallel, task, spool)


def load_image(
    source: Source,
    image: str | None,
    platforms: t.Sequence[Platform],
    check: t.Callable[[Image], None],
    task: Task,
) -> Image:
    """Return an image of a source, checked for completeness.

    A layout is preferred to a docker archive in the same source because it contains the manifests. Some tools write a
    layout that lists no image, or an image that the source does not contain: then the docker archive is used, with a
    warning. It is also used to compress the layers of the same image, as ``gains_by_compression`` decides.

    :param image: a reference name, a tag, a digest or an image id; None for the only image
    :param platforms: the platforms that are wanted, empty for all
    :param check: raises InvalidInputError if the image cannot be used where it is to go
    :raises NoSuchImageError: the source does not contain the image, or not for one of the platforms
    :raises AmbiguousImageError: more than one image fits
    :raises PartialImageError: the source does not contain all images of an index
    :raises InvalidInputError: the source is damaged, or its image cannot be used
    """

    def load(chosen: SourceImage) -> Image:
        found = assemble_image(chosen, platforms, source.name, is_digest_of(image, chosen.root.digest))
        check(found)
        return found

    layout, docker = source.layout, source.docker
    if layout is None:
        return load(t.cast("DockerArchive", docker).choose(image, platforms))
    if docker is None:
        return load(layout.choose(image, platforms))
    try:
        chosen = _chosen(layout, docker, source.name, image, platforms)
        found = load(chosen)
    except InvalidInputError as refusal:
        if _is_final(refusal):
            raise
        return _instead(refusal, lambda: load(docker.choose(image, platforms)), task)
    saved = _saved(docker)
    ids = image_ids(chosen, source.name)
    fitting = of_platforms(_fitting(saved, image, source.name), platforms)
    others = [named for named in fitting if named.digest not in ids]
    if others:
        raise ambiguous([chosen.named, *others], image, source.name)
    if image is None:
        _warn_of_unreadable(docker, ids, source.name, task)
    # The digest that a task names is the digest that it pushes. Signatures apply to a digest, too.
    can_change = source.compress and not is_digest_of(image, found.root.digest)
    is_smaller = can_change and gains_by_compression(chosen.root, found, [named.digest for named in saved])
    if is_smaller and not chosen.referrers([found.root.digest]):
        return load(docker.choose(found.root.blobs[0].digest))
    return found


def _chosen(
    layout: OciLayout, docker: DockerArchive, name: str, image: str | None, platforms: t.Sequence[Platform]
) -> LayoutImage:
    """Return the image of the layout, also if only the docker archive in the same source knows its name or its id."""
    try:
        return layout.choose(image, platforms)
    except NoSuchImageError:
        fitting = _fitting(_saved(docker), image, name)
        fitting = of_platforms(fitting, platforms) or fitting
        found = layout.of_image_id(fitting[0].digest) if len(fitting) == 1 else None
        if found is None:
            raise
        # A docker archive lists one platform of an image, and its name means all of them.
        return found if is_digest_of(image, fitting[0].digest) else layout.whole(found, platforms)


def gains_by_compression(root: Descriptor, image: Image, saved_ids: t.Collection[str]) -> bool:
    """Return whether an image of a layout is to be read from the docker archive in the same source.

    The manifests of a layout state the digests of its layers, so these cannot be compressed. Those of the docker
    archive can, if it has the very same image, and if nothing that the layout says of the image is lost.

    :param root: what the layout lists: the manifest of the image, or an index
    :param saved_ids: the image ids of the docker archive
    """
    if root.media_type in INDEXES or image.root.blobs[0].digest not in saved_ids:
        return False
    layers = image.root.blobs[1:]
    is_plain = set(json.loads(image.root.content)) <= _PLAIN_MANIFEST and not image.foreign
    kinds = {_compression(layer.media_type) for layer in layers}
    return is_plain and "" in kinds and kinds <= {"", "gzip"}


def _compression(media_type: str) -> str:
    """Return how a layer is compressed by its media type, an empty text if it is not."""
    return media_type.rpartition(".tar")[2].strip(".+")


def _saved(docker: DockerArchive) -> list[NamedImage]:
    """Return the images of a docker archive whose configurations are there, none if it is damaged."""
    try:
        return [named for named in docker.images() if SHA256_DIGEST.fullmatch(named.digest)]
    except InvalidInputError:
        return []


def _warn_of_unreadable(docker: DockerArchive, ids: t.Collection[str], name: str, task: Task) -> None:
    """Warn of images of the docker archive that are no choice because their configurations cannot be read.

    :param ids: the image ids that the image chosen has
    :param name: names the source
    """
    with contextlib.suppress(InvalidInputError):
        unread = [named for named in docker.images() if not SHA256_DIGEST.fullmatch(named.digest)]
        left_out = [named for named in unread if not any(each.partition(":")[2] in named.digest for each in ids)]
        if left_out:
            task.warn(
                f"{name} lists images that are left out because their configurations are missing or damaged: "
                f"{listed(list(map(str, left_out)), separator='; ')}. If you need them, create the source again, or "
                "copy it again."
            )


def _fitting(images: t.Sequence[NamedImage], image: str | None, name: str) -> list[NamedImage]:
    try:
        return matching(images, image, name)
    except NoSuchImageError:
        return []


def _is_final(refusal: InvalidInputError) -> bool:
    """Return whether the docker archive in the same source would have the same images, or not all of them."""
    return isinstance(refusal, AmbiguousImageError) or (
        isinstance(refusal, PartialImageError) and bool(refusal.complete)
    )


def _instead(refusal: InvalidInputError, load: t.Callable[[], Image], task: Task) -> Image:
    """Return the image of the docker archive after the layout in the same source was refused."""
    try:
        found = load()
    except AmbiguousImageError:
        raise
    except InvalidInputError as other:
        if NoSuchImageError in (type(refusal), type(other)):
            raise refusal from other
        also = "The docker archive in the same source cannot be used either"
        raise InvalidInputError(f"{refusal.problem}. {also}: {other.problem}", refusal.remedy) from other
    problem = refusal.problem
    if isinstance(refusal, NoSuchImageError):
        # The source contains it, as was just found.
        problem = f"The OCI image layout in {refusal.name} does not list {refusal.wanted}"
    task.warn(
        f"{problem}. The docker archive in the same source is used instead, which gives the image another manifest and "
        "another digest."
    )
    return found


def _files(path: str, name: str) -> contextlib.AbstractContextManager[SourceFiles]:
    if _is_directory(path):
        return Directory.opened(path, name)
    # Python compiles a file in every task that imports it, and not every source is an archive.
    from .archive import Archive

    return Archive.opened(path, name)


def _docker_archive(
    files: SourceFiles, compress: bool, parallel: int, task: Task, spool: Spool
) -> DockerArchive | None:
    if not files.exists(MANIFEST):
        return None
    from .docker_archive import DockerArchive

    return DockerArchive(files, compress, parallel, task, spool)


def _is_directory(path: str) -> bool:
    try:
        return bool(path) and stat.S_ISDIR(Path(path).stat().st_mode)
    except (OSError, ValueError):
        # The error comes when the path is opened.
        return False


def _source(files: SourceFiles, compress: bool, parallel: int, task: Task, spool: Spool) -> Source:
    # One that cannot be read does not stop the other: its errors come when it is read.
    layout = OciLayout(files, task) if files.exists(INDEX) else None
    docker = _docker_archive(files, compress, parallel, task, spool)
    if not (layout or docker):
        raise InvalidInputError(
            f"{files} does not contain an image: it has neither {INDEX}, as an OCI image layout does, nor {MANIFEST}, "
            "as a docker archive does",
            f"{USE_AN_IMAGE}. To push a single layer, use ecr_layer",
        )
    return Source(str(files), layout, docker, compress)
