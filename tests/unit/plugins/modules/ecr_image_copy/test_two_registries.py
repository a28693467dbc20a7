# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copies between two servers: two accounts, two regions, two ports. The task is a process of its own."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
import typing as t
from pathlib import Path
from urllib.parse import quote

import pytest
import urllib3
from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import DOWNLOAD
from ansible_collections.layerkit.ecr.tests.strict_ecr.fixtures import ecr_client
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import blob_name
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LayoutWriter
from ansible_collections.layerkit.ecr.tests.unit.support.stored_images import store_image

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR
    from ansible_collections.layerkit.ecr.tests.unit.support.image_files import Document

ECR_SERVER = Path(__file__).parents[4] / "tools/ecr_server.py"
PROGRAM = "ansible_collections.layerkit.ecr.tests.unit.support.run_task"
ACCOUNT, REGION = "210987654321", "us-east-1"
MIB = 1024 * 1024


class SourceServer:
    """A strict server of another account, in a process of its own; its control is over HTTP."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = ecr_client(url, region=REGION)

    def strike(self, **fault: t.Any) -> None:
        self._ask("POST", "faults", fault)

    def clear(self) -> None:
        self._ask("DELETE", "faults")

    def bytes_served(self, repository: str) -> int:
        return int(self._ask("GET", f"calls?repository={quote(repository, safe='')}")["bytes_served"])

    def _ask(self, method: str, path: str, document: object = None) -> dict[str, t.Any]:
        body = None if document is None else json.dumps(document).encode()
        answer = urllib3.request(method, f"{self.url}/strict-ecr/{path}", body=body, retries=False)
        assert answer.status == 200
        found: dict[str, t.Any] = json.loads(answer.data)
        return found


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[SourceServer]:
    directory = str(tmp_path_factory.mktemp("source"))
    command = [sys.executable, str(ECR_SERVER)]
    environment = {**os.environ, "MOTO_ACCOUNT_ID": ACCOUNT}
    started = subprocess.run(
        [*command, "start", "strict", directory], env=environment, check=True, capture_output=True, text=True
    )
    yield SourceServer(started.stdout.strip())
    subprocess.run([*command, "stop", directory], check=True)


class Registries:
    """A repository of each server, and tasks that copy from one to the other."""

    def __init__(self, source: SourceServer, target: StrictECR, repository: str, connection: dict[str, t.Any]) -> None:
        self.source = source
        self.target = target
        self.repository = repository
        self.connection = {**connection, "aws_config": {}}
        self.layout = LayoutWriter()
        source.client.create_repository(repositoryName=repository)

    def store(self, image: Document) -> None:
        store_image(self.source.client, self.repository, self.layout, image, "1.0")

    def start(self, **options: t.Any) -> subprocess.Popen[str]:
        origin = {"endpoint_url": self.source.url, "region": REGION, "tag": "1.0"}
        task = {
            "module": "ecr_image_copy",
            "connection": self.connection,
            "options": {"repository_name": self.repository, "source": origin, "referrers": False, **options},
        }
        return subprocess.Popen([sys.executable, "-m", PROGRAM, json.dumps(task)], stdout=subprocess.PIPE, text=True)

    def run(self, **options: t.Any) -> dict[str, t.Any]:
        answer, _errors = self.start(**options).communicate()
        found: dict[str, t.Any] = json.loads(answer)
        return found

    def is_whole(self, image: Document) -> bool:
        document = json.loads(self.layout.files[blob_name(image["digest"])])
        blobs = [blob["digest"] for blob in (document["config"], *document["layers"])]
        return all(self.target.control.content(digest) == self.layout.files[blob_name(digest)] for digest in blobs)


@pytest.fixture
def registries(
    source: SourceServer, strict_ecr: StrictECR, repository: str, connection: dict[str, t.Any]
) -> t.Iterator[Registries]:
    yield Registries(source, strict_ecr, repository, connection)
    source.clear()


def test_an_image_crosses_accounts_and_regions(registries: Registries) -> None:
    image = registries.layout.image(b"first", b"second")
    registries.store(image)
    result = registries.run()["result"]
    assert result["changed"] is True
    assert (result["source"]["registry_id"], result["registry_id"]) == (ACCOUNT, "123456789012")
    assert result["image"]["repository_uri"].startswith("123456789012.dkr.ecr.eu-central-1.")
    assert registries.is_whole(image)
    assert registries.run()["result"]["changed"] is False


def test_a_copy_that_was_killed_is_resumed(registries: Registries, tmp_path: Path) -> None:
    size = 23 * MIB
    image = registries.layout.image(random.Random(3).randbytes(size))
    registries.store(image)
    control, name = registries.target.control, registries.repository
    # Two parts of 5 MiB arrive, each in eight ranges; the next one stalls.
    registries.source.strike(kind="stall", operation=DOWNLOAD, repository=name, skip=16, times=99, seconds=120)
    killed = registries.start(parallel=1, state_dir=str(tmp_path))
    while control.uploads(name) == {} or max(control.uploads(name).values()) < 10 * MIB:
        assert killed.poll() is None
        time.sleep(0.05)
    time.sleep(0.3)
    killed.kill()
    killed.communicate()
    kept = [path.read_text() for path in tmp_path.iterdir() if path.suffix == ".json"]
    assert kept
    assert not [text for text in kept if "X-Amz" in text or "http" in text]
    registries.source.clear()
    served = registries.source.bytes_served(name)
    result = registries.run(parallel=1, state_dir=str(tmp_path))["result"]
    assert result["changed"] is True
    assert registries.is_whole(image)
    total = sum(layer["size"] for layer in result["layers"])
    assert result["bytes_sent"] == total - 10 * MIB
    assert control.calls.bytes_received(name) == total
    # The target proves the digest of what was sent before.
    assert registries.source.bytes_served(name) - served == total - 10 * MIB
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("layers", "size"), [(8, 12), (1, 60)], ids=["many layers", "one large layer"])
def test_memory_is_bounded(registries: Registries, layers: int, size: int) -> None:
    source = random.Random(4)
    image = registries.layout.image(*(source.randbytes(size * MIB) for _layer in range(layers)))
    registries.store(image)
    task = json.dumps({"connection": {"endpoint_url": registries.target.url, "region_name": "eu-central-1"}})
    bare = json.loads(subprocess.check_output([sys.executable, "-m", PROGRAM, task]))["peak_kib"]
    answer = registries.run(parallel=8)
    assert answer["result"]["changed"] is True
    assert registries.is_whole(image)
    assert (answer["peak_kib"] - bare) / 1024 < 32
