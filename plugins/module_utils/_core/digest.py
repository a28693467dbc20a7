# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SHA-256 digests as OCI writes them: ``sha256:`` and 64 lower-case hexadecimal digits.

Source: https://github.com/opencontainers/image-spec/blob/main/descriptor.md#sha-256.
"""

from __future__ import annotations

import hashlib
import re
import typing as t

SHA256_DIGEST = re.compile("sha256:[a-f0-9]{64}")
SHA256_RULE = "must be sha256: and 64 lower-case hexadecimal digits"

# The digest of zero bytes.
EMPTY_BLOB = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def is_sha256(digest: str) -> bool:
    """Return whether a digest names SHA-256 as its algorithm."""
    return digest.startswith("sha256:")


def sha256_of(chunks: t.Iterable[bytes]) -> str:
    """Return the digest of bytes that come in chunks."""
    return HashingReader(chunks).finish().digest


class HashingReader:
    """Chunks that are hashed and counted while they pass; ``size`` is in bytes."""

    def __init__(self, chunks: t.Iterable[bytes]) -> None:
        self._chunks = chunks
        self._hasher = hashlib.sha256()
        self.size = 0

    def __iter__(self) -> t.Iterator[bytes]:
        for chunk in self._chunks:
            self._hasher.update(chunk)
            self.size += len(chunk)
            yield chunk

    def finish(self) -> HashingReader:
        """Let all chunks pass, and return the reader."""
        for _chunk in self:
            pass
        return self

    @property
    def digest(self) -> str:
        """The digest of what has passed so far."""
        return f"sha256:{self._hasher.hexdigest()}"
