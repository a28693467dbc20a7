# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compressed files, decompressed while they are read."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import random
import sys
import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.blob import FileBlob
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import InvalidInputError
from ansible_collections.layerkit.ecr.plugins.module_utils._core.text import MIB
from ansible_collections.layerkit.ecr.plugins.module_utils._local.decompression import (
    GzipStream,
    decompressed,
    detect_compression,
    inflated,
)
from ansible_collections.layerkit.ecr.plugins.module_utils._local.stream import Stream
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.store import COPY_AGAIN
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import tar_of
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import oci_layout

CONTENT = random.Random(1).randbytes(MIB) + bytes(20 * MIB) + b"text" * MIB


class File:
    """A file that is open as a blob, however often it is written."""

    def __init__(self, path: Path, stack: contextlib.ExitStack) -> None:
        self._path = path
        self._stack = stack

    def blob(self, content: bytes) -> FileBlob:
        self._path.write_bytes(content)
        return self._stack.enter_context(FileBlob.open(str(self._path), "src 'file'"))


@pytest.fixture
def file(tmp_path: Path) -> t.Iterator[File]:
    with contextlib.ExitStack() as stack:
        yield File(tmp_path / "file", stack)


def read(stream: Stream, position: int = 0) -> tuple[int, bytes]:
    start, chunks = stream.start(position)
    return start, b"".join(chunks)


def test_formats_are_detected_by_their_first_bytes() -> None:
    assert detect_compression(gzip.compress(b"text")[:10]) == "gzip"
    assert detect_compression(lzma.compress(b"text")[:10]) == "xz"
    assert detect_compression(bz2.compress(b"text")[:10]) == "bzip2"
    assert detect_compression(b"\x28\xb5\x2f\xfd" + bytes(6)) == "zstd"
    assert detect_compression(tar_of(oci_layout())[:10]) is None
    assert detect_compression(tar_of({"BZh9": b""})[:10]) is None
    assert detect_compression(b"") is None


def test_one_member_is_read(file: File) -> None:
    assert read(GzipStream(file.blob(gzip.compress(CONTENT)))) == (0, CONTENT)


def test_members_are_read_one_after_another(file: File) -> None:
    parts = [CONTENT[: MIB + 1], b"", CONTENT[MIB + 1 : 12 * MIB], CONTENT[12 * MIB :]]
    assert read(GzipStream(file.blob(b"".join(map(gzip.compress, parts))))) == (0, CONTENT)


def test_no_chunk_is_large(file: File) -> None:
    assert max(map(len, inflated(file.blob(gzip.compress(CONTENT))))) <= 256 * 1024


