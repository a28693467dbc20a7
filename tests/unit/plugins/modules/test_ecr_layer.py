# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A whole layer in one task: what it predicts, does, refuses, and needs."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.service_model import operation_model
from ansible_collections.layerkit.ecr.plugins.modules import ecr_layer as module
from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import Fault
from ansible_collections.layerkit.ecr.tests.unit.support.cutting_proxy import CuttingProxy
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import ModuleFailedError, run_module, warnings_of
from ansible_collections.layerkit.ecr.tests.unit.support.refused_threads import refuse_threads
from ansible_collections.layerkit.ecr.tests.unit.support.stubbed_registry import StubbedRegistry

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR

MIB = 1024 * 1024
UPLOAD_ID = "5e9ba2c1-1a3d-4b36-8c2e-5a4d5c1bb9d7"
KEYS = {"action", "bytes_sent", "layer_digest", "layer_size", "part_count", "upload_id"}


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    path = tmp_path / "layer.tar.gz"
    path.write_bytes(os.urandom(12 * MIB))
    return path


def digest_of(path: Path) -> str:
    return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()


class TestPredictionAndRun:
    def test_check_run_and_run_again(
        self, layer: Path, connection: dict[str, t.Any], repository: str, strict_ecr: StrictECR
    ) -> None:
        task: dict[str, t.Any] = {"connection": connection, "repository_name": repository, "src": str(layer)}
        predicted = run_module(module, check=True, **task)
        assert "InitiateLayerUpload" not in strict_ecr.control.calls.counts(repository)
        done = run_module(module, **task)
        assert strict_ecr.control.layers(repository) == {digest_of(layer): 12 * MIB}
        again = run_module(module, **task)
        assert [result["changed"] for result in (predicted, done, again)] == [True, True, False]
        same = KEYS - {"upload_id"} | {"diff"}
        assert {key: predicted[key] for key in same} == {key: done[key] for key in same}
        assert (done["bytes_sent"], done["part_count"], done["action"]) == (12 * MIB, 2, "uploaded")
        assert (again["bytes_sent"], again["part_count"], again["action"]) == (0, 0, "already_exists")
        assert predicted["diff"]["before"]["layer_availability"] == "UNAVAILABLE"
        assert predicted["diff"]["after"]["layer_availability"] == "AVAILABLE"
        assert again["diff"]["before"] == again["diff"]["after"]
        assert all(set(result) >= KEYS for result in (predicted, done, again))
        assert strict_ecr.control.calls.counts(repository)["InitiateLayerUpload"] == 1

    def test_part_size(self, layer: Path, connection: dict[str, t.Any], repository: str) -> None:
        task: dict[str, t.Any] = {
            "connection": connection,
            "repository_name": repository,
            "src": str(layer),
            "part_size": 5 * MIB,
        }
        assert run_module(module, check=True, **task)["part_count"] == run_module(module, **task)["part_count"] == 3

    def test_check_mode_counts_what_an_earlier_run_left(
        self, layer: Path, connection: dict[str, t.Any], repository: str, strict_ecr: StrictECR, tmp_path: Path
    ) -> None:
        task: dict[str, t.Any] = {
            # The first part must arrive, however slow the machine is.
            "connection": {**connection, "aws_config": {"read_timeout": 30}},
            "repository_name": repository,
            "src": str(layer),
            "state_dir": str(tmp_path / "state"),
        }
        strict_ecr.control.faults.add(Fault("access_denied", "UploadLayerPart", repository, skip=1))
        with pytest.raises(ModuleFailedError) as failed:
            run_module(module, **task)
        assert set(failed.value.result) >= {*KEYS, "next_byte"}
        predicted = run_module(module, check=True, **task)
        done = run_module(module, **task)
        assert predicted["bytes_sent"] == done["bytes_sent"] == 2 * MIB
        assert predicted["diff"] == done["diff"]
        assert done["diff"]["after"]["sent"] == "2097152 bytes in 1 parts"
        assert predicted["upload_id"] == done["upload_id"] == failed.value.result["upload_id"]

    def test_caller_who_may_not_look_still_uploads(
        self, layer: Path, connection: dict[str, t.Any], repository: str, strict_ecr: StrictECR
    ) -> None:
        strict_ecr.control.faults.add(Fault("access_denied", "BatchCheckLayerAvailability", repository, times=9))
        result = run_module(module, connection=connection, repository_name=repository, src=str(layer))
        strict_ecr.control.faults.clear(repository)
        assert result["changed"] is True
        assert any("ecr:BatchCheckLayerAvailability" in warning for warning in warnings_of(result))
        assert strict_ecr.control.layers(repository) == {digest_of(layer): 12 * MIB}


