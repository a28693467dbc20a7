# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Layers that are compressed while they are read."""

from __future__ import annotations

import gzip
import os
import random
import shutil
import subprocess
import sys
import threading
import typing as t
import zlib
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.blob import FileBlob
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import TaskError
from ansible_collections.layerkit.ecr.plugins.module_utils._core.text import MIB
from ansible_collections.layerkit.ecr.plugins.module_utils._local import compression
from ansible_collections.layerkit.ecr.plugins.module_utils._local.compression import (
    BLOCK_SIZE,
    COMPRESSOR,
    CompressedStream,
    compressed,
)
from ansible_collections.layerkit.ecr.tests.unit.support.refused_threads import refuse_threads
from hypothesis import given
from hypothesis import strategies as st

CONTENT = random.Random(1).randbytes(MIB) + bytes(3 * MIB) + b"end"
# Words, so that a block finds what it repeats in the one before it.
TEXT = b" ".join(random.Random(2).choices([b"layer", b"image", b"manifest", b"digest", b"tag"], k=300_000))


def packed(content: bytes, threads: int | None = None, chunk: int = 100_000) -> bytes:
    return b"".join(compressed((content[start : start + chunk] for start in range(0, len(content), chunk)), threads))


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


@pytest.mark.parametrize("content", [b"", b"x", CONTENT, TEXT], ids=["nothing", "a byte", "zeros", "text"])
def test_the_bytes_do_not_depend_on_threads_and_chunks(content: bytes) -> None:
    variants = {packed(content, threads, chunk) for threads in range(1, 5) for chunk in (7_777, 131_072, 10 * MIB)}
    assert len(variants) == 1
    assert gzip.decompress(variants.pop()) == content


@given(
    blocks=st.integers(0, 3),
    around=st.integers(-2, 2),
    chunk=st.integers(1, 3 * BLOCK_SIZE),
    threads=st.integers(1, 4),
    seed=st.integers(0, 9),
)
def test_any_size_is_one_member(blocks: int, around: int, chunk: int, threads: int, seed: int) -> None:
    size = max(0, blocks * BLOCK_SIZE + around)
    content = (bytes(size), TEXT[:size], random.Random(seed).randbytes(size))[seed % 3]
    chunks = [content[start : start + chunk] for start in range(0, size, max(chunk, size // 50))]
    content = b"".join(chunks)
    reader = zlib.decompressobj(16 + zlib.MAX_WBITS)
    assert reader.decompress(b"".join(compressed(chunks, threads))) == content
    assert (reader.eof, reader.unused_data) == (True, b"")


@pytest.mark.skipif(not shutil.which("gzip"), reason="needs gzip")
def test_gunzip_reads_it() -> None:
    assert subprocess.run(["gzip", "-dc"], input=packed(TEXT), capture_output=True, check=True).stdout == TEXT


def test_blocks_find_what_they_repeat_in_the_block_before() -> None:
    # Repeats itself after 30 KiB, so nothing but the dictionary makes the second block small.
    once = random.Random(3).randbytes(30 * 1024)
    content = (once * 20)[: 2 * BLOCK_SIZE]
    assert len(packed(content)) < len(packed(content[:BLOCK_SIZE])) + 3_000


def test_several_processors_work_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    together = threading.Barrier(3, timeout=10)
    deflated = compression._deflated

    def meet(block: bytes, dictionary: bytes, flush: int) -> bytes:
        if flush != zlib.Z_FINISH:
            together.wait()
        return deflated(block, dictionary, flush)

    monkeypatch.setattr(compression, "_deflated", meet)
    content = CONTENT[: 6 * BLOCK_SIZE + 1]
    assert gzip.decompress(packed(content, 3)) == content


@pytest.mark.parametrize("processors", [None, 1, 64])
def test_it_does_without_the_number_of_processors(monkeypatch: pytest.MonkeyPatch, processors: int | None) -> None:
    expected = packed(TEXT)
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    assert packed(TEXT) == expected


def test_a_bounded_number_of_blocks_is_read_ahead() -> None:
    read: list[int] = []

    def zeros() -> t.Iterator[bytes]:
        while len(read) < 100:
            read.append(BLOCK_SIZE)
            yield bytes(BLOCK_SIZE)

    chunks = compressed(zeros(), 2)
    for made in range(1, 20):
        next(chunks)
        assert len(read) <= made + 4


def test_threads_end_when_the_reader_gives_up() -> None:
    before = threading.active_count()
    chunks = compressed(iter([CONTENT]), 2)
    assert [len(next(chunks)) > 0 for _chunk in range(3)] == [True] * 3
    assert threading.active_count() > before
    del chunks
    assert threading.active_count() == before


def test_a_thread_that_the_system_refuses_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_threads(monkeypatch, 0)
    with pytest.raises(TaskError, match="does not allow another thread"):
        packed(CONTENT)


def test_damage_of_the_file_is_reported_where_it_is_read() -> None:
    def broken() -> t.Iterator[bytes]:
        yield CONTENT
        raise ValueError("damaged")

    with pytest.raises(ValueError, match="damaged"):
        b"".join(compressed(broken(), 2))


def test_the_compressor_names_what_the_bytes_depend_on() -> None:
    assert all(part in COMPRESSOR for part in ("level 4", str(BLOCK_SIZE), zlib.ZLIB_RUNTIME_VERSION))


_PEAK = """
import sys
from ansible_collections.layerkit.ecr.plugins.module_utils._local.compression import compressed
from ansible_collections.layerkit.ecr.tests.unit.support.peak_memory import peak_kib
chunk = bytes(range(256)) * 512
before = peak_kib()
for _chunk in compressed((chunk for _chunk in range(int(sys.argv[1]) * 8)), 4):
    pass
print(peak_kib() - before)
"""


def test_memory_does_not_grow_with_the_layer() -> None:
    for mebibytes in (16, 256):
        command = [sys.executable, "-c", _PEAK, str(mebibytes)]
        assert int(subprocess.run(command, capture_output=True, check=True).stdout) < 8 * 1024
