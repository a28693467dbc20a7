# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mistakes in what is pushed: no file, another file, a damaged file."""

from __future__ import annotations

import gzip
import io
import typing as t
import zipfile
from pathlib import Path

from ansible_collections.layerkit.ecr.tests.unit.support.image_files import (
    blob_name,
    digest_of,
    tar_of,
    write_directory,
)
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LayoutWriter, oci_layout
from ansible_collections.layerkit.ecr.tests.unit.support.mistakes.mistake import Mistake

Prepare = t.Callable[[Path], object]


def _file(name: str, content: bytes) -> Prepare:
    return lambda directory: (directory / name).write_bytes(content)


def _zip() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("index.json", "{}")
    return content.getvalue()


def _damaged_layout(directory: Path, without: bool) -> None:
    layout = LayoutWriter(directory / "layout")
    layout.finish(layout.image(b"layer " * 100))
    path = layout.path / blob_name(digest_of(b"layer " * 100))
    path.unlink() if without else path.write_bytes(b"other " * 100)


def _push(what: str, src: str, *names: str, prepare: Prepare | None = None, lacks: tuple[str, ...] = ()) -> Mistake:
    options = {"repository_name": "app", "src": src, "tags": ["1"]}
    return Mistake(f"image: {what}", "ecr_image", options, names, lacks, prepare=prepare)


def _layer(what: str, src: str, *names: str, prepare: Prepare | None = None, **options: t.Any) -> Mistake:
    options = {"repository_name": "app", "src": src, **options}
    return Mistake(f"layer: {what}", "ecr_layer", options, names, prepare=prepare)


IMAGE = tar_of(oci_layout("1.0"))
PLAIN = ("zlib", "Errno", "OSError", "Error -3")

