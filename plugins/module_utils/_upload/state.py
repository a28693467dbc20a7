# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state file of a layer: it lets the next run resume an upload, whatever stopped this one.

It names the layer and the upload, and holds no secrets. It is replaced atomically, so it is valid at any time. What it
says is believed only if this code can have written it.

The files of a layer have one name and different suffixes. Only the holder of the lock writes or removes them, and a
lock is removed by its holder, so what a killed run left can be removed by whoever gets the lock.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import stat
import time
import typing as t
from dataclasses import asdict, fields
from pathlib import Path

from .._core.errors import InvalidInputError
from .._core.file_lock import locked, unlock
from .._core.json_document import JsonObject
from .._core.text import printable, reason
from .._ecr import limits
from .._ecr.service_model import input_shape
from .._ecr.validation import broken_value
from .plan import LayerIdentity, SavedUpload

if t.TYPE_CHECKING:
    from .._core.task import Task

_VERSION = 1
_MAX_STATE = 64 * 1024
# Files that no run came back for in this time are removed. Uploads do not live that long.
MAX_AGE_SECONDS = 14 * 24 * 60 * 60

_STATE, _NEW, _LOCK = ".json", ".new", ".lock"
# The last two are those of version 1.0.0.
_OURS = re.compile(r"([0-9a-f]{64}-[0-9a-f]{16})\.(json|new|lock|set-aside|json\.[a-z0-9_]{8})")


class UploadState:
    """The state file of one layer in a directory. Nothing is kept while another task holds it.

    Use it through ``held``.
    """

    def __init__(self, path: Path, identity: LayerIdentity, task: Task) -> None:
        self._path = path
        self._identity = identity
        self._task = task

    @classmethod
    @contextlib.contextmanager
    def held(cls, directory: str, identity: LayerIdentity, task: Task) -> t.Iterator[UploadState | None]:
        """Hold the state file for the length of the block. Yield None, with a warning, if another task holds it.

        :raises InvalidInputError: the directory cannot be created or written to
        """
        _is_usable(directory)
        path = cls._path_of(directory, identity)
        obstacle = _obstacle(path)
        if obstacle:
            task.warn(obstacle)
            yield None
            return
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = locked(path.with_suffix(_LOCK))
        except (OSError, ValueError) as error:
            raise _unusable(directory, reason(error)) from error
        if lock is None:
            task.warn(
                f"Another task is uploading {identity.layer_digest} with the same state directory. This task keeps no "
                "state for the layer."
            )
            yield None
            return
        try:
            yield cls(path, identity, task)
        finally:
            unlock(path.with_suffix(_LOCK), lock)

    @classmethod
    def peek(cls, directory: str, identity: LayerIdentity) -> tuple[SavedUpload | None, str | None]:
        """Return the saved upload, or a warning of a file that cannot be used. Nothing is held or changed.

        :raises InvalidInputError: the directory cannot be created or written to
        """
        if not _is_usable(directory):
            return None, None
        path = cls._path_of(directory, identity)
        obstacle = _obstacle(path)
        if obstacle:
            return None, obstacle
        saved, misfit = _read(path, identity)
        return saved, _not_used(path, misfit) if misfit else None

    @classmethod
    def tidy(cls, directory: str, done: t.Iterable[LayerIdentity]) -> None:
        """Remove what earlier runs left: all of the layers that are done, and what is older than 14 days of others.

        Nothing is removed while another task holds it, and no file whose name is not that of a state.
        """
        finished = {cls._path_of(directory, identity).stem for identity in done}
        for stem, paths in _files_by_layer(directory).items():
            leftovers = [path for path in paths if stem in finished or _is_old(path)]
            if leftovers:
                # What cannot be removed now is removed by a later run.
                with contextlib.suppress(OSError):
                    _remove_held(Path(directory, stem), leftovers, stem in finished)

    @staticmethod
    def _path_of(directory: str, identity: LayerIdentity) -> Path:
        # A layer that is done in one region says nothing about an upload in another.
        place = json.dumps([identity.repository_name, identity.registry_id, identity.region])
        hashed = hashlib.sha256(place.encode()).hexdigest()
        return Path(directory, f"{identity.layer_digest.partition(':')[2]}-{hashed[:16]}{_STATE}")

    def load(self) -> SavedUpload | None:
        """Return the saved upload. Warn of a file that is damaged or describes something else; it will be replaced."""
        saved, misfit = _read(self._path, self._identity)
        if misfit:
            self._task.warn(_not_used(self._path, misfit))
        return saved

    def save(self, upload: SavedUpload) -> None:
        """Replace the file, atomically and readable by its owner alone. Warn if it cannot be written."""
        try:
            self._write(upload)
        except OSError as error:
            # The same words for each layer, because a reason such as a full disk is the same for all.
            self._task.warn(
                f"State files in {str(self._path.parent)!r} cannot be written: {error.strerror}. If the task is "
                "interrupted, the next run cannot resume."
            )

    def _write(self, upload: SavedUpload) -> None:
        document = {"version": _VERSION, **asdict(self._identity), **asdict(upload)}
        new = self._path.with_suffix(_NEW)
        # A killed run may have left it.
        new.unlink(missing_ok=True)
        try:
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(document, file, indent=2)
            new.replace(self._path)
        except BaseException:
            new.unlink(missing_ok=True)
            raise

    def remove(self) -> None:
        """Remove the file. Warn if it cannot be removed."""
        try:
            self._path.unlink(missing_ok=True)
            self._path.with_suffix(_NEW).unlink(missing_ok=True)
        except OSError as error:
            self._task.warn(f"State file {str(self._path)!r} could not be removed: {error.strerror}.")


