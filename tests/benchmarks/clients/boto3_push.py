# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Push layers or an OCI layout as a simple boto3 script does: read a part, call upload_layer_part, repeat.

Usage: boto3_push.py URL REPOSITORY THREADS PATH...; a directory is a layout. Prints seconds and peak memory as JSON.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
from ansible_collections.layerkit.ecr.tests.unit.support.peak_memory import peak_kib
from botocore.config import Config

PART_SIZE = 10 * 1024 * 1024


def push_layer(client: t.Any, repository: str, path: Path) -> None:
    """Upload one layer; its digest is its file name, or is made up."""
    digest = path.name if len(path.name) == 64 else hashlib.sha256(str(path).encode()).hexdigest()
    upload_id = client.initiate_layer_upload(repositoryName=repository)["uploadId"]
    with path.open("rb") as layer:
        first = 0
        while part := layer.read(PART_SIZE):
            client.upload_layer_part(
                repositoryName=repository,
                uploadId=upload_id,
                partFirstByte=first,
                partLastByte=first + len(part) - 1,
                layerPartBlob=part,
            )
            first += len(part)
    client.complete_layer_upload(repositoryName=repository, uploadId=upload_id, layerDigests=[f"sha256:{digest}"])


def put_image(client: t.Any, repository: str, layout: Path) -> None:
    """Store the manifest of a layout."""
    descriptor = json.loads((layout / "index.json").read_text())["manifests"][0]
    client.put_image(
        repositoryName=repository,
        imageManifest=(layout / "blobs" / descriptor["digest"].replace(":", "/")).read_text(),
        imageManifestMediaType=descriptor["mediaType"],
        imageTag="v1",
    )


def blobs_of(layout: Path) -> list[Path]:
    """Return the config and the layers of a layout."""
    blobs = layout / "blobs" / "sha256"
    manifest_digest = json.loads((layout / "index.json").read_text())["manifests"][0]["digest"]
    manifest = json.loads((blobs / manifest_digest.removeprefix("sha256:")).read_text())
    return [blobs / blob["digest"].removeprefix("sha256:") for blob in (manifest["config"], *manifest["layers"])]


def main(url: str, repository: str, threads: str, *paths: str) -> None:
    """Push, and print seconds and peak memory."""
    options: dict[str, t.Any] = {"endpoint_url": url, "region_name": "eu-west-1"}
    client = boto3.client("ecr", config=Config(max_pool_connections=max(10, int(threads))), **options)
    layouts = [Path(path) for path in paths if Path(path).is_dir()]
    layers = [Path(path) for path in paths if not Path(path).is_dir()]
    layers += [blob for layout in layouts for blob in blobs_of(layout)]
    started = time.perf_counter()
    with ThreadPoolExecutor(int(threads)) as pool:
        list(pool.map(lambda layer: push_layer(client, repository, layer), layers))
    for layout in layouts:
        put_image(client, repository, layout)
    print(json.dumps({"seconds": time.perf_counter() - started, "peak_kib": peak_kib()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
