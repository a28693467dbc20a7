# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes images into an OCI image layout that is a directory.

A file gets its name when its digest is proved, and ``index.json`` comes last, so the layout is a good one whenever a
run ends. What is not complete lies in a directory of this collection within the layout, where the next run finds it.
Symbolic links within the layout are not followed.

Source: https://github.com/opencontainers/image-spec/blob/main/image-layout.md.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
import time
import typing as t
from functools import partial
from pathlib import Path

from .._core.digest import sha256_of
from .._core.errors import InvalidInputError
from .._core.file_lock import locked, unlock
from .._core.text import listed, reason
from .._oci.store import Held, Holding, ImageContent, ImageWriter, OpenTarget, Presence
from .directory import Directory
from .layout_entries import blob_file, intact_content
from .layout_index import digest_before, is_listed, version_file, with_images
from .oci_layout import INDEX, LAYOUT, is_versioned, read_index
from .partial_file import Arrangement, PartialFile, being_written, peek, set_permissions, write_all, write_failed
from .space import check_space

if t.TYPE_CHECKING:
    from .._core.task import Task
    from .._oci.manifest import Manifest

# The directory of what is not complete.
WORK = ".ecr_image_download"
# What no run came back for in this time is removed.
MAX_AGE_SECONDS = 14 * 24 * 60 * 60

_LOCK, _NEW = "lock", ".new"
_BLOBS = ("blobs", "blobs/sha256")
_OURS = {WORK, LAYOUT, INDEX, "blobs"}
_DIRECTORY = os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY
_WHOLE = Held(Presence.WHOLE)
_MAX_LISTED = 5


