# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Another tool, which pushes images with layers that it compressed itself."""

from __future__ import annotations

import gzip
import typing as t

from ansible_collections.layerkit.ecr.tests.unit.support.image_files import OCI_MANIFEST, tar_of
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LAYER_TYPE, LayoutWriter, index_of

if t.TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ansible_collections.layerkit.ecr.tests.unit.support.image_bench import ImageBench


class OtherTool:
    """Pushes images as OCI layouts."""

    def __init__(self, bench: ImageBench, directory: Path) -> None:
        self._bench = bench
        self._directory = directory

    def pushes(
        self,
        layers: Sequence[bytes],
        tag: str,
        level: int = 9,
        media_type: str = LAYER_TYPE,
        platforms: Sequence[str] = (),
    ) -> str:
        """Push an image, and return its digest.

        :param platforms: the other platforms of an index that the image is part of
        """
        layout = LayoutWriter()
        manifest = layout.manifest(layers)
        manifest["layers"] = [layout.blob(gzip.compress(layer, level, mtime=0), media_type) for layer in layers]
        if platforms:
            ours = layout.document(manifest, OCI_MANIFEST, platform={"os": "linux", "architecture": "amd64"})
            manifest = index_of(*map(layout.of_platform, platforms), ours)
        entry = layout.add_entry(manifest, tag)
        src = self._directory / f"{tag}-{level}.tar"
        src.write_bytes(tar_of(layout.complete()))
        self._bench.run(src=str(src), tags=[tag])
        self._bench.calls()
        return str(entry["digest"])
