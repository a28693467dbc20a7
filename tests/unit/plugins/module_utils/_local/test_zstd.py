# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archives compressed by zstd, read by the decompressor of Python 3.14 or by its backport."""

from __future__ import annotations

import importlib
import sys
import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import InvalidInputError
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import docker_archive, tar_of
from ansible_collections.layerkit.ecr.tests.unit.support.image_reader import read_image
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import oci_layout

LARGE = bytes(range(251)) * 100_000


@pytest.fixture
def zstd(monkeypatch: pytest.MonkeyPatch) -> t.Any:
    module = importlib.import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
    monkeypatch.setitem(sys.modules, "compression.zstd", module)
    return module


@pytest.mark.parametrize("files", [oci_layout(), docker_archive((LARGE, LARGE[1:]))])
@pytest.mark.parametrize("frames", [1, 3])
def test_an_archive_is_read(zstd: t.Any, tmp_path: Path, files: dict[str, bytes], frames: int) -> None:
    content = tar_of(files)
    size = -(-len(content) // frames)
    parts = (content[start : start + size] for start in range(0, len(content), size))
    (tmp_path / "image.tar.zst").write_bytes(b"".join(map(zstd.compress, parts)))
    assert read_image(tmp_path / "image.tar.zst").blobs
    assert read_image(tmp_path / "image.tar.zst", compress=True).blobs


@pytest.mark.parametrize(
    ("spoil", "how"),
    [
        (lambda content: content[:-1], "is incomplete: its compressed data ends too early"),
        (lambda content: content[:100], "is incomplete: its compressed data ends too early"),
        (lambda content: content + b"more", "is damaged: its zstd data is invalid"),
        (lambda content: content[:50] + b"spoilt" + content[56:], "is damaged: its zstd data is invalid"),
    ],
)
def test_damage_is_reported(zstd: t.Any, tmp_path: Path, spoil: t.Callable[[bytes], bytes], how: str) -> None:
    (tmp_path / "image.tar").write_bytes(spoil(zstd.compress(tar_of(oci_layout()))))
    with pytest.raises(InvalidInputError, match=how):
        read_image(tmp_path / "image.tar")
