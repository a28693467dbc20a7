# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The entries of ``index.json`` in an OCI image layout, and the files that they name.

Source: https://github.com/opencontainers/image-spec/blob/main/image-layout.md.
"""

from __future__ import annotations

import typing as t

from .._core.digest import sha256_of
from .._core.text import printable
from .._oci.store import COPY_AGAIN

if t.TYPE_CHECKING:
    from .._oci.descriptor import Descriptor, Entry
    from .files import SourceFiles

REF_NAME = "org.opencontainers.image.ref.name"
_NAMES = ("io.containerd.image.name", REF_NAME)


def annotation_of(entry: Entry, name: str) -> str | None:
    """Return an annotation of an entry, None if it has none of this name."""
    annotations = entry.document.members.get("annotations")
    value = annotations.get(name) if isinstance(annotations, dict) else None
    return value if isinstance(value, str) and value else None


def names_of(entry: Entry) -> tuple[str, ...]:
    """Return the names of an image, without duplicates."""
    names = (annotation_of(entry, name) for name in _NAMES)
    return tuple(dict.fromkeys(name for name in names if name))


def digest_of(entry: Entry) -> str:
    """Return what an entry states as its digest, whatever that is."""
    return printable(str(entry.document.members.get("digest")))


def blob_file(digest: str) -> str:
    """Return the name of the file of a blob. The digest must have been checked."""
    return f"blobs/{digest.replace(':', '/')}"


def read_manifest(files: SourceFiles, descriptor: Descriptor) -> bytes:
    """Return the bytes of a manifest or an index.

    :raises InvalidInputError: it is missing, too large, or contradicts its descriptor
    """
    name = blob_file(descriptor.digest)
    size = files.size(name)
    if size is not None and size != descriptor.size:
        raise files.refused(name, f"is {size} bytes; its descriptor states {descriptor.size}", COPY_AGAIN)
    content = files.read(name)
    if sha256_of([content]) != descriptor.digest:
        raise files.refused(name, "is damaged: its content does not match its digest", COPY_AGAIN)
    return content


def intact_content(files: SourceFiles, digest: str, size: int) -> bytes | None:
    """Return the bytes of a small blob or a manifest, None if they are not all there.

    :raises InvalidInputError: its file is too large, or cannot be read
    """
    if files.size(blob_file(digest)) != size:
        return None
    content = files.read(blob_file(digest))
    return content if sha256_of([content]) == digest else None
