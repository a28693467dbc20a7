# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A layer of a repository as a blob, read by position over connections that break and URLs that expire.

Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetDownloadUrlForLayer.html.
"""

from __future__ import annotations

import threading
import typing as t

try:
    from botocore.exceptions import BotoCoreError
except ImportError:
    pass  # AnsibleAWSModule reports a missing SDK

from .._core.blob import CHUNK_SIZE, Blob
from .answers import UnreadableAnswerError
from .call import DOWNLOAD, Call
from .errors import DownloadError
from .retry import RetryAfter, with_retries

if t.TYPE_CHECKING:
    from .._core.task import Task
    from .download_url import DownloadUrl
    from .layers import Layers
    from .object_store import ObjectStore

# A URL that was just given out can be refused once; the clocks of the services differ.
_MAX_URLS = 3
_FORBIDDEN = 403


class StoredLayer(Blob):
    """A layer of a repository. Several threads can read different bytes of it at once.

    A broken download is resumed where the last byte arrived. Whether the bytes have the digest is for the reader to
    check.
    """

    def __init__(self, layers: Layers, store: ObjectStore, digest: str, size: int, task: Task) -> None:
        super().__init__(f"layer {digest} of {layers.repository}", size)
        self._layers = layers
        self._store = store
        self._digest = digest
        self._task = task
        self._lock = threading.Lock()
        self._url: DownloadUrl | None = None

    def chunks(self, start: int, end: int) -> t.Iterator[bytes]:
        """Yield the bytes from ``start`` up to, not including, ``end``, at most 64 KiB at a time, in one stream.

        :raises EcrError: they cannot be read, and retrying did not help
        :raises TaskStoppedError: the task stopped
        """
        position = start
        while position < end:
            for chunk in _Stretch(self, self._task).chunks(position, end):
                position += len(chunk)
                yield chunk

    def read(self, position: int, size: int) -> bytes:
        """Return exactly ``size`` bytes from ``position`` on; errors as in ``chunks``."""
        return b"".join(self.chunks(position, position + size))

    def read_into(self, position: int, buffer: memoryview) -> None:
        """Fill the buffer with the bytes from ``position`` on; errors as in ``chunks``."""
        filled = 0
        for chunk in self.chunks(position, position + len(buffer)):
            buffer[filled : filled + len(chunk)] = chunk
            filled += len(chunk)

    def check_unchanged(self) -> None:
        """Do nothing: what a digest names does not change."""

    def received(self, position: int, end: int) -> t.Iterator[bytes]:
        """Yield what one request brings of the bytes up to ``end``; with another URL if this one is refused.

        :raises UnreadableAnswerError: something else came; possibly after some of the bytes
        :raises BotoCoreError: the connection broke; possibly after some of the bytes
        :raises EcrError: the registry gives no URL
        """
        refused = None
        for remaining in reversed(range(_MAX_URLS)):
            url = self._url_other_than(refused)
            try:
                yield from self._store.read(url, position, end - 1, self.size)
            except UnreadableAnswerError as error:
                if error.status != _FORBIDDEN or not remaining:
                    raise
                refused = url
            else:
                return

    def failure(self, position: int, end: int, failures: t.Sequence[Exception]) -> DownloadError:
        """Return the error of bytes that could not be read.

        :param failures: those of all attempts, the last one at the end
        """
        call = Call(DOWNLOAD, self._layers.repository, digests=(self._digest,), first_byte=position, last_byte=end - 1)
        origin = self._url.origin if self._url else None
        return DownloadError(call, failures[-1], failures[:-1], origin)

    def _url_other_than(self, refused: DownloadUrl | None) -> DownloadUrl:
        with self._lock:
            # Another thread may have asked for one meanwhile.
            if self._url is None or self._url is refused:
                self._url = self._layers.download_url(self._digest)
            return self._url


class _Stretch:
    """The bytes that come before a download breaks, after as many attempts as it takes for some to come.

    An attempt counts as failed if less than a chunk came before it broke, so a download that goes on is not given up.
    """

    def __init__(self, layer: StoredLayer, task: Task) -> None:
        self._layer = layer
        self._task = task
        self._begun: list[bytes] = []
        self._failures: list[Exception] = []
        self._retry_after = RetryAfter(task)

    def chunks(self, position: int, end: int) -> t.Iterator[bytes]:
        """Yield the bytes from ``position`` on, not necessarily up to ``end``.

        :raises EcrError: nothing came, and retrying did not help
        """
        rest: t.Iterator[bytes] = self._begin(position, end)
        yield from self._begun
        self._begun.clear()
        try:
            yield from self._task.guard(rest)
        except (BotoCoreError, UnreadableAnswerError):
            # The next stretch begins there.
            self._task.progress.retry()
            return

    def _begin(self, position: int, end: int) -> t.Iterator[bytes]:
        try:
            return t.cast("t.Iterator[bytes]", with_retries(lambda: self._attempt(position, end)))
        except (BotoCoreError, UnreadableAnswerError) as error:
            raise self._layer.failure(position, end, self._failures) from error

    def _attempt(self, position: int, end: int) -> t.Iterator[bytes]:
        self._retry_after.wait()
        self._task.check()
        if self._failures:
            self._task.progress.retry()
        size = sum(map(len, self._begun))
        chunks = self._layer.received(position + size, end)
        enough = min(size + CHUNK_SIZE, end - position)
        try:
            while size < enough:
                self._begun.append(next(chunks))
                size += len(self._begun[-1])
        except (BotoCoreError, UnreadableAnswerError) as error:
            self._failures.append(error)
            self._retry_after.heed(error)
            raise
        return chunks