class LayoutTarget(ImageWriter):
    """An OCI image layout, which may not exist yet.

    :param name: names the layout in messages
    :param parallel: how many blobs are read at once
    """

    def __init__(self, path: str, name: str, task: Task, parallel: int) -> None:
        self._path = path
        self._name = name
        self._task = task
        self._parallel = parallel

    def content(self, digest: str, size: int) -> bytes | None:
        """Return a small blob or a manifest, None if the layout does not have it whole."""
        with contextlib.suppress(InvalidInputError), Directory.opened(self._path, self._name) as files:
            return intact_content(files, digest, size)
        return None

    def survey(self, wanted: ImageContent) -> Holding:
        """Return what the layout has.

        :raises InvalidInputError: it cannot be written, is something else than a layout, or the disk is too small
        """
        found = Holding(_absent(wanted), is_listed=False)
        if self._exists():
            with Directory.opened(self._path, self._name) as files, self._unreadable_named():
                found = self._survey(files, wanted)
        if not found.is_complete:
            check_space(self._path, self._name, sum(held.missing for held in found.parts.values()))
        return found

    @contextlib.contextmanager
    def _unreadable_named(self) -> t.Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InvalidInputError(f"{self._name} cannot be read: {reason(error)}") from error

    def _exists(self) -> bool:
        try:
            is_directory = stat.S_ISDIR(Path(self._path).stat().st_mode)
        except FileNotFoundError:
            if Path(self._path).is_symlink():
                raise InvalidInputError(
                    f"{self._name} is a symbolic link to something that does not exist",
                    "Remove the link, or create the directory that it leads to",
                ) from None
            return False
        except (OSError, ValueError) as error:
            raise InvalidInputError(f"{self._name} cannot be read: {reason(error)}") from error
        if not is_directory:
            raise InvalidInputError(
                f"{self._name} is not a directory, as an OCI image layout is",
                "Name a directory, or choose the format of an archive",
            )
        return True

    def _survey(self, files: Directory, wanted: ImageContent) -> Holding:
        self._check_is_layout(files)
        return _with_list(files, self._look(files, _sizes(wanted)), wanted)

    def _check_is_layout(self, files: Directory) -> None:
        """Check that the directory is a layout, or has nothing but what an interrupted run left."""
        others = sorted(set(os.listdir(files.descriptor)) - _OURS)  # noqa: PTH208 the directory that is open
        if others and not (files.exists(INDEX) or files.exists(LAYOUT)):
            raise InvalidInputError(
                f"{self._name} is not empty and not an OCI image layout. It contains {listed(others, _MAX_LISTED)}",
                "Name a directory of its own for the layout, which the task creates",
            )
        for directory in (*_BLOBS, WORK):
            status = _status(directory, files.descriptor)
            if status and stat.S_ISLNK(status.st_mode):
                raise files.refused(
                    directory,
                    "is a symbolic link, which could lead out of the layout",
                    "Remove the link, or put the directory that it leads to in its place",
                )
            if status and not stat.S_ISDIR(status.st_mode):
                raise files.refused(directory, "is not a directory")

    def _look(self, files: Directory, sizes: t.Mapping[str, int]) -> dict[str, Held]:
        """Look for blobs and manifests, several at once."""
        found: dict[str, Held] = {}

        def look(digest: str, size: int) -> None:
            found[digest] = self._held(files, digest, size)

        self._task.run_all([partial(look, *part) for part in sizes.items()], self._parallel)
        return found

    def _held(self, files: Directory, digest: str, size: int) -> Held:
        name = blob_file(digest)
        status = _status(name, files.descriptor)
        if status and stat.S_ISREG(status.st_mode) and status.st_size == size:
            with files.open(name) as blob:
                if sha256_of(self._task.guard(blob.chunks(0, blob.size))) == digest:
                    return _WHOLE
        elif status and not (stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)):
            raise files.refused(name, "is not a regular file")
        begun = self._begun(files.descriptor, digest, size)
        if status and begun.presence is Presence.ABSENT:
            return Held(Presence.DAMAGED, begun.gaps)
        return begun

    def _begun(self, root: int, digest: str, size: int) -> Held:
        """Return what an earlier run left of a blob."""
        arrangement = Arrangement.of_blob(digest, size)
        try:
            work = os.open(WORK, _DIRECTORY | os.O_NOFOLLOW, dir_fd=root)
        except OSError:
            return Held(Presence.ABSENT, ((0, size),))
        try:
            return peek(work, _partial_name(digest), arrangement)[digest]
        finally:
            os.close(work)

    def tidy(self, wanted: ImageContent) -> None:
        """Remove the directory of what is not complete, but for what belongs to other images."""
        # What cannot be removed now is removed by a later run, and another task tidies up itself.
        with contextlib.suppress(OSError, InvalidInputError), contextlib.ExitStack() as stack:
            root = self._root(stack)
            if _status(WORK, root):
                _tidy(self._work(root, stack), wanted)

    def paths(self, wanted: ImageContent) -> list[str]:
        """Return the paths of the directories and files of these images; others of the layout are not among them."""
        names = [*_BLOBS, LAYOUT, INDEX, *map(blob_file, _sizes(wanted))]
        root = os.path.realpath(self._path)
        return [root, *(f"{root}/{name}" for name in names)]

    @contextlib.contextmanager
    def opened(self, wanted: ImageContent, found: Holding) -> t.Iterator[OpenTarget]:
        """Open the layout for one task, and create it if it does not exist."""
        with contextlib.ExitStack() as stack:
            try:
                root = self._root(stack)
                sha256 = [_subdirectory(root, directory, stack) for directory in _BLOBS][-1]
                work = self._work(root, stack)
            except OSError as error:
                raise write_failed(self._name, error) from error
            files = Directory(self._name, self._path, root)
            lost = {digest: held for digest, held in found.parts.items() if held.presence is not Presence.WHOLE}
            sizes = {digest: size for digest, size in _sizes(wanted).items() if digest in lost}
            # Another task may have written meanwhile.
            with self._unreadable_named():
                holding = _with_list(files, {**found.parts, **self._look(files, sizes)}, wanted)
            target = _OpenLayout(self._name, files, sha256, work, wanted, holding)
            stack.callback(target.close)
            yield target

    def _root(self, stack: contextlib.ExitStack) -> int:
        with contextlib.suppress(FileExistsError):
            Path(self._path).mkdir()
        root = os.open(self._path, _DIRECTORY)
        stack.callback(os.close, root)
        return root

    def _work(self, root: int, stack: contextlib.ExitStack) -> int:
        """Return the directory of what is not complete, which this task alone writes to."""
        while True:
            with contextlib.ExitStack() as opening:
                work = _subdirectory(root, WORK, opening, 0o700)
                try:
                    lock = locked(_LOCK, work)
                except FileNotFoundError:
                    # The last task that held it has removed the directory.
                    continue
                if lock is None:
                    raise being_written(self._name)
                stack.push(opening.pop_all())
                stack.callback(_leave, root, work, lock)
                return work


