# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Digests of bytes in chunks."""

from __future__ import annotations

import hashlib

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.digest import (
    EMPTY_BLOB,
    SHA256_DIGEST,
    HashingReader,
    is_sha256,
    sha256_of,
)

CHUNKS = [b"one", b"", b"two"]
DIGEST = f"sha256:{hashlib.sha256(b'onetwo').hexdigest()}"


def test_chunks_are_hashed_and_counted_while_they_pass() -> None:
    reader = HashingReader(CHUNKS)
    assert list(reader) == CHUNKS
    assert (reader.size, reader.digest) == (6, DIGEST)


def test_the_digest_is_that_of_all_chunks() -> None:
    assert sha256_of(CHUNKS) == HashingReader(CHUNKS).finish().digest == DIGEST
    assert sha256_of([]) == EMPTY_BLOB


@pytest.mark.parametrize(
    "digest", ["", DIGEST[7:], DIGEST[:-1], f"{DIGEST}0", DIGEST.upper(), f"sha256:{DIGEST[7:].upper()}", f"{DIGEST}\n"]
)
def test_what_is_no_digest_does_not_match(digest: str) -> None:
    assert SHA256_DIGEST.fullmatch(DIGEST)
    assert not SHA256_DIGEST.fullmatch(digest)


def test_the_algorithm_is_the_prefix() -> None:
    assert is_sha256(DIGEST)
    assert not is_sha256("sha512:" + "a" * 128)
