# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fuzz the answers of the registry, to every operation that the modules call."""

from __future__ import annotations

import sys
import typing as t

import atheris

with atheris.instrument_imports(include=["ansible_collections.layerkit.ecr.plugins"]):
    from ansible_collections.layerkit.ecr.plugins.module_utils._core.task import Task
    from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.images import Images
    from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.layers import Layers
    from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.referrers import Referrers
    from ansible_collections.layerkit.ecr.plugins.module_utils._oci.manifest import DOCKER_MANIFEST, Manifest
    from ansible_collections.layerkit.ecr.tests.fuzz.answers import answer_of, client
    from ansible_collections.layerkit.ecr.tests.fuzz.documents import SEPARATOR, mutated
    from ansible_collections.layerkit.ecr.tests.fuzz.oracle import worded

DIGEST = f"sha256:{'a' * 64}"
UPLOAD = "11111111-2222-3333-4444-555555555555"
_SECRET = "canary-of-the-signature"
_data = b""
_CLIENT = client(lambda _operation, _request: answer_of(_data))
_LAYERS, _IMAGES = Layers(_CLIENT), Images(_CLIENT)
_MANIFEST = Manifest(b"{}", DOCKER_MANIFEST)
OPERATIONS: dict[bytes, t.Callable[[], object]] = {
    b"BatchCheckLayerAvailability": lambda: _LAYERS.available([DIGEST]),
    b"InitiateLayerUpload": _LAYERS.initiate,
    b"UploadLayerPart": lambda: _LAYERS.upload_part(UPLOAD, 0, 9, b"0123456789"),
    b"CompleteLayerUpload": lambda: _LAYERS.complete(UPLOAD, [DIGEST]),
    b"GetDownloadUrlForLayer": lambda: _LAYERS.download_url(DIGEST),
    b"DescribeRepositories": _IMAGES.settings,
    b"BatchGetImage": lambda: _IMAGES.get([DIGEST], ["latest"]),
    b"DescribeImages": lambda: _IMAGES.describe([DIGEST], ["latest"]),
    b"DescribeImages of all": _IMAGES.list_all,
    b"PutImage": lambda: Images(_CLIENT).put(_MANIFEST, "latest"),
    b"BatchDeleteImage": lambda: _IMAGES.delete((DIGEST,), ("latest",)),
    b"ListImageReferrers": lambda: Referrers(_CLIENT, Task(lambda _warning: None)).find([DIGEST]),
}


def TestOneInput(data: bytes) -> None:
    """Call an operation, whose name is the first document, and answer with the others. Another name stands for any."""
    global _data
    name, _separator, _data = data.partition(SEPARATOR)
    calls = list(OPERATIONS.values())
    said: list[str] = []
    for call in calls if name == b"every operation" else [OPERATIONS.get(name) or calls[len(name) % len(calls)]]:
        with worded() as words:
            str(call())
        said += words
    head, _separator, body = _data.partition(SEPARATOR)
    has_url = b"downloadUrl" in body and _SECRET.encode() not in head
    if has_url and answer_of(_data).status_code < 300:
        assert _SECRET not in str(said), "a pre-signed URL is shown"


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Change an input, often within its JSON."""
    return mutated(data, max_size, seed, atheris.Mutate)


if __name__ == "__main__":
    atheris.Setup(sys.argv, TestOneInput, custom_mutator=mutate)
    atheris.Fuzz()
