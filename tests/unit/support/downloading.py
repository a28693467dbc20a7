# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Downloads an image of a layout into a target, as ecr_image_download does, with faults on the way."""

from __future__ import annotations

import contextlib
import threading
import typing as t
from dataclasses import dataclass, field, replace
from pathlib import Path

from ansible_collections.layerkit.ecr.plugins.module_utils._core.blob import Blob
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import TaskError
from ansible_collections.layerkit.ecr.plugins.module_utils._core.task import Task
from ansible_collections.layerkit.ecr.plugins.module_utils._local.archive_plan import docker_archive, oci_archive
from ansible_collections.layerkit.ecr.plugins.module_utils._local.archive_writer import ArchiveTarget
from ansible_collections.layerkit.ecr.plugins.module_utils._local.directory import Directory
from ansible_collections.layerkit.ecr.plugins.module_utils._local.layout_writer import LayoutTarget
from ansible_collections.layerkit.ecr.plugins.module_utils._local.oci_layout import OciLayout
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.descriptor import Descriptor
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.image import assemble_image
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.platform import Platform
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.store import ImageWriter, SourceImage
from ansible_collections.layerkit.ecr.plugins.module_utils._transfer.download import ImageDownload
from ansible_collections.layerkit.ecr.plugins.module_utils._transfer.download_plan import content_of

PARALLEL = 4


class BrokenConnectionError(TaskError):
    """The fault of a test."""


@dataclass
class Faults:
    """What goes wrong while blobs are read: after so many bytes of the download the connection breaks, or lies.

    ``asked`` are the ranges asked for, in their order.
    """

    break_after: int | None = None
    lies: dict[str, int] = field(default_factory=dict)
    asked: list[tuple[str, int, int]] = field(default_factory=list)
    _read: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, size: int) -> None:
        """Count bytes that are read.

        :raises BrokenConnectionError: these are too many
        """
        with self._lock:
            self._read += size
            if self.break_after is not None and self._read > self.break_after:
                raise BrokenConnectionError("The connection is broken")

    def is_lie(self, digest: str) -> bool:
        with self._lock:
            left = self.lies.get(digest, 0)
            self.lies[digest] = left - 1
            return left > 0


class FaultyBlob(Blob):
    """A blob of which ranges are read."""

    def __init__(self, blob: Blob, digest: str, faults: Faults) -> None:
        super().__init__(str(blob), blob.size)
        self._blob = blob
        self._digest = digest
        self._faults = faults

    def read(self, position: int, size: int) -> bytes:
        return self._blob.read(position, size)

    def check_unchanged(self) -> None:
        """Do nothing."""

    def chunks(self, start: int, end: int) -> t.Iterator[bytes]:
        self._faults.asked.append((self._digest, start, end))
        is_lie = self._faults.is_lie(self._digest)
        for chunk in self._blob.chunks(start, end):
            self._faults.take(len(chunk))
            yield bytes(len(chunk)) if is_lie else chunk


class FaultySource(SourceImage):
    """An image whose blobs have faults."""

    def __init__(self, source: SourceImage, faults: Faults) -> None:
        super().__init__(source.root)
        self._source = source
        self._faults = faults

    def manifest(self, descriptor: Descriptor) -> bytes:
        return self._source.manifest(descriptor)

    def size(self, digest: str) -> int | None:
        return self._source.size(digest)

    @contextlib.contextmanager
    def open(self, digest: str) -> t.Iterator[Blob]:
        with self._source.open(digest) as blob:
            yield FaultyBlob(blob, digest, self._faults)


def quiet_task() -> Task:
    """Return a task whose warnings nobody reads."""
    warnings: list[str] = []
    return Task(warnings.append)


def target_of(dest: Path, kind: str = "oci", task: Task | None = None) -> ImageWriter:
    """Return the target of a format of ecr_image_download."""
    task, name = task or quiet_task(), f"dest {str(dest)!r}"
    if kind == "oci":
        return LayoutTarget(str(dest), name, task, PARALLEL)
    plan = oci_archive if kind == "oci-archive" else docker_archive
    return ArchiveTarget(str(dest), name, plan, task, PARALLEL)


def download(
    src: Path,
    target: ImageWriter,
    image: str | None = None,
    name: str | None = "1.0",
    platforms: t.Sequence[str] = (),
    faults: Faults | None = None,
    is_dry: bool = False,
) -> ImageDownload:
    """Download an image of a layout, and return what was done.

    :param name: the name of the image in the target
    :param is_dry: whether to make the plan alone
    """
    task, wanted = quiet_task(), [Platform.parse(platform, "platforms") for platform in platforms]
    with Directory.opened(str(src), "the source") as files:
        source = OciLayout(files, task).choose(image, wanted)
        found = assemble_image(source, wanted, "the source")
        found = replace(found, reader=FaultySource(source, faults or Faults()))
        content = content_of(found, name)
        downloading = ImageDownload(found, content, target.survey(content), target, PARALLEL, task)
        if not is_dry:
            downloading.run()
    return downloading


def files_in(directory: Path) -> dict[str, bytes]:
    """Return the content of all files below a directory, by their names in it."""
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}
