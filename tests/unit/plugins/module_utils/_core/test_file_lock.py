# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that one task holds at a time."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.file_lock import locked, unlock


@pytest.fixture
def directory(tmp_path: Path) -> t.Iterator[int]:
    descriptor = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


def test_lock_is_held_until_it_is_released(directory: int, tmp_path: Path) -> None:
    lock = locked("lock", directory)
    assert lock is not None
    assert locked("lock", directory) is None
    assert locked(tmp_path / "lock") is None
    unlock("lock", lock, directory)
    assert not (tmp_path / "lock").exists()
    again = locked(tmp_path / "lock")
    assert again is not None
    unlock(tmp_path / "lock", again)


def test_lock_of_a_file_that_its_holder_removed_is_taken_again(directory: int, tmp_path: Path) -> None:
    lock = locked("lock", directory)
    assert lock is not None
    (tmp_path / "lock").unlink()
    # Another file of the same name, which nobody holds.
    other = locked("lock", directory)
    assert other is not None
    os.close(lock)
    unlock("lock", other, directory)


def test_link_is_not_followed(directory: int, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"")
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        locked("lock", directory)
