# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fuzz the reader of OCI image layouts, from index.json to the layers."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["ansible_collections.layerkit.ecr.plugins"]):
    from ansible_collections.layerkit.ecr.plugins.module_utils._core.task import Task
    from ansible_collections.layerkit.ecr.plugins.module_utils._local.layout_writer import LayoutTarget
    from ansible_collections.layerkit.ecr.plugins.module_utils._oci.descriptor import Descriptor
    from ansible_collections.layerkit.ecr.plugins.module_utils._oci.store import ImageContent, ListedImage
    from ansible_collections.layerkit.ecr.tests.fuzz.documents import MAX_DOCUMENTS, digest_of, mutated, resolved
    from ansible_collections.layerkit.ecr.tests.fuzz.oracle import Sandbox, worded
    from ansible_collections.layerkit.ecr.tests.unit.support.image_reader import read_image

_SANDBOX = Sandbox()
_LISTED = Descriptor("application/vnd.oci.image.manifest.v1+json", f"sha256:{'a' * 64}", 500)
_WANTED = ImageContent((ListedImage(_LISTED, "app"),), (), ())


def TestOneInput(data: bytes) -> None:
    """Read an image as a push does. The first document is index.json, the second the digest asked for, if any."""
    index, wanted, *blobs = [*resolved(data), b""][:MAX_DOCUMENTS]
    files = {"index.json": index, "oci-layout": b'{"imageLayoutVersion": "1.0.0"}'}
    files |= {f"blobs/{digest_of(blob).replace(':', '/')}": blob for blob in blobs}
    path = _SANDBOX.write(files)
    image = wanted.decode(errors="surrogateescape").strip() or None
    with _SANDBOX.listening(path), worded():
        read_image(path, image)
    target = LayoutTarget(str(path), "dest", Task(lambda _warning: None), 1)
    with _SANDBOX.listening(path), worded():
        target.survey(_WANTED)


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Change an input, often within its JSON."""
    return mutated(data, max_size, seed, atheris.Mutate)


if __name__ == "__main__":
    atheris.Setup(sys.argv, TestOneInput, custom_mutator=mutate)
    atheris.Fuzz()
