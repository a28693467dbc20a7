# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Uploads layer files with the collection's own code, without Ansible around it: the upload path alone.

Usage: upload_path.py URL REPOSITORY FILE...; one after the other. Prints seconds and peak memory as JSON.
"""

from __future__ import annotations

import json
import sys
import time
import typing as t

import boto3
from ansible_collections.layerkit.ecr.plugins.module_utils._core.blob import FileBlob
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.layers import LayerRepository
from ansible_collections.layerkit.ecr.plugins.module_utils._upload.layer import UploadOptions, push_layer
from ansible_collections.layerkit.ecr.plugins.module_utils._upload.plan import LayerPlan
from ansible_collections.layerkit.ecr.tests.unit.support.peak_memory import peak_kib


def main(url: str, name: str, *paths: str) -> None:
    """Upload, and print what it has cost."""
    options: dict[str, t.Any] = {"endpoint_url": url, "region_name": "eu-west-1"}
    client = boto3.client("ecr", **options)
    repository = LayerRepository(client, name)
    seconds = 0.0
    for path in paths:
        with FileBlob.open(path) as blob:
            # The digest is known before: it is what the image's manifest says.
            digest = blob.digest()
            started = time.perf_counter()
            found = repository.layers([digest])[digest]
            upload_options = UploadOptions()
            plan = LayerPlan(digest, blob.size, upload_options.expected_part_size, found)
            push = push_layer(repository, blob, plan, upload_options, lambda warning: print(warning, file=sys.stderr))
            seconds += time.perf_counter() - started
            if not push.changed or push.bytes_sent != blob.size:
                raise SystemExit(f"not uploaded: {push}")
    print(json.dumps({"seconds": seconds, "peak_kib": peak_kib()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
