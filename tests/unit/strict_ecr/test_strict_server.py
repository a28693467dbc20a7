# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server: in process, from the command line, and beside the rest of moto."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import urllib3
from ansible_collections.layerkit.ecr.tests import strict_ecr as package
from ansible_collections.layerkit.ecr.tests.strict_ecr import Fault, StrictECR, serve
from ansible_collections.layerkit.ecr.tests.strict_ecr.fixtures import REGION, ecr_client
from ansible_collections.layerkit.ecr.tests.strict_ecr.models import StrictECRBackend
from ansible_collections.layerkit.ecr.tests.unit.support.pushing import complete, digest_of, push_layer, upload
from moto.moto_server.werkzeug_app import BackendRequest

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient


def test_one_process_runs_one_server(strict_ecr: StrictECR) -> None:
    with pytest.raises(RuntimeError, match="already runs"), serve():
        pass
    assert strict_ecr.url.startswith("http://127.0.0.1:")


# Runs on its own, as this process has its one server already.
RESTART = """
from moto.ecr import models
from ansible_collections.layerkit.ecr.tests.strict_ecr import Fault, serve
from ansible_collections.layerkit.ecr.tests.strict_ecr.fixtures import ecr_client

models.ecr_backends["123456789012"]["eu-central-1"].create_repository("before", None, None, None, None, [])
before = models.ecr_backends["123456789012"]["eu-central-1"]
urls = []
for _turn in range(2):
    with serve() as server:
        client = ecr_client(server.url)
        assert client.describe_repositories()["repositories"] == []
        assert server.control.faults.pending() == []
        client.create_repository(repositoryName="during")
        server.control.faults.add(Fault("delay", "InitiateLayerUpload", seconds=60))
        urls.append(server.url)
    assert models.ecr_backends.backend is models.ECRBackend
    assert models.ecr_backends["123456789012"]["eu-central-1"] is before
    assert list(before.repositories) == ["before"]
print(urls)
"""


def test_a_server_may_follow_another_and_leaves_moto_as_it_was() -> None:
    done = subprocess.run([sys.executable, "-W", "error", "-c", RESTART], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("http://127.0.0.1:") == 2


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_the_command_line(ending: signal.Signals) -> None:
    command = [sys.executable, "-m", package.__name__, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        words = process.stdout.readline().split()
        assert words[:3] == ["strict", "ECR", "on"]
        assert words[3].startswith("http://127.0.0.1:")
        ecr = ecr_client(words[3])
        ecr.create_repository(repositoryName="app")
        push_layer(ecr, "app", b"x")
        os.kill(process.pid, ending)
        stdout, stderr = process.communicate(timeout=10)
    assert (process.returncode, stdout, stderr) == (0, "", "")


def test_a_server_stops_at_once_though_an_answer_is_delayed() -> None:
    program = """
import threading, time
from ansible_collections.layerkit.ecr.tests.strict_ecr import Fault, serve
from ansible_collections.layerkit.ecr.tests.strict_ecr.fixtures import ecr_client

with serve() as server:
    ecr_client(server.url).create_repository(repositoryName="app")
    server.control.faults.add(Fault("delay", "InitiateLayerUpload", seconds=60))
    calling = threading.Thread(target=ecr_client(server.url).initiate_layer_upload, kwargs={"repositoryName": "app"})
    calling.start()
    while not server.control.uploads("app"):
        time.sleep(0.01)
calling.join(10)
assert not calling.is_alive()
"""
    before = time.monotonic()
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)
    assert time.monotonic() - before < 20


def client_of(service: Any, server: StrictECR) -> Any:
    """Make a client of another service."""
    return boto3.client(
        service,
        endpoint_url=server.url,
        region_name=REGION,
        aws_access_key_id="strict-ecr-key-id",
        aws_secret_access_key="strict-ecr-secret-key",
    )


def test_the_rest_of_moto_is_there(strict_ecr: StrictECR, repository: str) -> None:
    answer = urllib3.request("GET", f"{strict_ecr.url}/moto-api/data.json", retries=False)
    repositories = json.loads(answer.data)["ecr"]["Repository"]
    assert repository in [held["name"] for held in repositories]
    sts = client_of("sts", strict_ecr)
    assert sts.get_caller_identity()["Account"] == "123456789012"


def test_other_services_are_not_struck(strict_ecr: StrictECR) -> None:
    ssm = client_of("ssm", strict_ecr)
    ssm.put_parameter(Name="name", Value="value", Type="String")
    # An operation of ECR by name, too.
    fault = Fault("access_denied", "ListTagsForResource")
    strict_ecr.control.faults.add(fault)
    assert ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId="name")["TagList"] == []
    assert strict_ecr.control.faults.pending() == [fault]
    strict_ecr.control.faults.clear()


