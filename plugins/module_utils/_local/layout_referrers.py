# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The signatures, SBOMs and attestations among the entries of an OCI image layout.

Sources: https://github.com/opencontainers/image-spec/blob/main/image-layout.md and, for what ``cosign save`` writes,
https://github.com/sigstore/cosign/blob/main/pkg/oci/layout/write.go.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from functools import cached_property

from .._core.errors import InvalidInputError
from .._core.json_document import JsonObject
from .._core.text import MIB, listed
from .._oci.descriptor import Entry
from .._oci.manifest import INDEXES, MAX_IMAGES, MEDIA_TYPES, Manifest, subject_of
from .._oci.referrer import Referrer, ReferrerTag, without_repetition
from .layout_entries import annotation_of, blob_file, digest_of, names_of, read_manifest

if t.TYPE_CHECKING:
    from .._core.task import Task
    from .files import SourceFiles

# The bytes of the manifests that are searched for their subjects.
_MAX_SEARCHED = 32 * MIB
# Registries and tools used it for a while, so it can be what refers to an image.
_ARTIFACT_MANIFEST = "application/vnd.oci.artifact.manifest.v1+json"
_MANIFESTS = (*MEDIA_TYPES, _ARTIFACT_MANIFEST)
_COSIGN = "dev.cosignproject.cosign/"
_COSIGN_IMAGES = (f"{_COSIGN}image", f"{_COSIGN}imageIndex")
_COSIGN_SUFFIXES = {f"{_COSIGN}sigs": ".sig", f"{_COSIGN}atts": ".att"}


@dataclass(frozen=True)
class _Link:
    """An entry that refers to the manifest with the digest ``subject``; ``tag`` is the tag that it is found by.

    ``is_listed`` says whether an index lists it as a referrer, instead of its own manifest.
    """

    entry: Entry
    subject: str
    tag: str | None = None
    is_listed: bool = False


class LayoutReferrers:
    """What the entries of ``index.json`` refer to. They are read when that is asked for.

    :param read_entries: reads ``index.json``
    """

    def __init__(self, files: SourceFiles, read_entries: t.Callable[[], t.Sequence[Entry]], task: Task) -> None:
        self._files = files
        self._read_entries = read_entries
        self._task = task
        self._left = _MAX_SEARCHED
        self._unreadable: list[Entry] = []
        # What is wrong with a list of referrers, by the digest of what they refer to.
        self._faults: dict[str, InvalidInputError] = {}

    def of(self, subjects: t.Collection[str]) -> list[Referrer]:
        """Return the manifests that refer to one of these digests, each once for a tag; those with a tag come first.

        :raises InvalidInputError: one of them, or the list of them, is damaged or is not supported
        """
        links = sorted((link for link in self._links if link.subject in subjects), key=lambda link: link.is_listed)
        referrers = map(self._referrer, without_repetition(links, lambda link: (digest_of(link.entry), link.tag)))
        found = [referrer for referrer in referrers if referrer]
        for subject in subjects:
            if subject in self._faults:
                raise self._faults[subject]
        self._warn_of_unreadable()
        return found

    def subjects_of(self, digest: str) -> t.Collection[str]:
        """Return the digests of what the entry with this digest refers to."""
        return self._subjects.get(digest, ())

    @cached_property
    def _subjects(self) -> dict[str, set[str]]:
        subjects: dict[str, set[str]] = {}
        for link in self._links:
            subjects.setdefault(digest_of(link.entry), set()).add(link.subject)
        for entry in self._entries:
            for tag in _tags_of(entry):
                subjects.setdefault(digest_of(entry), set()).add(tag.subject)
        return subjects

    def _referrer(self, link: _Link) -> Referrer | None:
        descriptor = link.entry.descriptor
        where = f"{self._files}: manifest {descriptor.digest}"
        content = read_manifest(self._files, descriptor)
        manifest = Manifest.parse(content, descriptor.media_type, where)
        if link.is_listed and manifest.subject != link.subject:
            # Without the index, which registries that list referrers do not need, nothing would lead to it.
            self._task.warn(
                f"{where} is left out. The tag {ReferrerTag(link.subject, '')} lists it, but it does not name "
                f"{link.subject} as its subject."
            )
            return None
        return Referrer(manifest, link.subject, link.tag)

    def _warn_of_unreadable(self) -> None:
        nameless = [digest_of(entry) for entry in self._unreadable if not (names_of(entry) or entry.platform)]
        self._unreadable.clear()
        if nameless:
            self._task.warn(
                f"{self._files}: it is unknown whether these entries refer to the image, because they cannot be read: "
                f"{listed(nameless)}."
            )

    @cached_property
    def _entries(self) -> t.Sequence[Entry]:
        return self._read_entries()

    @cached_property
    def _links(self) -> tuple[_Link, ...]:
        links: list[_Link] = []
        for entry in self._entries:
            tags = _tags_of(entry)
            links += [_Link(entry, tag.subject, str(tag)) for tag in tags if not tag.is_list]
            links += [link for tag in tags if tag.is_list for link in self._listed(entry, tag.subject)]
            links += self._saved_by_cosign(entry)
            subject = self._subject(entry)
            links += [_Link(entry, subject)] if subject else []
        return tuple(links)

    def _listed(self, index: Entry, subject: str) -> list[_Link]:
        """Return the entries of an index that a tag leads to."""
        if index.media_type not in INDEXES:
            return []
        try:
            entries = self._document(index).objects("manifests", MAX_IMAGES)
        except InvalidInputError as fault:
            self._faults[subject] = fault
            return []
        return [_Link(Entry(entry), subject, is_listed=True) for entry in entries]

    def _saved_by_cosign(self, entry: Entry) -> list[_Link]:
        suffix = _COSIGN_SUFFIXES.get(annotation_of(entry, "kind") or "")
        if suffix is None:
            return []
        subject = self._images_of_cosign.get(names_of(entry))
        return [_Link(entry, subject, str(ReferrerTag(subject, suffix)))] if subject else []

    @cached_property
    def _images_of_cosign(self) -> dict[tuple[str, ...], str]:
        """The digests of the images that cosign saved, by their names."""
        images = (entry for entry in self._entries if annotation_of(entry, "kind") in _COSIGN_IMAGES)
        return {names_of(image): digest_of(image) for image in images if image.is_usable}

    def _subject(self, entry: Entry) -> str | None:
        """Return what the manifest of an entry names as its subject. What is wrong with others does not matter."""
        if entry.media_type not in _MANIFESTS:
            return None
        try:
            descriptor = entry.descriptor
            if descriptor.size > self._left:
                raise self._files.refused(blob_file(descriptor.digest), f"is larger than {self._left} bytes")
            self._left -= descriptor.size
            return subject_of(self._document(entry))
        except InvalidInputError:
            self._unreadable.append(entry)
            return None

    def _document(self, entry: Entry) -> JsonObject:
        content = read_manifest(self._files, entry.descriptor)
        return JsonObject.parse(content, self._files.where(blob_file(entry.descriptor.digest)))


def _tags_of(entry: Entry) -> list[ReferrerTag]:
    """Return those of the names of an entry that are tags of referrers, with or without the name of a repository."""
    tags = (ReferrerTag.parse(name.rpartition("/")[2].rpartition(":")[2]) for name in names_of(entry))
    return [tag for tag in tags if tag]
