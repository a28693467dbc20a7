# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images of a repository as a source: manifests by BatchGetImage, blobs by their download URLs."""

from __future__ import annotations

import contextlib
import typing as t

from .._core.digest import SHA256_DIGEST
from .._core.errors import InvalidInputError
from .._core.json_document import JsonObject
from .._core.text import quoted
from .._oci.descriptor import Descriptor
from .._oci.manifest import Manifest
from .._oci.reference import NoSuchImageError
from .._oci.store import ImageReader, SourceImage
from .call import Call
from .downloads import StoredLayer
from .errors import NotReturnedError
from .images import Images, check_intact
from .layers import Layers
from .object_store import ObjectStore
from .referrers import Referrers

if t.TYPE_CHECKING:
    from .._core.task import Task
    from .._oci.platform import Platform
    from .._oci.referrer import Referrer
    from .client import EcrClient
    from .image_records import StoredImage, StoredImages

# The code that Amazon ECR gives an image which is archived.
_INACCESSIBLE = "ImageInaccessible"


class RepositoryReader(ImageReader):
    """The images of a client's repository.

    :param connections: how many threads will read layers at once
    """

    def __init__(self, client: EcrClient, task: Task, connections: int = 1) -> None:
        self._client = client
        self._task = task
        self._connections = connections
        self._images = Images(client)

    def choose(self, image: str | None, _platforms: t.Sequence[Platform] = ()) -> RepositoryImage:
        """Return one image, by one request; the others are made when they are needed.

        :param image: a tag or a digest
        :raises NoSuchImageError: the repository does not have the image
        :raises NotReturnedError: the image is archived
        :raises EcrError: the look-up failed, or the answer is not the image
        """
        if image is None:
            raise InvalidInputError(f"{self._client.repository} can have many images", "Name one by its tag or digest")
        return self.find(image)[0]

    def find(self, image: str, tags: t.Iterable[str] = ()) -> tuple[RepositoryImage, StoredImages]:
        """Return one image, and what the same request finds of some tags; errors as in ``choose``."""
        is_digest = bool(SHA256_DIGEST.fullmatch(image))
        digests, wanted = ([image], []) if is_digest else ([], [image])
        stored = self._images.get(digests, [*wanted, *tags])
        found = stored.by_digest.get(image) if is_digest else stored.by_tag.get(image)
        if found is None:
            raise self._absent(image, digests, wanted, stored)
        check_intact(found, self._client.repository)
        return RepositoryImage(self._client, found, self._task, self._connections), stored

    def _absent(
        self, image: str, digests: t.Sequence[str], tags: t.Sequence[str], stored: StoredImages
    ) -> NoSuchImageError | NotReturnedError:
        repository = self._client.repository
        call = Call("BatchGetImage", repository, digests=tuple(digests), tags=tuple(tags))
        if image in stored.inaccessible:
            return NotReturnedError(call, image, _INACCESSIBLE, stored.inaccessible[image])
        for detail in self._images.archived(digests, tags).values():
            return NotReturnedError(call, image, _INACCESSIBLE, f"The status of the image is {detail.status}")
        remedy = "Check the tag or the digest, the name of the repository, the region and the account"
        return NoSuchImageError(str(repository), f"image {quoted(image)}", remedy)


