# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Amazon ECR refuses of an image or a layer, checked before anything is sent.

Sources: https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html and
https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutImage.html.
"""

from __future__ import annotations

import typing as t

from .._core.errors import InvalidInputError
from .._oci.image import blobs_of
from .._oci.store import DraftImage
from .limits import MAX_LAYERS_PER_IMAGE, MAX_TAGS_PER_IMAGE, check_layer
from .service_model import largest

if t.TYPE_CHECKING:
    from .._oci.image import Image
    from .._oci.manifest import Manifest


def check_image(image: Image, name: str, part_size: int) -> None:
    """Check an image with its attachments: the manifests and the blobs.

    Of a draft only what the final image has as well is checked: the number of layers and the configuration.

    :param name: names the source in errors
    :param part_size: the size in bytes of the parts that layers will be sent in
    :raises InvalidInputError: Amazon ECR would refuse it
    """
    is_draft = isinstance(image.reader, DraftImage)
    for manifest in image.manifests:
        # Users know a draft by its image id: the digest of its manifest is final nowhere.
        shown = f"image {manifest.blobs[0].digest}" if is_draft else f"manifest {manifest.digest}"
        _check_manifest(manifest, f"{name}: {shown}")
    for attachment in image.attachments:
        subject = attachment.referrer.subject
        for manifest in attachment.image.manifests:
            _check_manifest(manifest, f"{name}: manifest {manifest.digest}, which refers to {subject},")
    foreign = {digest for part in image.parts for digest in part.foreign}
    for blob in image.root.blobs[:1] if is_draft else blobs_of(image.parts).values():
        if blob.digest not in foreign or blob.size == 0:
            check_layer(f"{name}: blob {blob.digest}", blob.size, part_size)


def check_tags(tags: t.Collection[str]) -> None:
    """Check the number of tags that an image is to have.

    :raises InvalidInputError: Amazon ECR would refuse one of them
    """
    if len(tags) > MAX_TAGS_PER_IMAGE:
        raise InvalidInputError(
            f"The image is to have {len(tags)} tags. Amazon ECR accepts at most {MAX_TAGS_PER_IMAGE} tags for an image"
        )


def _check_manifest(manifest: Manifest, name: str) -> None:
    size, limit = len(manifest.content), largest("PutImage", "imageManifest")
    if not 1 <= size <= limit:
        raise InvalidInputError(f"{name} is {size} bytes. Amazon ECR accepts manifests of 1 to {limit} bytes (4 MiB)")
    if manifest.is_index:
        return
    layers = len(manifest.blobs) - 1
    if layers < 1:
        raise InvalidInputError(f"{name} lists no layers. Amazon ECR does not accept an image without layers")
    if layers > MAX_LAYERS_PER_IMAGE:
        raise InvalidInputError(
            f"{name} lists {layers} layers. Amazon ECR accepts at most {MAX_LAYERS_PER_IMAGE} layers in an image",
            "Build the image with fewer layers, for example by squashing it",
        )
