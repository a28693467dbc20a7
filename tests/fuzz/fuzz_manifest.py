# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fuzz the reader of manifests and indexes."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["ansible_collections.layerkit.ecr.plugins"]):
    from ansible_collections.layerkit.ecr.plugins.module_utils._oci.manifest import (
        MEDIA_TYPES,
        Manifest,
        image_descriptor,
    )
    from ansible_collections.layerkit.ecr.tests.fuzz.documents import mutated
    from ansible_collections.layerkit.ecr.tests.fuzz.oracle import worded

_TYPES = (*MEDIA_TYPES, "text/html")


def TestOneInput(data: bytes) -> None:
    """Read a manifest as one of each media type, and all that it describes."""
    for media_type in _TYPES:
        with worded():
            manifest = Manifest.parse(data, media_type, "manifest")
            assert all(blob.size >= 0 for blob in manifest.blobs)
            assert manifest.with_entries(manifest.entries) is manifest
            for entry in manifest.entries:
                str(entry.platform)
                with worded():
                    image_descriptor(entry)
                reduced = manifest.with_entries([entry])
                assert Manifest.parse(reduced.content, media_type, "reduced").entries


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Change an input, often within its JSON."""
    return mutated(data, max_size, seed, atheris.Mutate)


if __name__ == "__main__":
    atheris.Setup(sys.argv, TestOneInput, custom_mutator=mutate)
    atheris.Fuzz()
