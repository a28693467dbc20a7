# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The error of a file that does not exist: what was mistaken for its path, or what is wrong with the path.

Source: https://github.com/containers/image/blob/main/docs/containers-transports.5.md for the references of skopeo.
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

from .errors import InvalidInputError
from .text import printable

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


_RELATIVE = (
    "A relative path starts at the directory of the playbook if the connection is local, and at the login directory of "
    "the remote user otherwise"
)
_COPY_THERE = "Copy the file to this host, or run the task on the host that has it"


def missing_file(path: str, name: str) -> InvalidInputError:
    """Return the error of a path that does not exist.

    :param name: names it in errors
    """
    return _reference(path, name) or _image(path, name) or _path(path, name)


def _reference(path: str, name: str) -> InvalidInputError | None:
    file, registry = _FILE_TRANSPORT.fullmatch(path), _REGISTRY.fullmatch(path)
    problem = f"{name} is a reference, not a path"
    if file:
        image = f", and {printable(file[2])} as the name of the image" if file[2] else ""
        return InvalidInputError(problem, f"Give the path alone: {printable(file[1])}{image}")
    if registry:
        command = f"skopeo copy {printable(shlex.quote(f'docker{registry[1]}'))} oci-archive:image.tar"
        return elsewhere(problem, command)
    if _OTHER_TRANSPORT.fullmatch(path):
        return elsewhere(problem, f"skopeo copy {printable(shlex.quote(path))} oci-archive:image.tar")
    return (
        InvalidInputError(f"{name} is a URL, not a path", "Download the file first") if _URL.fullmatch(path) else None
    )


def _image(path: str, name: str) -> InvalidInputError | None:
    shown = printable(shlex.quote(path))
    if _IMAGE_ID.fullmatch(path):
        problem = f"{name} does not exist. It looks like the id of an image, and images are not read from a daemon"
        return elsewhere(problem, f"docker save --output image.tar {shown}")
    if _IMAGE.fullmatch(path) and not _ARCHIVE.fullmatch(path):
        problem = f"{name} does not exist. It looks like the name of an image, and images are not pulled"
        return elsewhere(problem, f"docker pull {shown} && docker save --output image.tar {shown}")
    return None


def elsewhere(problem: str, command: str) -> InvalidInputError:
    """Return the error of an image that is not in a file yet; the command puts it into one."""
    return InvalidInputError(problem, f"Make an archive of the image first: {command}")


def _path(path: str, name: str) -> InvalidInputError:
    if not path:
        return InvalidInputError(f"{name} is empty", "Give the path of a file")
    place = Path(path)
    where = "" if place.is_absolute() else f" The path is {printable(str(place.absolute()))}."
    problem = f"{name} does not exist on the host that runs the module, {os.uname().nodename}.{where}"
    if place.is_symlink():
        problem = f"{name} is a link to {printable(str(place.readlink()))}, which does not exist."
    return InvalidInputError(problem.rstrip("."), _fault(path) or (_COPY_THERE if place.is_absolute() else _RELATIVE))


def _fault(path: str) -> str | None:
    """Return what to change in a path with characters that few paths have, None for any other."""
    if path != path.strip():
        return "The path begins or ends with a blank. Remove it"
    if path[0] in "'\"":
        return "The path has quotation marks in it. Remove them"
    if "{{" in path:
        return "The path has a template in it that was not replaced"
    if set("*?[") & set(path):
        return "The path is not a pattern. Give the path of one file"
    return None
