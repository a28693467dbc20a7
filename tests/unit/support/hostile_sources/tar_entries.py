# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archives with entries that no image has, and with headers that are not to be read."""

from __future__ import annotations

import gzip
import tarfile
import typing as t
from pathlib import Path

from ansible_collections.layerkit.ecr.tests.unit.support.hostile_sources.hostile_source import (
    MIB,
    OUT,
    HostileSource,
    Make,
    archive,
    with_entry,
    without,
)
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import entry_of, tar_of
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import oci_layout


def link(name: str, target: str) -> tarfile.TarInfo:
    return entry_of(name, type=tarfile.SYMTYPE, linkname=target)


def raw_header(size: bytes, kind: bytes = b"0", name: bytes = b"strange") -> bytes:
    """Return a header whose field of the size, 12 bytes, has these."""
    header = bytearray(512)
    header[: len(name)] = name
    header[100:124] = b"0000644\x000000000\x000000000\x00"
    header[124:136] = size
    header[136:148] = b"00000000000\x00"
    header[148:156] = b" " * 8
    header[156:157] = kind
    header[257:265] = b"ustar\x0000"
    header[148:156] = b"%06o\x00 " % sum(header)
    return bytes(header)


def octal(size: int) -> bytes:
    return b"%011o\x00" % size


def base256(size: int) -> bytes:
    return bytes([0x80 if size >= 0 else 0xFF]) + size.to_bytes(11, "big", signed=True)