@pytest.mark.usefixtures("delays")
def test_connections_that_break_in_the_middle_of_a_part_are_overcome(
    layer: Path, connection: dict[str, t.Any], repository: str, strict_ecr: StrictECR
) -> None:
    cuts = [10_000, 13 * MIB, 100_000]
    with CuttingProxy(strict_ecr.url, cuts).running() as proxy:
        through_proxy = {**connection, "endpoint_url": proxy.url, "aws_config": {"read_timeout": 60}}
        result = run_module(module, connection=through_proxy, repository_name=repository, src=str(layer))
        assert proxy.cuts_left == 0
    assert (result["changed"], result["bytes_sent"], result["part_count"]) == (True, 12 * MIB, 2)
    assert strict_ecr.control.layers(repository) == {digest_of(layer): 12 * MIB}


@pytest.mark.parametrize("allowed", range(3))
def test_a_thread_that_the_system_refuses_is_reported(
    layer: Path, connection: dict[str, t.Any], repository: str, monkeypatch: pytest.MonkeyPatch, allowed: int
) -> None:
    refuse_threads(monkeypatch, allowed)
    with pytest.raises(
        ModuleFailedError, match=r"does not allow another thread: can't start new thread\. Let less"
    ) as e:
        run_module(module, connection=connection, repository_name=repository, src=str(layer))
    assert e.value.result["action"] == "failed"
    assert e.value.result["next_byte"] == 0


