# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archives that are damaged, or grow when they are decompressed."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma

from ansible_collections.layerkit.ecr.tests.unit.support.hostile_sources.hostile_source import (
    MIB,
    HostileSource,
    Make,
    archive,
    without,
)
from ansible_collections.layerkit.ecr.tests.unit.support.hostile_sources.tar_entries import pax
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import entry_of, tar_of
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import oci_layout


def cut(size: int) -> Make:
    return archive(lambda: tar_of(oci_layout())[:size])


def changed(content: bytes, position: int) -> bytes:
    return content[:position] + bytes([content[position] ^ 0xFF]) + content[position + 1 :]


def zipped(content: bytes, *more: bytes) -> Make:
    return archive(lambda: gzip.compress(content) + b"".join(more))


def without_end(content: bytes) -> bytes:
    """Return an archive without the blocks of zeros at its end."""
    size = len(content.rstrip(b"\0"))
    return content[: -(-size // 512) * 512]


def spaces(name: str, size: int) -> bytes:
    """Return a gzip file of a layout with one large file in it."""
    buffer = io.BytesIO()
    with gzip.open(buffer, "wb", compresslevel=9) as file:
        file.write(without_end(tar_of(without(name))))
        file.write(entry_of(name, size).tobuf())
        for _mebibyte in range(size // MIB):
            file.write(b" " * MIB)
        file.write(bytes(1024))
    return buffer.getvalue()


GOOD = tar_of(oci_layout())
DAMAGED_ARCHIVES = {
    "cut in a header": HostileSource(cut(700), "is incomplete: it ends in the entry after byte"),
    "cut in a file": HostileSource(cut(5000), "is incomplete: it ends in the entry after byte"),
    "cut before its end": HostileSource(
        cut(GOOD.rindex(b"index.json") + 1024), "is incomplete: the end of the archive is missing"
    ),
    "header changed": HostileSource(
        archive(lambda: changed(GOOD, GOOD.rindex(b"index.json") + 1)), "is damaged.*neither an entry nor the end"
    ),
    "gzip cut": HostileSource(
        archive(lambda: gzip.compress(GOOD)[:-100]), "is incomplete: its compressed data ends too early"
    ),
    "gzip cut in its check sum": HostileSource(
        archive(lambda: gzip.compress(GOOD)[:-4]), "is incomplete: its compressed data ends too early"
    ),
    "gzip changed": HostileSource(archive(lambda: changed(gzip.compress(GOOD), 100)), "is damaged"),
    "gzip with another check sum": HostileSource(archive(lambda: changed(gzip.compress(GOOD), -8)), "is damaged"),
    "gzip with more after it": HostileSource(
        zipped(GOOD, b"more"), "is damaged: the data from byte [0-9]+ on is not gzip"
    ),
    "gzip of nothing": HostileSource(zipped(b""), "[(]decompressed[)] is empty"),
    "gzip of something else": HostileSource(zipped(b"text" * 1000), "[(]decompressed[)] is a text, not a tar archive"),
    "gzip bomb of zeros": HostileSource(zipped(bytes(96 * MIB)), "does not contain an image"),
    "gzip bomb as the index": HostileSource(
        archive(lambda: spaces("index.json", 96 * MIB)), "index.json is 100663296 bytes; the limit is 4194304"
    ),
    "gzip bomb with a long header": HostileSource(
        archive(lambda: gzip.compress(pax(b"9" * 64 * MIB))), "8192 bytes of headers"
    ),
    "xz cut": HostileSource(archive(lambda: lzma.compress(GOOD)[:-1]), "is incomplete.*ends too early"),
    "xz changed": HostileSource(archive(lambda: changed(lzma.compress(GOOD), 100)), "is damaged.*xz data is invalid"),
    "xz that needs much memory": HostileSource(
        archive(lambda: lzma.compress(GOOD, filters=[{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 512 * MIB}])),
        "needs more than 69206016 bytes of memory to be decompressed. Decompress the file first",
    ),
    "xz bomb of zeros": HostileSource(
        archive(lambda: lzma.compress(bytes(96 * MIB), preset=0)), "does not contain an image"
    ),
    "bzip2 cut": HostileSource(archive(lambda: bz2.compress(GOOD)[:-1]), "is incomplete.*ends too early"),
    "bzip2 changed": HostileSource(archive(lambda: changed(bz2.compress(GOOD), 100)), "is damaged.*bzip2 data is"),
    "bzip2 bomb of zeros": HostileSource(archive(lambda: bz2.compress(bytes(32 * MIB))), "does not contain an image"),
}
