# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Layers that are compressed while they are read."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

from ansible_collections.layerkit.ecr.plugins.module_utils._core.blob import FileBlob
from ansible_collections.layerkit.ecr.plugins.module_utils._core.text import MIB
from ansible_collections.layerkit.ecr.plugins.module_utils._local.compression import CompressedStream, compressed

CONTENT = random.Random(1).randbytes(MIB) + bytes(3 * MIB) + b"end"


def test_it_is_gzip_and_always_the_same(tmp_path: Path) -> None:
    (tmp_path / "layer").write_bytes(CONTENT)
    with FileBlob.open(str(tmp_path / "layer"), "src 'layer'") as blob:
        stream = CompressedStream(blob)
        (first, chunks), (again, others) = stream.start(0), stream.start(MIB)
        made = b"".join(chunks)
        assert made == b"".join(others)
    assert (first, again) == (0, 0)
    assert gzip.decompress(made) == CONTENT
    # RFC 1952: deflate, no name, no time.
    assert made[:8] == b"\x1f\x8b\x08\0\0\0\0\0"
    assert len(made) < len(CONTENT) / 3


def test_nothing_is_a_member_too() -> None:
    assert gzip.decompress(b"".join(compressed([]))) == b""
