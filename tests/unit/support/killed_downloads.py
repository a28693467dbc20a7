# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Downloads that are killed at each of their steps, each followed by another one; a program of its own.

The arguments are the format, the layout to download ``new`` from, and an empty directory. A step is whatever Python
reports to audit hooks of opening, creating, renaming, removing or cutting files, and of locks. Each target has the
image ``old`` before. Prints how many downloads were killed. Fails if a target is not whole after a kill, or if the
next download does not complete it.
"""

from __future__ import annotations

import os
import signal
import sys
import typing as t
from pathlib import Path

from ansible_collections.layerkit.ecr.tests.unit.support.downloading import download, target_of
from ansible_collections.layerkit.ecr.tests.unit.support.image_reader import read_image

STEPS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate", "os.chmod", "fcntl.flock"}


def kill_at(step: int) -> None:
    """Kill this process when it is about to take the step, counted from 1."""
    steps = 0

    def count(event: str, _arguments: tuple[t.Any, ...]) -> None:
        nonlocal steps
        steps += event in STEPS
        if event in STEPS and steps == step:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


def is_killed(kind: str, src: Path, dest: Path, step: int) -> bool:
    """Download in a process of its own, and return whether that was killed at the step."""
    child = os.fork()
    if child == 0:
        kill_at(step)
        download(src, target_of(dest, kind), "new", name="app:new")
        os._exit(0)
    _pid, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or status == 0
    return os.WIFSIGNALED(status)


def main() -> None:
    kind, src, directory = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    step, killed = 0, True
    while killed:
        step += 1
        dest = directory / str(step) / "image"
        dest.parent.mkdir()
        download(src, target_of(dest, kind), "old", name="app:old")
        killed = is_killed(kind, src, dest, step)
        if kind == "oci" or killed:
            read_image(dest, "app:old" if kind == "oci" else None)
        download(src, target_of(dest, kind), "new", name="app:new")
        read_image(dest, "app:new")
        assert [path.name for path in dest.parent.iterdir()] == ["image"]
        assert kind != "oci" or {path.name for path in dest.iterdir()} == {"blobs", "index.json", "oci-layout"}
    print(step - 1)


if __name__ == "__main__":
    main()
