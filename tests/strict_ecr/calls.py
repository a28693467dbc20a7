# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The log of the calls that arrived, including those that a fault or a check refused."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict


class CallLog:
    """Counts operations and layer bytes per repository; None stands for calls that name no repository.

    Layer bytes are counted as far as they were received in parts, or served in downloads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._operations: defaultdict[str | None, list[str]] = defaultdict(list)
        self._access_keys: defaultdict[str | None, list[str]] = defaultdict(list)
        self._layer_bytes: Counter[str | None] = Counter()
        self._served: Counter[str | None] = Counter()

    def record(self, operation: str, repository: str | None, layer_bytes: int, access_key: str = "") -> None:
        """Record a call; the access key is empty for a request without a signature."""
        with self._lock:
            self._operations[repository].append(operation)
            self._access_keys[repository].append(access_key)
            self._layer_bytes[repository] += layer_bytes

    def count_served(self, repository: str, layer_bytes: int) -> None:
        """Count bytes of a download."""
        with self._lock:
            self._served[repository] += layer_bytes

    def operations(self, repository: str | None) -> list[str]:
        """Return the operations called on a repository, in the order of arrival."""
        with self._lock:
            return list(self._operations.get(repository, []))

    def access_keys(self, repository: str | None) -> list[str]:
        """Return the access key of each of these operations."""
        with self._lock:
            return list(self._access_keys.get(repository, []))

    def counts(self, repository: str | None) -> dict[str, int]:
        """Return how often each operation was called on a repository."""
        return dict(Counter(self.operations(repository)))

    def bytes_received(self, repository: str | None) -> int:
        """Return the number of layer bytes that a repository received, after decoding."""
        with self._lock:
            return self._layer_bytes[repository]

    def bytes_served(self, repository: str | None) -> int:
        """Return the number of layer bytes that were downloaded from a repository."""
        with self._lock:
            return self._served[repository]

    def clear(self, repository: str | None) -> None:
        """Forget the calls of a repository."""
        with self._lock:
            self._operations.pop(repository, None)
            self._access_keys.pop(repository, None)
            self._layer_bytes.pop(repository, None)
            self._served.pop(repository, None)