class _OpenLayout(OpenTarget):
    """A layout that this task writes to.

    :param sha256: the descriptor of the directory of the blobs
    :param work: that of the directory of what is not complete
    """

    def __init__(
        self, name: str, files: Directory, sha256: int, work: int, wanted: ImageContent, holding: Holding
    ) -> None:
        self.holding = holding
        self._name = name
        self._files = files
        self._sha256 = sha256
        self._work = work
        self._wanted = wanted
        self._sizes = {blob.digest: blob.size for blob in wanted.blobs}
        self._lock = threading.Lock()
        self._open: dict[str, tuple[PartialFile, contextlib.ExitStack]] = {}

    def write(self, digest: str, start: int, chunks: t.Iterable[bytes]) -> None:
        """Write consecutive bytes of a blob."""
        self._partial(digest).write(digest, start, chunks)

    def prove(self, digest: str) -> bool:
        """Check the digest of a blob, and give its file its name."""
        file = self._partial(digest)
        if not file.is_proved(digest):
            return False
        file.publish(self._sha256, _hex(digest))
        with self._lock:
            _file, stack = self._open.pop(digest)
        stack.close()
        return True

    def finish(self) -> None:
        """Write the manifests, and then ``index.json``."""
        try:
            for manifest in self._wanted.manifests:
                if self.holding.parts[manifest.digest].presence is not Presence.WHOLE:
                    self._write_manifest(manifest)
            if not self._files.exists(LAYOUT):
                self._replace(self._files.descriptor, LAYOUT, version_file())
            # Another tool may have changed it meanwhile.
            index = self._files.read(INDEX) if self._files.exists(INDEX) else None
            if not is_listed(index, self._wanted.listed):
                self._replace(self._files.descriptor, INDEX, with_images(index, self._wanted.listed))
            _tidy(self._work, self._wanted)
        except OSError as error:
            raise write_failed(self._name, error) from error

    def close(self) -> None:
        """Close the files of blobs that are not complete; they stay for the next run."""
        while self._open:
            _digest, (_file, stack) = self._open.popitem()
            stack.close()

    def _partial(self, digest: str) -> PartialFile:
        with self._lock:
            if digest not in self._open:
                stack = contextlib.ExitStack()
                arrangement = Arrangement.of_blob(digest, self._sizes[digest])
                opening = PartialFile.opened(self._name, self._work, _partial_name(digest), arrangement)
                self._open[digest] = (stack.enter_context(opening), stack)
            return self._open[digest][0]

    def _write_manifest(self, manifest: Manifest) -> None:
        self._replace(self._sha256, _hex(manifest.digest), manifest.content)

    def _replace(self, directory: int, name: str, content: bytes) -> None:
        """Write a small file at once; its bytes are on the disk before its name is."""
        new = f"{name}{_NEW}"
        # A killed run may have left it.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(new, dir_fd=self._work)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666, dir_fd=self._work)
        try:
            write_all(descriptor, 0, content)
            set_permissions(descriptor, _status(name, directory))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(new, name, src_dir_fd=self._work, dst_dir_fd=directory)
        os.fsync(directory)


def _with_list(files: Directory, parts: dict[str, Held], wanted: ImageContent) -> Holding:
    """Return the holding of a layout by what it has of the content, and by what it lists."""
    has_version = is_versioned(files)
    index = read_index(files).content if files.exists(INDEX) else None
    return Holding(parts, has_version and is_listed(index, wanted.listed), digest_before(index, wanted.listed[0]))


def _sizes(wanted: ImageContent) -> dict[str, int]:
    """Return the sizes of all blobs and manifests, by digest."""
    manifests = {manifest.digest: len(manifest.content) for manifest in wanted.manifests}
    return {**{blob.digest: blob.size for blob in wanted.blobs}, **manifests}


def _absent(wanted: ImageContent) -> dict[str, Held]:
    return {digest: Held(Presence.ABSENT, ((0, size),)) for digest, size in _sizes(wanted).items()}


def _hex(digest: str) -> str:
    return digest.partition(":")[2]


def _partial_name(digest: str) -> str:
    return f"{_hex(digest)}.partial"


def _status(name: str, directory: int) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _subdirectory(root: int, name: str, stack: contextlib.ExitStack, mode: int = 0o777) -> int:
    """Open a directory, and create it if it does not exist."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, mode, dir_fd=root)
    descriptor = os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=root)
    stack.callback(os.close, descriptor)
    return descriptor


def _leave(root: int, work: int, lock: int) -> None:
    unlock(_LOCK, lock, work)
    # It is not empty if something is left for the next run.
    with contextlib.suppress(OSError):
        os.rmdir(WORK, dir_fd=root)


def _tidy(work: int, done: ImageContent) -> None:
    """Remove what earlier runs left of content that is complete, and what no run came back for."""
    finished = {_partial_name(blob.digest) for blob in done.blobs}
    for name in set(os.listdir(work)) - {_LOCK}:
        age = time.time() - os.stat(name, dir_fd=work, follow_symlinks=False).st_mtime
        if name in finished or name.endswith(_NEW) or age > MAX_AGE_SECONDS:
            os.unlink(name, dir_fd=work)
