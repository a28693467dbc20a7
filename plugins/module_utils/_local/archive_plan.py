# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which bytes a tar archive of an image has, at which positions, before the image is there.

The same image gives the same bytes: files have no time, no owner, one mode and a fixed order. The name of each file of
a blob states its digest, as in an archive that ``docker save`` writes.
"""

from __future__ import annotations

import json
import tarfile
import typing as t

from .._core.errors import InvalidInputError
from .._core.text import quoted
from .._oci.image import CONFIGS
from .._oci.manifest import Manifest
from .files import MANIFEST
from .layout_entries import blob_file
from .layout_index import version_file, with_images
from .oci_layout import INDEX, LAYOUT
from .partial_file import Arrangement, Region

if t.TYPE_CHECKING:
    from .._oci.descriptor import Descriptor
    from .._oci.store import ImageContent

Plan = t.Callable[["ImageContent"], Arrangement]

_MODE = 0o644
# An archive ends with two blocks of zeros.
_END = bytes(2 * tarfile.BLOCKSIZE)
# What docker load reads, and what ecr_image reads of a docker archive.
_LAYERS = ("tar", "tar.gzip", "tar+gzip")


def oci_archive(wanted: ImageContent) -> Arrangement:
    """Return the arrangement of an archive of an OCI image layout."""
    files: list[tuple[str, bytes | Descriptor]] = [
        (LAYOUT, version_file()),
        (INDEX, with_images(None, wanted.listed)),
    ]
    files += [(blob_file(manifest.digest), manifest.content) for manifest in reversed(wanted.manifests)]
    files += [(blob_file(blob.digest), blob) for blob in wanted.blobs]
    return _arranged(files)


def docker_archive(wanted: ImageContent) -> Arrangement:
    """Return the arrangement of a docker archive, whose layers are compressed as they are in the image.

    :raises InvalidInputError: the image is one that docker archives cannot hold
    """
    image = wanted.listed[0]
    manifest = next(each for each in wanted.manifests if each.digest == image.descriptor.digest)
    _check_docker_image(manifest, wanted.blobs)
    config, *layers = manifest.blobs
    blobs = dict.fromkeys(blob.digest for blob in manifest.blobs)
    entry = {
        "Config": blob_file(config.digest),
        "RepoTags": [image.name] if image.name else None,
        "Layers": [blob_file(layer.digest) for layer in layers],
    }
    content = json.dumps([entry], separators=(",", ":")).encode()
    files = [(blob_file(blob.digest), blob) for blob in wanted.blobs if blob.digest in blobs]
    return _arranged([(MANIFEST, content), *files])


def _check_docker_image(manifest: Manifest, blobs: t.Collection[Descriptor]) -> None:
    remedy = "Choose the format of an OCI image layout"
    if manifest.is_index:
        raise InvalidInputError("A docker archive holds an image for one platform, and this one has several", remedy)
    config, *layers = manifest.blobs
    held = {blob.digest for blob in blobs}
    if config.media_type not in CONFIGS:
        raise InvalidInputError(
            f"A docker archive holds container images, and the configuration of {manifest.digest} has the media type "
            f"{quoted(config.media_type)}",
            remedy,
        )
    for layer in layers:
        if not layer.media_type.endswith(_LAYERS):
            raise InvalidInputError(
                "A docker archive holds layers that are uncompressed or compressed with gzip, and layer "
                f"{layer.digest} has the media type {quoted(layer.media_type)}",
                remedy,
            )
        if layer.digest not in held:
            raise InvalidInputError(
                f"A docker archive holds all layers of an image, and layer {layer.digest} is hosted at external URLs",
                remedy,
            )


def _arranged(files: t.Iterable[tuple[str, bytes | Descriptor]]) -> Arrangement:
    between: list[tuple[int, bytes]] = []
    regions: list[Region] = []
    position, pending = 0, b""
    for name, content in files:
        size = len(content) if isinstance(content, bytes) else content.size
        pending += _header(name, size)
        padding = bytes(-size % tarfile.BLOCKSIZE)
        if isinstance(content, bytes):
            pending += content + padding
            continue
        between.append((position, pending))
        position += len(pending)
        regions.append(Region(content.digest, position, size))
        position += size
        pending = padding
    pending += _END
    return Arrangement(position + len(pending), tuple(regions), (*between, (position, pending)))


def _header(name: str, size: int) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, _MODE
    # Unlike the others, GNU's format has room for sizes of more than 8 GiB in one block.
    return entry.tobuf(tarfile.GNU_FORMAT)
