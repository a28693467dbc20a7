# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a call to Amazon ECR is about: the facts that a message names."""

from __future__ import annotations

import typing as t

# The operation of a call that reads bytes of a layer. It is one of Amazon S3, not of Amazon ECR.
DOWNLOAD = "DownloadLayer"

# The roles of the repositories of a copy.
SOURCE, TARGET = "source", "target"


class Repository(t.NamedTuple):
    """A repository of a private registry; ``registry_id`` is an AWS account, None for the caller's own.

    ``role`` is a word before its name in messages, if the task works on two of them.
    """

    name: str
    registry_id: str | None = None
    role: str | None = None

    def __str__(self) -> str:
        which = f"{self.role} repository" if self.role else "repository"
        return f"{which} {self.name}" + (f" of registry {self.registry_id}" if self.registry_id else "")


class Call(t.NamedTuple):
    """One call of an operation, such as ``CompleteLayerUpload``, and what it is about.

    ``digests`` are those of layers or images. ``first_byte`` and ``last_byte`` are both inclusive. ``profile`` is that
    of the credentials, None if none is named.
    """

    operation: str
    repository: Repository
    upload_id: str | None = None
    digests: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    first_byte: int | None = None
    last_byte: int | None = None
    profile: str | None = None
