# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file that is opened is looked at: nothing else is waited for or read."""

from __future__ import annotations

import os
import signal
import socket
import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.blob import FileBlob
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import ContentChangedError, InvalidInputError

SOON_SECONDS = 10


@pytest.fixture(autouse=True)
def soon() -> t.Iterator[None]:
    """Interrupt whoever waits for a writer."""

    def interrupt(_signal: int, _frame: object) -> t.NoReturn:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.alarm(SOON_SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


MAKE: dict[str, t.Callable[[Path], None]] = {
    "FIFO": os.mkfifo,
    "socket": make_socket,
    "directory": Path.mkdir,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "terminal": lambda path: path.symlink_to("/dev/tty"),
}


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in MAKE.items()])
class TestOther:
    def test_what_is_no_file_is_refused(self, tmp_path: Path, make: t.Callable[[Path], None]) -> None:
        make(tmp_path / "x")
        with (
            pytest.raises(InvalidInputError, match=r"^src (must be a regular file|is a directory, not a file)$"),
            FileBlob.open(str(tmp_path / "x"), "src"),
        ):
            pass

    def test_what_takes_the_place_of_a_file_at_the_last_moment_is_refused(
        self, tmp_path: Path, make: t.Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "x"
        path.write_bytes(b"layer")
        opened = os.open

        def exchange(name: str, *arguments: t.Any, **options: t.Any) -> int:
            path.unlink()
            make(path)
            return opened(name, *arguments, **options)

        monkeypatch.setattr(os, "open", exchange)
        with (
            pytest.raises(InvalidInputError, match=r"^src (must be a regular file|is a directory, not a file)$"),
            FileBlob.open(str(path), "src"),
        ):
            pass


@pytest.mark.parametrize(("name", "reason"), [("nul\0", "embedded null"), ("\ud800", "")])
def test_path_that_cannot_be_opened_is_refused(tmp_path: Path, name: str, reason: str) -> None:
    with (
        pytest.raises(InvalidInputError, match=f"^src cannot be read: .*{reason}"),
        FileBlob.open(f"{tmp_path}/{name}", "src"),
    ):
        pass


def test_descriptor_is_closed(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _attempt in range(3):
        with pytest.raises(InvalidInputError), FileBlob.open(str(tmp_path), "src"):
            pass
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_file_that_becomes_shorter_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "layer"
    path.write_bytes(b"0123456789")
    with FileBlob.open(str(path), "src") as blob:
        os.truncate(path, 5)
        for read in (lambda: blob.read(0, 10), lambda: blob.read_into(0, memoryview(bytearray(10)))):
            with pytest.raises(ContentChangedError, match=r"^src became shorter while it was read$"):
                read()


def test_file_in_another_directory_of_the_same_name_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "build" / "layer"
    path.parent.mkdir()
    path.write_bytes(b"0123456789")
    with FileBlob.open(str(path), "src") as blob:
        # Nothing of the file itself changes.
        path.parent.rename(tmp_path / "before")
        path.parent.mkdir()
        path.write_bytes(b"0123456789")
        with pytest.raises(ContentChangedError, match=r"^src was changed while it was read$"):
            blob.check_unchanged()
