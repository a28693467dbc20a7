# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Brings the blobs of an image to the registry, several at once, and proves those that are there."""

from __future__ import annotations

import threading
import typing as t
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace

from .._core.blob import BlobChangedError
from .._core.errors import TaskError
from .._core.task import is_waited_for, while_it_goes_on
from .._ecr.records import sha256_of
from .._upload.layer import LayerPush, UploadOptions, push_layer

if t.TYPE_CHECKING:
    from .._ecr.client import Repository
    from .._oci.descriptor import Descriptor
    from .._oci.store import ImageSource
    from .._upload.plan import LayerPlan

# What LayerPush tells of one layer is not to be taken for the image's.
_LAYER_KEYS = ("action", "layer_size", "bytes_sent", "part_count", "next_byte")

Job = t.Callable[[], None]


@dataclass
class BlobPushes:
    """What has become of the blobs so far, by digest; ``bytes_sent`` counts those of broken uploads as well."""

    pushed: dict[str, LayerPush] = field(default_factory=dict)
    bytes_sent: int = 0

    @property
    def changed(self) -> bool:
        """Whether a blob is in the repository because of this run."""
        return any(push.changed for push in self.pushed.values())


class BlobPusher:
    """Sends and checks blobs of one source.

    :param parallel: how many blobs are sent or read at once
    :param options: how each of them is uploaded
    """

    def __init__(
        self,
        repository: Repository,
        source: ImageSource,
        parallel: int,
        options: UploadOptions,
        warn: t.Callable[[str], None],
    ) -> None:
        self._repository = repository
        self._source = source
        self._parallel = parallel
        self._options = options
        self._warn = warn
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        # A request that is tried again can take minutes.
        repository.goes_on = self._goes_on
        self.outcome = BlobPushes()

    def run(self, layers: t.Iterable[LayerPlan], checked: t.Iterable[Descriptor]) -> None:
        """Send layers in this order, and check the digests of other blobs.

        The first failure stops the others at their next step.

        :raises TaskError: a blob could not be sent, or is damaged
        """
        sending = [self._sender(layer) for layer in layers]
        checking = [self._checker(blob) for blob in checked]
        jobs: list[Job] = [*sending, *checking]
        if not jobs:
            return
        with ThreadPoolExecutor(max_workers=min(self._parallel, len(jobs))) as pool:
            try:
                for ended in as_completed([pool.submit(self._run_job, job) for job in jobs]):
                    ended.result()
            except BaseException:
                self._stopped.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _run_job(self, job: Job) -> None:
        """Run a job unless another has failed; what fails after that has been stopped, and is not the reason."""
        if self._stopped.is_set():
            return
        try:
            job()
        except BaseException:
            # Here, as the next job begins before the failure has come to whoever waits for it.
            with self._lock:
                is_first = not self._stopped.is_set()
                self._stopped.set()
            if is_first:
                raise

    def _goes_on(self) -> bool:
        return not self._stopped.is_set() and is_waited_for()

    def _sender(self, layer: LayerPlan) -> Job:
        # The state file is read again once it is held.
        unsaved = replace(layer, saved=None)

        def send() -> None:
            try:
                with self._source.open(layer.digest) as blob:
                    push = push_layer(self._repository, blob, unsaved, self._options, self._warn, self._goes_on)
            except TaskError as error:
                told = {key: error.kwargs.pop(key) for key in _LAYER_KEYS if key in error.kwargs}
                self._count(told.get("bytes_sent", 0))
                error.description = f"Layer {layer.digest}: {error.description}"
                error.kwargs["layer_digest"] = layer.digest
                if error.kwargs.get("upload_id") is None:
                    error.kwargs.pop("upload_id", None)
                raise
            self._count(push.bytes_sent, push)

        return send

    def _checker(self, blob: Descriptor) -> Job:
        def check() -> None:
            with self._source.open(blob.digest) as opened:
                found = sha256_of(while_it_goes_on(self._goes_on, opened.chunks(0, opened.size)))
                if found != blob.digest:
                    raise BlobChangedError(f"{opened} is damaged: its bytes have the digest {found}, not {blob.digest}")

        return check

    def _count(self, bytes_sent: int, push: LayerPush | None = None) -> None:
        with self._lock:
            self.outcome.bytes_sent += bytes_sent
            before = self.outcome.pushed.get(push.layer_digest) if push else None
            # A blob that this run brought stays so when it is found there the second time.
            if push and not (before and before.changed):
                self.outcome.pushed[push.layer_digest] = push
