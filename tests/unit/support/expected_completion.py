# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A CompleteLayerUpload task, and the calls that a stubbed registry expects of it."""

from __future__ import annotations

import typing as t

from ansible_collections.layerkit.ecr.tests.unit.support.stubbed_registry import StubbedRegistry

REPOSITORY = "team/app"
UPLOAD = "5e9ba2c1-1a3d-4b36-8c2e-5a4d5c1bb9d7"
ACCOUNT = "123456789012"
THIS = "sha256:" + "1" * 64
OTHER = "sha256:" + "2" * 64
SHA512 = "sha512:" + "3" * 128
ZERO_BYTES = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

TASK: dict[str, t.Any] = {"repository_name": REPOSITORY, "upload_id": UPLOAD, "layer_digests": [THIS]}


def complete_request(*digests: str) -> dict[str, t.Any]:
    return {"repositoryName": REPOSITORY, "uploadId": UPLOAD, "layerDigests": list(digests or (THIS,))}


def completes(registry: StubbedRegistry, *digests: str, answer: str = THIS) -> None:
    registry.answers(
        "CompleteLayerUpload",
        complete_request(*digests),
        registryId=ACCOUNT,
        repositoryName=REPOSITORY,
        uploadId=UPLOAD,
        layerDigest=answer,
    )


def refuses(
    registry: StubbedRegistry, code: str, status: int = 400, digests: t.Sequence[str] = (), **fields: t.Any
) -> None:
    registry.refuses("CompleteLayerUpload", complete_request(*digests), code, status, fields or None)
