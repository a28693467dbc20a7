# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The errors of Amazon ECR that moto does not raise, by the codes of the service model."""

from __future__ import annotations

from moto.core.exceptions import ServiceException
from moto.ecr.exceptions import InvalidParameterException


def invalid_parameter(member: str, rule: str) -> InvalidParameterException:
    """Return the InvalidParameterException for a request member and the rule that it violates."""
    return InvalidParameterException(f"Invalid parameter at '{member}' failed to satisfy constraint: '{rule}'")


class EmptyUploadException(ServiceException):
    """An upload without parts cannot be completed."""

    code = "EmptyUploadException"
    message = "The upload with id '{upload_id}' in the repository with name '{repository_name}' has no parts"


class InvalidLayerException(ServiceException):
    """The digest of the upload is not among the given digests."""

    code = "InvalidLayerException"
    message = (
        "None of the provided layer digests match the digest '{layer_digest}' of the upload with id '{upload_id}' "
        "in the repository with name '{repository_name}'"
    )


class LayerAlreadyExistsException(ServiceException):
    """The layer exists; like the live service, the error does not name the digest."""

    code = "LayerAlreadyExistsException"
    message = "The layer of upload '{upload_id}' already exists in the repository with name '{repository_name}'"


class LayerPartTooSmallException(ServiceException):
    """Only the last part of a layer may be small."""

    code = "LayerPartTooSmallException"
    message = (
        "Part {number} of the upload with id '{upload_id}' has {size} bytes: "
        "every part but the last must have at least {minimum}"
    )


class LayersNotFoundException(ServiceException):
    """A layer is not in the repository."""

    code = "LayersNotFoundException"
    message = "Layers with digests '{layer_digests}' do not exist in the repository with name '{repository_name}'"


class LayerInaccessibleException(ServiceException):
    """No image of the repository refers to the layer."""

    code = "LayerInaccessibleException"
    message = (
        "The layer with digest '{layer_digest}' is not associated with an image "
        "in the repository with name '{repository_name}'"
    )


class ImageDigestDoesNotMatchException(ServiceException):
    """The given digest is not that of the manifest."""

    code = "ImageDigestDoesNotMatchException"
    message = "The image digest '{image_digest}' does not match the digest '{computed}' of the image manifest"


class ImageTagAlreadyExistsException(ServiceException):
    """An immutable tag exists already, even on the same image."""

    code = "ImageTagAlreadyExistsException"
    message = (
        "The image tag '{image_tag}' already exists in the '{repository_name}' repository "
        "and cannot be overwritten because the tag is immutable"
    )


class ReferencedImagesNotFoundException(ServiceException):
    """An image of the index is not in the repository."""

    code = "ReferencedImagesNotFoundException"
    message = "Images with digests '{image_digests}' do not exist in the repository with name '{repository_name}'"