@pytest.mark.parametrize("members", [1, 7])
def test_it_is_read_again_from_near_a_position(file: File, members: int) -> None:
    size = -(-len(CONTENT) // members)
    parts = [CONTENT[start : start + size] for start in range(0, len(CONTENT), size)]
    stream = GzipStream(file.blob(b"".join(map(gzip.compress, parts))))
    assert read(stream) == (0, CONTENT)
    for position in (0, 1, MIB, 5 * MIB, 20 * MIB + 5, len(CONTENT) - 1):
        for _again in range(2):
            start, content = read(stream, position)
            assert position - 6 * MIB < start <= position
            assert content == CONTENT[start:]


def test_the_places_to_read_from_stay_few(file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = GzipStream(file.blob(gzip.compress(CONTENT)))
    monkeypatch.setattr(stream, "_distance", 1)
    read(stream)
    assert 32 <= len(stream._places) <= 128
    starts = [read(stream, position)[0] for position in range(0, len(CONTENT), MIB)]
    assert all(0 <= position * MIB - start < 2 * MIB for position, start in enumerate(starts))


@pytest.mark.parametrize(
    ("content", "how"),
    [
        (gzip.compress(CONTENT)[:-1], "is incomplete: its compressed data ends too early"),
        (gzip.compress(CONTENT)[:-8], "is incomplete: its compressed data ends too early"),
        (gzip.compress(CONTENT)[:5000], "is incomplete: its compressed data ends too early"),
        (gzip.compress(CONTENT) + b"\0", "is damaged: the data from byte [0-9]+ on is not gzip"),
        (gzip.compress(CONTENT) + gzip.compress(b"text")[:5], "is incomplete: its compressed data ends too early"),
        (gzip.compress(CONTENT) + b"\x1f", "is damaged: the data from byte [0-9]+ on is not gzip"),
        (gzip.compress(CONTENT)[:-8] + bytes(8), "is damaged: its gzip data is invalid"),
        (b"\x1f\x8b" + bytes(100), "is damaged: its gzip data is invalid"),
        (b"", "is damaged: the data from byte [0-9]+ on is not gzip"),
    ],
)
def test_damage_is_reported(file: File, content: bytes, how: str) -> None:
    with pytest.raises(InvalidInputError, match=how):
        read(GzipStream(file.blob(content)))


PACKERS: dict[str, t.Callable[[bytes], bytes]] = {"xz": lzma.compress, "bzip2": bz2.compress}


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("count", [1, 3])
def test_xz_and_bzip2_are_read(file: File, kind: str, count: int) -> None:
    content = CONTENT[: 3 * MIB]
    size = -(-len(content) // count)
    parts = [content[start : start + size] for start in range(0, len(content), size)]
    stream = decompressed(file.blob(b"".join(map(PACKERS[kind], parts))), kind)
    for position in (0, 1, 2 * MIB):
        assert read(stream, position) == (0, content)
    assert max(map(len, stream.start(0)[1])) <= 256 * 1024


def test_streams_of_xz_can_be_padded(file: File) -> None:
    padding = bytes(4 * 50_000)
    blob = file.blob(lzma.compress(b"text") + padding + lzma.compress(b"more") + padding)
    assert read(decompressed(blob, "xz")) == (0, b"textmore")


@pytest.mark.parametrize("preset", [0, 6, 9, 9 | lzma.PRESET_EXTREME])
def test_every_preset_of_xz_is_read(file: File, preset: int) -> None:
    assert read(decompressed(file.blob(lzma.compress(b"text", preset=preset)), "xz")) == (0, b"text")


def test_the_memory_that_xz_takes_is_bounded(file: File) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 128 * MIB}]
    blob = file.blob(lzma.compress(b"text", filters=filters))
    with pytest.raises(InvalidInputError, match="needs more than 69206016 bytes of memory to be decompressed") as error:
        read(decompressed(blob, "xz"))
    assert error.value.remedy == "Decompress the file first"


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize(
    ("spoil", "how"),
    [
        (lambda content: content[:-1], "is incomplete: its compressed data ends too early"),
        (lambda content: content[:100], "is incomplete: its compressed data ends too early"),
        (lambda content: content + b"\0\n", "is damaged: invalid data follows its .* data"),
        (
            lambda content: content + b"more than the magic number of a format",
            "is damaged: invalid data follows its .* data",
        ),
        (lambda content: content + content[:3], "is incomplete: its compressed data ends too early"),
        (lambda content: content + content[:4] + b"spoilt" * 9, "is damaged: (invalid data follows )?its .* data"),
        (lambda content: content[:60] + b"spoilt" + content[66:], "is damaged: its .* data is invalid"),
    ],
)
def test_damage_of_xz_and_bzip2_is_reported(file: File, kind: str, spoil: t.Callable[[bytes], bytes], how: str) -> None:
    with pytest.raises(InvalidInputError, match=how) as error:
        read(decompressed(file.blob(spoil(PACKERS[kind](CONTENT[: MIB // 4]))), kind))
    assert error.value.remedy == COPY_AGAIN


@pytest.mark.parametrize(("kind", "module"), [("xz", "lzma"), ("bzip2", "bz2")])
def test_what_python_was_built_without_is_reported(
    file: File, kind: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InvalidInputError, match=f"is compressed with {kind}, which this Python was built without"):
        decompressed(file.blob(b"any"), kind)


def test_zstd_is_refused_where_python_cannot_read_it(file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "compression.zstd", None)
    with pytest.raises(InvalidInputError, match=r"is compressed with zstd, which requires Python 3[.]14 or later"):
        decompressed(file.blob(b"any"), "zstd")
