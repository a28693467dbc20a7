# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of an archive: read where they stand in it, whatever it is compressed by."""

from __future__ import annotations

import bz2
import contextlib
import functools
import gzip
import io
import lzma
import tarfile
import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import (
    ContentChangedError,
    InvalidInputError,
    TaskError,
)
from ansible_collections.layerkit.ecr.plugins.module_utils._local import archive as archive_
from ansible_collections.layerkit.ecr.plugins.module_utils._local.archive import Archive
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import Files, docker_archive, entry_of, tar_of
from ansible_collections.layerkit.ecr.tests.unit.support.image_reader import digest_by_parts, read_image
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import oci_layout
from ansible_collections.layerkit.ecr.tests.unit.support.refused_threads import refuse_threads
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

MIB = 1024 * 1024
LARGE = bytes(range(251)) * 16_000
FILES: Files = {
    "large": LARGE,
    "./index.json": b"{}",
    "blobs/sha256/abc": b"layer" * 1000,
    "empty": b"",
    "later": LARGE,
}


def gzip_members(content: bytes) -> bytes:
    """Compress by gzip, in three members."""
    third = len(content) // 3
    return b"".join(map(gzip.compress, (content[:third], content[third : 2 * third], content[2 * third :])))


COMPRESSIONS: dict[str, t.Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "gzip members": gzip_members,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
}
FORMATS = {"gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT, "ustar": tarfile.USTAR_FORMAT}


@functools.cache
def packed(compression: str) -> bytes:
    """Return the archive of all files; bzip2 takes seconds to make it."""
    return COMPRESSIONS[compression](tar_of(FILES))


@pytest.fixture(scope="module", params=COMPRESSIONS)
def archive(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Archive]:
    path = tmp_path_factory.mktemp("archive") / "source.tar"
    path.write_bytes(packed(request.param))
    with contextlib.ExitStack() as stack:
        yield stack.enter_context(Archive.opened(str(path), "src 'x'"))


@pytest.fixture
def write(tmp_path: Path) -> t.Callable[[bytes], str]:
    def write(content: bytes) -> str:
        (tmp_path / "source.tar").write_bytes(content)
        return str(tmp_path / "source.tar")

    return write


@pytest.mark.parametrize(("name", "content"), FILES.items())
def test_files_are_read(archive: Archive, name: str, content: bytes) -> None:
    assert archive.size(name) == len(content)
    assert archive.head(name) == content[:10]
    with archive.open(name) as blob:
        assert blob.size == len(content)
        assert blob.read(0, len(content)) == content
        assert b"".join(blob.chunks(0, len(content))) == content
        assert str(blob) == archive.where(name)


def test_names_are_the_same_however_they_are_spelt(archive: Archive) -> None:
    assert archive.read("index.json") == archive.read("./index.json") == archive.read(".//index.json") == b"{}"


def test_several_can_be_open(archive: Archive) -> None:
    with archive.open("later") as later, archive.open("large") as large:
        assert digest_by_parts(later) == digest_by_parts(large)


@pytest.mark.parametrize("name", ["absent", "blobs", "index.json/file"])
def test_what_is_not_there_is_missing(archive: Archive, name: str) -> None:
    assert archive.size(name) is None
    for look in (archive.head, archive.read, archive.open):
        with pytest.raises(InvalidInputError, match=f"{name} is missing"):
            look(name)


@pytest.mark.parametrize("name", ["../index.json", "/index.json", "blobs/../index.json", ""])
def test_names_that_lead_out_are_refused(archive: Archive, name: str) -> None:
    with pytest.raises(InvalidInputError, match="leads outside the source"):
        archive.size(name)


@pytest.mark.parametrize("tar_format", FORMATS.values(), ids=FORMATS)
def test_every_format_is_read(write: t.Callable[[bytes], str], tar_format: int) -> None:
    long = "/".join(["directory-of-30-characters-----"] * 4)
    with Archive.opened(write(tar_of({long: b"found", "ä": b"a"}, tar_format=tar_format)), "src 'x'") as archive:
        assert archive.read(long) == b"found"
        assert archive.read("ä") == b"a"


def test_links_within_are_followed(write: t.Callable[[bytes], str]) -> None:
    links = (("a/b/link", "../../index.json"), ("second", "./a/b/link"), ("dangling", "absent"))
    entries = [entry_of(name, type=tarfile.SYMTYPE, linkname=target) for name, target in links]
    with Archive.opened(write(tar_of(FILES, *entries)), "src 'x'") as archive:
        assert archive.read("a/b/link") == archive.read("second") == b"{}"
        assert archive.size("dangling") is None


def test_hard_links_are_followed(write: t.Callable[[bytes], str]) -> None:
    links = (("a/hard", "large"), ("second", "./a/hard"), ("dangling", "absent"))
    entries = [entry_of(name, type=tarfile.LNKTYPE, linkname=target) for name, target in links]
    entries.append(entry_of("symbolic", type=tarfile.SYMTYPE, linkname="second"))
    with Archive.opened(write(tar_of(FILES, *entries)), "src 'x'") as archive:
        for name in ("a/hard", "second", "symbolic"):
            assert archive.size(name) == len(LARGE)
            with archive.open(name) as blob:
                assert blob.read(0, blob.size) == LARGE
        assert archive.size("dangling") is None


def test_directories_can_be_there_twice(write: t.Callable[[bytes], str]) -> None:
    entries = [entry_of(name, type=tarfile.DIRTYPE) for name in (".", "blobs", "./blobs/")]
    with Archive.opened(write(tar_of(FILES, *entries)), "src 'x'") as archive:
        assert archive.size("blobs/sha256/abc") == 5000


def test_a_path_that_cannot_be_is_an_error() -> None:
    error = r"^src 'x' cannot be read: (stat: |open: )?embedded null (byte|character in path)$"
    with pytest.raises(InvalidInputError, match=error), Archive.opened("a\0b", "src 'x'"):
        pytest.fail("it was opened")


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_change_is_seen(write: t.Callable[[bytes], str], compression: str) -> None:
    path = write(packed(compression))
    with Archive.opened(path, "src 'x'") as archive, archive.open("large") as blob:
        blob.check_unchanged()
        with Path(path).open("r+b") as file:
            file.write(b"x" * 300)
        with pytest.raises(ContentChangedError, match="was changed"):
            blob.check_unchanged()


def test_a_change_is_seen_while_it_is_decompressed(write: t.Callable[[bytes], str]) -> None:
    path = write(gzip.compress(tar_of(FILES)))
    with Archive.opened(path, "src 'x'") as archive, archive.open("large") as blob:
        Path(path).write_bytes(bytes(Path(path).stat().st_size))
        with pytest.raises(ContentChangedError, match="large changed while it was read"):
            blob.read(0, 10)


def test_a_cut_is_seen_while_it_is_read(write: t.Callable[[bytes], str]) -> None:
    path = write(tar_of(FILES))
    with Archive.opened(path, "src 'x'") as archive, archive.open("later") as blob:
        Path(path).write_bytes(b"")
        with pytest.raises(ContentChangedError, match="later became shorter"):
            blob.read(0, 10)


GOOD = [tar_of(oci_layout()), tar_of(docker_archive()), gzip.compress(tar_of(oci_layout()), mtime=0)]


def refusal_of(path: Path) -> str | None:
    """Return what the error says, None when there is none."""
    try:
        read_image(path)
    except TaskError as error:
        return error.problem
    return None


mutations = st.lists(st.tuples(st.integers(0, 20_000), st.binary(min_size=1, max_size=8)), min_size=1, max_size=5)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(good=st.sampled_from(GOOD), changes=mutations, cut=st.none() | st.integers(0, 60_000))
def test_whatever_is_changed_there_is_an_image_or_a_task_error(
    tmp_path: Path, good: bytes, changes: list[tuple[int, bytes]], cut: int | None
) -> None:
    content = bytearray(good)
    for position, change in changes:
        content[position : position + len(change)] = change
    path = tmp_path / "source.tar"
    path.write_bytes(content[:cut])
    error = refusal_of(path)
    assert error is None or error.startswith(f"src {str(path)!r}")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(header=st.binary(min_size=512, max_size=2048), typeflag=st.sampled_from(b"0125xgLKSMV7"))
def test_whatever_a_header_says_there_is_one_error(tmp_path: Path, header: bytes, typeflag: int) -> None:
    block = bytearray(header[:512])
    block[156] = typeflag
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    buffer = io.BytesIO(bytes(block) + header[512:])
    (tmp_path / "source.tar").write_bytes(buffer.getvalue())
    with (
        pytest.raises(InvalidInputError, match=r"^src "),
        Archive.opened(str(tmp_path / "source.tar"), "src 'x'") as archive,
    ):
        # A header of zeros but for its type is that of an empty file without a name.
        archive.read("index.json")


@pytest.mark.parametrize("compress", [lzma.compress, bz2.compress], ids=["xz", "bzip2"])
def test_an_archive_that_needs_a_refused_thread_is_not_called_damaged(
    write: t.Callable[[bytes], str], monkeypatch: pytest.MonkeyPatch, compress: t.Callable[[bytes], bytes]
) -> None:
    refuse_threads(monkeypatch, 0)
    with pytest.raises(TaskError, match="does not allow another thread") as refused:
        Archive.opened(write(compress(tar_of({"index.json": b"{}"}))), "src 'x'").__enter__()
    assert not isinstance(refused.value, InvalidInputError)


def test_small_files_that_are_kept_are_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {f"file {number}": b"%d" % number * 100 for number in range(5)}
    (tmp_path / "x.tar.gz").write_bytes(gzip.compress(tar_of(files)))
    monkeypatch.setattr(archive_, "_MAX_KEPT", 250)
    with Archive.opened(str(tmp_path / "x.tar.gz"), "src 'x.tar.gz'") as archive:
        monkeypatch.setattr(archive, "_opened", lambda *_place: pytest.fail("it is decompressed again"))
        assert [archive.read(name) for name in list(files)[:2]] == list(files.values())[:2]
        with pytest.raises(pytest.fail.Exception):
            archive.read("file 2")