ROWS = [
    _push("missing", "{dir}/no.tar", "{dir}/no.tar", "does not exist", "host"),
    _push("missing, relative", "build/no.tar", "/build/no.tar", "does not exist", "relative path"),
    _push("URL", "https://example.com/app.tar", "is a URL", "Download"),
    _push("image reference", "docker.io/library/nginx:1.27", "name of an image", "not pulled", "docker save"),
    _push("reference of skopeo", "docker://nginx", "is a reference", "skopeo copy"),
    _push("image id", "sha256:" + "ab" * 32, "id of an image", "docker save"),
    _push("home directory", "~/no.tar", "does not exist", "no.tar"),
    _push("home directory in quotes", "'~/no.tar'", "quotation marks"),
    _push("glob", "{dir}/*.tar", "does not exist", "*", "pattern", prepare=_file("app.tar", IMAGE)),
    _push("blank at the end", "{dir}/app.tar ", "blank", prepare=_file("app.tar", IMAGE)),
    _push("blank at the beginning", " {dir}/app.tar", "blank", prepare=_file("app.tar", IMAGE)),
    _push("template left over", "{dir}/{{ image }}.tar", "does not exist", "template"),
    _push("empty path", "", "src '' is empty"),
    _push("empty file", "{dir}/app.tar", "is empty", "again", prepare=_file("app.tar", b"")),
    _push("empty directory", "{dir}/app", "does not contain an image", prepare=lambda path: (path / "app").mkdir()),
    _push("zip", "{dir}/app.zip", "is a zip", "docker save", prepare=_file("app.zip", _zip()), lacks=PLAIN),
    _push("text", "{dir}/Dockerfile", "Dockerfile", "docker build", prepare=_file("Dockerfile", b"FROM a\n" * 200)),
    _push("page of a server", "{dir}/app.tar", "is HTML", prepare=_file("app.tar", b"<!DOCTYPE html><html>" * 90)),
    _push("JSON", "{dir}/index.json", "is JSON", "directory", prepare=_file("index.json", b'{"schemaVersion": 2}')),
    _push("cut archive", "{dir}/app.tar", "incomplete", "again", prepare=_file("app.tar", IMAGE[:5000]), lacks=PLAIN),
    _push(
        "cut gzip", "{dir}/a.gz", "incomplete", "again", prepare=_file("a.gz", gzip.compress(IMAGE)[:-200]), lacks=PLAIN
    ),
    _push("gzip without tar", "{dir}/a.gz", "gzip", "not a tar", prepare=_file("a.gz", gzip.compress(b"text " * 500))),
    _push(
        "file system of a container",
        "{dir}/app.tar",
        "docker export",
        "docker save",
        prepare=_file("app.tar", tar_of({".dockerenv": b"", "etc/passwd": b"", "bin/sh": b""})),
    ),
    _push(
        "single layer",
        "{dir}/app.tar",
        "does not contain an image",
        "docker save",
        "ecr_layer",
        prepare=_file("app.tar", tar_of({"srv/app.py": b"print()"})),
    ),
    _push(
        "project instead of an image",
        "{dir}/app",
        "does not contain an image",
        "docker save",
        prepare=lambda path: write_directory(path / "app", {"Dockerfile": b"FROM a", "app.py": b""}),
    ),
    _push(
        "missing blob",
        "{dir}/layout",
        "missing",
        "again",
        digest_of(b"layer " * 100)[:19],
        prepare=lambda path: _damaged_layout(path, without=True),
    ),
    _push(
        "damaged blob",
        "{dir}/layout",
        "damaged",
        "again",
        digest_of(b"layer " * 100)[:19],
        prepare=lambda path: _damaged_layout(path, without=False),
    ),
    _push(
        "several images",
        "{dir}/a.tar",
        "2 images",
        "1.0",
        "2.0",
        prepare=_file("a.tar", tar_of(oci_layout("1.0", "2.0"))),
    ),
    Mistake(
        "image: another name",
        "ecr_image",
        {"repository_name": "app", "src": "{dir}/a.tar", "image": "3.0", "tags": ["1"]},
        ("does not contain image '3.0'", "1.0"),
        prepare=_file("a.tar", IMAGE),
    ),
    Mistake(
        "image: another platform",
        "ecr_image",
        {"repository_name": "app", "src": "{dir}/a.tar", "platforms": ["linux/arm64"], "tags": ["1"]},
        ("linux/arm64", "linux/amd64"),
        prepare=_file("a.tar", IMAGE),
    ),
    _push("device", "/dev/null", "must be a regular file"),
    _push("file below a file", "{dir}/app.tar/x", "Not a directory", prepare=_file("app.tar", IMAGE)),
    _layer("missing", "{dir}/no.tar", "{dir}/no.tar", "does not exist", "host"),
    _layer("missing, relative", "build/no.tar", "/build/no.tar", "relative path"),
    _layer("directory", "{dir}", "is a directory", "tar"),
    _layer("empty file", "{dir}/layer", "empty", prepare=_file("layer", b"")),
    _layer("URL", "https://example.com/app.tar", "is a URL", "Download"),
    _layer("glob", "{dir}/*.tar", "does not exist", "pattern"),
    _layer("blank", "{dir}/layer ", "blank", prepare=_file("layer", b"x")),
    _layer("image reference", "docker.io/library/nginx:1.27", "name of an image", "not pulled"),
    _layer(
        "another digest",
        "{dir}/layer",
        "has the digest",
        "layer_digest",
        prepare=_file("layer", b"x"),
        layer_digest="sha256:" + "0" * 64,
    ),
    Mistake(
        "part: file missing",
        "ecr_upload_layer_part",
        {
            "repository_name": "app",
            "upload_id": "5e9ba2c1-1a3d-4b36-8c2e-5a4d5c1bb9d7",
            "part_first_byte": 0,
            "part_last_byte": 9,
            "src": "{dir}/no.tar",
        },
        ("{dir}/no.tar", "does not exist", "host"),
    ),
    Mistake(
        "part: past the end",
        "ecr_upload_layer_part",
        {
            "repository_name": "app",
            "upload_id": "5e9ba2c1-1a3d-4b36-8c2e-5a4d5c1bb9d7",
            "part_first_byte": 0,
            "part_last_byte": 9,
            "src": "{dir}/layer",
        },
        ("is 4 bytes", "part_last_byte 9", "past its end", "counted from 0"),
        prepare=_file("layer", b"four"),
    ),
]
