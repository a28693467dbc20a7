# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is mistaken for the path of an image, and the command that makes an image of it.

Sources: https://github.com/containers/image/blob/main/docs/containers-transports.5.md for the references of skopeo, and
https://docs.docker.com/reference/cli/docker/container/export/.
"""

from __future__ import annotations

import os
import re
import shlex
import typing as t
from pathlib import Path

from .._core.errors import InvalidInputError
from .._core.json_document import JsonObject
from .._core.text import printable

if t.TYPE_CHECKING:
    from .files import SourceFiles

_URL = re.compile("(https?|s3|ftp)://.*", re.IGNORECASE)
# References to files, and to what is not in files. After oci:// stands a registry.
_FILE_TRANSPORT = re.compile(
    "(?:oci:(?!//)|(?:oci-archive|oci-dir|oci-layout|docker-archive|file):(?://)?)([^:]+)(?::(.+))?"
)
_OTHER_TRANSPORT = re.compile("(dir:|docker://|docker-daemon:|containers-storage:|ostree:|sif:|atomic:|tarball:).+")
_REGISTRY = re.compile("oci(://.+)")
_IMAGE_ID = re.compile("(sha256:)?[a-f0-9]{64}|[a-f0-9]{12}|sha256:[a-f0-9]+")
# A registry or a tag makes a name that of an image: docker.io/library/app, app:1.0.
_IMAGE = re.compile(
    r"(localhost|[\w-]+(\.[\w-]+)+|[\w.-]+:\d+)(/[a-z0-9._-]+)+(:[\w.-]+)?(@sha256:[a-f0-9]+)?"
    r"|[a-z0-9][a-z0-9._-]*(/[a-z0-9._-]+)*(:[\w.-]+|@sha256:[a-f0-9]+)"
)
_ARCHIVE = re.compile(r".*\.(tar|tgz|gz|xz|bz2|zst|zip|json|oci)", re.IGNORECASE)

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


def check_path(path: str, name: str) -> None:
    """Check that a path that does not exist is not a reference to an image elsewhere.

    :param name: names the source in errors
    :raises InvalidInputError: it is
    """
    if os.path.lexists(path):
        return
    shown = printable(shlex.quote(path))
    file = _FILE_TRANSPORT.fullmatch(path)
    if file:
        image = f", and {printable(file[2])} as the name of the image" if file[2] else ""
        remedy = f"Give the path alone: {printable(file[1])}{image}"
        raise InvalidInputError(f"{name} is a reference, not a path", remedy)
    registry = _REGISTRY.fullmatch(path)
    if registry:
        command = f"skopeo copy {printable(shlex.quote(f'docker{registry[1]}'))} oci-archive:image.tar"
        raise _elsewhere(f"{name} is a reference, not a path", command)
    if _OTHER_TRANSPORT.fullmatch(path):
        raise _elsewhere(f"{name} is a reference, not a path", f"skopeo copy {shown} oci-archive:image.tar")
    if _URL.fullmatch(path):
        raise InvalidInputError(f"{name} is a URL, not a path", "Download the file first")
    if _IMAGE_ID.fullmatch(path):
        problem = f"{name} does not exist. It looks like the id of an image, and images are not read from a daemon"
        raise _elsewhere(problem, f"docker save --output image.tar {shown}")
    if _IMAGE.fullmatch(path) and not _ARCHIVE.fullmatch(path):
        problem = f"{name} does not exist. It looks like the name of an image, and images are not pulled"
        raise _elsewhere(problem, f"docker pull {shown} && docker save --output image.tar {shown}")


def check_files(files: SourceFiles, path: str) -> None:
    """Check that a source without an index is not a directory of skopeo's, or a file system.

    :param path: the path of the source
    :raises InvalidInputError: it is
    """
    if _has_directory_mark(files) or _has_one_manifest(files):
        # The transport reads a directory, not an archive of one.
        directory = printable(shlex.quote(path)) if Path(path).is_dir() else "DIRECTORY"
        problem = f"{files} was written by skopeo with the transport dir:"
        raise _elsewhere(problem, f"skopeo copy dir:{directory} oci-archive:image.tar")
    for prefix in ("", "rootfs/"):
        found = [name for name in _FILE_SYSTEM if files.exists(prefix + name)]
        if len(found) > 1 or {".dockerenv", "run/.containerenv"}.intersection(found):
            raise InvalidInputError(
                f"{files} is a file system, as docker export writes it or a layer contains it, not an image",
                _MAKE_AN_IMAGE,
            )


def _elsewhere(problem: str, command: str) -> InvalidInputError:
    return InvalidInputError(problem, f"Make an archive of the image first: {command}")


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
