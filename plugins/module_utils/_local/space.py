# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks a target before anything is written: that it can be written to, and has enough space."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from .._core.errors import InvalidInputError
from .._core.text import MIB, reason

# What the file system needs beside the bytes: the lists of images, and a directory.
_MARGIN = MIB


def check_space(path: str, name: str, size: int) -> None:
    """Check that ``size`` bytes can be written to a path, or to its parent directory if it does not exist yet.

    :param name: names the path in messages
    :raises InvalidInputError: they cannot
    """
    parent = Path(path).absolute().parent
    place = path if Path(path).is_dir() else str(parent)
    try:
        disk = os.statvfs(place)
        if not os.access(place, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except FileNotFoundError as error:
        raise InvalidInputError(
            f"The directory {str(parent)!r} of {name} does not exist on this host", "Create it first"
        ) from error
    except (OSError, ValueError) as error:
        raise InvalidInputError(f"{name} cannot be written: {reason(error)}") from error
    free = disk.f_bavail * disk.f_frsize
    if free < size + _MARGIN:
        raise InvalidInputError(
            f"{name} needs {size} more bytes, and its file system has {free} bytes free",
            "Free space on it, or choose another directory",
        )
