# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The images of a repository that refer to others: those that the registry lists, and those that tags lead to."""

from __future__ import annotations

import itertools
import typing as t
from dataclasses import dataclass, replace
from functools import partial

try:
    from botocore import __version__ as botocore_version
except ImportError:
    pass  # AnsibleAWSModule reports a missing SDK

from .._core.digest import SHA256_DIGEST
from .._core.errors import InvalidInputError
from .._core.json_document import JsonObject
from .._core.text import listed
from .._oci.manifest import INDEXES, MAX_IMAGES, Manifest
from .._oci.referrer import Referrer, ReferrerTag, referrer_tags, without_repetition
from .call import Call
from .errors import AnswerError, EcrError
from .image_records import ListedReferrer, StoredImage, StoredImages
from .images import Images, check_intact
from .pages import Page, all_entries
from .service_model import knows_operation, largest

if t.TYPE_CHECKING:
    from .._core.task import Task
    from .client import EcrClient

_OPERATION = "ListImageReferrers"
# An index can have a hundred images, and each is asked for on its own.
_PARALLEL = 8
# An image has some dozens at most.
_MAX_REFERRERS = 10_000
# What an endpoint of AWS answers that does not know the operation.
_UNKNOWN = ("UnknownOperationException", "InvalidAction")
_CONSEQUENCE = "Signatures, SBOMs and attestations are found by their tags only, and others are left out"


@dataclass(frozen=True)
class FoundReferrer:
    """An image that refers to the one with the digest ``subject``; ``tag`` is the tag that tools find it by.

    ``stored`` is its manifest if that was read. ``is_listed`` says whether the registry lists it; otherwise a tag leads
    to it.
    """

    subject: str
    entry: ListedReferrer
    tag: str | None = None
    stored: StoredImage | None = None
    is_listed: bool = True


class Referrers:
    """What refers to the images of a client's repository."""

    def __init__(self, client: EcrClient, task: Task) -> None:
        self._client = client
        self._images = Images(client)
        self._task = task
        self._repository = client.repository
        # Whether the registry can still be asked. A refusal stops that, and is reported once.
        self._can_list = True

    def find(self, subjects: t.Sequence[str]) -> list[FoundReferrer]:
        """Return what refers to the images with these digests: each once for an image and a tag.

        Without the permission, or if the endpoint or botocore does not know the operation, only tags are followed, with
        a warning.

        :raises EcrError: a look-up failed
        """
        found: list[FoundReferrer] = []
        listed_of = self._listed_of_all(subjects)
        tagged = self._tagged(subjects) if subjects else []
        for subject, entries in listed_of.items():
            by_list = {entry.digest: FoundReferrer(subject, entry) for entry in entries}
            # The registry knows the status and the annotations of what it lists.
            by_tag = [_as_listed(each, by_list.get(each.entry.digest)) for each in tagged if each.subject == subject]
            found += without_repetition([*by_list.values(), *by_tag], lambda each: (each.entry.digest, each.tag))
        return found

    def read(self, subjects: t.Sequence[str]) -> list[Referrer]:
        """Return what refers to one of these images, each once for a tag, with its manifest.

        A warning names what cannot be read, for example because it is archived.

        :raises EcrError: a look-up failed
        :raises InvalidInputError: a manifest is not supported
        """
        found = without_repetition(self.find(subjects), lambda each: (each.entry.digest, each.tag))
        wanted = [each.entry.digest for each in found if each.stored is None and each.entry.is_readable]
        stored = self._images.get(wanted) if wanted else StoredImages()
        read = [self._referrer(each, each.stored or stored.by_digest.get(each.entry.digest)) for each in found]
        self._warn_of_unread([each.entry.digest for each, referrer in zip(found, read) if referrer is None])
        return [referrer for referrer in read if referrer]

    def _listed_of_all(self, subjects: t.Sequence[str]) -> dict[str, list[ListedReferrer]]:
        """Return what the registry lists for each of the images. The first answer says whether it can be asked."""
        found: dict[str, list[ListedReferrer]] = {subject: [] for subject in subjects}

        def ask(subject: str) -> None:
            found[subject] = self._listed(subject)

        for subject in subjects[:1]:
            ask(subject)
        if self._can_list:
            self._task.run_all([partial(ask, subject) for subject in subjects[1:]], _PARALLEL)
        return found

    def _listed(self, subject: str) -> list[ListedReferrer]:
        if not knows_operation(_OPERATION):
            self._cannot_list(f"botocore {botocore_version} does not know {_OPERATION}. Update boto3 on the host")
        if not self._can_list:
            return []
        call = Call(_OPERATION, self._repository, digests=(subject,))
        try:
            entries = list(itertools.islice(all_entries(call, partial(self._ask, call, subject)), _MAX_REFERRERS + 1))
        except EcrError as error:
            if error.is_denied:
                # It has no action of its own.
                self._cannot_list(
                    f"Missing permission for {_OPERATION} on {self._repository}. ecr:BatchGetImage allows it, unless a "
                    "policy denies it"
                )
            elif error.code in _UNKNOWN:
                self._cannot_list(f"The endpoint does not know {_OPERATION}, which was called for {self._repository}")
            else:
                raise
            return []
        if len(entries) > _MAX_REFERRERS:
            raise AnswerError(call, f"The registry lists more than {_MAX_REFERRERS} images that refer to {subject}")
        return entries

    def _ask(
        self, call: Call, subject: str, chosen: dict[str, str], used_tokens: t.Container[str]
    ) -> Page[ListedReferrer]:
        request = {
            "subjectId": {"imageDigest": subject},
            "maxResults": largest(_OPERATION, "maxResults"),
            # Without it, archived ones are left out.
            "filter": {"artifactStatus": "ANY"},
        }
        read = partial(
            Page.from_response, member="referrers", read=ListedReferrer.from_response, used_tokens=used_tokens
        )
        return self._client.call(call, {**self._client.repository_members, **request, **chosen}, read)

    def _cannot_list(self, problem: str) -> None:
        if self._can_list:
            self._task.warn(f"{problem}. {_CONSEQUENCE}.")
        self._can_list = False

    def _tagged(self, subjects: t.Sequence[str]) -> list[FoundReferrer]:
        """Return what the tags of referrers lead to; those with a tag of their own come first."""
        tags = {str(tag): tag for subject in subjects for tag in referrer_tags(subject)}
        stored = self._images.get(tags=tags)
        hidden = [tag for tag in tags if tag in stored.inaccessible]
        if hidden:
            self._task.warn(
                f"These tags of {self._repository} are on archived images, which the registry does not return: "
                f"{listed(hidden)}. The signatures, SBOMs and attestations that they lead to are left out."
            )
        found = [(tags[tag], image) for tag, image in stored.by_tag.items()]
        own = [_by_tag(tag, image) for tag, image in found if not tag.is_list]
        return [*own, *(each for tag, image in found if tag.is_list for each in _by_list(tag.subject, image))]

    def _referrer(self, found: FoundReferrer, stored: StoredImage | None) -> Referrer | None:
        """Return a referrer with its manifest, None if that cannot be read or does not say what it refers to."""
        if stored is None:
            return None
        where = f"manifest {stored.digest} in {self._repository}"
        check_intact(stored, self._repository)
        media_type = stored.media_type or found.entry.media_type
        manifest = Manifest.parse(stored.manifest.encode(), media_type, where)
        if not found.is_listed and not found.tag and manifest.subject != found.subject:
            return None
        return Referrer(manifest, found.subject, found.tag)

    def _warn_of_unread(self, digests: t.Sequence[str]) -> None:
        if digests:
            self._task.warn(
                f"These images of {self._repository} are listed as signatures, SBOMs or attestations, but they are "
                f"archived, were deleted, or do not name what they refer to: {listed(digests)}. They are left out."
            )


