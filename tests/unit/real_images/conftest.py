# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.layerkit.ecr.tests.real_images import RealImage, Tools, make_images
from ansible_collections.layerkit.ecr.tests.unit.support.recorded_registry import Registry
from ansible_collections.layerkit.ecr.tests.unit.support.recording_proxy import RecordingProxy

if t.TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient


# Each process of pytest-xdist makes its own images: this takes a few seconds, and kept images could be outdated.
@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RealImage]:
    return make_images(tmp_path_factory.mktemp("real-images"))


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Tools:
    return Tools(tmp_path_factory.mktemp("tools"))


@pytest.fixture(params=["moto", "strict"])
def registry(request: pytest.FixtureRequest, plain_moto: ECRClient, ecr: ECRClient) -> t.Iterator[Registry]:
    """A new repository, once on plain moto and once on the strict server."""
    client = {"moto": plain_moto, "strict": ecr}[request.param]
    with RecordingProxy(client.meta.endpoint_url).running() as proxy:
        yield Registry(client, proxy)
