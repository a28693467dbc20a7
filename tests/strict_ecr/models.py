# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The strict backend: moto's ECR backend with the checks of the live service.

Not thread-safe: :class:`.responses.StrictECRResponse` holds ``lock`` around every operation.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, ClassVar, cast

from moto.ecr.exceptions import (
    ImageAlreadyExistsException,
    ImageNotFoundException,
    InvalidLayerPartException,
    InvalidParameterException,
    LimitExceededException,
    RepositoryNotFoundException,
    UploadNotFoundException,
)
from moto.ecr.models import LAYER_MEDIA_TYPE, ECRBackend, Image, Repository

from .downloads import DownloadURLs
from .exceptions import (
    EmptyUploadException,
    ImageDigestDoesNotMatchException,
    ImageTagAlreadyExistsException,
    InvalidLayerException,
    LayerAlreadyExistsException,
    LayerInaccessibleException,
    LayerPartTooSmallException,
    LayersNotFoundException,
    ReferencedImagesNotFoundException,
    invalid_parameter,
)
from .layer_store import LayerStore
from .manifest import Manifest
from .request_check import layer_digest_pattern
from .rules import ImageStatus, RuleBook, Rules

SHA256 = "sha256:"


class StrictImage(Image):
    """An image, which can be archived; moto serialises its attributes."""

    image_status: ImageStatus = "ACTIVE"
    # Seconds since the epoch.
    image_pulled_at: int | None = None


@dataclass
class ReceivedParts:
    """The parts of an open upload: their sizes, their running digest, and the file with their bytes."""

    path: Path
    sizes: list[int] = field(default_factory=list)
    total: int = 0
    sha256: hashlib._Hash = field(default_factory=hashlib.sha256)

    def add(self, blob: bytes) -> None:
        """Add the next part."""
        self.sizes.append(len(blob))
        self.total += len(blob)
        self.sha256.update(blob)
        with self.path.open("ab") as file:
            file.write(blob)

    @property
    def digest(self) -> str:
        """The digest of all parts so far."""
        return SHA256 + self.sha256.hexdigest()


