# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import tarfile
from pathlib import Path

from ansible_collections.layerkit.ecr.tests.tools.make_layer import make_layer


def make_directory(path: Path, seconds: int) -> Path:
    (path / "srv").mkdir(parents=True)
    (path / "srv" / "data").write_text("content", encoding="utf-8")
    os.utime(path / "srv" / "data", (seconds, seconds))
    return path


def test_same_files_make_the_same_bytes_whenever_they_were_written(tmp_path: Path) -> None:
    make_layer(make_directory(tmp_path / "old", 1_000_000_000), tmp_path / "old.tar.gz")
    make_layer(make_directory(tmp_path / "new", 1_700_000_000), tmp_path / "new.tar.gz")
    assert (tmp_path / "old.tar.gz").read_bytes() == (tmp_path / "new.tar.gz").read_bytes()


def test_layer_holds_the_files_below_the_directory(tmp_path: Path) -> None:
    make_layer(make_directory(tmp_path / "content", 1_000_000_000), tmp_path / "layer.tar.gz")
    with tarfile.open(tmp_path / "layer.tar.gz") as layer:
        assert layer.getnames() == ["srv", "srv/data"]
        content = layer.extractfile("srv/data")
        assert content is not None
        assert content.read() == b"content"