class TestBadInput:
    """No registry: nothing may be sent."""

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"repository_name": "My-App"}, "repository_name 'My-App' must be lower-case letters and digits"),
            (
                {"layer_digest": "sha256:12"},
                "layer_digest 'sha256:12' must be sha256: and 64 lower-case hexadecimal digits",
            ),
            ({"upload_id": "1"}, "upload_id '1' must be the UUID"),
            ({"part_size": 5 * MIB - 1}, "part_size 5242879 must be 5242880 .* to 10485760"),
            ({"part_size": 10 * MIB + 1}, "part_size 10485761 must be 5242880 .* to 10485760"),
        ],
    )
    def test_option(self, layer: Path, options: dict[str, t.Any], words: str) -> None:
        with pytest.raises(ModuleFailedError, match=words) as failed:
            run_module(module, **{"repository_name": "my-app", "src": str(layer), **options})
        assert "Nothing was sent" in failed.value.msg

    def test_digest_of_other_bytes_names_both(self, layer: Path) -> None:
        other = "sha256:" + "0" * 64
        with pytest.raises(ModuleFailedError, match=f"has the digest {digest_of(layer)}, not layer_digest {other}"):
            run_module(module, repository_name="my-app", src=str(layer), layer_digest=other)

    def test_digest_of_another_algorithm(self, layer: Path) -> None:
        with pytest.raises(ModuleFailedError, match="layer_digest 'sha512:00' must be sha256: and 64 lower-case"):
            run_module(module, repository_name="my-app", src=str(layer), layer_digest="sha512:00")

    def test_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(ModuleFailedError, match=r"src '.*nowhere' does not exist on the host"):
            run_module(module, repository_name="my-app", src=str(tmp_path / "nowhere"))

    def test_directory(self, tmp_path: Path) -> None:
        with pytest.raises(ModuleFailedError, match="is a directory, not a file"):
            run_module(module, repository_name="my-app", src=str(tmp_path))

    def test_empty_file(self, tmp_path: Path) -> None:
        (tmp_path / "empty").touch()
        with pytest.raises(ModuleFailedError, match=r"is empty.*cannot store a layer of 0 bytes"):
            run_module(module, repository_name="my-app", src=str(tmp_path / "empty"))

    @pytest.mark.parametrize(
        ("size", "part_size", "words"),
        [
            (52_000 * MIB + 1, None, "is 54525952001 bytes.*at most 54525952000 bytes"),
            (42_000 * MIB + 1, None, "is 4201 parts of 10485760 bytes.*at most 4200 parts, which is 44040192000 bytes"),
            (
                21_000 * MIB + 1,
                5 * MIB,
                "is 4201 parts of 5242880 bytes.*at most 4200 parts, which is 22020096000 bytes",
            ),
        ],
    )
    def test_layer_that_is_too_large_is_refused_at_once(
        self, tmp_path: Path, size: int, part_size: int | None, words: str
    ) -> None:
        with (tmp_path / "sparse").open("wb") as sparse:
            sparse.truncate(size)
        with pytest.raises(ModuleFailedError, match=words):
            run_module(module, repository_name="my-app", src=str(tmp_path / "sparse"), part_size=part_size)


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("availability", ["AVAILABLE", "ARCHIVED"])
def test_layer_that_the_registry_has_with_another_size(
    registry: StubbedRegistry, tmp_path: Path, check: bool, availability: str
) -> None:
    path = tmp_path / "layer"
    path.write_bytes(b"layer")
    found = {"layerDigest": digest_of(path), "layerAvailability": availability, "layerSize": 4}
    look_up = {"repositoryName": "my-app", "layerDigests": [digest_of(path)]}
    registry.answers("BatchCheckLayerAvailability", look_up, layers=[found])
    with pytest.raises(ModuleFailedError, match=r"with 4 bytes, but the layer with this digest has 5\. ") as failed:
        run_module(module, check=check, repository_name="my-app", src=str(path))
    assert (failed.value.result["action"], failed.value.result["changed"]) == ("failed", False)


def completion_is_refused(registry: StubbedRegistry, digest: str, code: str) -> None:
    registry.answers("InitiateLayerUpload", {"repositoryName": "my-app"}, uploadId=UPLOAD_ID, partSize=10 * MIB)
    registry.stubber.add_response("upload_layer_part", {"lastByteReceived": 4})
    request = {"repositoryName": "my-app", "uploadId": UPLOAD_ID, "layerDigests": [digest]}
    registry.refuses("CompleteLayerUpload", request, code)


@pytest.mark.parametrize("ending", ["completed", "already there", "upload gone"])
def test_layer_that_has_another_size_after_its_upload(registry: StubbedRegistry, tmp_path: Path, ending: str) -> None:
    path, state = tmp_path / "layer", tmp_path / "state"
    path.write_bytes(b"layer")
    registry.has("my-app", absent=[digest_of(path)])
    if ending == "completed":
        registry.answers("InitiateLayerUpload", {"repositoryName": "my-app"}, uploadId=UPLOAD_ID, partSize=10 * MIB)
        registry.stubber.add_response("upload_layer_part", {"lastByteReceived": 4})
        request = {"repositoryName": "my-app", "uploadId": UPLOAD_ID, "layerDigests": [digest_of(path)]}
        registry.answers("CompleteLayerUpload", request, uploadId=UPLOAD_ID, layerDigest=digest_of(path))
    else:
        code = "UploadNotFoundException" if ending == "upload gone" else "LayerAlreadyExistsException"
        completion_is_refused(registry, digest_of(path), code)
    registry.has("my-app", available=[digest_of(path)], size=4)
    with pytest.raises(ModuleFailedError, match=r"with 4 bytes, but the layer with this digest has 5\. ") as failed:
        run_module(module, repository_name="my-app", src=str(path), state_dir=str(state))
    assert (failed.value.result["action"], failed.value.result["changed"]) == ("failed", ending == "completed")
    assert "next_byte" not in failed.value.result
    assert list(state.iterdir()) == []


