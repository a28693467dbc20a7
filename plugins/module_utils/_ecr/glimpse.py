# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small blob of the registry that is worth one attempt to read, and that a task can do without."""

from __future__ import annotations

import typing as t

try:
    from botocore.exceptions import BotoCoreError
except ImportError:
    pass  # AnsibleAWSModule reports a missing SDK

from .._core.digest import sha256_of
from .answers import UnreadableAnswerError
from .errors import EcrError
from .layers import Layers
from .object_store import ObjectStore

if t.TYPE_CHECKING:
    from .client import EcrClient

# A network that reaches Amazon ECR need not reach Amazon S3, which may answer nothing at all.
_PATIENCE_SECONDS = 5


def glimpse(client: EcrClient, digest: str, size: int) -> bytes | None:
    """Return the bytes of a blob, None if they cannot be read at once, or do not have the digest.

    The caller may lack the permission for GetDownloadUrlForLayer.

    :param size: the size of the blob in bytes, small enough to be held in memory
    :raises TaskStoppedError: the task stopped
    """
    store = ObjectStore(client, connections=1, patience=_PATIENCE_SECONDS)
    try:
        url = Layers(client).download_url(digest)
        content = b"".join(store.read(url, 0, size - 1, size))
    except (BotoCoreError, EcrError, UnreadableAnswerError):
        return None
    return content if sha256_of([content]) == digest else None