def pax(content: bytes, declared: int | None = None) -> bytes:
    """Return a pax header for the next entry."""
    size = len(content) if declared is None else declared
    return raw_header(octal(size), b"x", b"pax") + content.ljust(-(-len(content) // 512) * 512, b"\0")


def pax_record(key: str, value: str) -> bytes:
    body = f" {key}={value}\n"
    size = len(body)
    while len(f"{size}{body}") != size:
        size += 1
    return f"{size}{body}".encode()


def before(*blocks: bytes) -> Make:
    """Return a good archive with blocks before its first entry."""
    return archive(lambda: b"".join(blocks) + tar_of(oci_layout()))


def old_sparse(name: bytes = b"strange", size: int = 0) -> bytes:
    header = bytearray(raw_header(base256(size) if size < 0 else octal(size), b"S", name))
    header[257:265] = b"ustar  \0"
    header[386:398], header[398:410] = octal(0), octal(512)
    header[483:495] = octal(1024)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\x00 " % sum(header)
    return bytes(header)


def endless_sparse() -> bytes:
    header = bytearray(old_sparse())
    header[482] = 1
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\x00 " % sum(header)
    more = (octal(512) + octal(512)) * 21 + b"\1"
    return bytes(header) + more.ljust(512, b"\0") * 2000


def long_name(declared: int) -> bytes:
    return raw_header(octal(declared), b"L", b"././@LongLink") + b"long".ljust(512, b"\0")


def large_names(path: Path) -> Path:
    """Return an archive of files with names of 6000 characters, 72 MB in all."""
    long, file = raw_header(octal(6000), b"L", b"././@LongLink"), raw_header(octal(0))
    return _repeated(path, lambda number: long + (b"%08d" % number).ljust(6000, b"x").ljust(6144, b"\0") + file)


def large_links(path: Path) -> Path:
    """Return an archive of symbolic links with targets of 6000 characters, 72 MB in all."""
    long = raw_header(octal(6000), b"K", b"././@LongLink") + (b"x" * 6000).ljust(6144, b"\0")
    return _repeated(path, lambda number: long + raw_header(octal(0), b"2", b"%08d" % number))


def _repeated(path: Path, entry: t.Callable[[int], bytes]) -> Path:
    with gzip.open(path / "image.tar", "wb", compresslevel=1) as file:
        file.writelines(map(entry, range(12_000)))
        file.write(tar_of(oci_layout()))
    return path / "image.tar"


def global_headers() -> list[bytes]:
    """Return entries, each after ten global headers more, which hold for all that follow."""
    blocks = []
    for number in range(20):
        content = b"".join(pax_record(f"{number}.{header}", "value") for header in range(10))
        blocks.append(raw_header(octal(len(content)), b"g", b"pax") + content.ljust(512, b"\0"))
        blocks.append(raw_header(octal(0), name=b"entry%d" % number))
    return blocks


def many_links() -> list[tarfile.TarInfo]:
    return [link(f"link{number}", f"link{number + 1}") for number in range(50)]


def instead(*entries: tarfile.TarInfo) -> Make:
    """Return an archive without its index.json, and with entries that it would have to be read through."""
    return archive(lambda: tar_of(without("index.json"), *entries))


NO_FILE = "index.json is not a regular file, a directory or a link. Use the output of docker save"

# Archives with entries that nothing is read through.
HARMLESS_ENTRIES: dict[str, Make] = {
    "absolute name": with_entry(entry_of("/etc/passwd")),
    "name above": with_entry(entry_of("../index.json")),
    "name above, later": with_entry(entry_of("blobs/../../x")),
    "directory above": with_entry(entry_of("..", type=tarfile.DIRTYPE)),
    "file without a name": with_entry(entry_of("./")),
    "name with NUL": before(pax(pax_record("path", "a\0b")), raw_header(octal(0))),
    "hard link": with_entry(entry_of("a", type=tarfile.LNKTYPE, linkname="index.json")),
    "character device": with_entry(entry_of("a", type=tarfile.CHRTYPE)),
    "block device": with_entry(entry_of("a", type=tarfile.BLKTYPE)),
    "FIFO": with_entry(entry_of("a", type=tarfile.FIFOTYPE)),
    "unknown type": before(raw_header(octal(0), b"M")),
    "sparse": before(old_sparse()),
    "sparse by pax": before(
        pax(pax_record("GNU.sparse.size", "9") + pax_record("GNU.sparse.map", "0,4,5,4")), raw_header(octal(0))
    ),
    "entry twice": with_entry(entry_of("a"), entry_of("a")),
    "directory and link": with_entry(entry_of("a", type=tarfile.DIRTYPE), link("a", "index.json")),
    "link out": with_entry(link("a/b", "../../outside")),
    "absolute link": with_entry(link("a", "/etc")),
    "hard link out": with_entry(entry_of("a", type=tarfile.LNKTYPE, linkname="../outside")),
    "links in a circle": with_entry(link("a", "b"), link("b", "a")),
    "too many links": with_entry(*many_links()),
}

TAR_ENTRIES = {
    "absolute name of the index": HostileSource(instead(entry_of("/index.json")), "does not contain an image"),
    "character device": HostileSource(instead(entry_of("index.json", type=tarfile.CHRTYPE)), NO_FILE),
    "block device": HostileSource(instead(entry_of("index.json", type=tarfile.BLKTYPE)), NO_FILE),
    "FIFO": HostileSource(instead(entry_of("index.json", type=tarfile.FIFOTYPE)), NO_FILE),
    "unknown type": HostileSource(
        archive(lambda: raw_header(octal(0), b"M", b"index.json") + tar_of(without("index.json"))), NO_FILE
    ),
    "sparse": HostileSource(archive(lambda: old_sparse(b"index.json") + tar_of(without("index.json"))), NO_FILE),
    "endless sparse": HostileSource(before(endless_sparse()), "8192 bytes of headers"),
    "entry twice": HostileSource(with_entry(entry_of("index.json")), "index.json occurs twice"),
    "entry twice, spelt otherwise": HostileSource(with_entry(entry_of(".//index.json")), "index.json occurs twice"),
    "link and file": HostileSource(with_entry(link("./index.json", "oci-layout")), "index.json occurs twice"),
    "directory and file": HostileSource(
        with_entry(entry_of("index.json", type=tarfile.DIRTYPE)), "index.json occurs twice"
    ),
    "file and directory": HostileSource(
        instead(entry_of("index.json", type=tarfile.DIRTYPE), entry_of("index.json")), "index.json occurs twice"
    ),
    "link twice": HostileSource(
        instead(link("index.json", "oci-layout"), link("index.json", "oci-layout")), "index.json occurs twice"
    ),
    "link out": HostileSource(
        instead(link("index.json", "../outside")), f"index.json {OUT}. Create the archive again .*tar --dereference"
    ),
    "absolute link": HostileSource(instead(link("index.json", "/etc/passwd")), f"index.json {OUT}"),
    "link out by another": HostileSource(instead(link("index.json", "b"), link("b", "../c")), f"index.json {OUT}"),
    "hard link out": HostileSource(
        instead(entry_of("index.json", type=tarfile.LNKTYPE, linkname="/etc/passwd")), f"index.json {OUT}"
    ),
    "hard link to a FIFO": HostileSource(
        instead(entry_of("b", type=tarfile.FIFOTYPE), entry_of("index.json", type=tarfile.LNKTYPE, linkname="b")),
        ": b is not a regular file",
    ),
    "link to itself": HostileSource(
        instead(link("index.json", "index.json")), "index.json leads through more than 40 links"
    ),
    "links in a circle": HostileSource(instead(link("index.json", "b"), link("b", "index.json")), "more than 40 links"),
    "too many links": HostileSource(
        instead(link("index.json", "link0"), *many_links()), "index.json leads through more than 40 links"
    ),
    "too many entries": HostileSource(
        archive(lambda: tar_of({}, entry_of("blobs", type=tarfile.DIRTYPE))[:512] * 100_001 + tar_of(oci_layout())),
        "has more than 100000 entries",
    ),
    "large names": HostileSource(large_names, "00001398xxx.* exceeds the limit of 8388608 characters"),
    "large targets of links": HostileSource(large_links, ": 00001396 exceeds the limit of 8388608 characters"),
    "global headers without end": HostileSource(before(*global_headers()), ": entry10 follows more than 100 global"),
    "pax header of 8 GiB": HostileSource(before(pax(b"", 8 * 1024 * MIB - 1)), "8192 bytes of headers"),
    "pax header of 32 MiB": HostileSource(
        before(pax(pax_record("comment", "x" * 32 * MIB)), raw_header(octal(0))), "8192 bytes of headers"
    ),
    "pax header of impossible length": HostileSource(before(pax(b"0 a=b\n"), raw_header(octal(0))), "is damaged"),
    "pax size below zero": HostileSource(
        before(pax(pax_record("size", "-1024")), raw_header(octal(0))),
        "strange has the invalid size -1024|is damaged",
    ),
    "pax size beyond all": HostileSource(
        before(pax(pax_record("size", "9" * 40)), raw_header(octal(0))),
        "is incomplete: it ends in the entry after byte",
    ),
    "pax headers in a row": HostileSource(before(*[pax(pax_record("a", "b"))] * 10_000), "8192 bytes of headers"),
    "long name of 8 GiB": HostileSource(before(long_name(8 * 1024 * MIB - 1)), "8192 bytes of headers"),
    "long names in a row": HostileSource(before(*[long_name(4)] * 10_000), "8192 bytes of headers"),
    "size below zero": HostileSource(
        before(raw_header(base256(-1024))), "strange has the invalid size -1024|is damaged"
    ),
    "size beyond the end": HostileSource(
        before(raw_header(octal(MIB))), "is incomplete: it ends in the entry after byte"
    ),
    "size beyond all": HostileSource(
        before(raw_header(base256(2**80))), "is incomplete: it ends in the entry after byte"
    ),
}
