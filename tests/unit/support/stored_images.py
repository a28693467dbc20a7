# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Puts images of a layout into a repository with bare calls, not with the code under test."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.layerkit.ecr.tests.unit.support.image_files import blob_name
from ansible_collections.layerkit.ecr.tests.unit.support.pushing import availability, complete, put, upload

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.control import Control
    from ansible_collections.layerkit.ecr.tests.unit.support.image_files import Document
    from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LayoutWriter
    from mypy_boto3_ecr import ECRClient

_PART = 10 * 1024 * 1024


def store_image(
    ecr: ECRClient,
    repository: str,
    layout: LayoutWriter,
    image: Document,
    tag: str | None = None,
    control: Control | None = None,
) -> str:
    """Put an image, or an index and its images, and return its digest.

    :param control: that of the server if it is in this process; it stores the layers, which saves many calls
    """
    content = layout.files[blob_name(image["digest"])]
    document = json.loads(content)
    for child in document.get("manifests", []):
        store_image(ecr, repository, layout, child, control=control)
    for blob in [document["config"], *document["layers"]] if "config" in document else []:
        if blob.get("urls"):
            continue
        if control:
            control.seed_layer(repository, layout.files[blob_name(blob["digest"])])
        else:
            _store_blob(ecr, repository, layout.files[blob_name(blob["digest"])], blob["digest"])
    try:
        return put(
            ecr,
            repository,
            content.decode(),
            tag,
            imageDigest=image["digest"],
            imageManifestMediaType=image["mediaType"],
        )
    except ecr.exceptions.ImageAlreadyExistsException:
        return str(image["digest"])


def _store_blob(ecr: ECRClient, repository: str, content: bytes, digest: str) -> None:
    if availability(ecr, repository, digest) == "UNAVAILABLE":
        parts = [content[first : first + _PART] for first in range(0, len(content), _PART)]
        complete(ecr, repository, upload(ecr, repository, *parts), digest)
