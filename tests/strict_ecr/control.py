# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a test can read and change while the server runs."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import get_args

from moto.core.base_backend import backend_lock
from moto.ecr.models import ecr_backends

from .calls import CallLog
from .downloads import DownloadURLs
from .faults import FaultPlan
from .layer_store import LayerStore
from .models import StrictECRBackend
from .rules import ImageStatus, LayerAvailability, RuleBook, Rules


class Control:
    """The faults, calls and rules of a running server, and the content of its repositories.

    The name alone selects a repository, in any account and region.
    """

    def __init__(self) -> None:
        self.faults = FaultPlan()
        self.calls = CallLog()
        self.urls = DownloadURLs()
        self.store = LayerStore()
        self._rulebook = RuleBook()
        self._lock = threading.RLock()
        self.backend_class = StrictECRBackend.ruled_by(self._rulebook, self._lock, self.store, self.urls)

    def rules(self, repository: str) -> Rules:
        """Return the rules of a repository; the caller can change them in place."""
        return self._rulebook.of(repository)

    def set_availability(self, repository: str, digest: str, availability: LayerAvailability | None) -> None:
        """Set the answer of BatchCheckLayerAvailability for a digest; None restores the true answer.

        Nothing else changes: PutImage can still miss a layer that is reported as available.
        """
        if availability is None:
            self.rules(repository).availability.pop(digest, None)
        elif availability in get_args(LayerAvailability):
            self.rules(repository).availability[digest] = availability
        else:
            raise ValueError(f"availability must be one of {', '.join(get_args(LayerAvailability))}")

    def set_image_status(self, repository: str, digest: str, status: ImageStatus) -> None:
        """Archive or restore an image; raise ValueError if the repository does not have it.

        Layers that belong to archived images alone are ARCHIVED. A push restores the image, too.
        """
        if status not in get_args(ImageStatus):
            raise ValueError(f"status must be one of {', '.join(get_args(ImageStatus))}")
        with self._lock:
            held = [backend.set_image_status(repository, digest, status) for backend in self._backends()]
            if not any(held):
                raise ValueError(f"{repository} has no image {digest}")

    def seed_layer(self, repository: str, content: bytes) -> None:
        """Store a layer; raise ValueError if there is no such repository."""
        with self._lock:
            seeded = [backend.seed_layer(repository, content) for backend in self._backends()]
            if not any(seeded):
                raise ValueError(f"there is no repository {repository}")

    def seed_image(self, repository: str, manifest: str, *tags: str) -> str:
        """Store an image without its layers, and return its digest; raise ValueError if there is no such repository."""
        with self._lock:
            seeded = [backend.seed_image(repository, manifest, list(tags)) for backend in self._backends()]
            for digest in seeded:
                if digest:
                    return digest
            raise ValueError(f"there is no repository {repository}")

    def set_image_times(self, repository: str, digest: str, pushed_at: int, pulled_at: int | None = None) -> None:
        """Set when an image was pushed and last pulled, in seconds since the epoch; raise ValueError for no image."""
        with self._lock:
            held = [backend.set_image_times(repository, digest, pushed_at, pulled_at) for backend in self._backends()]
            if not any(held):
                raise ValueError(f"{repository} has no image {digest}")

    def allow(self, repository: str, operations: Iterable[str] | None) -> None:
        """Let the caller use these operations alone on a repository; None for all of them."""
        self.rules(repository).allowed = None if operations is None else frozenset(operations)

    def layers(self, repository: str) -> dict[str, int]:
        """Return the sizes of the layers that a repository holds, by digest."""
        with self._lock:
            found = [backend.repositories.get(repository) for backend in self._backends()]
            return {digest: size for held in found if held for digest, size in held.layers.items()}

    def uploads(self, repository: str) -> dict[str, int]:
        """Return the open uploads of a repository: the next byte expected, by upload id."""
        with self._lock:
            opened = [backend.open_uploads(repository) for backend in self._backends()]
            return {upload_id: offset for uploads in opened for upload_id, offset in uploads.items()}

    def forget_upload(self, repository: str, upload_id: str) -> None:
        """Let an open upload expire."""
        with self._lock:
            for backend in self._backends():
                backend.forget_upload(repository, upload_id)

    def expire_urls(self, repository: str) -> None:
        """Let the download URLs of a repository expire that were given out so far."""
        self.urls.expire(repository)

    def content(self, digest: str) -> bytes | None:
        """Return the bytes of a layer; None if no upload was completed as this layer."""
        path = self.store.layer(digest)
        return path.read_bytes() if path else None

    @staticmethod
    def _backends() -> list[StrictECRBackend]:
        with backend_lock:
            backends = [backend for _account, _region, backend in ecr_backends.iter_backends()]
        return [backend for backend in backends if isinstance(backend, StrictECRBackend)]
