# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes an image into a tar archive.

The archive is written beside its place and gets its name when it is complete. What an interrupted run has written stays
there, under a hidden name, and the next run resumes from it.
"""

from __future__ import annotations

import contextlib
import os
import stat
import typing as t
from functools import partial

from .._core.blob import FileBlob
from .._core.digest import sha256_of
from .._core.errors import InvalidInputError
from .._core.file_lock import locked, unlock
from .._core.text import reason
from .._oci.store import Held, Holding, ImageContent, ImageWriter, OpenTarget, Presence
from .archive import Archive
from .layout_entries import intact_content
from .partial_file import Arrangement, PartialFile, Region, peek, write_failed
from .space import check_space

if t.TYPE_CHECKING:
    from .._core.task import Task
    from .archive_plan import Plan

_DIRECTORY = os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY
_WHOLE = Held(Presence.WHOLE)
# Bytes of the name of a file.
_MAX_NAME = 255


class ArchiveTarget(ImageWriter):
    """An archive of one image, which may not exist yet. A symbolic link to it is followed.

    :param plan: returns the arrangement of the archive
    :param name: names the archive in messages
    :param parallel: how many blobs are read at once
    """

    def __init__(self, path: str, name: str, plan: Plan, task: Task, parallel: int) -> None:
        # The error of a path with a null character comes when it is looked at.
        self._path = path if "\0" in path else os.path.realpath(path)
        self._is_spelled_as_directory = path.endswith("/")
        self._directory, self._file = os.path.split(self._path)
        self._name = name
        self._plan = plan
        self._task = task
        self._parallel = parallel

    def content(self, digest: str, size: int) -> bytes | None:
        """Return a small blob or a manifest, None if the archive does not have it whole."""
        with contextlib.suppress(InvalidInputError), Archive.opened(self._path, self._name) as files:
            return intact_content(files, digest, size)
        return None

    def survey(self, wanted: ImageContent) -> Holding:
        """Return what the archive has: it is either complete, or written again.

        :raises InvalidInputError: no archive can hold the image, it cannot be written, or the disk is too small
        """
        if self._is_spelled_as_directory:
            raise self._is_a_directory()
        arrangement = self._plan(wanted)
        digest = wanted.listed[0].descriptor.digest
        if self._exists() and self._is_complete(arrangement):
            parts = [*(blob.digest for blob in wanted.blobs), *(manifest.digest for manifest in wanted.manifests)]
            return Holding(dict.fromkeys(parts, _WHOLE), is_listed=True, before=digest)
        found = self._with_manifests(self._begun(arrangement), wanted)
        rest = arrangement.size - sum(region.size for region in arrangement.regions)
        check_space(self._path, self._name, rest + sum(held.missing for held in found.parts.values()))
        return found

    def _exists(self) -> bool:
        try:
            mode = os.stat(self._path, follow_symlinks=False).st_mode  # noqa: PTH116 os knows no type of its own
        except FileNotFoundError:
            return False
        except (OSError, ValueError) as error:
            raise InvalidInputError(f"{self._name} cannot be read: {reason(error)}") from error
        if stat.S_ISDIR(mode):
            raise self._is_a_directory()
        if not stat.S_ISREG(mode):
            raise InvalidInputError(f"{self._name} is not a regular file")
        return True

    def _is_a_directory(self) -> InvalidInputError:
        return InvalidInputError(f"{self._name} is a directory, and an archive is a file", "Add the name of the file")

    def _is_complete(self, arrangement: Arrangement) -> bool:
        """Return whether the file has exactly the bytes that this task would write."""
        with FileBlob.open(self._path, self._name) as file:
            if file.size != arrangement.size:
                return False
            if any(file.read(start, len(content)) != content for start, content in arrangement.between):
                return False
            differing: list[str] = []

            def check(region: Region) -> None:
                chunks = file.chunks(region.start, region.start + region.size)
                if not differing and sha256_of(self._task.guard(chunks)) != region.digest:
                    differing.append(region.digest)

            self._task.run_all([partial(check, region) for region in arrangement.regions], self._parallel)
            return not differing

    def _begun(self, arrangement: Arrangement) -> dict[str, Held]:
        try:
            directory = os.open(self._directory, _DIRECTORY)
        except OSError:
            # The check of the space words it.
            return {region.digest: Held(Presence.ABSENT, ((0, region.size),)) for region in arrangement.regions}
        try:
            return peek(directory, self._partial, arrangement)
        finally:
            os.close(directory)

    @property
    def _partial(self) -> str:
        name = f".{self._file}.partial"
        if len(os.fsencode(name)) <= _MAX_NAME:
            return name
        return f".{sha256_of([os.fsencode(self._file)]).partition(':')[2]}.partial"

    def _with_manifests(self, blobs: dict[str, Held], wanted: ImageContent) -> Holding:
        """Return the holding of an archive that has to be written: its manifests are written in the end."""
        manifests = {manifest.digest: Held(Presence.ABSENT) for manifest in wanted.manifests}
        return Holding({**blobs, **manifests}, is_listed=False)

    def tidy(self, _wanted: ImageContent) -> None:
        """Remove the file of an archive that a task did not complete."""
        # What cannot be removed now is removed by a later run.
        with contextlib.suppress(OSError):
            directory = os.open(self._directory, _DIRECTORY)
            try:
                os.stat(self._partial, dir_fd=directory, follow_symlinks=False)
                lock = locked(self._partial, directory)
                if lock is not None:
                    unlock(self._partial, lock, directory)
            finally:
                os.close(directory)

    def paths(self, _wanted: ImageContent) -> list[str]:
        """Return the path of the archive."""
        return [self._path]

    @contextlib.contextmanager
    def opened(self, wanted: ImageContent, _found: Holding) -> t.Iterator[OpenTarget]:
        """Open the archive for one task, under its hidden name."""
        try:
            directory = os.open(self._directory, _DIRECTORY)
        except OSError as error:
            raise write_failed(self._name, error) from error
        try:
            with PartialFile.opened(self._name, directory, self._partial, self._plan(wanted)) as file:
                yield _OpenArchive(file, directory, self._file, self._with_manifests(file.held, wanted))
        finally:
            os.close(directory)


class _OpenArchive(OpenTarget):
    """An archive that this task writes.

    :param directory: the descriptor of the directory that ``name`` is in
    """

    def __init__(self, file: PartialFile, directory: int, name: str, holding: Holding) -> None:
        self.holding = holding
        self._file = file
        self._directory = directory
        self._name = name

    def write(self, digest: str, start: int, chunks: t.Iterable[bytes]) -> None:
        """Write consecutive bytes of a blob to their place."""
        self._file.write(digest, start, chunks)

    def prove(self, digest: str) -> bool:
        """Check the digest of a blob."""
        return self._file.is_proved(digest)

    def finish(self) -> None:
        """Write the lists and manifests, and give the archive its name."""
        self._file.publish(self._directory, self._name, self._replaced())

    def _replaced(self) -> os.stat_result | None:
        try:
            return os.stat(self._name, dir_fd=self._directory, follow_symlinks=False)
        except FileNotFoundError:
            return None
