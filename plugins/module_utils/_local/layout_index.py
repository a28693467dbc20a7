# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The list of images of an OCI image layout that is written: ``index.json``, and ``oci-layout`` beside it.

What other tools wrote into the list stays as it is.
"""

from __future__ import annotations

import json
import typing as t

from .._oci.manifest import OCI_INDEX
from .layout_entries import REF_NAME
from .oci_layout import VERSION

if t.TYPE_CHECKING:
    from .._oci.store import ListedImage

Document = dict[str, t.Any]


def version_file() -> bytes:
    """Return the content of ``oci-layout``."""
    return _written({"imageLayoutVersion": VERSION})


def digest_before(index: bytes | None, image: ListedImage) -> str | None:
    """Return the digest that the index lists by the name of an image, None if it has no such entry.

    An image without a name is looked for by its digest.

    :param index: the content of ``index.json``, None if there is none; it must be that of a layout
    """
    found = _same(_entries(index), image)
    digest = found[0].get("digest") if found else None
    return digest if isinstance(digest, str) else None


def is_listed(index: bytes | None, images: t.Iterable[ListedImage]) -> bool:
    """Return whether the index has an entry for each of the images, and no other one of its name."""
    entries = _entries(index)
    return index is not None and all(_is_listed(entries, image) for image in images)


def with_images(index: bytes | None, images: t.Iterable[ListedImage]) -> bytes:
    """Return the index with an entry for each of the images. It replaces those of the same name."""
    document: Document = {"schemaVersion": 2, "mediaType": OCI_INDEX} if index is None else json.loads(index)
    entries = _entries(index)
    for image in images:
        entries = _with_image(entries, image)
    return _written({**document, "manifests": entries})


def _entries(index: bytes | None) -> list[Document]:
    return [] if index is None else json.loads(index)["manifests"]


def _with_image(entries: list[Document], image: ListedImage) -> list[Document]:
    if _is_listed(entries, image):
        return entries
    same = _same(entries, image)
    if not same:
        return [*entries, _entry(image)]
    first, *others = same
    return [_entry(image) if entry is first else entry for entry in entries if not any(entry is it for it in others)]


def _is_listed(entries: t.Sequence[Document], image: ListedImage) -> bool:
    same = _same(entries, image)
    wanted = _descriptor(image)
    is_it = [all(entry.get(member) == value for member, value in wanted.items()) for entry in same]
    return is_it == [True] if image.name else any(is_it)


def _same(entries: t.Iterable[Document], image: ListedImage) -> list[Document]:
    """Return the entries that have the name of an image, or the digest of an image without a name."""
    objects = [entry for entry in entries if isinstance(entry, dict)]
    if image.name is None:
        return [entry for entry in objects if entry.get("digest") == image.descriptor.digest]
    return [entry for entry in objects if _name(entry) == image.name]


def _name(entry: Document) -> t.Any:
    annotations = entry.get("annotations")
    return annotations.get(REF_NAME) if isinstance(annotations, dict) else None


def _descriptor(image: ListedImage) -> Document:
    descriptor = image.descriptor
    return {"mediaType": descriptor.media_type, "digest": descriptor.digest, "size": descriptor.size}


def _entry(image: ListedImage) -> Document:
    annotations = {"annotations": {REF_NAME: image.name}} if image.name else {}
    return {**_descriptor(image), **annotations}


def _written(document: Document) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
