# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small file per layer that lets the next run go on where this one was stopped, whatever stopped it.

It holds what names the layer and the upload, and nothing secret. It is replaced as a whole, so that it is good at any
time.
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
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path

from .._ecr.service_model import input_shape, largest
from .._ecr.validation import InvalidInputError, check_options

_VERSION = 1
_LARGEST_STATE = 64 * 1024


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
    """The state file of one layer in a directory; nothing is kept when another task holds it.

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
        """Hold the layer's state file for the length of the block; yield None, with a warning, if another task does.

        :raises InvalidInputError: the directory cannot be made or written to
        """
        path = cls._path_of(directory, identity)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = _locked(path.with_suffix(".lock"))
        except OSError as error:
            raise InvalidInputError(f"state_dir {directory} cannot be used, nothing was sent: {error}") from error
        if lock is None:
            warn(f"Another task is uploading {identity.layer_digest} with the same state_dir; this one keeps no state.")
            yield None
            return
        try:
            yield cls(path, identity, warn)
        finally:
            with contextlib.suppress(OSError):
                path.with_suffix(".lock").unlink()
            os.close(lock)

    @classmethod
    def peek(cls, directory: str, identity: LayerIdentity, warn: t.Callable[[str], None]) -> SavedUpload | None:
        """Return the saved upload without holding or changing anything, for check mode."""
        saved, misfit = cls(cls._path_of(directory, identity), identity, warn)._read()
        if misfit:
            warn(f"A run would set the state file aside: {misfit}.")
        return saved

    @classmethod
    def discard(cls, directory: str, identity: LayerIdentity) -> None:
        """Remove what an earlier run has left of a layer that is there by now."""
        with contextlib.suppress(OSError):
            cls._path_of(directory, identity).unlink()

    @staticmethod
    def _path_of(directory: str, identity: LayerIdentity) -> Path:
        repository = hashlib.sha256(identity.repository_name.encode()).hexdigest()
        return Path(directory, f"{identity.layer_digest.partition(':')[2]}-{repository[:16]}.json")

    def load(self) -> SavedUpload | None:
        """Return the saved upload; a file that is damaged or of something else is set aside with a warning."""
        saved, misfit = self._read()
        if misfit:
            self.set_aside(misfit)
        return saved

    def save(self, upload: SavedUpload) -> None:
        """Replace the file, atomically and readable by its owner alone; warn when it cannot be written."""
        try:
            self._write(upload)
        except OSError as error:
            self._warn(f"The state of the upload could not be kept in {self._path}: {error.strerror}.")

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
        """Forget the upload; warn when the file cannot be removed."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            self._warn(f"The state file {self._path} could not be removed: {error.strerror}.")

    def set_aside(self, reason: str) -> None:
        """Rename the file, so that it is not used and can be looked at; warn of it, or that it cannot be renamed."""
        aside = self._path.with_suffix(".set-aside")
        try:
            self._path.replace(aside)
        except OSError as error:
            self._warn(f"The state file {self._path} is not used ({reason}), nor set aside: {error.strerror}.")
        else:
            self._warn(f"The state file was set aside as {aside}: {reason}.")

    def _read(self) -> tuple[SavedUpload | None, str | None]:
        try:
            # Without waiting, as a FIFO without a writer would make it wait.
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return None, None
        except OSError as error:
            return None, f"it cannot be read ({error.strerror})"
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return None, "it is not a regular file"
            return self._parsed(os.read(descriptor, _LARGEST_STATE))
        finally:
            os.close(descriptor)

    def _parsed(self, content: bytes) -> tuple[SavedUpload | None, str | None]:
        try:
            return self._checked(json.loads(content))
        except (InvalidInputError, ValueError, KeyError, TypeError, RecursionError):
            return None, "it is damaged"

    def _checked(self, document: dict[str, t.Any]) -> tuple[SavedUpload | None, str | None]:
        if document["version"] != _VERSION:
            return None, "another version of this collection wrote it"
        for field in fields(LayerIdentity):
            found, expected = document[field.name], getattr(self._identity, field.name)
            if found != expected:
                return None, f"its {field.name} is {found}, not {expected}"
        upload = SavedUpload(**{field.name: document[field.name] for field in fields(SavedUpload)})
        members = input_shape("UploadLayerPart").members
        check_options(
            [
                ("upload_id", upload.upload_id, members["uploadId"]),
                ("part_size", upload.part_size, members["partFirstByte"]),
                ("next_byte", upload.next_byte, members["partFirstByte"]),
            ]
        )
        largest_part = largest("UploadLayerPart", "layerPartBlob")
        fits = 1 <= upload.part_size <= largest_part and upload.next_byte <= self._identity.layer_size
        if None in astuple(upload) or not fits:
            raise ValueError(upload)
        return upload, None


def _locked(path: Path) -> int | None:
    """Return a descriptor that holds the lock until it is closed, or None if another task holds it."""
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
