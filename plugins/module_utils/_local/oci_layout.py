# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images in an OCI image layout, a directory or an archive.

Source: https://github.com/opencontainers/image-spec/blob/main/image-layout.md.
"""

from __future__ import annotations

import collections
import contextlib
import itertools
import typing as t

from .._core.digest import SHA256_DIGEST, sha256_of
from .._core.errors import InvalidInputError
from .._core.json_document import MAX_DOCUMENT, JsonObject
from .._core.text import MIB, quoted
from .._oci.descriptor import Descriptor, Entry
from .._oci.image import image_ids, stated_platform
from .._oci.manifest import INDEXES, MEDIA_TYPES, OCI_INDEX, Manifest, check_is_no_cache
from .._oci.reference import NamedImage, NoSuchImageError, ambiguous, is_digest_of, matching, share_a_name
from .._oci.store import ImageReader, SourceImage
from .layout_entries import blob_file, digest_of, names_of, read_manifest
from .layout_referrers import LayoutReferrers

if t.TYPE_CHECKING:
    from .._core.blob import Blob
    from .._core.task import Task
    from .._oci.platform import Platform
    from .._oci.referrer import Referrer
    from .files import SourceFiles

LAYOUT = "oci-layout"
INDEX = "index.json"

VERSION = "1.0.0"
# A document has fewer: a descriptor with a digest, a media type and a size is longer than this.
_MAX_ENTRIES = MAX_DOCUMENT // 100
# The bytes of the indexes, and of the manifests, that are searched for a digest.
_MAX_SEARCHED = 32 * MIB


class LayoutImage(SourceImage):
    """An image of an OCI image layout.

    :param others: knows what other entries of the layout refer to
    :param names: the names of the image in the layout
    :param index: the bytes of the root, if they are not those of a blob
    """

    def __init__(
        self,
        files: SourceFiles,
        root: Descriptor,
        others: LayoutReferrers,
        names: t.Iterable[str] = (),
        index: bytes | None = None,
    ) -> None:
        super().__init__(root)
        self.named = NamedImage(root.digest, tuple(names), root.platform)
        self._files = files
        self._others = others
        self._index = index

    def manifest(self, descriptor: Descriptor) -> bytes:
        """Return the bytes of a manifest or an index."""
        if self._index is not None and descriptor is self.root:
            return self._index
        return read_manifest(self._files, descriptor)

    def size(self, digest: str) -> int | None:
        """Return the size of a blob in bytes, None if it does not exist."""
        return self._files.size(blob_file(digest))

    def open(self, digest: str) -> contextlib.AbstractContextManager[Blob]:
        """Open a blob."""
        return self._files.open(blob_file(digest))

    def referrers(self, subjects: t.Sequence[str]) -> list[Referrer]:
        """Return the entries of the layout that refer to one of these manifests."""
        return self._others.of(subjects)


class OciLayout(ImageReader):
    """An OCI image layout."""

    def __init__(self, files: SourceFiles, task: Task) -> None:
        self._files = files
        self._task = task
        self._others = LayoutReferrers(files, lambda: read_index(files).entries, task)

    def choose(self, image: str | None, platforms: t.Sequence[Platform] = ()) -> LayoutImage:
        """Return one image.

        A digest can also be that of an image within an index, of ``index.json`` itself, or of those of its entries that
        are one image. Entries that share their names and differ by their platforms are one image, whose index is
        ``index.json`` itself, unless one of them is the index of the others. What belongs to another entry is not
        chosen unless it is named.
        """
        has_version = is_versioned(self._files)
        index = read_index(self._files)
        if is_digest_of(image, index.digest):
            source = self._combined(index, index.entries, ())
        else:
            source = self._chosen_or_combined(index, image, platforms)
        if not has_version:
            self._task.warn(f"{self._files.where(LAYOUT)} is missing. {INDEX} is read as that of an OCI image layout.")
        return source

    def _chosen_or_combined(self, index: Manifest, image: str | None, platforms: t.Sequence[Platform]) -> LayoutImage:
        try:
            return self._chosen(index, image, platforms)
        except NoSuchImageError:
            shared = collections.Counter(name for entry in index.entries for name in names_of(entry))
            for name in (None, *(name for name, count in shared.items() if count > 1)):
                # Those that cannot be chosen do not matter.
                with contextlib.suppress(InvalidInputError):
                    found = self._chosen(index, name, platforms)
                    if is_digest_of(image, found.root.digest):
                        return found
            raise

    def _chosen(self, index: Manifest, image: str | None, platforms: t.Sequence[Platform]) -> LayoutImage:
        entries = list(index.entries)
        if image is None or not any(entry.media_type in MEDIA_TYPES for entry in entries):
            check_is_no_cache(entries, self._files.where(INDEX))
        if image and SHA256_DIGEST.fullmatch(image) and image not in map(digest_of, entries):
            found_within = (entry for entry in self._reachable(index.entries) if digest_of(entry) == image)
            entries += itertools.islice(found_within, 1)
        matched = found = matching(map(_named, entries), image, str(self._files))
        if len(matched) > 1:
            found = self._of_their_own(matched, index.entries)
        digests = {named.digest for named in found}
        chosen = [entry for entry in entries if digest_of(entry) in digests]
        names = dict.fromkeys(name for named in found for name in named.names)
        if len(found) == 1:
            return LayoutImage(self._files, chosen[0].descriptor, self._others, names)
        is_one = share_a_name(found)
        parent = self._index_of_all(chosen) if is_one else None
        if parent:
            return LayoutImage(self._files, parent.descriptor, self._others, names)
        if is_one and self._are_platforms(chosen, platforms):
            # Attestations with the platform unknown/unknown are a part of the index, whatever they refer to.
            digests |= {named.digest for named in matched if named.platform}
            return self._combined(index, [entry for entry in entries if digest_of(entry) in digests], names)
        raise ambiguous(found, image, str(self._files))

    def _of_their_own(self, found: list[NamedImage], entries: t.Sequence[Entry]) -> list[NamedImage]:
        """Return the images without those that refer to another entry, and without names those that an index lists.

        Tools such as oras list every manifest in ``index.json``, also signatures and the images of an index.
        """
        there = set(map(digest_of, self._reachable(entries)))
        images = [image for image in found if not there.intersection(self._others.subjects_of(image.digest))]
        digests = {image.digest for image in images}
        own = [entry for entry in entries if digest_of(entry) in digests]
        within = set(map(digest_of, itertools.islice(self._reachable(own), len(own), None)))
        return [image for image in images if image.names or image.digest not in within] or found

    def _combined(self, index: Manifest, entries: t.Sequence[Entry], names: t.Iterable[str]) -> LayoutImage:
        """Return the image whose index is ``index.json``, reduced to these entries."""
        content = index.with_entries(entries).content
        root = Descriptor(index.media_type, sha256_of([content]), len(content))
        return LayoutImage(self._files, root, self._others, names, content)

    def of_image_id(self, image_id: str) -> LayoutImage | None:
        """Return the image whose configuration has this digest, None if there is none. It can be within an index."""
        left = _MAX_SEARCHED
        for entry in self._reachable(read_index(self._files).entries):
            if entry.media_type in INDEXES or not entry.is_usable or entry.descriptor.size > left:
                continue
            left -= entry.descriptor.size
            image = LayoutImage(self._files, entry.descriptor, self._others)
            # What is wrong with an image that is not this one does not matter.
            with contextlib.suppress(InvalidInputError):
                if image_id in image_ids(image, str(self._files)):
                    return image
        return None

    def whole(self, image: LayoutImage, platforms: t.Sequence[Platform] = ()) -> LayoutImage:
        """Return the image of which this one is a platform, itself if it is no part of another.

        :param platforms: the platforms that are wanted, empty for all
        """
        index = read_index(self._files)
        entry = self._entry_with(image.root.digest, index.entries)
        ids = image_ids(image, str(self._files))
        for name in (None, *names_of(entry), digest_of(entry)) if entry else ():
            # Without a name, and by a name, the layout can have several images.
            with contextlib.suppress(InvalidInputError):
                found = self._chosen(index, name, platforms)
                if ids <= image_ids(found, str(self._files)):
                    return found
        return image

    def _entry_with(self, digest: str, entries: t.Iterable[Entry]) -> Entry | None:
        """Return the first entry that is a manifest, or an index that lists it, None if there is none."""
        left = _MAX_SEARCHED
        for entry in {digest_of(entry): entry for entry in entries}.values():
            if digest_of(entry) == digest:
                return entry
            if entry.media_type in INDEXES and entry.is_usable and entry.descriptor.size <= left:
                left -= entry.descriptor.size
                if digest in map(digest_of, self._listed(entry)):
                    return entry
        return None

    def _reachable(self, entries: t.Iterable[Entry]) -> t.Iterator[Entry]:
        """Return the entries, and those of the indexes that they lead to, as far as they can be read."""
        seen = set()
        left = _MAX_SEARCHED
        queue = collections.deque(entries)
        while queue:
            entry = queue.popleft()
            yield entry
            if entry.media_type not in INDEXES or not entry.is_usable or entry.descriptor.digest in seen:
                continue
            seen.add(entry.descriptor.digest)
            if entry.descriptor.size <= left:
                left -= entry.descriptor.size
                queue += self._listed(entry)

    def _listed(self, entry: Entry) -> list[Entry]:
        """Return what an index lists, nothing if it cannot be read."""
        name = blob_file(entry.descriptor.digest)
        # What is wrong with an index that nobody wants does not matter.
        with contextlib.suppress(InvalidInputError):
            document = JsonObject.parse(read_manifest(self._files, entry.descriptor), self._files.where(name))
            return list(map(Entry, document.objects("manifests", _MAX_ENTRIES)))
        return []

    def _index_of_all(self, entries: t.Sequence[Entry]) -> Entry | None:
        """Return the entry of the index that lists all other entries, None if there is none."""
        indexes = {digest_of(entry): entry for entry in entries if entry.media_type in INDEXES and entry.is_usable}
        for index in indexes.values() if len(indexes) == 1 else ():
            if set(map(digest_of, entries)) <= set(map(digest_of, self._reachable([index]))):
                return index
        return None

    def _are_platforms(self, entries: t.Iterable[Entry], wanted: t.Sequence[Platform]) -> bool:
        """Return whether the entries are images for different platforms, as far as these are wanted.

        Attestations can be among them, and artifacts, which have no platform, if platforms are wanted.
        """
        images = {digest_of(entry): entry for entry in entries}
        if any(entry.media_type in INDEXES for entry in images.values()):
            return False
        try:
            found = [self._platform(entry) for entry in images.values()]
        except InvalidInputError:
            # Then the user has to choose.
            return False
        known = [platform for platform in found if platform and platform.is_known]
        used = [platform for platform in known if not wanted or any(each.includes(platform) for each in wanted)]
        has_artifacts = None in found and not wanted
        return not has_artifacts and bool(known) and len({(each, each.os_version) for each in used}) == len(used)

    def _platform(self, entry: Entry) -> Platform | None:
        """Return the platform of an image, None for an artifact.

        :raises InvalidInputError: it cannot be read
        """
        if entry.platform:
            return entry.platform
        image = LayoutImage(self._files, entry.descriptor, self._others)
        return stated_platform(image, image.root, str(self._files))


def is_versioned(files: SourceFiles) -> bool:
    """Return whether a layout states its version.

    :raises InvalidInputError: it is another version than 1.0.0
    """
    if files.size(LAYOUT) is None:
        return False
    layout = JsonObject.parse(files.read(LAYOUT), files.where(LAYOUT))
    version = layout.get("imageLayoutVersion", str)
    if version != VERSION:
        raise layout.refused("imageLayoutVersion", f"{quoted(version)} is not supported; it must be {VERSION}")
    return True


def is_layout(files: SourceFiles) -> bool:
    """Return whether files look like an OCI image layout. Programs have files named ``index.json``, too."""
    if files.exists(LAYOUT) or not files.exists(INDEX):
        return files.exists(INDEX)
    try:
        return bool(read_index(files).entries)
    except InvalidInputError:
        return False


def read_index(files: SourceFiles) -> Manifest:
    """Return ``index.json``.

    :raises InvalidInputError: it is missing or damaged
    """
    content = files.read(INDEX)
    document = JsonObject.parse(content, files.where(INDEX))
    if document.members.get("manifests") is None:
        raise document.refused("manifests", "is missing or null")
    entries = tuple(map(Entry, document.objects("manifests", _MAX_ENTRIES)))
    return Manifest(content, document.get("mediaType", str, OCI_INDEX), entries=entries)


def _named(entry: Entry) -> NamedImage:
    """Return how an entry can be chosen."""
    return NamedImage(digest_of(entry), names_of(entry), entry.platform)