class StrictECRBackend(ECRBackend):
    """The registry of one account and region."""

    rulebook: ClassVar[RuleBook]
    lock: ClassVar[threading.RLock]
    store: ClassVar[LayerStore]
    download_urls: ClassVar[DownloadURLs]

    @classmethod
    def ruled_by(
        cls, rulebook: RuleBook, lock: threading.RLock, store: LayerStore, urls: DownloadURLs
    ) -> type[StrictECRBackend]:
        """Return a backend class that shares these; moto creates an instance per account and region."""
        # moto looks for urls.py beside the module of the class.
        members = {
            "rulebook": rulebook,
            "lock": lock,
            "store": store,
            "download_urls": urls,
            "__module__": cls.__module__,
        }
        return type(cls.__name__, (cls,), members)

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self._received: dict[str, ReceivedParts] = {}
        # Archived layers that were sent again, by the names of their repositories.
        self._restored: dict[str, set[str]] = {}

    def require_repository(self, name: str, registry_id: str | None) -> Repository:
        """Return the repository; raise RepositoryNotFoundException if it is missing or in another account."""
        if registry_id not in (None, self.account_id):
            raise RepositoryNotFoundException(name, registry_id)
        return self._get_repository(name)

    # Layers

    def initiate_layer_upload(self, repository_name: str, registry_id: str | None = None) -> dict[str, Any]:
        """Open an upload, and return the part size of the rules."""
        initiated = super().initiate_layer_upload(repository_name, registry_id)
        self._received[initiated["uploadId"]] = ReceivedParts(self.store.new_upload())
        return {**initiated, "partSize": self.rulebook.of(repository_name).part_size}

    def upload_layer_part(
        self,
        repository_name: str,
        upload_id: str,
        part_first_byte: int,
        part_last_byte: int,
        layer_part_blob: bytes,
        registry_id: str | None = None,
    ) -> dict[str, Any]:
        """Add the next part; its first and last byte are inclusive."""
        repository = self._get_repository(repository_name, registry_id)
        received = self._open_upload(repository, upload_id)
        if not layer_part_blob:
            raise invalid_parameter("layerPartBlob", "must not be empty")
        if len(layer_part_blob) != part_last_byte - part_first_byte + 1:
            raise invalid_parameter("layerPartBlob", "must have length equal to partLastByte - partFirstByte + 1")
        rules = self.rulebook.of(repository_name)
        if part_first_byte != received.total:
            error = InvalidLayerPartException(repository.registry_id, repository_name, upload_id, received.total - 1)
            if not rules.reports_last_valid_byte:
                del error.last_valid_byte_received
            raise error
        _require_within_limits(received, len(layer_part_blob), rules)
        received.add(layer_part_blob)
        return {
            "registryId": repository.registry_id,
            "repositoryName": repository_name,
            "uploadId": upload_id,
            "lastByteReceived": received.total - 1,
        }

    def complete_layer_upload(
        self,
        repository_name: str,
        upload_id: str,
        layer_digests: list[str],
        registry_id: str | None = None,
    ) -> dict[str, Any]:
        """Complete an upload whose digest is among the given ones, or any upload if none of them is a sha256 digest.

        AWS does not document whether an upload stays open after a refused completion; here it always does.
        """
        repository = self._get_repository(repository_name, registry_id)
        received = self._open_upload(repository, upload_id)
        upload = {"upload_id": upload_id, "repository_name": repository_name}
        if not received.sizes:
            raise EmptyUploadException(**upload)
        minimum = self.rulebook.of(repository_name).min_part_bytes
        for number, size in enumerate(received.sizes[:-1], start=1):
            if size < minimum:
                raise LayerPartTooSmallException(number=number, upload_id=upload_id, size=size, minimum=minimum)
        digest = received.digest
        comparable = [given for given in layer_digests if given.startswith(SHA256)]
        if comparable and digest not in comparable:
            raise InvalidLayerException(layer_digest=digest, **upload)
        if digest in repository.layers:
            self._restored.setdefault(repository_name, set()).add(digest)
            raise LayerAlreadyExistsException(**upload)
        repository.layers[digest] = received.total
        self.store.keep(received.path, digest)
        self.forget_upload(repository_name, upload_id)
        return {
            "registryId": repository.registry_id,
            "repositoryName": repository_name,
            "uploadId": upload_id,
            "layerDigest": digest,
        }

    def batch_check_layer_availability(
        self,
        repository_name: str,
        layer_digests: list[str],
        registry_id: str | None = None,
    ) -> dict[str, Any]:
        """Return the availability of each layer: missing layers are UNAVAILABLE, malformed digests are failures."""
        repository = self._get_repository(repository_name, registry_id)
        return {
            "layers": [self._layer(repository, digest) for digest in layer_digests if _is_layer_digest(digest)],
            "failures": [
                {
                    "layerDigest": digest,
                    "failureCode": "InvalidLayerDigest",
                    "failureReason": f"Invalid layer digest '{digest}'",
                }
                for digest in layer_digests
                if not _is_layer_digest(digest)
            ],
        }

    def get_download_url_for_layer(self, repository_name: str, layer_digest: str, origin: str) -> dict[str, Any]:
        """Return a URL that expires, for a layer that an image refers to.

        :param origin: the scheme and the host of the URL
        """
        repository = self._get_repository(repository_name)
        if layer_digest not in repository.layers:
            raise LayersNotFoundException(layer_digests=layer_digest, repository_name=repository_name)
        active = [image for image in repository.images if status_of(image) == "ACTIVE"]
        if not any(layer_digest in _manifest_of(image).blobs for image in active):
            raise LayerInaccessibleException(layer_digest=layer_digest, repository_name=repository_name)
        lifetime = self.rulebook.of(repository_name).url_lifetime
        url = self.download_urls.sign(origin, repository_name, layer_digest, lifetime)
        return {"downloadUrl": url, "layerDigest": layer_digest}

    def open_uploads(self, repository_name: str) -> dict[str, int]:
        """Return the open uploads of a repository: the next byte expected, by upload id."""
        repository = self.repositories.get(repository_name)
        return {upload_id: self._received[upload_id].total for upload_id in repository.uploads} if repository else {}

    def forget_upload(self, repository_name: str, upload_id: str) -> None:
        """Close an upload if it is open."""
        repository = self.repositories.get(repository_name)
        if repository and repository.uploads.pop(upload_id, None):
            # A completed upload is the file of its layer by now.
            self._received.pop(upload_id).path.unlink(missing_ok=True)

    def _open_upload(self, repository: Repository, upload_id: str) -> ReceivedParts:
        if upload_id not in repository.uploads:
            raise UploadNotFoundException(upload_id, repository.name, repository.registry_id)
        return self._received[upload_id]

    def _layer(self, repository: Repository, digest: str) -> dict[str, Any]:
        size = repository.layers.get(digest)
        held = "ARCHIVED" if self._is_archived(repository, digest) else "AVAILABLE"
        held = "UNAVAILABLE" if size is None else held
        availability = self.rulebook.of(repository.name).availability.get(digest, held)
        layer = {"layerDigest": digest, "layerAvailability": availability}
        if size is None or availability == "UNAVAILABLE":
            return layer
        return {**layer, "layerSize": size, "mediaType": LAYER_MEDIA_TYPE}

    def _is_archived(self, repository: Repository, digest: str) -> bool:
        """Return whether archived images alone refer to a layer, and it was not sent again."""
        images = [image for image in repository.images if digest in _manifest_of(image).blobs]
        archived = bool(images) and all(status_of(image) == "ARCHIVED" for image in images)
        return archived and digest not in self._restored.get(repository.name, ())

    # Images

    def set_image_status(self, repository_name: str, digest: str, status: ImageStatus) -> bool:
        """Archive or restore an image. Return whether the repository has it."""
        repository = self.repositories.get(repository_name)
        image = _find_image(repository, {"imageDigest": digest}) if repository else None
        if not isinstance(image, StrictImage):
            return False
        image.image_status = status
        if status == "ARCHIVED":
            self._restored.pop(repository_name, None)
        return True

    def images_of_status(
        self, repository_name: str, registry_id: str | None, image_ids: list[dict[str, Any]] | None, status: str
    ) -> list[Image]:
        """Return the images of a status, or those with the ids; raise ImageNotFoundException if one is missing."""
        repository = self._get_repository(repository_name, registry_id)
        wanted = [image for image in repository.images if status in ("ANY", status_of(image))]
        if not image_ids:
            return wanted
        found = {}
        for image_id in image_ids:
            image = _find_image(repository, image_id)
            if image is None or image not in wanted:
                tag, digest = image_id.get("imageTag", "null"), image_id.get("imageDigest", "null")
                name = f"{{imageDigest:'{digest}', imageTag:'{tag}'}}"
                raise ImageNotFoundException(name, repository_name, repository.registry_id)
            found[image.image_digest] = image
        return list(found.values())

    def put_image(
        self,
        repository_name: str,
        image_manifest: str,
        image_tag: str | None,
        image_manifest_mediatype: str | None = None,
        digest: str | None = None,
    ) -> Image:
        """Store an image whose layers or images exist, or add a tag to a stored image."""
        repository = self._get_repository(repository_name)
        manifest = Manifest.parse(image_manifest, image_manifest_mediatype)
        computed = _digest_of(image_manifest)
        if digest not in (None, computed):
            raise ImageDigestDoesNotMatchException(image_digest=digest, computed=computed)
        rules = self.rulebook.of(repository_name)
        if manifest.layer_count > rules.max_layers_per_image:
            raise InvalidParameterException("Limit on number of layers per image exceeded")
        self._require_references(repository, manifest)
        image = _find_image(repository, {"imageDigest": computed})
        tagged = _find_image(repository, {"imageTag": image_tag}) if image_tag else None
        if image_tag and tagged and _is_immutable(repository, image_tag):
            raise ImageTagAlreadyExistsException(image_tag=image_tag, repository_name=repository_name)
        is_archived = image is not None and status_of(image) == "ARCHIVED"
        if image and not is_archived and (image_tag is None or image is tagged):
            raise ImageAlreadyExistsException(repository_name, repository.registry_id, computed, image_tag or "null")
        _require_room(repository, image, image_tag, rules)
        # moto's annotations omit None, which stands for an untagged image.
        tag = cast("str", image_tag)
        if tagged:
            # An image that loses its last tag stays, untagged; moto would delete it.
            tagged.remove_tag(tag)
        if image:
            if is_archived:
                self.set_image_status(repository_name, computed, rules.restored_status)
            if image_tag:
                image.update_tag(tag)
            return image
        image = StrictImage(self.account_id, tag, image_manifest, repository_name, manifest.media_type, computed)
        repository.images.append(image)
        return image

    def _require_references(self, repository: Repository, manifest: Manifest) -> None:
        accepts_archived = self.rulebook.of(repository.name).accepts_archived_layers
        missing = [
            digest
            for digest in manifest.blobs
            if digest not in repository.layers or (not accepts_archived and self._is_archived(repository, digest))
        ]
        if missing:
            raise LayersNotFoundException(layer_digests=", ".join(missing), repository_name=repository.name)
        present = {image.image_digest for image in repository.images if status_of(image) != "ARCHIVED"}
        missing = [digest for digest in manifest.images if digest not in present]
        if missing:
            raise ReferencedImagesNotFoundException(image_digests=", ".join(missing), repository_name=repository.name)

    def batch_get_image(
        self,
        repository_name: str,
        registry_id: str | None = None,
        image_ids: list[dict[str, Any]] | None = None,
        accepted_media_types: list[str] | None = None,
    ) -> dict[str, Any]:
        """Return the images; ids without an image are returned as failures."""
        rules = self.rulebook.of(repository_name)
        repository = self._get_repository(repository_name, registry_id)
        images: list[dict[str, Any]] = []
        failures: list[dict[str, Any]] = []
        for image_id in image_ids or []:
            image = _find_image(repository, image_id)
            if image is None or status_of(image) != "ACTIVE":
                code = rules.archived_failure if image else "ImageNotFound"
                failures.append(_image_failure(image_id, code))
                continue
            accepted = image.image_manifest_media_type in (accepted_media_types or ())
            if rules.converts_manifests and "imageTag" in image_id and not accepted:
                image = _converted(image)
            images.append(
                {
                    "registryId": repository.registry_id,
                    "repositoryName": repository_name,
                    "imageId": {**image_id, "imageDigest": image.image_digest},
                    "imageManifest": image.image_manifest,
                    "imageManifestMediaType": image.image_manifest_media_type,
                }
            )
        return {"images": images, "failures": failures}

    def batch_delete_image(
        self,
        repository_name: str,
        registry_id: str | None = None,
        image_ids: list[dict[str, str]] | None = None,
    ) -> dict[str, Any]:
        """Remove tags, and images by digest or with their last tag; ids that cannot be removed are failures."""
        repository = self._get_repository(repository_name, registry_id)
        # The indexes at the beginning count, also if the request deletes them.
        indexes = [(image.image_digest, _manifest_of(image).images) for image in repository.images]
        deleted: list[dict[str, Any]] = []
        failures: list[dict[str, Any]] = []
        for image_id in image_ids or []:
            image = _find_image(repository, image_id)
            listed_by = [index for index, children in indexes if image and image.image_digest in children]
            failure = self._deletion_failure(repository_name, image_id, image, listed_by)
            if failure or image is None:
                failures.append({"imageId": image_id, **failure})
                continue
            tags = list(image.image_tags) if "imageDigest" in image_id else [image_id["imageTag"]]
            ids: list[dict[str, str]] = [{"imageTag": tag} for tag in tags] or [{}]
            deleted += [{"imageDigest": image.image_digest, **tag} for tag in ids]
            for tag in tags:
                image.remove_tag(tag)
            if not image.image_tags and not listed_by:
                repository.images.remove(image)
        return {"imageIds": deleted, "failures": failures}

    def _deletion_failure(
        self, repository_name: str, image_id: dict[str, str], image: Image | None, listed_by: list[str]
    ) -> dict[str, str]:
        rules = self.rulebook.of(repository_name)
        if image is None:
            failure = _image_failure(image_id, "ImageNotFound")
            return {member: failure[member] for member in ("failureCode", "failureReason")}
        if status_of(image) == "ARCHIVED" and not rules.deletes_archived:
            return {"failureCode": rules.archived_failure, "failureReason": "Requested image is not accessible"}
        by_digest = "imageDigest" in image_id
        if listed_by and (by_digest or (rules.refuses_last_tag_of_child and len(image.image_tags) == 1)):
            named = f": [{', '.join(listed_by)}]" if rules.names_index_of_child else ""
            reason = f"Requested image referenced by manifest list{named}"
            return {"failureCode": "ImageReferencedByManifestList", "failureReason": reason}
        return {}

    # What tests put in place

    def seed_layer(self, repository_name: str, content: bytes) -> bool:
        """Store a layer. Return whether there is such a repository."""
        repository = self.repositories.get(repository_name)
        if repository is None:
            return False
        digest = SHA256 + hashlib.sha256(content).hexdigest()
        path = self.store.new_upload()
        path.write_bytes(content)
        self.store.keep(path, digest)
        repository.layers[digest] = len(content)
        return True

    def seed_image(self, repository_name: str, manifest: str, tags: list[str]) -> str | None:
        """Store an image whatever it refers to. Return its digest, None if there is no such repository."""
        repository = self.repositories.get(repository_name)
        if repository is None:
            return None
        parsed, digest = Manifest.parse(manifest, None), _digest_of(manifest)
        image = StrictImage(self.account_id, cast("str", None), manifest, repository_name, parsed.media_type, digest)
        for tag in tags:
            image.update_tag(tag)
        repository.images.append(image)
        return digest

    def set_image_times(self, repository_name: str, digest: str, pushed_at: int, pulled_at: int | None) -> bool:
        """Set when an image was pushed and pulled, in seconds since the epoch. Return whether the repository has it."""
        repository = self.repositories.get(repository_name)
        image = _find_image(repository, {"imageDigest": digest}) if repository else None
        if not isinstance(image, StrictImage):
            return False
        image.image_pushed_at, image.image_pulled_at = pushed_at, pulled_at
        return True


