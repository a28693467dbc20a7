# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import typing as t
from pathlib import Path
from types import SimpleNamespace

import hypothesis
import pytest
from ansible_collections.amazon.aws.plugins.module_utils import cloud
from ansible_collections.layerkit.ecr.plugins.module_utils._core import task
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr import client, limits
from ansible_collections.layerkit.ecr.tests.unit.support.botocore_files import botocore_read_once
from ansible_collections.layerkit.ecr.tests.unit.support.stubbed_registry import StubbedRegistry

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR
    from mypy_boto3_ecr import ECRClient

ECR_SERVER = Path(__file__).parents[1] / "tools/ecr_server.py"

# The fixtures of the strict server.
pytest_plugins = ["ansible_collections.layerkit.ecr.tests.strict_ecr.fixtures"]


# The duration of an example depends on the load of the machine.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.fixture(scope="session", autouse=True)
def botocore_is_read_once() -> t.Iterator[None]:
    """Save two thirds of the time of most runs of a module."""
    with botocore_read_once():
        yield


@pytest.fixture(autouse=True)
def no_ambient_aws_settings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the settings and credentials of the user out of the tests."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_URL", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    empty = tmp_path_factory.mktemp("no-aws")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(empty / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(empty / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def delays(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The delays between attempts and before second looks, in seconds; nothing really sleeps."""
    slept: list[float] = []
    monkeypatch.setattr(cloud, "time", SimpleNamespace(sleep=slept.append))
    monkeypatch.setattr(task, "time", SimpleNamespace(sleep=slept.append))
    return slept


@pytest.fixture
def tiny_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let parts have any size up to the largest one, because layers of several parts would be large ones."""
    monkeypatch.setattr(limits, "MIN_PART", 1)


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch, delays: list[float]) -> t.Iterator[StubbedRegistry]:
    """A stubbed registry behind every client that a module creates; the test fails if an expected call is missing."""
    assert not delays
    stubbed = StubbedRegistry()
    monkeypatch.setattr(client, "boto3_inventory_conn", lambda *_args, **_options: stubbed.client)
    with stubbed.stubber:
        yield stubbed
        stubbed.stubber.assert_no_pending_responses()


@pytest.fixture(scope="session")
def plain_moto(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[ECRClient]:
    """Run moto without the strict backend, in a separate process, and return a client."""
    # Imported late, because pytest must import the module first: it is a plugin.
    from ansible_collections.layerkit.ecr.tests.strict_ecr.fixtures import ecr_client

    directory = tmp_path_factory.mktemp("moto")
    command = [sys.executable, str(ECR_SERVER)]
    started = subprocess.run([*command, "start", "moto", str(directory)], check=True, capture_output=True, text=True)
    yield ecr_client(started.stdout.strip())
    subprocess.run([*command, "stop", str(directory)], check=True)


@pytest.fixture
def unused_port() -> int:
    """A port of 127.0.0.1 on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def connection(strict_ecr: StrictECR, ecr: ECRClient) -> t.Iterator[dict[str, t.Any]]:
    """The options that connect a module to the strict server, with a timeout of half a second."""
    yield {
        "endpoint_url": strict_ecr.url,
        "region": ecr.meta.region_name,
        "access_key": "AKIAUNITTESTS",
        "secret_key": "not-a-secret-0nly-for-unit-tests",
        "aws_config": {"read_timeout": 0.5},
    }
    strict_ecr.control.faults.clear()


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of all temporary files."""
    directory = tmp_path / "temporary"
    directory.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(directory))
    return directory