def test_a_request_is_gone_once_it_is_answered(ecr: ECRClient, repository: str) -> None:
    # Requests that only the garbage collector frees would hold 14 MB for each part.
    gc.collect()
    gc.disable()
    try:
        upload(ecr, repository, b"x" * 1000)
        deadline = time.monotonic() + 5
        while (requests := held_requests()) and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        gc.enable()
    assert requests == 0


def held_requests() -> int:
    return sum(isinstance(held, BackendRequest) for held in gc.get_objects())


def test_regions_are_apart(strict_ecr: StrictECR, ecr: ECRClient, repository: str) -> None:
    elsewhere = ecr_client(strict_ecr.url, region="us-west-2")
    elsewhere.create_repository(repositoryName=repository)
    here, there = push_layer(ecr, repository, b"here"), push_layer(elsewhere, repository, b"there")
    assert strict_ecr.control.layers(repository) == {here: 4, there: 5}
    answer = ecr.batch_check_layer_availability(repositoryName=repository, layerDigests=[there])
    assert answer["layers"][0]["layerAvailability"] == "UNAVAILABLE"


def test_uploads_in_parallel(strict_ecr: StrictECR, ecr: ECRClient, repository: str) -> None:
    strict_ecr.control.rules(repository).min_part_bytes = 1
    layers = [[bytes([number, part]) * 5000 for part in range(5)] for number in range(16)]

    def push(parts: list[bytes]) -> str:
        return complete(ecr, repository, upload(ecr, repository, *parts), digest_of(b"".join(parts)))

    with ThreadPoolExecutor(8) as pool:
        pushed = list(pool.map(push, layers))
    assert strict_ecr.control.layers(repository) == dict.fromkeys(pushed, 50_000)
    assert len(set(pushed)) == 16
    assert strict_ecr.control.calls.bytes_received(repository) == 16 * 50_000
    assert strict_ecr.control.uploads(repository) == {}


def test_operations_are_applied_one_at_a_time(ecr: ECRClient, repository: str, monkeypatch: pytest.MonkeyPatch) -> None:
    inside: list[int] = []
    most = 0
    original = StrictECRBackend.initiate_layer_upload

    def slow(backend: StrictECRBackend, *arguments: str, **options: str) -> dict[str, Any]:
        nonlocal most
        inside.append(1)
        most = max(most, len(inside))
        time.sleep(0.02)
        inside.pop()
        return original(backend, *arguments, **options)

    monkeypatch.setattr(StrictECRBackend, "initiate_layer_upload", slow)
    with ThreadPoolExecutor(4) as pool:
        uploads = list(pool.map(lambda _turn: upload(ecr, repository), range(4)))
    assert len(set(uploads)) == 4
    assert most == 1


def test_one_of_many_completions_at_once_wins(ecr: ECRClient, repository: str) -> None:
    uploads = [upload(ecr, repository, b"x") for _upload in range(8)]

    def outcome(upload_id: str) -> str:
        try:
            return complete(ecr, repository, upload_id, digest_of(b"x"))
        except ecr.exceptions.LayerAlreadyExistsException:
            return "already there"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(outcome, uploads))
    assert sorted(outcomes) == ["already there"] * 7 + [digest_of(b"x")]