class RepositoryImage(SourceImage):
    """One image of a repository, and what refers to it.

    Its blobs are those that these manifests list; none is asked for before it is read.

    Layers with ``urls`` count as hosted there.
    """

    is_remote = True

    def __init__(self, client: EcrClient, root: StoredImage, task: Task, connections: int) -> None:
        self.registry_id = root.registry_id
        self._client = client
        self._images = Images(client)
        self._layers = Layers(client)
        self._store = ObjectStore(client, connections)
        self._referrers = Referrers(client, task)
        self._task = task
        self._manifests: dict[str, bytes] = {}
        self._sizes: dict[str, int | None] = {}
        self._children: list[str] = []
        self._inaccessible: dict[str, str] = {}
        super().__init__(_descriptor_of(root, f"{client.repository}: manifest {root.digest}"))
        self._add(root.digest, root.manifest, self.root.media_type)

    @property
    def children(self) -> list[str]:
        """The digests of the manifests that the root lists, if it is an index."""
        return list(self._children)

    def learn(self, stored: t.Iterable[StoredImage]) -> None:
        """Use manifests that another repository returned: a digest names the same bytes everywhere."""
        for image in stored:
            if image.digest in self._children and image.is_intact:
                self._add(image.digest, image.manifest, image.media_type or "")

    def manifest(self, descriptor: Descriptor) -> bytes:
        """Return the bytes of the root, or of a manifest that the root lists.

        :raises InvalidInputError: the manifest is missing, or contradicts its descriptor
        :raises EcrError: the look-up failed
        """
        if self.size(descriptor.digest) is None:
            raise InvalidInputError(f"{self._client.repository}: manifest {descriptor.digest} is missing")
        content = self._manifests[descriptor.digest]
        if len(content) != descriptor.size:
            where = f"{self._client.repository}: manifest {descriptor.digest}"
            raise InvalidInputError(f"{where} is {len(content)} bytes; its descriptor states {descriptor.size}")
        return content

    def size(self, digest: str) -> int | None:
        """Return the size of a manifest or of a blob in bytes, None if the repository does not have it.

        :raises EcrError: the look-up failed, or the image is archived
        """
        if digest in self._children and digest not in self._manifests:
            self._load_children()
        if digest in self._inaccessible:
            call = Call("BatchGetImage", self._client.repository, digests=(digest,))
            raise NotReturnedError(call, digest, _INACCESSIBLE, self._inaccessible[digest])
        content = self._manifests.get(digest)
        return self._sizes.get(digest) if content is None else len(content)

    @contextlib.contextmanager
    def open(self, digest: str) -> t.Iterator[StoredLayer]:
        """Open a blob that a manifest lists, which its reader compares with its digest."""
        yield StoredLayer(self._layers, self._store, digest, t.cast(int, self.size(digest)), self._task)

    def referrers(self, subjects: t.Sequence[str]) -> list[Referrer]:
        """Return what refers to one of these manifests, by ListImageReferrers and by tags.

        :raises InvalidInputError: a manifest is not supported
        :raises EcrError: a look-up failed
        """
        found = self._referrers.read(subjects)
        for referrer in found:
            self._note(referrer.manifest)
        return found

    def _load_children(self) -> None:
        absent = [digest for digest in self._children if digest not in self._manifests]
        stored = self._images.get(absent)
        for image in stored.by_digest.values():
            check_intact(image, self._client.repository)
            self._add(image.digest, image.manifest, image.media_type or "")
        self._inaccessible.update(stored.inaccessible)
        hidden = [digest for digest in absent if digest not in stored.by_digest and digest not in stored.inaccessible]
        if hidden:
            archived = self._images.archived(hidden, ())
            self._inaccessible.update(dict.fromkeys(archived, "The image is archived"))
        # What is in neither is missing, and not asked for again.
        self._children = [digest for digest in self._children if digest in self._manifests]

    def _add(self, digest: str, text: str, media_type: str) -> None:
        self._manifests[digest] = text.encode()
        try:
            manifest = Manifest.parse(self._manifests[digest], media_type, digest)
        except InvalidInputError:
            # Whoever uses it gets the error.
            return
        self._note(manifest)

    def _note(self, manifest: Manifest) -> None:
        """Note what a manifest lists."""
        self._children += [entry.descriptor.digest for entry in manifest.entries if entry.is_usable]
        for blob in manifest.blobs:
            is_foreign = bool(blob.urls) and blob is not manifest.blobs[0]
            if not is_foreign or blob.digest not in self._sizes:
                self._sizes[blob.digest] = None if is_foreign else blob.size


def _descriptor_of(image: StoredImage, where: str) -> Descriptor:
    content = image.manifest.encode()
    # The registry states the type of every image that it returns; other registries may not.
    media_type = image.media_type or JsonObject.parse(content, where).get("mediaType", str)
    return Descriptor(media_type, image.digest, len(content))
