# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state file of a layer: it lets the next run resume an upload, whatever stopped this one.

It names the layer and the upload, and holds no secrets. It is replaced atomically, so it is valid at any time.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import stat
import tempfile
import typing as t
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from .._core.errors import InvalidInputError
from .._core.text import reason
from .._ecr.service_model import input_shape, largest
from .._ecr.validation import broken_value

_VERSION = 1
_MAX_STATE = 64 * 1024


@dataclass(frozen=True)
class LayerIdentity:
    """What an upload belongs to. ``registry_id`` is None for the caller's own registry."""

    repository_name: str
    registry_id: str | None
    region: str
    layer_digest: str
    layer_size: int


@dataclass(frozen=True)
class SavedUpload:
    """An open upload: ``next_byte`` counts from 0, ``part_size`` is in bytes."""

    upload_id: str
    part_size: int
    next_byte: int


class UploadState:
    """The state file of one layer in a directory. Nothing is kept while another task holds it.

    Use it through ``held``.
    """

    def __init__(self, path: Path, identity: LayerIdentity, warn: t.Callable[[str], None]) -> None:
        self._path = path
        self._identity = identity
        self._warn = warn

    @classmethod
    @contextlib.contextmanager
    def held(
        cls, directory: str, identity: LayerIdentity, warn: t.Callable[[str], None]
    ) -> t.Iterator[UploadState | None]:
        """Hold the state file for the length of the block. Yield None, with a warning, if another task holds it.

        :raises InvalidInputError: the directory cannot be created or written to
        """
        path = cls._path_of(directory, identity)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = _locked(path.with_suffix(".lock"))
        except (OSError, ValueError) as error:
            raise InvalidInputError(f"State directory {directory!r} cannot be used: {reason(error)}") from error
        if lock is None:
            warn(
                f"Another task is uploading {identity.layer_digest} with the same state directory. This task keeps no "
                "state for the layer."
            )
            yield None
            return
        try:
            yield cls(path, identity, warn)
        finally:
            with contextlib.suppress(OSError):
                path.with_suffix(".lock").unlink()
            os.close(lock)

    @classmethod
    def peek(cls, directory: str, identity: LayerIdentity) -> tuple[SavedUpload | None, str | None]:
        """Return the saved upload, or why a file that is there cannot be used. Nothing is held or changed."""
        return _read(cls._path_of(directory, identity), identity)

    @classmethod
    def discard(cls, directory: str, identity: LayerIdentity) -> None:
        """Remove what an earlier run left of a layer that is in the registry now."""
        with contextlib.suppress(OSError):
            cls._path_of(directory, identity).unlink()

    @staticmethod
    def _path_of(directory: str, identity: LayerIdentity) -> Path:
        repository = hashlib.sha256(identity.repository_name.encode()).hexdigest()
        return Path(directory, f"{identity.layer_digest.partition(':')[2]}-{repository[:16]}.json")

    def load(self) -> SavedUpload | None:
        """Return the saved upload. A file that is damaged or describes something else is set aside with a warning."""
        saved, misfit = _read(self._path, self._identity)
        if misfit:
            self.set_aside(misfit)
        return saved

    def save(self, upload: SavedUpload) -> None:
        """Replace the file, atomically and readable by its owner alone. Warn if it cannot be written."""
        try:
            self._write(upload)
        except OSError as error:
            self._warn(f"State file {self._path} could not be written: {error.strerror}.")

    def _write(self, upload: SavedUpload) -> None:
        document = {"version": _VERSION, **asdict(self._identity), **asdict(upload)}
        # The name is this file's own, and the mode is 0600.
        descriptor, temporary = tempfile.mkstemp(dir=self._path.parent, prefix=f"{self._path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(document, file, indent=2)
            Path(temporary).replace(self._path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def remove(self) -> None:
        """Remove the file. Warn if it cannot be removed."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            self._warn(f"State file {self._path} could not be removed: {error.strerror}.")

    def set_aside(self, misfit: str) -> None:
        """Rename the file, so that it is not used and can be inspected, and warn."""
        aside = self._path.with_suffix(".set-aside")
        try:
            self._path.replace(aside)
        except OSError as error:
            self._warn(f"State file {self._path} is not used: {misfit}. It could not be renamed: {error.strerror}.")
        else:
            self._warn(f"The state file was not used and was renamed to {aside}: {misfit}.")


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
        document = json.loads(content)
        misfit = _misfit(document, identity)
        return (None, misfit) if misfit else (_saved_upload(document, identity), None)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None, "it is damaged"


def _misfit(document: dict[str, t.Any], identity: LayerIdentity) -> str | None:
    """Return why a state file is not one of this layer."""
    if document["version"] != _VERSION:
        return "another version of this collection wrote it"
    for field in fields(LayerIdentity):
        found, expected = document[field.name], getattr(identity, field.name)
        if found != expected:
            return f"its {field.name} is {found}, not {expected}"
    return None


def _saved_upload(document: dict[str, t.Any], identity: LayerIdentity) -> SavedUpload:
    upload = SavedUpload(**{field.name: document[field.name] for field in fields(SavedUpload)})
    members = input_shape("UploadLayerPart").members
    broken = [
        *broken_value(members["uploadId"], upload.upload_id, "uploadId"),
        *broken_value(members["partFirstByte"], upload.part_size, "partSize"),
        *broken_value(members["partFirstByte"], upload.next_byte, "nextByte"),
    ]
    max_part = largest("UploadLayerPart", "layerPartBlob")
    if broken or not 1 <= upload.part_size <= max_part or upload.next_byte > identity.layer_size:
        raise ValueError(upload)
    return upload


def _locked(path: Path) -> int | None:
    """Return a descriptor that holds the lock until it is closed, None if another task holds it."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Its last holder may have removed the file between the opening and the locking.
            if os.path.samestat(path.stat(), os.fstat(descriptor)):
                return descriptor
        except FileNotFoundError:
            pass
        except BlockingIOError:
            os.close(descriptor)
            return None
        os.close(descriptor)
