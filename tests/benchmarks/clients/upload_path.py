# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Upload layer files with the collection's own code, without Ansible.

Usage: upload_path.py URL REPOSITORY FILE...; uploads one file after another. Prints seconds and peak memory as JSON.
"""

from __future__ import annotations

import json
import sys
import time
import typing as t

import boto3
from ansible_collections.layerkit.ecr.plugins.module_utils._core.blob import FileBlob
from ansible_collections.layerkit.ecr.plugins.module_utils._core.task import Task
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.call import Repository
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.client import EcrClient
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.layers import Layers
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.part_body import stream_parts
from ansible_collections.layerkit.ecr.plugins.module_utils._upload.layer import LayerPusher, UploadOptions
from ansible_collections.layerkit.ecr.plugins.module_utils._upload.plan import LayerPlan
from ansible_collections.layerkit.ecr.tests.unit.support.peak_memory import peak_kib


def main(url: str, name: str, *paths: str) -> None:
    """Upload, and print seconds and peak memory."""
    options: dict[str, t.Any] = {"endpoint_url": url, "region_name": "eu-west-1"}
    task = Task(lambda warning: print(warning, file=sys.stderr))
    client = EcrClient(boto3.client("ecr", **options), Repository(name), task)
    upload_options = UploadOptions()
    stream_parts(client.events)
    pusher = LayerPusher(client, upload_options, task)
    seconds = 0.0
    for path in paths:
        with FileBlob.open(path, path) as blob:
            # Not measured: a push knows the digest from the manifest.
            digest = blob.digest()
            started = time.perf_counter()
            found = Layers(client).available([digest])[digest]
            plan = LayerPlan(digest, blob.size, upload_options.expected_part_size, found)
            push = pusher.push(blob, plan)
            seconds += time.perf_counter() - started
            if not push.changed or push.progress.bytes_sent != blob.size:
                raise SystemExit(f"not uploaded: {push}")
    print(json.dumps({"seconds": seconds, "peak_kib": peak_kib()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
