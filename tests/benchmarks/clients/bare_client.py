# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A boto3 client that makes one call: the least memory that a push with boto3 needs.

Usage: bare_client.py URL REPOSITORY. Prints seconds and peak memory as JSON.
"""

from __future__ import annotations

import json
import sys
import time

import boto3
from ansible_collections.layerkit.ecr.tests.unit.support.peak_memory import peak_kib

if __name__ == "__main__":
    started = time.perf_counter()
    client = boto3.client("ecr", endpoint_url=sys.argv[1], region_name="eu-west-1")
    client.describe_repositories(repositoryNames=[sys.argv[2]])
    print(json.dumps({"seconds": time.perf_counter() - started, "peak_kib": peak_kib()}))
