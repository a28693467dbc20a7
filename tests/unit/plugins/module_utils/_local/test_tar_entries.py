# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The entries of tar archives, and how much is read to find them."""

from __future__ import annotations

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import InvalidInputError
from ansible_collections.layerkit.ecr.plugins.module_utils._local.tar_entries import tar_entries
from ansible_collections.layerkit.ecr.tests.unit.support.hostile_sources.tar_entries import (
    long_name,
    octal,
    old_sparse,
    pax,
    pax_record,
    raw_header,
)
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import entry_of, tar_of


class Reader:
    """Reads bytes by position, and notes how many were asked for."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.sizes: list[int] = []

    def __call__(self, position: int, size: int) -> bytes:
        self.sizes.append(size)
        return self._content[position : position + size]


def names(reader: Reader) -> list[str]:
    return [entry.name for entry in tar_entries(reader, "src 'x'")]


def test_entries_come_in_their_order() -> None:
    reader = Reader(tar_of({"a": b"content", "b": b"", "c/d": bytes(5000)}, entry_of("e")))
    assert names(reader) == ["a", "b", "c/d", "e"]


def test_the_content_of_files_is_not_read() -> None:
    reader = Reader(tar_of({"large": bytes(10_000_000), "small": b""}))
    assert names(reader) == ["large", "small"]
    assert sum(reader.sizes) < 10 * 512


@pytest.mark.parametrize("header", [long_name(8 * 1024**3 - 1), pax(b"", 8 * 1024**3 - 1), pax(b"", 8 * 1024 - 511)])
def test_large_headers_are_not_read(header: bytes) -> None:
    reader = Reader(header + tar_of({"a": b""}))
    with pytest.raises(InvalidInputError, match=r"damaged after byte 0: .* 8192 bytes of headers"):
        names(reader)
    assert sum(reader.sizes) < 8192


def test_an_entry_before_the_one_that_is_read_is_not_read_again() -> None:
    """Its size leads backwards, so that it would come again and again."""
    reader = Reader(old_sparse(size=-1024) + tar_of({"a": b""}))
    with pytest.raises(InvalidInputError, match="damaged after byte"):
        names(reader)
    assert sum(reader.sizes) < 8192


def test_usual_headers_are_read() -> None:
    name = "directory/" * 200 + "file"
    reader = Reader(pax(pax_record("path", name)) + raw_header(octal(0)) + tar_of({"a": b""}))
    assert names(reader) == [name, "a"]


def test_a_global_header_is_read() -> None:
    content = pax_record("comment", "made by hand").ljust(512, b"\0")
    assert names(Reader(raw_header(octal(24), b"g", b"pax") + content + tar_of({"a": b""}))) == ["a"]


def test_the_place_of_damage_is_told() -> None:
    content = bytearray(tar_of({"a": b"content", "b": b""}))
    content[1024 + 3] ^= 1
    with pytest.raises(
        InvalidInputError, match=r"^src 'x' is damaged after byte 512: the data is neither an entry nor the end"
    ):
        names(Reader(bytes(content)))
