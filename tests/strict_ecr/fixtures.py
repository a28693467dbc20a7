# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""pytest fixtures; import them by name into a conftest.py or a test module."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config

from .server import StrictECR, serve

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

REGION = "eu-central-1"


def ecr_client(url: str, *, region: str = REGION, attempts: int = 1, read_timeout: float = 30.0) -> ECRClient:
    """Return a boto3 client of the server at the URL; with one attempt, botocore does not retry."""
    config = Config(retries={"mode": "standard", "total_max_attempts": attempts}, read_timeout=read_timeout, proxies={})
    return boto3.client(
        "ecr",
        endpoint_url=url,
        region_name=region,
        aws_access_key_id="strict-ecr-key-id",
        aws_secret_access_key="strict-ecr-secret-key",
        config=config,
    )


@pytest.fixture(scope="session")
def strict_ecr() -> Iterator[StrictECR]:
    """Serve a strict ECR for the session."""
    with serve() as server:
        yield server


@pytest.fixture(scope="session")
def ecr(strict_ecr: StrictECR) -> ECRClient:
    """Return a client of the server that does not retry."""
    return ecr_client(strict_ecr.url)


@pytest.fixture
def repository(ecr: ECRClient) -> str:
    """Create a repository and return its name."""
    name = f"test/{uuid.uuid4().hex[:12]}"
    ecr.create_repository(repositoryName=name)
    return name