def _unusable(directory: str, why: str) -> InvalidInputError:
    return InvalidInputError(f"State directory {directory!r} cannot be used: {why}")


def _is_usable(directory: str) -> bool:
    """Return whether the directory exists and can be written to, False if it can be created.

    :raises InvalidInputError: neither
    """
    if not directory:
        # Python would take the working directory.
        raise InvalidInputError("The path of the state directory is empty", "Give the path of a directory")
    path = Path(directory)
    for place in (path, *path.absolute().parents):
        try:
            is_directory = stat.S_ISDIR(place.stat().st_mode)
        except FileNotFoundError as error:
            if place.is_symlink():
                why = f"{str(place)!r} is a symbolic link to something that does not exist"
                raise _unusable(directory, why) from error
            continue
        except (OSError, ValueError) as error:
            raise _unusable(directory, reason(error)) from error
        if not is_directory:
            raise _unusable(directory, os.strerror(errno.ENOTDIR))
        if not os.access(place, os.W_OK | os.X_OK):
            is_read_only = os.statvfs(place).f_flag & os.ST_RDONLY
            raise _unusable(directory, os.strerror(errno.EROFS if is_read_only else errno.EACCES))
        return place == path
    return False


def _obstacle(path: Path) -> str | None:
    """Return a warning of a directory in the place of a file of the state, which cannot be replaced; None without."""
    for place in map(path.with_suffix, (_STATE, _NEW, _LOCK)):
        with contextlib.suppress(OSError, ValueError):
            if stat.S_ISDIR(place.lstat().st_mode):
                return (
                    f"{str(place)!r} is a directory, where the task keeps the state of a layer. If the task is "
                    "interrupted, the next run cannot resume the layer. Remove the directory."
                )
    return None


def _not_used(path: Path, misfit: str) -> str:
    return f"State file {str(path)!r} is not used, and will be replaced: {misfit}."


def _read(path: Path, identity: LayerIdentity) -> tuple[SavedUpload | None, str | None]:
    """Return the saved upload, or why the file cannot be used; neither if there is no file."""
    try:
        # Without waiting, because a FIFO without a writer would make it wait.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None, None
    except OSError as error:
        return None, f"it cannot be read ({error.strerror})"
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None, "it is not a regular file"
        return _parsed(os.read(descriptor, _MAX_STATE), identity)
    finally:
        os.close(descriptor)


def _parsed(content: bytes, identity: LayerIdentity) -> tuple[SavedUpload | None, str | None]:
    try:
        document = JsonObject.parse(content, "state").members
        misfit = _misfit(document, identity)
        return (None, misfit) if misfit else (_saved_upload(document, identity), None)
    except (InvalidInputError, ValueError, KeyError, TypeError):
        return None, "it is damaged"


def _misfit(document: dict[str, t.Any], identity: LayerIdentity) -> str | None:
    """Return why a state file is not one of this layer."""
    if not _is_same(document["version"], _VERSION):
        return "another version of this collection wrote it"
    for field in fields(LayerIdentity):
        found, expected = document[field.name], getattr(identity, field.name)
        if not _is_same(found, expected):
            return f"its {field.name} is {printable(str(found))}, not {expected}"
    return None


def _is_same(found: t.Any, expected: object) -> bool:
    # Python takes 1, 1.0 and True for equal.
    return type(found) is type(expected) and found == expected


def _saved_upload(document: dict[str, t.Any], identity: LayerIdentity) -> SavedUpload:
    upload = SavedUpload(**{field.name: document[field.name] for field in fields(SavedUpload)})
    members = input_shape("UploadLayerPart").members
    broken = [
        *broken_value(members["uploadId"], upload.upload_id, "uploadId"),
        *broken_value(members["partFirstByte"], upload.part_size, "partSize"),
        *broken_value(members["partFirstByte"], upload.next_byte, "nextByte"),
    ]
    is_part = not broken and limits.MIN_PART <= upload.part_size <= limits.MAX_PART
    if not is_part or upload.next_byte > identity.layer_size:
        raise ValueError(upload)
    return upload


def _files_by_layer(directory: str) -> dict[str, list[Path]]:
    """Return the files of states in a directory, by what their names have in common."""
    found: dict[str, list[Path]] = {}
    with contextlib.suppress(OSError, ValueError), os.scandir(directory) as entries:
        for entry in entries:
            name = _OURS.fullmatch(entry.name)
            if name and entry.is_file(follow_symlinks=False):
                found.setdefault(name[1], []).append(Path(entry.path))
    return found


def _is_old(path: Path) -> bool:
    try:
        return time.time() - path.lstat().st_mtime > MAX_AGE_SECONDS
    except FileNotFoundError:
        return False


def _remove_held(stem: Path, paths: t.Iterable[Path], whatever_their_age: bool) -> None:
    """Remove files of one layer unless another task holds them."""
    lock_path = stem.with_suffix(_LOCK)
    lock = locked(lock_path)
    if lock is None:
        return
    try:
        for path in paths:
            # Another task may have replaced it before it was held.
            if path != lock_path and (whatever_their_age or _is_old(path)):
                path.unlink(missing_ok=True)
    finally:
        unlock(lock_path, lock)
