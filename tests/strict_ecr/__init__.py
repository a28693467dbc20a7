# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A strict Amazon ECR: moto's backend, with the checks of the live service that moto lacks, and faults that tests add.

In process (one server at a time; do not mix with ``moto.mock_aws``, which resets every backend of the process)::

    with serve() as server:
        client = boto3.client("ecr", endpoint_url=server.url, region_name="eu-central-1", ...)
        server.control.faults.add(Fault("drop_after", "UploadLayerPart", repository="app"))

From a shell; prints ``strict ECR on http://127.0.0.1:PORT`` and runs until SIGTERM or SIGINT::

    python -m ansible_collections.layerkit.ecr.tests.strict_ecr --port 0

Tests that share a server use different repositories: rules, faults and the log of calls are kept per repository.

The layout follows moto's own services: ``models`` (the backend), ``responses``, ``urls`` and ``exceptions``.
"""

from __future__ import annotations

from .control import Control
from .faults import Fault
from .rules import Rules
from .server import StrictECR, serve

__all__ = ["Control", "Fault", "Rules", "StrictECR", "serve"]