def _as_listed(tagged: FoundReferrer, known: FoundReferrer | None) -> FoundReferrer:
    return replace(tagged, entry=known.entry, is_listed=True) if known else tagged


def _by_tag(tag: ReferrerTag, image: StoredImage) -> FoundReferrer:
    entry = _entry_of(image)
    return FoundReferrer(tag.subject, entry, str(tag), image, is_listed=False)


def _entry_of(image: StoredImage) -> ListedReferrer:
    content, media_type = image.manifest.encode(errors="surrogatepass"), image.media_type or ""
    try:
        artifact_type = Manifest.parse(content, media_type, "").artifact_type
    except InvalidInputError:
        artifact_type = None
    return ListedReferrer(image.digest, media_type, len(content), artifact_type)


def _by_list(subject: str, index: StoredImage) -> list[FoundReferrer]:
    """Return the referrers that an index lists. What a tag of such a name is on can be anything."""
    if index.media_type not in INDEXES or not index.is_intact:
        return []
    try:
        entries = JsonObject.parse(index.manifest.encode(), "").objects("manifests", MAX_IMAGES)
    except InvalidInputError:
        return []
    listed_ones = (_listed_in_index(entry.members) for entry in entries)
    return [FoundReferrer(subject, entry, is_listed=False) for entry in listed_ones if entry]


def _listed_in_index(members: t.Mapping[str, t.Any]) -> ListedReferrer | None:
    digest, media_type = members.get("digest"), members.get("mediaType")
    if not isinstance(digest, str) or not SHA256_DIGEST.fullmatch(digest) or not isinstance(media_type, str):
        return None
    size, artifact_type = members.get("size"), members.get("artifactType")
    return ListedReferrer(
        digest,
        media_type,
        size if isinstance(size, int) else None,
        artifact_type if isinstance(artifact_type, str) else None,
    )
