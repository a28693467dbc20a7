# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fuzz the answers of Amazon S3: the status, the headers, the range, the bytes."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["ansible_collections.layerkit.ecr.plugins"]):
    from unittest import mock

    from ansible_collections.layerkit.ecr.plugins.module_utils._ecr import object_store
    from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.answers import UnreadableAnswerError
    from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.download_url import DownloadUrl
    from ansible_collections.layerkit.ecr.tests.fuzz.answers import answer_of, client
    from botocore.exceptions import BotoCoreError

_SIZE = 1_000
_RANGES = ((0, _SIZE - 1), (0, 9), (500, 599))
_SECRET = "canary-of-the-signature"
_URL = DownloadUrl(f"https://bucket.s3.eu-west-1.amazonaws.com/layer?X-Amz-Signature={_SECRET}")
_CLIENT = client(lambda _operation, _request: answer_of(b"500"))


def TestOneInput(data: bytes) -> None:
    """Read ranges of a layer. Either exactly their bytes come, or a failure that does not show the URL."""
    with mock.patch.object(object_store, "URLLib3Session") as session:
        for first, last in _RANGES:
            session.return_value.send.return_value = answer_of(data)
            said = ""
            try:
                content = b"".join(object_store.ObjectStore(_CLIENT, 1).read(_URL, first, last, _SIZE))
            except (UnreadableAnswerError, BotoCoreError) as error:
                said = f"{error!s}{error!r}"
            else:
                assert len(content) == last - first + 1
            # What the answer itself says is no secret any more.
            assert _SECRET not in said or _SECRET.encode() in data


if __name__ == "__main__":
    atheris.Setup(sys.argv, TestOneInput)
    atheris.Fuzz()
