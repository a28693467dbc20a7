# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries out the plan of a download: blobs first, several ranges at once, then manifests, and the list at the end."""

from __future__ import annotations

import contextlib
import threading
import typing as t
from dataclasses import replace
from functools import partial

from .._core.errors import TaskError
from .._core.text import listed
from .download_plan import FetchAction, FetchReason, plan_download, ranges_of

if t.TYPE_CHECKING:
    from .._core.blob import Blob
    from .._core.task import Job, Task
    from .._oci.image import Image
    from .._oci.store import Holding, ImageContent, ImageWriter, OpenTarget
    from .download_plan import BlobFetch, DownloadPlan


class ImageDownload:
    """The download of one image.

    ``plan`` is what is to be done, or was. ``bytes_fetched`` counts what arrived, also of blobs that failed.

    :param found: what the target has of the content
    :param parallel: how many requests are made at once
    """

    def __init__(
        self, image: Image, content: ImageContent, found: Holding, target: ImageWriter, parallel: int, task: Task
    ) -> None:
        self.plan = plan_download(image, content, found)
        self.bytes_fetched = 0
        self.changed = False
        self._found = found
        self._target = target
        self._parallel = parallel
        self._task = task
        self._lock = threading.Lock()
        # How many ranges of each blob have not arrived.
        self._left: dict[str, int] = {}
        self._fetched: set[str] = set()
        # Opened once: a blob keeps the URL that its bytes come from.
        self._blobs: dict[str, Blob] = {}
        self._opened = contextlib.ExitStack()

    def run(self) -> None:
        """Fetch what is missing. Change nothing if the target has the image.

        :raises TaskError: a blob cannot be fetched, or the target cannot be written
        """
        if not self.plan.changed:
            self._target.tidy(self.plan.content)
            return
        with self._opened, self._target.opened(self.plan.content, self._found) as target:
            self._plan_again(target)
            self._fetch(target, self.plan.blobs_to_fetch)
            target.finish()
            self.changed = self.plan.changed

    def _plan_again(self, target: OpenTarget) -> None:
        """Plan by what the target has now that this task alone writes to it."""
        wanted = {step.blob.digest for step in self.plan.blobs_to_fetch}
        plan = plan_download(self.plan.image, self.plan.content, target.holding)
        blobs = tuple(
            replace(step, reason=FetchReason.ARRIVED)
            if step.action is FetchAction.PRESENT and step.blob.digest in wanted
            else step
            for step in plan.blobs
        )
        self.plan = replace(plan, blobs=blobs)

    @property
    def outcome(self) -> DownloadPlan:
        """The plan as far as it was carried out."""
        blobs = tuple(
            replace(step, action=FetchAction.FAILED, reason=FetchReason.NOT_FETCHED)
            if step.action is FetchAction.FETCHED and step.blob.digest not in self._fetched
            else step
            for step in self.plan.blobs
        )
        return replace(self.plan, blobs=blobs)

    def _fetch(self, target: OpenTarget, steps: t.Sequence[BlobFetch]) -> None:
        self._fetch_once(target, steps)
        refused = [step for step in steps if step.blob.digest not in self._fetched]
        # What an earlier run left may have been damaged, or what arrived.
        again = [replace(step, gaps=((0, step.blob.size),)) for step in refused]
        self._fetch_once(target, again)
        damaged = [step.blob.digest for step in again if step.blob.digest not in self._fetched]
        if damaged:
            raise TaskError(
                f"The bytes that were downloaded twice do not have the digest of layer {listed(damaged)}",
                "Something between the host and Amazon S3 may change answers, such as a proxy",
            )

    def _fetch_once(self, target: OpenTarget, steps: t.Sequence[BlobFetch]) -> None:
        ranges = ranges_of(steps, self._parallel)
        self._left = {digest: len(parts) for digest, parts in ranges.items()}
        self._task.progress.begin({step.blob.digest: step.bytes_to_fetch for step in steps})
        jobs: list[Job] = []
        for digest, parts in ranges.items():
            jobs += [partial(self._fetch_range, target, digest, *part) for part in parts]
            if not parts:
                jobs.append(partial(self._prove, target, digest))
        self._task.run_all(jobs, self._parallel)

    def _fetch_range(self, target: OpenTarget, digest: str, start: int, end: int) -> None:
        chunks = self._task.guard(self._blob(digest).chunks(start, end))
        target.write(digest, start, self._counted(digest, chunks))
        with self._lock:
            self._left[digest] -= 1
            is_last = self._left[digest] == 0
        if is_last:
            self._prove(target, digest)

    def _blob(self, digest: str) -> Blob:
        with self._lock:
            if digest not in self._blobs:
                self._blobs[digest] = self._opened.enter_context(self.plan.image.reader.open(digest))
            return self._blobs[digest]

    def _counted(self, digest: str, chunks: t.Iterable[bytes]) -> t.Iterator[bytes]:
        for chunk in chunks:
            with self._lock:
                self.bytes_fetched += len(chunk)
            self._task.progress.advance(digest, len(chunk))
            yield chunk

    def _prove(self, target: OpenTarget, digest: str) -> None:
        if target.prove(digest):
            with self._lock:
                self._fetched.add(digest)
            self._task.progress.finish(digest)