def status_of(image: Image) -> ImageStatus:
    """Return the status of an image."""
    return image.image_status if isinstance(image, StrictImage) else "ACTIVE"


def _is_layer_digest(digest: str) -> bool:
    if digest.startswith(SHA256):
        return bool(re.fullmatch(r"sha256:[a-f0-9]{64}", digest))
    return bool(layer_digest_pattern().fullmatch(digest))


def _require_within_limits(received: ReceivedParts, size: int, rules: Rules) -> None:
    if len(received.sizes) >= rules.max_parts:
        raise LimitExceededException(f"A layer must not have more than {rules.max_parts} parts")
    if received.total + size > rules.max_layer_bytes:
        raise LimitExceededException(f"A layer must not have more than {rules.max_layer_bytes} bytes")


def _require_room(repository: Repository, image: Image | None, tag: str | None, rules: Rules) -> None:
    if image is None and len(repository.images) >= rules.max_images:
        raise LimitExceededException(f"A repository must not have more than {rules.max_images} images")
    if image and tag and len(image.image_tags) >= rules.max_tags_per_image:
        raise LimitExceededException(f"An image must not have more than {rules.max_tags_per_image} tags")


def _is_immutable(repository: Repository, tag: str) -> bool:
    filters = repository.image_tag_mutability_exclusion_filters or []
    excluded = any(fnmatchcase(tag, exclusion["filter"]) for exclusion in filters)
    return repository.is_tag_immutable() != excluded