@pytest.mark.parametrize("operation", ["InitiateLayerUpload", "CompleteLayerUpload"])
def test_modelled_errors(registry: StubbedRegistry, tmp_path: Path, operation: str) -> None:
    path = tmp_path / "layer"
    path.write_bytes(b"layer")
    resolved = {"LayerAlreadyExistsException", "UploadNotFoundException", "ServerException"}
    for code in {shape.name for shape in operation_model(operation).error_shapes} - resolved:
        registry.has("my-app", absent=[digest_of(path)])
        if operation == "InitiateLayerUpload":
            registry.refuses(operation, {"repositoryName": "my-app"}, code)
        else:
            completion_is_refused(registry, digest_of(path), code)
        if code == "EmptyUploadException":
            # The layer was sent all the same, so one new upload is tried.
            registry.has("my-app", absent=[digest_of(path)])
            completion_is_refused(registry, digest_of(path), code)
        with pytest.raises(ModuleFailedError) as failed:
            run_module(module, repository_name="my-app", src=str(path))
        assert failed.value.result["error"]["code"] == code
        assert "my-app" in failed.value.msg
        assert set(failed.value.result) >= KEYS


class ModuleProcess:
    """The module in a process of its own, as Ansible runs it."""

    PROGRAM = (
        "import json, sys\n"
        "from ansible_collections.layerkit.ecr.tests.unit.support.peak_memory import peak_kib\n"
        "from ansible_collections.layerkit.ecr.plugins.modules import ecr_layer\n"
        "from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import run_module\n"
        "result = run_module(ecr_layer, **json.load(sys.stdin))\n"
        "result['peak_kib'] = peak_kib()\n"
        "print(json.dumps(result))\n"
    )

    def __init__(self, program: str = PROGRAM, **task: t.Any) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(task))
        self.process.stdin.close()

    def result(self) -> dict[str, t.Any]:
        assert self.process.stdout is not None
        with self.process:
            printed = self.process.stdout.read()
        assert self.process.returncode == 0
        return t.cast("dict[str, t.Any]", json.loads(printed))


@pytest.fixture
def patient(connection: dict[str, t.Any]) -> dict[str, t.Any]:
    """A connection that waits for a server that is busy hashing."""
    return {**connection, "aws_config": {"read_timeout": 60}}


