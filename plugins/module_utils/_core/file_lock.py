# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that one task holds at a time. The system releases a lock when its holder ends, however that happens."""

from __future__ import annotations

import contextlib
import fcntl
import os
import typing as t

if t.TYPE_CHECKING:
    from pathlib import Path


def locked(path: Path | str, directory: int | None = None, mode: int = 0o600) -> int | None:
    """Return a descriptor that holds the lock until it is closed, None if another task holds it.

    The file is created if it does not exist. It can be read and written.

    :param directory: the descriptor of the directory that a relative path starts at
    :raises OSError: the file cannot be opened
    """
    while True:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(path, flags, mode, dir_fd=directory)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Its last holder may have removed the file between the opening and the locking.
            if os.path.samestat(os.stat(path, dir_fd=directory), os.fstat(descriptor)):
                return descriptor
        except FileNotFoundError:
            pass
        except BlockingIOError:
            os.close(descriptor)
            return None
        os.close(descriptor)


def unlock(path: Path | str, lock: int, directory: int | None = None) -> None:
    """Remove the file and release its lock; parameters as in ``locked``."""
    with contextlib.suppress(OSError):
        os.unlink(path, dir_fd=directory)
    os.close(lock)
