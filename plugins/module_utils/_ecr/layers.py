# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations on the layers of a repository."""

from __future__ import annotations

import typing as t
from functools import partial

from .._core.digest import EMPTY_BLOB
from .._core.text import listed, printable
from .call import Call
from .download_url import DownloadUrl
from .errors import AnswerError
from .layer_records import CheckedLayers, CompletedLayer, Layer, OpenUpload, ReceivedPart, UnknownLayer
from .service_model import batches

if t.TYPE_CHECKING:
    from .client import EcrClient


class Layers:
    """The layers of a client's repository."""

    def __init__(self, client: EcrClient) -> None:
        self._client = client
        self.repository = client.repository

    def available(self, digests: t.Iterable[str]) -> dict[str, Layer]:
        """Look layers up with BatchCheckLayerAvailability, in batches of 100.

        Returns one layer for each distinct digest, in the order given. A digest that the registry lists as missing,
        or not at all, is UNAVAILABLE.

        :raises EcrError: the look-up failed, for some of the layers or for all
        """
        wanted = list(dict.fromkeys(digests))
        found: dict[str, Layer] = {}
        for batch in batches("BatchCheckLayerAvailability", "layerDigests", wanted):
            call = Call("BatchCheckLayerAvailability", self.repository, digests=tuple(batch))
            request = {**self._client.repository_members, "layerDigests": batch}
            answer = self._client.call(call, request, partial(CheckedLayers.from_response, digests=batch))
            _check_looked_up(call, answer.failures)
            found.update(answer.layers)
        return {digest: found.get(digest, Layer(digest)) for digest in wanted}

    def available_unless_denied(self, digests: t.Iterable[str], consequence: str) -> dict[str, Layer] | None:
        """Look layers up, or warn and return None if the caller lacks the permission.

        :param consequence: what the task does without the answer, a sentence without its period
        :raises EcrError: the look-up failed for another reason
        """
        return self._client.unless_denied(lambda: self.available(digests), consequence)

    def check_repository(self) -> None:
        """Check that the repository exists, by looking up a layer that no registry has.

        :raises EcrError: there is no such repository, or the look-up failed for another reason
        """
        self.available_unless_denied([EMPTY_BLOB], "The task cannot check whether the repository exists")

    def download_url(self, digest: str) -> DownloadUrl:
        """Ask for a URL of a layer that an image refers to, with GetDownloadUrlForLayer. It is valid for a while."""
        call = Call("GetDownloadUrlForLayer", self.repository, digests=(digest,))
        request = {**self._client.repository_members, "layerDigest": digest}
        read = partial(DownloadUrl.from_response, digest=digest, endpoint=self._client.endpoint)
        return self._client.call(call, request, read)

    def initiate(self) -> OpenUpload:
        """Open an upload with InitiateLayerUpload. Every call opens another one."""
        call = Call("InitiateLayerUpload", self.repository)
        return self._client.call(call, self._client.repository_members, OpenUpload.from_response)

    def upload_part(self, upload_id: str, first_byte: int, last_byte: int, blob: t.Sized) -> ReceivedPart:
        """Send the bytes ``first_byte`` to ``last_byte``, both inclusive, with UploadLayerPart.

        :param blob: bytes, or a BlobPart if ``part_body.stream_parts`` prepared the client
        """
        call = Call("UploadLayerPart", self.repository, upload_id, first_byte=first_byte, last_byte=last_byte)
        request = {
            **self._client.repository_members,
            "uploadId": upload_id,
            "partFirstByte": first_byte,
            "partLastByte": last_byte,
            "layerPartBlob": blob,
        }
        read = partial(ReceivedPart.from_response, upload_id=upload_id, last_byte=last_byte)
        return self._client.call(call, request, read)

    def complete(self, upload_id: str, digests: t.Sequence[str]) -> CompletedLayer:
        """Close an upload with CompleteLayerUpload. The registry accepts it if any of the digests is the layer's."""
        call = Call("CompleteLayerUpload", self.repository, upload_id, tuple(digests))
        request = {**self._client.repository_members, "uploadId": upload_id, "layerDigests": list(digests)}
        read = partial(CompletedLayer.from_response, upload_id=upload_id, digests=digests)
        return self._client.call(call, request, read)


def _check_looked_up(call: Call, failures: t.Sequence[UnknownLayer]) -> None:
    malformed = [printable(failure.digest) for failure in failures if failure.is_malformed]
    if malformed:
        raise AnswerError(call, f"The registry does not accept these digests: {listed(malformed)}")
    if failures:
        reported = ", ".join(filter(None, (printable(failures[0].code), printable(failures[0].reason))))
        raise AnswerError(
            call,
            f"The registry does not report whether it has layer {failures[0].digest}. The error was: {reported}",
            "Run the task again",
        )