class TestProcesses:
    def test_killed_run_is_continued(
        self, patient: dict[str, t.Any], repository: str, strict_ecr: StrictECR, tmp_path: Path
    ) -> None:
        path = tmp_path / "layer"
        path.write_bytes(os.urandom(26 * MIB))
        task: dict[str, t.Any] = {
            "connection": patient,
            "repository_name": repository,
            "src": str(path),
            "part_size": 5 * MIB,
            "state_dir": str(tmp_path / "state"),
        }
        strict_ecr.control.faults.add(Fault("delay", "UploadLayerPart", repository, skip=3, seconds=30))
        killed = ModuleProcess(**task)
        deadline = time.monotonic() + 30
        while strict_ecr.control.calls.counts(repository).get("UploadLayerPart", 0) < 4:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        with killed.process:
            killed.process.kill()
        assert strict_ecr.control.layers(repository) == {}

        strict_ecr.control.calls.clear(repository)
        result = run_module(module, **task)
        assert result["changed"] is True
        assert strict_ecr.control.layers(repository) == {digest_of(path): 26 * MIB}
        # Three parts were known to have arrived; the fourth arrived, but its answer was never read.
        assert strict_ecr.control.calls.bytes_received(repository) == 11 * MIB
        assert result["bytes_sent"] == 6 * MIB
        assert list((tmp_path / "state").iterdir()) == []

    def test_run_whose_output_nobody_reads_is_stopped(
        self, patient: dict[str, t.Any], repository: str, strict_ecr: StrictECR, layer: Path, tmp_path: Path
    ) -> None:
        task: dict[str, t.Any] = {
            "connection": patient,
            "repository_name": repository,
            "src": str(layer),
            "state_dir": str(tmp_path / "state"),
        }
        strict_ecr.control.faults.add(Fault("delay", "UploadLayerPart", repository, seconds=1))
        abandoned = ModuleProcess(**task)
        deadline = time.monotonic() + 30
        while not strict_ecr.control.calls.counts(repository).get("UploadLayerPart", 0):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert abandoned.process.stdout is not None
        abandoned.process.stdout.close()
        abandoned.process.wait(timeout=30)
        assert strict_ecr.control.calls.counts(repository).get("UploadLayerPart") == 1
        assert strict_ecr.control.layers(repository) == {}
        assert run_module(module, **task)["bytes_sent"] == 2 * MIB

    def test_two_tasks_at_once_both_succeed_and_one_changes(
        self, patient: dict[str, t.Any], repository: str, strict_ecr: StrictECR, layer: Path, tmp_path: Path
    ) -> None:
        strict_ecr.control.faults.add(Fault("delay", "InitiateLayerUpload", repository, times=2, seconds=1))
        task: dict[str, t.Any] = {
            "connection": patient,
            "repository_name": repository,
            "src": str(layer),
            "state_dir": str(tmp_path / "state"),
        }
        results = [process.result() for process in [ModuleProcess(**task), ModuleProcess(**task)]]
        assert strict_ecr.control.calls.counts(repository)["InitiateLayerUpload"] == 2
        assert sorted(result["changed"] for result in results) == [False, True]
        assert strict_ecr.control.layers(repository) == {digest_of(layer): 12 * MIB}

    def test_memory_does_not_grow_with_the_layer(
        self, patient: dict[str, t.Any], repository: str, strict_ecr: StrictECR, tmp_path: Path
    ) -> None:
        def peak_of(size: int) -> int:
            with (tmp_path / str(size)).open("wb") as sparse:
                sparse.truncate(size)
            task: dict[str, t.Any] = {
                "connection": patient,
                "repository_name": repository,
                "src": str(tmp_path / str(size)),
            }
            result = ModuleProcess(**task).result()
            assert result["bytes_sent"] == size
            return int(result["peak_kib"])

        bare = ModuleProcess(
            "import boto3, json, sys\n"
            "from ansible_collections.layerkit.ecr.tests.unit.support.peak_memory import peak_kib\n"
            "url = json.load(sys.stdin)['url']\n"
            "options = {'aws_access_key_id': 'AKIABARE', 'aws_secret_access_key': 'n0t-a-secret'}\n"
            "client = boto3.client('ecr', region_name='eu-central-1', endpoint_url=url, **options)\n"
            "client.describe_repositories()\n"
            "print(json.dumps({'peak_kib': peak_kib()}))\n",
            url=strict_ecr.url,
        ).result()["peak_kib"]
        small, large = peak_of(10 * MIB), peak_of(200 * MIB)
        # Below the 32 MiB that are promised, so that a second encoded part that is held in memory shows.
        assert small - bare <= 22 * 1024
        assert large - bare <= 22 * 1024
        assert large - small <= 4 * 1024


def test_failed_run_removes_what_is_old(registry: StubbedRegistry, layer: Path, tmp_path: Path) -> None:
    registry.has("app", absent=[digest_of(layer)])
    registry.refuses("InitiateLayerUpload", {"repositoryName": "app"}, "KmsException")
    state = tmp_path / "state"
    state.mkdir()
    old, new = (state / f"{digit * 64}-{'0' * 16}.json" for digit in "01")
    for path in (old, new):
        path.write_text("{}")
    os.utime(old, (0, 0))
    with pytest.raises(ModuleFailedError):
        run_module(module, repository_name="app", src=str(layer), state_dir=str(state))
    assert list(state.iterdir()) == [new]
