# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fuzz the reader of docker archives: the list of images, the configuration, the layers."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["ansible_collections.layerkit.ecr.plugins"]):
    from ansible_collections.layerkit.ecr.tests.fuzz.documents import mutated, resolved
    from ansible_collections.layerkit.ecr.tests.fuzz.oracle import Sandbox, worded
    from ansible_collections.layerkit.ecr.tests.unit.support.image_reader import read_image

_SANDBOX = Sandbox()


def TestOneInput(data: bytes) -> None:
    """Read an image as a push does, with its layers compressed and as they are. The first document is the list."""
    listed, *others = resolved(data)
    files = {"manifest.json": listed, **{str(number): content for number, content in enumerate(others, start=1)}}
    path = _SANDBOX.write(files)
    for compress in (False, True):
        with _SANDBOX.listening(path), worded():
            read_image(path, None, compress)


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Change an input, often within its JSON."""
    return mutated(data, max_size, seed, atheris.Mutate)


if __name__ == "__main__":
    atheris.Setup(sys.argv, TestOneInput, custom_mutator=mutate)
    atheris.Fuzz()
