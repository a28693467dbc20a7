# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fuzz the reader of archives, compressed or not, with an image in them."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["ansible_collections.layerkit.ecr.plugins"]):
    from ansible_collections.layerkit.ecr.tests.fuzz.oracle import Sandbox, worded
    from ansible_collections.layerkit.ecr.tests.unit.support.image_reader import read_image

_SANDBOX = Sandbox()


def TestOneInput(data: bytes) -> None:
    """Read an image of an archive as a push does."""
    path = _SANDBOX.directory / "archive"
    path.write_bytes(data)
    with _SANDBOX.listening(path), worded():
        read_image(path)


if __name__ == "__main__":
    atheris.Setup(sys.argv, TestOneInput)
    atheris.Fuzz()
