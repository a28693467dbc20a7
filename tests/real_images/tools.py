# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tools that make and inspect images."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

# With these, the tools treat root as a user in a namespace, with caches and locks in the directories below.
_AS_ROOT = {"_CONTAINERS_USERNS_CONFIGURED": "done", "_CONTAINERS_ROOTLESS_UID": "1"}
# Plain copies instead of an overlay file system, and no container runtime.
_WITHOUT_DAEMON = {"STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot"}
_DIRECTORIES = {
    "HOME": "home",
    "TMPDIR": "tmp",
    "XDG_CACHE_HOME": "cache",
    "XDG_CONFIG_HOME": "config",
    "XDG_DATA_HOME": "data",
    "XDG_RUNTIME_DIR": "run",
}


class Tools:
    """umoci, skopeo and buildah, with all their files below one directory."""

    def __init__(self, directory: Path) -> None:
        own = {name: directory / subdirectory for name, subdirectory in _DIRECTORIES.items()}
        for path in own.values():
            path.mkdir(parents=True, exist_ok=True)
        self._storage = directory / "storage"
        self._temporary = own["TMPDIR"]
        self._environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            **{name: str(path) for name, path in own.items()},
            **_WITHOUT_DAEMON,
            **(_AS_ROOT if os.geteuid() == 0 else {}),
        }

    def umoci(self, *arguments: str | Path) -> bytes:
        """Run umoci and return its output."""
        return self._run("umoci", *arguments)

    def skopeo(self, *arguments: str | Path) -> bytes:
        """Run skopeo and return its output."""
        # skopeo ignores TMPDIR.
        return self._run("skopeo", "--tmpdir", self._temporary, *arguments)

    def buildah(self, *arguments: str | Path) -> str:
        """Run buildah and return its output, without the final newline."""
        storage = ("--root", self._storage / "root", "--runroot", self._storage / "run")
        return self._run("buildah", *storage, *arguments).decode().strip()

    def _run(self, *command: str | Path) -> bytes:
        """Run a command; raise RuntimeError with its error output if it fails or is missing."""
        try:
            run = subprocess.run(
                command, env=self._environment, stdin=subprocess.DEVNULL, capture_output=True, check=True
            )
        except FileNotFoundError:
            raise RuntimeError(f"{command[0]} is missing: tests/tools/system_packages.sh installs it") from None
        except subprocess.CalledProcessError as error:
            raise RuntimeError(f"{' '.join(map(str, command))}: {error.stderr.decode(errors='replace')}") from None
        return run.stdout


def busybox() -> Path:
    """Return the path of busybox, which the images contain."""
    found = shutil.which("busybox")
    if found is None:
        raise RuntimeError("busybox is missing: tests/tools/system_packages.sh installs it")
    return Path(found).resolve()
