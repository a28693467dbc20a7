# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The answer of GetDownloadUrlForLayer, which is a secret: whoever has the URL can read the layer."""

from __future__ import annotations

import re
import typing as t
from urllib.parse import urlsplit

from .._core.text import origin_of, printable
from .answers import UnreadableAnswerError, needed
from .web_url import SCHEMES, fault_in

_PRINTABLE = re.compile("[!-~]+")


class DownloadUrl:
    """A pre-signed URL of Amazon S3. No text and no representation of it has more than its scheme and its host."""

    __slots__ = ("_url", "origin")

    def __init__(self, url: str) -> None:
        self._url = url
        self.origin = origin_of(url)

    def __repr__(self) -> str:
        return f"<DownloadUrl of {self.origin}>"

    @classmethod
    def from_response(cls, response: t.Mapping[str, t.Any], digest: str, endpoint: str) -> DownloadUrl:
        """Return the answer to a request for a layer with this digest.

        :param endpoint: the URL that was called. An endpoint with TLS does not hand out URLs without it
        """
        answered = response.get("layerDigest")
        if answered not in (None, digest):
            raise UnreadableAnswerError(f"layerDigest is {printable(answered)}, and {digest} was asked for")
        url = needed(response, "downloadUrl")
        schemes = SCHEMES[:1] if urlsplit(endpoint).scheme == "https" else SCHEMES
        if not _PRINTABLE.fullmatch(url) or fault_in(url, schemes):
            raise UnreadableAnswerError(f"downloadUrl is not a URL with {' or '.join(schemes)}")
        return cls(url)

    def reveal(self) -> str:
        """Return the URL, to send a request to it."""
        return self._url
