# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is mistaken for an image, and the command that makes an image of it.

Source: https://docs.docker.com/reference/cli/docker/container/export/.
"""

from __future__ import annotations

import re
import shlex
import typing as t
from pathlib import Path

from .._core.errors import InvalidInputError
from .._core.json_document import JsonObject
from .._core.missing_file import elsewhere
from .._core.text import printable

if t.TYPE_CHECKING:
    from .files import SourceFiles

_BUILD = "Build the image first: docker build --tag IMAGE DIRECTORY && docker save --output image.tar IMAGE"
# What begins like this is no archive.
_MARKS = (
    (re.compile(rb"PK\x03\x04"), "a zip archive", None),
    (re.compile(rb"\x7fELF"), "a program", None),
    (
        re.compile(rb"(?i)<!doctype html|<html"),
        "HTML, as a server sends it in place of a file",
        "Download the file again",
    ),
    (re.compile(rb"version https://git-lfs"), "a pointer of Git LFS", "Get the file itself: git lfs pull"),
    (re.compile(rb"[{\[]\s*[\"\]}{\[]"), "JSON", "Give the directory or the archive that the file is in"),
    (re.compile(rb"(?i)(#[^\n]*\n\s*)*(from|arg) +\S"), "a Dockerfile", _BUILD),
)

# skopeo's dir: has a manifest under the same name as a docker archive has its list of images. Older ones lack the mark.
_DIRECTORY_MANIFEST = "manifest.json"
_DIRECTORY_VERSION = "version"
_DIRECTORY_MARK = b"Directory Transport Version"
# The first two are marks of a container.
_FILE_SYSTEM = (
    ".dockerenv",
    "run/.containerenv",
    "etc/hostname",
    "etc/hosts",
    "etc/resolv.conf",
    "etc/passwd",
    "etc/os-release",
    "bin/sh",
    "usr/bin/env",
)
_MAKE_AN_IMAGE = (
    "Save the image instead: docker save --output image.tar IMAGE. If the changes of a container are wanted, make an "
    "image of it first: docker commit CONTAINER IMAGE"
)


def kind_of_file(head: bytes) -> tuple[str, str | None]:
    """Return what a file is that is no archive, by its first block, and what to do; None if only the kind is known."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    for mark, kind, remedy in _MARKS:
        if mark.match(text):
            return kind, remedy
    return ("a text", None) if _is_text(text) else ("", None)


def _is_text(head: bytes) -> bool:
    # The last character can be cut.
    return all(byte >= 32 or byte in b"\t\r\n\f" for byte in head) and bool(head.decode(errors="ignore"))


def check_files(files: SourceFiles, path: str) -> None:
    """Check that a source without an index is not a directory of skopeo's, or a file system.

    :param path: the path of the source
    :raises InvalidInputError: it is
    """
    if _has_directory_mark(files) or _has_one_manifest(files):
        # The transport reads a directory, not an archive of one.
        directory = printable(shlex.quote(path)) if Path(path).is_dir() else "DIRECTORY"
        problem = f"{files} was written by skopeo with the transport dir:"
        raise elsewhere(problem, f"skopeo copy dir:{directory} oci-archive:image.tar")
    for prefix in ("", "rootfs/"):
        found = [name for name in _FILE_SYSTEM if files.exists(prefix + name)]
        if len(found) > 1 or {".dockerenv", "run/.containerenv"}.intersection(found):
            raise InvalidInputError(
                f"{files} is a file system, as docker export writes it or a layer contains it, not an image",
                _MAKE_AN_IMAGE,
            )


def _has_directory_mark(files: SourceFiles) -> bool:
    try:
        size = files.size(_DIRECTORY_VERSION)
        return size is not None and size < 100 and files.read(_DIRECTORY_VERSION).startswith(_DIRECTORY_MARK)
    except InvalidInputError:
        return False


def _has_one_manifest(files: SourceFiles) -> bool:
    try:
        document = JsonObject.parse(files.read(_DIRECTORY_MANIFEST), files.where(_DIRECTORY_MANIFEST))
    except InvalidInputError:
        return False
    return "schemaVersion" in document.members and bool({"config", "manifests"} & document.members.keys())