def _manifest_of(image: Image) -> Manifest:
    return Manifest.parse(image.image_manifest, image.image_manifest_media_type)


def _find_image(repository: Repository, image_id: dict[str, Any]) -> Image | None:
    """Return the image with the digest and the tag of the id, if the id has them."""
    digest, tag = image_id.get("imageDigest"), image_id.get("imageTag")
    for image in repository.images if digest or tag else []:
        if digest in (None, image.image_digest) and (tag is None or tag in image.image_tags):
            return image
    return None


def _digest_of(manifest: str) -> str:
    return SHA256 + hashlib.sha256(manifest.encode()).hexdigest()


def _converted(image: Image) -> Image:
    """Return an equivalent image with other bytes, as the live service does for callers that do not accept the type."""
    manifest = json.dumps(json.loads(image.image_manifest), indent=3)
    digest = _digest_of(manifest)
    media_type = image.image_manifest_media_type
    return Image(image.registry_id, image.image_tag, manifest, image.repository_name, media_type, digest)


def _image_failure(image_id: dict[str, Any], code: str) -> dict[str, Any]:
    if not image_id:
        reason = "Invalid request parameters: both tag and digest cannot be null"
        return {"imageId": {}, "failureCode": "MissingDigestAndTag", "failureReason": reason}
    reasons = {"ImageNotFound": "Requested image not found", "ImageInaccessible": "Requested image is not accessible"}
    return {"imageId": image_id, "failureCode": code, "failureReason": reasons[code]}
