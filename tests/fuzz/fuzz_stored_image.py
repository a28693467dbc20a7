# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fuzz the images of a registry that a copy and a download read: manifests, indexes, referrers."""

from __future__ import annotations

import json as json_
import sys

import atheris

with atheris.instrument_imports(include=["ansible_collections.layerkit.ecr.plugins"]):
    import typing as t

    from ansible_collections.layerkit.ecr.plugins.module_utils._core.task import Task
    from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.stored_image import RepositoryReader
    from ansible_collections.layerkit.ecr.plugins.module_utils._oci.attachments import with_referrers
    from ansible_collections.layerkit.ecr.plugins.module_utils._oci.image import assemble_image, listed_image
    from ansible_collections.layerkit.ecr.plugins.module_utils._oci.manifest import OCI_MANIFEST
    from ansible_collections.layerkit.ecr.tests.fuzz.answers import answer, client
    from ansible_collections.layerkit.ecr.tests.fuzz.documents import digest_of, mutated, resolved
    from ansible_collections.layerkit.ecr.tests.fuzz.oracle import worded
    from botocore.awsrequest import AWSResponse

_documents: list[bytes] = []


def _respond(operation: str, request: t.Any) -> AWSResponse:
    asked = json_.loads(request.body)
    if operation == "ListImageReferrers":
        found = [{"digest": digest_of(each), "mediaType": _type(each), "size": len(each)} for each in _documents[1:]]
        # The image itself has all of them. What they have is in their own subject.
        is_root = asked["subjectId"]["imageDigest"] == digest_of(_documents[0])
        return _ok({"referrers": found if is_root else []})
    by_name = {digest_of(each): each for each in _documents} | {"latest": _documents[0]}
    images, failures = [], []
    for image_id in asked["imageIds"]:
        content = by_name.get(image_id.get("imageDigest") or image_id["imageTag"])
        if content is None:
            failures.append({"imageId": image_id, "failureCode": "ImageNotFound", "failureReason": "not there"})
        else:
            text = content.decode(errors="replace")
            complete = {**image_id, "imageDigest": digest_of(text.encode())}
            images.append({"imageId": complete, "imageManifest": text, "imageManifestMediaType": _type(content)})
    return _ok({"images": images, "failures": failures})


def _type(content: bytes) -> str:
    try:
        return str(json_.loads(content)["mediaType"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return OCI_MANIFEST


def _ok(document: t.Any) -> AWSResponse:
    return answer(200, [("content-type", "application/x-amz-json-1.1")], json_.dumps(document).encode())


_CLIENT = client(_respond)


def TestOneInput(data: bytes) -> None:
    """Read an image and what refers to it. The first document is its manifest, the others are all that there is."""
    _documents[:] = resolved(data)
    task = Task(lambda _warning: None)
    with worded():
        image = RepositoryReader(_CLIENT, task).choose("latest")
        with worded():
            listed_image(image, "app")
        found = assemble_image(image, [], "app")
        assert with_referrers(found, "app", task).root is found.root


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Change an input, often within its JSON."""
    return mutated(data, max_size, seed, atheris.Mutate)


if __name__ == "__main__":
    atheris.Setup(sys.argv, TestOneInput, custom_mutator=mutate)
    atheris.Fuzz()
