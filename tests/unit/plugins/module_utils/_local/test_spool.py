# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compressed layers on disk."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.growing import GrowingBlob
from ansible_collections.layerkit.ecr.plugins.module_utils._local.spool import Spool


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def open_files() -> set[int]:
    """Return the descriptors of the process, without that of the directory that lists them."""
    found = set()
    for path in list(Path("/proc/self/fd").iterdir()):
        with contextlib.suppress(OSError):
            os.fstat(int(path.name))
            found.add(int(path.name))
    return found


def keep(spool: Spool, name: str, *chunks: bytes) -> GrowingBlob | None:
    """Keep a blob; return None if there is no space for it."""
    blob = spool.begin(name, sum(map(len, chunks)))
    return blob if blob and all(spool.append(blob, chunk) for chunk in chunks) else None


def test_what_was_kept_is_read(directory: Path) -> None:
    with Spool() as spool:
        blobs = [keep(spool, "first", b"one", b"", b"two"), keep(spool, "second", b"three")]
        assert [blob and blob.read(0, blob.size) for blob in blobs] == [b"onetwo", b"three"]
        assert [str(blob) for blob in blobs] == ["first", "second"]
        for blob in filter(None, blobs):
            blob.check_unchanged()
            buffer = bytearray(2)
            blob.read_into(1, memoryview(buffer))
            assert buffer == blob.read(1, 2)
        assert list(directory.iterdir()) == []


def test_the_file_is_its_owners_alone_and_closed_at_the_end() -> None:
    before = open_files()
    with Spool() as spool:
        assert open_files() == before, "no file is needed yet"
        keep(spool, "layer", b"layer")
        (descriptor,) = open_files() - before
        assert stat.S_IMODE(os.fstat(descriptor).st_mode) == 0o600
    assert open_files() == before


def test_without_space_nothing_is_begun(directory: Path) -> None:
    with Spool() as spool:
        assert spool.begin("huge", 2**60) is None
        assert keep(spool, "small", b"layer")
    assert list(directory.iterdir()) == []


def write_nothing(*_arguments: t.Any) -> t.NoReturn:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_disk_that_gets_full_is_not_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with Spool() as spool:
        first = keep(spool, "first", b"first")
        with monkeypatch.context() as patch:
            patch.setattr(os, "pwrite", write_nothing)
            assert keep(spool, "lost", b"lost") is None
        third = keep(spool, "third", b"third")
        assert third
        assert third.read(0, 5) == b"third"
        assert first
        assert first.read(0, 5) == b"first"


def test_a_short_write_is_continued(monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda descriptor, chunk, place: write(descriptor, chunk[:2], place))
    with Spool() as spool:
        blob = keep(spool, "layer", b"a layer")
        assert blob
        assert blob.read(0, 7) == b"a layer"


def test_sending_keeps_no_parts_in_memory() -> None:
    with Spool() as spool:
        blob = keep(spool, "layer", b"layer")
        assert blob
        assert blob.holds_last_part
