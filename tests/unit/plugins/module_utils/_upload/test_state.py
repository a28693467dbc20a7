# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state file: what it holds, when it is used, and what becomes of it."""

from __future__ import annotations

import fcntl
import json
import os
import stat
import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import InvalidInputError
from ansible_collections.layerkit.ecr.plugins.module_utils._upload.state import (
    LayerIdentity,
    SavedUpload,
    UploadState,
)

IDENTITY = LayerIdentity("team/app", None, "eu-west-1", "sha256:" + "1" * 64, 100)
UPLOAD = SavedUpload("5e9ba2c1-1a3d-4b36-8c2e-5a4d5c1bb9d7", part_size=10, next_byte=20)


class Folder:
    """A directory of state files, and the warnings that its use gave."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.warnings: list[str] = []

    def load(self, identity: LayerIdentity = IDENTITY) -> SavedUpload | None:
        with UploadState.held(str(self.path), identity, self.warnings.append) as state:
            assert state is not None
            return state.load()

    def peek(self, identity: LayerIdentity = IDENTITY) -> SavedUpload | None:
        saved, misfit = UploadState.peek(str(self.path), identity)
        self.warnings += [misfit] if misfit else []
        return saved

    def save(self, upload: SavedUpload = UPLOAD) -> Path:
        with UploadState.held(str(self.path), IDENTITY, self.warnings.append) as state:
            assert state is not None
            state.save(upload)
        return self.file()

    def file(self) -> Path:
        (found,) = self.path.glob("*.json")
        return found


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "deep" / "state")


def test_what_was_saved_is_loaded(folder: Folder) -> None:
    folder.save()
    assert folder.load() == folder.peek() == UPLOAD
    assert not folder.warnings


def test_nothing_saved_is_nothing_loaded(folder: Folder) -> None:
    assert folder.peek() is None
    assert not folder.path.exists(), "looking must not make the directory"
    assert folder.load() is None


def test_files_are_their_owners_alone(folder: Folder) -> None:
    file = folder.save()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_file_holds_names_and_numbers_alone(folder: Folder) -> None:
    assert json.loads(folder.save().read_text(encoding="utf-8")) == {
        "version": 1,
        "repository_name": "team/app",
        "registry_id": None,
        "region": "eu-west-1",
        "layer_digest": IDENTITY.layer_digest,
        "layer_size": 100,
        "upload_id": UPLOAD.upload_id,
        "part_size": 10,
        "next_byte": 20,
    }


def test_nothing_else_is_left_in_the_directory(folder: Folder) -> None:
    file = folder.save()
    folder.save(replace(UPLOAD, next_byte=30))
    assert list(folder.path.iterdir()) == [file]


def test_removed_state_is_gone(folder: Folder) -> None:
    folder.save()
    with UploadState.held(str(folder.path), IDENTITY, folder.warnings.append) as state:
        assert state is not None
        state.remove()
    assert list(folder.path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"registry_id": "123456789012"}, "registry_id is None, not 123456789012"),
        ({"region": "us-east-1"}, "region is eu-west-1, not us-east-1"),
        ({"layer_size": 101}, "layer_size is 100, not 101"),
    ],
)
def test_state_of_something_else_is_set_aside(folder: Folder, change: dict[str, t.Any], reason: str) -> None:
    file = folder.save()
    other = replace(IDENTITY, **change)
    assert folder.peek(other) is None
    assert file.exists(), "looking must not change anything"
    assert folder.load(other) is None
    assert not file.exists()
    assert file.with_suffix(".set-aside").exists()
    assert [reason in warning for warning in folder.warnings] == [True, True]


def test_another_repository_has_another_file(folder: Folder) -> None:
    folder.save()
    assert folder.load(replace(IDENTITY, repository_name="team_app")) is None
    assert not folder.warnings


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"version": 1}',
        b'{"version": 2}',
        pytest.param({"next_byte": 101}, id="past the end"),
        pytest.param({"next_byte": -1}, id="before the start"),
        pytest.param({"next_byte": "20"}, id="text for a number"),
        pytest.param({"next_byte": 20.5}, id="fraction of a byte"),
        pytest.param({"next_byte": True}, id="truth value for a number"),
        pytest.param({"part_size": 0}, id="no part size"),
        pytest.param({"part_size": 1.5}, id="fraction of a part size"),
        pytest.param({"part_size": 20971521}, id="larger than any part"),
        pytest.param({"part_size": None}, id="nothing for a part size"),
        pytest.param({"upload_id": None}, id="no upload"),
        pytest.param({"upload_id": ""}, id="empty upload"),
        pytest.param({"upload_id": "x"}, id="malformed upload"),
        pytest.param(b"[" * 60_000, id="deeply nested"),
    ],
)
def test_damaged_state_is_set_aside(folder: Folder, content: bytes | dict[str, t.Any]) -> None:
    file = folder.save()
    if isinstance(content, dict):
        content = json.dumps({**json.loads(file.read_bytes()), **content}).encode()
    file.write_bytes(content)
    assert folder.load() is None
    assert file.with_suffix(".set-aside").read_bytes() == content
    assert len(folder.warnings) == 1


def test_symbolic_link_is_not_followed(folder: Folder, tmp_path: Path) -> None:
    file = folder.save()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(file.read_bytes())
    file.unlink()
    file.symlink_to(elsewhere)
    assert folder.load() is None
    assert elsewhere.exists()
    assert len(folder.warnings) == 1


def test_fifo_does_not_hang(folder: Folder) -> None:
    file = folder.save()
    file.unlink()
    os.mkfifo(file)
    assert folder.peek() is None
    assert folder.load() is None
    assert file.with_suffix(".set-aside").exists()


def test_directory_in_the_place_of_the_file_is_set_aside(folder: Folder) -> None:
    file = folder.save()
    file.unlink()
    file.mkdir()
    assert folder.load() is None
    assert file.with_suffix(".set-aside").is_dir()


def test_state_that_cannot_be_set_aside_is_warned_about(folder: Folder) -> None:
    file = folder.save()
    file.write_bytes(b"{")
    file.with_suffix(".set-aside").mkdir()
    assert folder.load() is None
    assert "could not be renamed" in folder.warnings[0]


def test_discarded_state_is_gone(folder: Folder) -> None:
    folder.save()
    UploadState.discard(str(folder.path), IDENTITY)
    assert list(folder.path.iterdir()) == []
    UploadState.discard(str(folder.path), IDENTITY)


def test_lock_that_was_removed_meanwhile_is_taken_anew(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    real = fcntl.flock
    turns: list[int] = []

    def lose_the_first_lock(descriptor: int, operation: int) -> None:
        turns.append(descriptor)
        if len(turns) == 1:
            next(folder.path.glob("*.lock")).unlink()
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", lose_the_first_lock)
    folder.save()
    assert len(turns) == 2
    assert folder.load() == UPLOAD


def test_state_that_another_task_holds_is_left_alone(folder: Folder) -> None:
    folder.save()
    with (
        UploadState.held(str(folder.path), IDENTITY, folder.warnings.append) as first,
        UploadState.held(str(folder.path), IDENTITY, folder.warnings.append) as second,
    ):
        assert first is not None
        assert second is None
    assert "Another task" in folder.warnings[0]
    assert folder.load() == UPLOAD


def test_directory_that_cannot_be_made_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with (
        pytest.raises(InvalidInputError, match=r"State directory .*file/state' cannot be used"),
        UploadState.held(str(tmp_path / "file" / "state"), IDENTITY, print),
    ):
        pass
