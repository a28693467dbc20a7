# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a hostile source is, and how most are made."""

from __future__ import annotations

import tarfile
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.layerkit.ecr.tests.unit.support.image_files import Files, tar_of, write_directory
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import oci_layout

MIB = 1024 * 1024

# The end of the error of a name that leads outside a source.
OUT = "leads outside the source"

# Makes a source in an empty directory, and returns its path.
Make = t.Callable[[Path], Path]


@dataclass(frozen=True)
class HostileSource:
    """A source, and the regular expression that its error matches, the problem and the remedy."""

    make: Make
    error: str


def directory(files: Files) -> Make:
    return lambda path: write_directory(path / "layout", files)


def archive(content: t.Callable[[], bytes]) -> Make:
    def make(path: Path) -> Path:
        file = path / "image.tar"
        file.write_bytes(content())
        return file

    return make


def with_entry(*entries: tarfile.TarInfo) -> Make:
    """Return a good archive with entries more."""
    return archive(lambda: tar_of(oci_layout(), *entries))


def without(*names: str) -> Files:
    """Return the files of a good layout but for these."""
    return {name: content for name, content in oci_layout().items() if name not in names}
