# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A repository that whole layers are sent to.

It is in a file of its own because Ansible sends a module with every file that it imports, and the modules of single
calls need no streams.
"""

from __future__ import annotations

import typing as t

from .client import Repository
from .part_body import stream_parts


class LayerRepository(Repository):
    """A repository of a private registry; ``upload_part`` takes a BlobPart, too, and streams it from its file."""

    def __init__(self, client: t.Any, name: str, registry_id: str | None = None) -> None:
        super().__init__(client, name, registry_id)
        stream_parts(client)
