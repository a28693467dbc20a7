# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fuzz the reader of tar headers."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["ansible_collections.layerkit.ecr.plugins"]):
    from ansible_collections.layerkit.ecr.plugins.module_utils._local.files import normalised
    from ansible_collections.layerkit.ecr.plugins.module_utils._local.tar_entries import tar_entries
    from ansible_collections.layerkit.ecr.tests.fuzz.oracle import worded


def TestOneInput(data: bytes) -> None:
    """Read all entries, and no byte behind the end."""

    def read(position: int, size: int) -> bytes:
        assert position >= 0
        assert 0 <= size <= 1024 * 1024
        return data[position : position + size]

    with worded():
        for entry in tar_entries(read, "archive"):
            assert entry.size >= 0
            normalised(entry.name)


if __name__ == "__main__":
    atheris.Setup(sys.argv, TestOneInput)
    atheris.Fuzz()
