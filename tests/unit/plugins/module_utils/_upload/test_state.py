# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state file: what it holds, when it is used, and what becomes of it."""

from __future__ import annotations

import fcntl
import json
import os
import stat
import time
import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import InvalidInputError
from ansible_collections.layerkit.ecr.plugins.module_utils._core.file_lock import locked
from ansible_collections.layerkit.ecr.plugins.module_utils._core.task import Task
from ansible_collections.layerkit.ecr.plugins.module_utils._upload import state as subject
from ansible_collections.layerkit.ecr.plugins.module_utils._upload.plan import LayerIdentity, SavedUpload
from ansible_collections.layerkit.ecr.plugins.module_utils._upload.state import (
    UploadState,
)

MIB = 1024 * 1024
IDENTITY = LayerIdentity("team/app", None, "eu-west-1", "sha256:" + "1" * 64, 100)
UPLOAD = SavedUpload("5e9ba2c1-1a3d-4b36-8c2e-5a4d5c1bb9d7", part_size=5 * MIB, next_byte=20)
DAY = 24 * 60 * 60


class Folder:
    """A directory of state files, and the warnings that its use gave."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.warnings: list[str] = []

    def load(self, identity: LayerIdentity = IDENTITY) -> SavedUpload | None:
        with UploadState.held(str(self.path), identity, Task(self.warnings.append)) as state:
            assert state is not None
            return state.load()

    def peek(self, identity: LayerIdentity = IDENTITY) -> SavedUpload | None:
        saved, misfit = UploadState.peek(str(self.path), identity)
        self.warnings += [misfit] if misfit else []
        return saved

    def save(self, upload: SavedUpload = UPLOAD) -> Path:
        with UploadState.held(str(self.path), IDENTITY, Task(self.warnings.append)) as state:
            assert state is not None
            state.save(upload)
        return self.file()

    def tidy(self, *done: LayerIdentity) -> None:
        UploadState.tidy(str(self.path), done)

    def names(self) -> list[str]:
        return sorted(path.name for path in self.path.iterdir())

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
        "part_size": 5242880,
        "next_byte": 20,
    }


def test_nothing_else_is_left_in_the_directory(folder: Folder) -> None:
    file = folder.save()
    folder.save(replace(UPLOAD, next_byte=30))
    assert list(folder.path.iterdir()) == [file]


def test_removed_state_is_gone(folder: Folder) -> None:
    folder.save()
    with UploadState.held(str(folder.path), IDENTITY, Task(folder.warnings.append)) as state:
        assert state is not None
        state.remove()
    assert list(folder.path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"registry_id": "123456789012"}, "registry_id is 123456789012, not None"),
        ({"region": "us-east-1"}, "region is us-east-1, not eu-west-1"),
        ({"layer_size": 101}, "layer_size is 101, not 100"),
    ],
)
def test_state_of_something_else_is_replaced(folder: Folder, change: dict[str, t.Any], reason: str) -> None:
    file = folder.save()
    of_something_else = json.dumps({**json.loads(file.read_bytes()), **change})
    file.write_text(of_something_else, encoding="utf-8")
    assert folder.peek() is None
    assert folder.load() is None
    assert file.read_text(encoding="utf-8") == of_something_else, "looking must not change anything"
    assert folder.warnings == [f"State file {str(file)!r} is not used, and will be replaced: its {reason}."] * 2
    folder.save()
    assert folder.load() == UPLOAD


@pytest.mark.parametrize(
    "change", [{"repository_name": "team_app"}, {"registry_id": "123456789012"}, {"region": "us-east-1"}]
)
def test_the_layer_in_another_place_has_another_file(folder: Folder, change: dict[str, t.Any]) -> None:
    folder.save()
    elsewhere = replace(IDENTITY, **change)
    assert folder.load(elsewhere) is None
    assert not folder.warnings
    folder.tidy(elsewhere)
    assert folder.load() == UPLOAD, "what is done elsewhere is not done here"


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
        pytest.param({"part_size": 1}, id="part size of a byte"),
        pytest.param({"part_size": 5 * MIB - 1}, id="smaller than a part"),
        pytest.param({"part_size": 10 * MIB + 1}, id="larger than a part"),
        pytest.param({"part_size": True}, id="truth value for a part size"),
        pytest.param({"part_size": None}, id="nothing for a part size"),
        pytest.param({"upload_id": None}, id="no upload"),
        pytest.param({"upload_id": ""}, id="empty upload"),
        pytest.param({"upload_id": "x"}, id="malformed upload"),
        pytest.param({"upload_id": f"{UPLOAD.upload_id}\n"}, id="upload with a line break"),
        pytest.param({"version": True}, id="truth value for a version"),
        pytest.param({"layer_size": 100.0}, id="fraction for a size"),
        pytest.param({"region": "\x1b[2J\n" * 10_000}, id="control characters"),
        pytest.param({"repository_name": "team/other"}, id="another repository"),
        pytest.param(b"[" * 60_000, id="deeply nested"),
    ],
)
def test_damaged_state_is_not_used(folder: Folder, content: bytes | dict[str, t.Any]) -> None:
    file = folder.save()
    if isinstance(content, dict):
        content = json.dumps({**json.loads(file.read_bytes()), **content}).encode()
    file.write_bytes(content)
    assert folder.load() is None
    (warning,) = folder.warnings
    assert warning.isprintable()
    assert len(warning) < 600
    folder.save()
    assert folder.load() == UPLOAD


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
    reason = f"State file {str(file)!r} is not used, and will be replaced: it is not a regular file."
    assert folder.warnings == [reason, reason]
    folder.save()
    assert folder.load() == UPLOAD


@pytest.mark.parametrize("suffix", [".json", ".new", ".lock"])
def test_directory_in_the_place_of_a_file_is_warned_about_once(folder: Folder, suffix: str) -> None:
    place = folder.save().with_suffix(suffix)
    place.unlink(missing_ok=True)
    place.mkdir()
    with UploadState.held(str(folder.path), IDENTITY, Task(folder.warnings.append)) as state:
        assert state is None
    folder.tidy(IDENTITY)
    assert place.is_dir()
    words = f"{str(place)!r} is a directory, where the task keeps the state of a layer."
    assert [warning[: len(words)] for warning in folder.warnings] == [words]
    assert folder.peek() is None
    assert folder.warnings[1:] == folder.warnings[:1], "check mode warns as a run does"


class TestTidying:
    """What killed runs leave is removed, and nothing else."""

    def left(self, folder: Folder, digit: str, age_in_days: float, *suffixes: str) -> list[str]:
        """Leave files of a layer, as a killed run does."""
        folder.path.mkdir(parents=True, exist_ok=True)
        paths = [folder.path / f"{digit * 64}-{'0' * 16}{suffix}" for suffix in suffixes]
        for path in paths:
            path.write_bytes(b"{}")
            os.utime(path, (time.time() - age_in_days * DAY,) * 2)
        return [path.name for path in paths]

    def test_files_of_a_layer_that_is_done_are_removed(self, folder: Folder) -> None:
        file = folder.save()
        for suffix in (".new", ".lock"):
            file.with_suffix(suffix).touch()
        folder.tidy(replace(IDENTITY, layer_digest="sha256:" + "2" * 64))
        assert len(folder.names()) == 3
        folder.tidy(IDENTITY)
        assert folder.names() == []
        folder.tidy(IDENTITY)

    def test_directory_that_is_not_there_is_not_made(self, folder: Folder) -> None:
        folder.tidy(IDENTITY)
        assert not folder.path.exists()

    @pytest.mark.parametrize(
        "suffixes", [(".json",), (".lock",), (".new", ".set-aside"), (".json", ".lock", ".new", ".json.a1_b2c3d")]
    )
    def test_files_of_any_layer_are_removed_after_two_weeks(self, folder: Folder, suffixes: tuple[str, ...]) -> None:
        self.left(folder, "a", 14.1, *suffixes)
        younger = self.left(folder, "b", 13.9, *suffixes)
        folder.tidy()
        assert folder.names() == sorted(younger)

    def test_old_file_beside_a_new_one_is_removed_alone(self, folder: Folder) -> None:
        self.left(folder, "a", 15, ".new", ".lock")
        (state,) = self.left(folder, "a", 1, ".json")
        folder.tidy()
        assert folder.names() == [state]

    def test_files_that_another_task_holds_are_left_alone(self, folder: Folder) -> None:
        held = self.left(folder, "a", 15, ".json", ".lock")
        with (folder.path / held[1]).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            folder.tidy()
            assert folder.names() == held

    def test_file_of_a_layer_that_another_task_uploads_is_left_alone(self, folder: Folder) -> None:
        file = folder.save()
        with UploadState.held(str(folder.path), IDENTITY, Task(folder.warnings.append)):
            folder.tidy(IDENTITY)
            assert file.exists()

    @pytest.mark.parametrize(
        "name",
        [
            "notes.txt",
            f"{'a' * 64}.json",
            f"{'a' * 64}-{'0' * 16}.json.bak",
            f"{'a' * 64}-{'0' * 16}.txt",
            f"{'A' * 64}-{'0' * 16}.json",
            f"x{'a' * 64}-{'0' * 16}.lock",
        ],
    )
    def test_other_files_are_left_alone(self, folder: Folder, name: str) -> None:
        folder.path.mkdir(parents=True)
        (folder.path / name).touch()
        os.utime(folder.path / name, (0, 0))
        folder.tidy(IDENTITY)
        assert folder.names() == [name]

    def test_what_is_no_file_is_left_alone(self, folder: Folder) -> None:
        file = folder.save()
        file.unlink()
        file.with_suffix(".json").symlink_to("/etc/hostname")
        file.with_suffix(".new").mkdir()
        folder.tidy(IDENTITY)
        assert folder.names() == [file.name, file.with_suffix(".new").name]


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
        UploadState.held(str(folder.path), IDENTITY, Task(folder.warnings.append)) as first,
        UploadState.held(str(folder.path), IDENTITY, Task(folder.warnings.append)) as second,
    ):
        assert first is not None
        assert second is None
    assert "Another task" in folder.warnings[0]
    assert folder.load() == UPLOAD


def test_directory_that_cannot_be_made_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with (
        pytest.raises(InvalidInputError, match=r"State directory .*file/state' cannot be used"),
        UploadState.held(str(tmp_path / "file" / "state"), IDENTITY, Task(pytest.fail)),
    ):
        pass


@pytest.mark.parametrize("mode", [0o500, 0o600])
@pytest.mark.parametrize("path", ["", "state", "deep/state"])
def test_directory_that_cannot_be_written_to_is_refused_by_a_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, mode: int
) -> None:
    def access(place: Path, wanted: int) -> bool:
        # root may do anything.
        return (Path(place).stat().st_mode >> 6) & wanted == wanted

    monkeypatch.setattr(os, "access", access)
    tmp_path.chmod(mode)
    with pytest.raises(InvalidInputError, match=r"State directory .* cannot be used: Permission denied"):
        UploadState.peek(f"{tmp_path}/{path}", IDENTITY)
    tmp_path.chmod(0o700)
    assert UploadState.peek(f"{tmp_path}/{path}", IDENTITY) == (None, None)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("file", "Not a directory"),
        ("file/state", "Not a directory"),
        ("fifo", "Not a directory"),
        ("nul\0", "embedded null byte"),
        ("x" * 300, "File name too long"),
        ("loop", "Too many levels of symbolic links"),
        ("link", "'.*/link' is a symbolic link to something that does not exist"),
        ("link/state", "'.*/link' is a symbolic link to something that does not exist"),
    ],
)
def test_directory_that_cannot_be_used_is_refused_alike_by_a_look_and_by_a_run(
    tmp_path: Path, path: str, why: str
) -> None:
    (tmp_path / "file").write_bytes(b"")
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(InvalidInputError, match=f"State directory .* cannot be used: {why}$"):
        UploadState.peek(f"{tmp_path}/{path}", IDENTITY)
    with (
        pytest.raises(InvalidInputError, match=f"State directory .* cannot be used: {why}$"),
        UploadState.held(f"{tmp_path}/{path}", IDENTITY, Task(pytest.fail)),
    ):
        pass


def test_empty_path_is_not_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInputError, match="path of the state directory is empty"):
        UploadState.peek("", IDENTITY)
    with (
        pytest.raises(InvalidInputError, match="path of the state directory is empty"),
        UploadState.held("", IDENTITY, Task(pytest.fail)),
    ):
        pass


def test_old_file_that_another_task_replaces_before_it_is_held_is_left_alone(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = folder.save()
    old = time.time() - 15 * DAY
    os.utime(file, (old, old))

    def late(path: Path) -> int | None:
        file.touch()
        return locked(path)

    monkeypatch.setattr(subject, "locked", late)
    folder.tidy()
    assert file.exists()
