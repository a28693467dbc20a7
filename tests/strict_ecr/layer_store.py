# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bytes of layers, in temporary files, so that the server's memory does not grow with them."""

from __future__ import annotations

import tempfile
import uuid
from pathlib import Path


class LayerStore:
    """Files of open uploads, and of layers by digest: repositories that have the same layer share its file."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="strict-ecr-")

    def new_upload(self) -> Path:
        """Return the path of an empty file for the bytes of an upload."""
        path = self._path(uuid.uuid4().hex)
        path.touch()
        return path

    def keep(self, upload: Path, digest: str) -> None:
        """Make the file of an upload that of a layer."""
        upload.replace(self._path(digest))

    def layer(self, digest: str) -> Path | None:
        """Return the file of a layer; None if no upload was completed as this layer."""
        path = self._path(digest)
        return path if path.exists() else None

    def close(self) -> None:
        """Remove all files."""
        self._directory.cleanup()

    def _path(self, name: str) -> Path:
        return Path(self._directory.name, name.replace(":", "-"))
