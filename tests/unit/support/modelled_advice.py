# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The words that the advice on each modelled error must contain, for every operation."""

from __future__ import annotations

ADVICE = {
    "EmptyUploadException": "No part was uploaded",
    "ImageAlreadyExistsException": "Look at the repository with ecr_image_info",
    "ImageDigestDoesNotMatchException": "The source is damaged",
    "ImageTagAlreadyExistsException": "Choose another tag",
    "InvalidLayerException": "none of the digests listed",
    "InvalidLayerPartException": "does not report which byte it expects",
    "InvalidParameterException": "does not accept a parameter",
    "KmsException": "kms:Decrypt",
    "LayerPartTooSmallException": "5242880 bytes (5 MiB)",
    "LayersNotFoundException": "Layers of the image are not in the repository",
    "LimitExceededException": "4200 parts and 52000 MiB",
    "ReferencedImagesNotFoundException": "Images of the index are not in the repository",
    "RepositoryNotFoundException": "The repository does not exist",
    "ServerException": "The registry failed to handle the request",
    "UnableToGetUpstreamImageException": "pull through cache rule",
    "UnableToListUpstreamImageReferrersException": "did not list what refers to it",
    "UploadNotFoundException": "does not know this upload",
    "ValidationException": "does not accept a parameter",
}
