# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pack a directory into an image layer, a tar.gz. The same files always give the same bytes and the same digest.

Leaves out times, owners and Python bytecode.
"""

from __future__ import annotations

import argparse
import gzip
import tarfile
from pathlib import Path


def make_layer(directory: Path, layer: Path) -> None:
    """Write the files below ``directory`` to ``layer``, in the order of their names."""
    layer.parent.mkdir(parents=True, exist_ok=True)
    with (
        layer.open("wb") as file,
        gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w") as archive,
    ):
        for path in sorted(directory.rglob("*")):
            name = path.relative_to(directory)
            if "__pycache__" not in name.parts:
                archive.add(path, name.as_posix(), recursive=False, filter=_without_times_and_owners)


def _without_times_and_owners(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.mtime = 0
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("layer", type=Path)
    arguments = parser.parse_args()
    make_layer(arguments.directory, arguments.layer)


if __name__ == "__main__":
    main()
