# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of a directory: read as they are, and never through a symbolic link below it."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import ContentChangedError, InvalidInputError
from ansible_collections.layerkit.ecr.plugins.module_utils._local.directory import Directory
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import write_directory

FILES = {"index.json": b"{}", "blobs/sha256/abc": b"layer" * 1000, "empty": b""}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_directory(tmp_path / "source", FILES)


@pytest.fixture
def directory(path: Path) -> t.Iterator[Directory]:
    with Directory.opened(str(path), "src 'source'") as opened:
        yield opened


@pytest.mark.parametrize(("name", "content"), FILES.items())
def test_files_are_read(directory: Directory, name: str, content: bytes) -> None:
    assert directory.size(name) == len(content)
    assert directory.head(name) == content[:10]
    assert directory.read(name) == content
    with directory.open(name) as blob:
        assert blob.read(0, len(content)) == content
        assert str(blob) == directory.where(name)


@pytest.mark.parametrize("name", ["absent", "absent/file", "blobs/absent", "blobs/absent/file"])
def test_what_is_not_there_is_missing(directory: Directory, name: str) -> None:
    assert directory.size(name) is None
    with pytest.raises(InvalidInputError, match=f"{name} is missing"):
        directory.head(name)


def test_the_path_itself_can_lead_through_links(path: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(path)
    with Directory.opened(str(tmp_path / "link"), "src 'link'") as directory:
        assert directory.read("index.json") == b"{}"


def test_files_stay_its_own_when_it_is_moved(directory: Directory, path: Path, tmp_path: Path) -> None:
    path.rename(tmp_path / "moved")
    write_directory(path, {"index.json": b"other"})
    assert directory.read("index.json") == b"{}"


@pytest.mark.parametrize("name", ["../source/index.json", "/etc/passwd", "blobs/../../x", "", ".", "a\0b"])
def test_names_that_lead_out_are_refused(directory: Directory, name: str) -> None:
    for look in (directory.size, directory.head, directory.read):
        with pytest.raises(InvalidInputError, match="leads outside the source"):
            look(name)


@pytest.mark.parametrize("name", ["x" * 300, "\ud800", "index.json/file"])
def test_names_that_cannot_be_are_refused(directory: Directory, name: str) -> None:
    with pytest.raises(InvalidInputError, match=r"cannot be read: [^\[]+$"):
        directory.size(name)


def test_a_file_that_becomes_a_fifo_is_not_waited_for(
    directory: Directory, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = (path / "empty").stat()
    (path / "empty").unlink()
    os.mkfifo(path / "empty")
    monkeypatch.setattr(Directory, "_status", lambda *_arguments: status)
    with pytest.raises(InvalidInputError, match="empty is not a regular file"):
        directory.read("empty")


def test_a_file_that_becomes_a_link_is_not_followed(
    directory: Directory, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = (path / "empty").stat()
    (path / "empty").unlink()
    (path / "empty").symlink_to("index.json")
    monkeypatch.setattr(Directory, "_status", lambda *_arguments: status)
    with pytest.raises(InvalidInputError, match="empty cannot be read"):
        directory.read("empty")


def test_a_change_is_seen(directory: Directory, path: Path) -> None:
    with directory.open("blobs/sha256/abc") as blob:
        blob.check_unchanged()
        with (path / "blobs/sha256/abc").open("ab") as file:
            file.write(b"more")
        with pytest.raises(ContentChangedError, match="blobs/sha256/abc was changed"):
            blob.check_unchanged()


def test_large_documents_are_not_read(directory: Directory, path: Path) -> None:
    os.truncate(path / "empty", 4 * 1024 * 1024 + 1)
    with pytest.raises(InvalidInputError, match="empty is 4194305 bytes; the limit is 4194304"):
        directory.read("empty")
    assert directory.size("empty") == 4 * 1024 * 1024 + 1


def test_a_directory_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with (
        pytest.raises(InvalidInputError, match="No such file or directory"),
        Directory.opened(str(tmp_path / "x"), "src 'x'"),
    ):
        pytest.fail("it was opened")


def test_a_path_that_cannot_be_is_an_error() -> None:
    error = r"^src 'x' cannot be read: (stat: |open: )?embedded null (byte|character in path)$"
    with pytest.raises(InvalidInputError, match=error), Directory.opened("a\0b", "src 'x'"):
        pytest.fail("it was opened")
