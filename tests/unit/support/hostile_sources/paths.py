# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paths and directories that are no source, or lead out of one."""

from __future__ import annotations

import os
import socket
import typing as t
from pathlib import Path

from ansible_collections.layerkit.ecr.tests.unit.support.hostile_sources.hostile_source import (
    HostileSource,
    Make,
    archive,
    directory,
    without,
)
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import (
    LAYERS,
    blob_name,
    digest_of,
    tar_of,
    write_directory,
)
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import oci_layout

LAYER = blob_name(digest_of(LAYERS[0]))


def replaced(name: str, replace: t.Callable[[Path], None]) -> Make:
    """Move a file or a directory of a layout out of it, and put something else in its place."""

    def make(path: Path) -> Path:
        layout = write_directory(path / "layout", oci_layout())
        moved = path / "outside" / name
        moved.parent.mkdir(parents=True)
        (layout / name).rename(moved)
        replace(layout / name)
        return layout

    return make


def link_out(file: Path) -> None:
    root = next(parent for parent in file.parents if parent.name == "layout")
    file.symlink_to(root.parent / "outside" / file.relative_to(root))


def relative_link_out(file: Path) -> None:
    link_out(file)
    target = os.path.relpath(file.readlink(), file.parent)
    file.unlink()
    file.symlink_to(target)


def link_within(file: Path) -> None:
    link_out(file)
    moved = file.readlink().rename(file.parent / "moved")
    file.unlink()
    file.symlink_to(moved.name)


def bind_socket(file: Path) -> None:
    here = Path.cwd()
    # The name of a socket is at most 108 bytes.
    os.chdir(file.parent)
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(file.name)
    finally:
        os.chdir(here)


DIRECTORIES = {
    "index is a link out": HostileSource(
        replaced("index.json", link_out),
        "index.json is a symbolic link; .* not followed. .*: cp -rL .*/layout-copy$",
    ),
    "version is a link out": HostileSource(
        replaced("oci-layout", link_out), "oci-layout is a symbolic link; symbolic links are not followed"
    ),
    "blob is a link out": HostileSource(
        replaced(LAYER, link_out), f"{LAYER} is a symbolic link; symbolic links are not followed"
    ),
    "blob is a relative link out": HostileSource(
        replaced(LAYER, relative_link_out), f"{LAYER} is a symbolic link; symbolic links are not followed"
    ),
    "blob is a link within": HostileSource(
        replaced(LAYER, link_within), f"{LAYER} is a symbolic link; symbolic links are not followed"
    ),
    "directory is a link out": HostileSource(
        replaced("blobs", link_out),
        "leads through the symbolic link 'blobs'; .* not followed. .*: cp -rL .*/layout-copy$",
    ),
    "inner directory is a link out": HostileSource(
        replaced("blobs/sha256", link_out), "leads through the symbolic link 'sha256'"
    ),
    "index is a FIFO": HostileSource(replaced("index.json", os.mkfifo), "index.json is not a regular file"),
    "blob is a FIFO": HostileSource(replaced(LAYER, os.mkfifo), f"{LAYER} is not a regular file"),
    "blob is a directory": HostileSource(replaced(LAYER, Path.mkdir), f"{LAYER} is not a regular file"),
    "blob is a socket": HostileSource(replaced(LAYER, bind_socket), f"{LAYER} is not a regular file"),
    "directory is a file": HostileSource(replaced("blobs", Path.touch), "cannot be read.*Not a directory"),
    "no index": HostileSource(
        directory(without("index.json")), "does not contain an image.*index.json.*manifest.json.*docker save"
    ),
    "no layer": HostileSource(directory(without(LAYER)), f"blob {digest_of(LAYERS[0])} is missing"),
    "nothing in it": HostileSource(directory({"empty/file": b""}), "does not contain an image"),
}

# What a path itself can be

PATHS = {
    "path is missing": HostileSource(lambda path: path / "absent", "does not exist on the host that runs the module"),
    "path with NUL": HostileSource(
        lambda path: path / "a\0b",
        "cannot be read: (stat: |open: )?embedded null (byte|character in path)",
    ),
    "path is a FIFO": HostileSource(lambda path: _made(path / "fifo", os.mkfifo), "must be a regular file"),
    "path is a device": HostileSource(lambda _path: Path("/dev/zero"), "must be a regular file"),
    "path is an empty file": HostileSource(archive(bytes), "image.tar' is empty"),
    "path is a text": HostileSource(archive(lambda: b"Not an image.\n" * 1000), "is a text, not a tar archive"),
    "path is a short text": HostileSource(archive(lambda: b"Not an image."), "is a text, not a tar archive"),
    "path is a zip archive": HostileSource(
        archive(lambda: b"PK\3\4".ljust(1000, b"x")), "is a zip archive, not a tar archive"
    ),
    "path is JSON": HostileSource(archive(lambda: oci_layout()["index.json"]), "is JSON, not a tar archive"),
    "path is an archive of something else": HostileSource(
        archive(lambda: tar_of({"a": b"b"})), "does not contain an image"
    ),
    "path is an empty archive": HostileSource(archive(lambda: tar_of({})), "does not contain an image"),
}


def _made(path: Path, make: t.Callable[[Path], None]) -> Path:
    make(path)
    return path
