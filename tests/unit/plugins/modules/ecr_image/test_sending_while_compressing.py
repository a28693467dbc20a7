# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Layers of a docker archive that are sent while they are compressed."""

from __future__ import annotations

import errno
import os
import random
import time
import typing as t
import zlib
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.text import MIB
from ansible_collections.layerkit.ecr.plugins.module_utils._local import compression
from ansible_collections.layerkit.ecr.tests.unit.support.image_bench import ImageBench, actions
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import digest_of, docker_archive, tar_of
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import warnings_of

PART_SIZE = MIB
BASE = b"base layer " * 1000
# More than three parts, which compression does not make smaller.
LARGE = random.Random(1).randbytes(3 * MIB + MIB // 5)
SMALL = b"small layer " * 1000

Saved = t.Callable[..., dict[str, t.Any]]


@pytest.fixture
def saved(tmp_path: Path) -> Saved:
    """Write a docker archive of these layers, and return the options of a task that pushes it."""

    def save(*layers: bytes, stored: t.Sequence[bytes] | None = None) -> dict[str, t.Any]:
        src = tmp_path / "saved.tar"
        src.write_bytes(tar_of(docker_archive(layers, stored=stored)))
        return {"src": str(src)}

    return save


@pytest.fixture(autouse=True)
def large_parts(bench: ImageBench) -> None:
    bench.control.rules(bench.repository).part_size = PART_SIZE
    bench.connection["aws_config"] = {"read_timeout": 30}


class Gate:
    """Stops compression at the last block of a layer until the registry was called, or some time is over."""

    def __init__(self, bench: ImageBench, patch: pytest.MonkeyPatch) -> None:
        self._bench = bench
        self._expected: dict[int, tuple[str, int]] = {}
        self._ended = 0
        self.has_opened: list[bool] = []
        self.sizes: list[int] = []
        self._deflated = compression._deflated
        patch.setattr(compression, "_deflated", self._at_block)

    def wait(self, layer: int, operation: str, calls: int) -> None:
        """Let a layer of the next run, counted from 0, wait for so many calls of an operation."""
        self._ended = 0
        self.sizes.clear()
        self._expected[layer] = (operation, calls)

    def _at_block(self, block: bytes, dictionary: bytes, flush: int) -> bytes:
        if flush == zlib.Z_FINISH:
            if self._ended in self._expected:
                self.has_opened.append(self._was_called(*self._expected[self._ended]))
            self._ended += 1
        self.sizes.append(len(block))
        return self._deflated(block, dictionary, flush)

    def _was_called(self, operation: str, calls: int) -> bool:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if self._bench.control.calls.operations(self._bench.repository).count(operation) >= calls:
                return True
            time.sleep(0.01)
        return False


@pytest.fixture
def gate(bench: ImageBench, monkeypatch: pytest.MonkeyPatch) -> Gate:
    return Gate(bench, monkeypatch)


def test_parts_arrive_before_the_layer_is_compressed(bench: ImageBench, saved: Saved, gate: Gate) -> None:
    # One for the layer below, whose absence is what lets this one begin.
    gate.wait(1, "UploadLayerPart", 3)
    archive = saved(BASE, LARGE)
    result = bench.run(**archive, tags=["1"])
    assert gate.has_opened == [True]
    assert sum(gate.sizes) == len(BASE) + len(LARGE)
    assert result["changed"]
    assert result["bytes_sent"] == sum(bench.layers().values())
    assert bench.open_uploads() == {}
    assert not bench.run(**archive, tags=["1"])["changed"]


def test_a_layer_is_sent_while_the_next_is_compressed(
    bench: ImageBench, saved: Saved, gate: Gate, tmp_path: Path
) -> None:
    # With a state directory a layer is sent only when its digest is known.
    gate.wait(1, "CompleteLayerUpload", 1)
    result = bench.run(**saved(BASE, LARGE), tags=["1"], state_dir=str(tmp_path / "state"))
    assert gate.has_opened == [True]
    assert result["bytes_sent"] == sum(bench.layers().values())


def test_a_layer_above_a_missing_one_is_not_completed_if_it_is_there(
    bench: ImageBench, saved: Saved, gate: Gate
) -> None:
    bench.run(**saved(LARGE, SMALL), tags=["1"])
    archive = saved(BASE, LARGE, SMALL)
    checked = bench.run(**archive, tags=["2"], check=True)
    bench.calls()
    gate.wait(1, "UploadLayerPart", 2)
    result = bench.run(**archive, tags=["2"])
    assert gate.has_opened == [True]
    assert result["layers"] == checked["layers"]
    assert result["diff"] == checked["diff"]
    assert sorted(actions(result).values()) == ["present", "present", "sent", "sent"]
    # The layer below and the configuration.
    assert bench.calls().count("CompleteLayerUpload") == 2
    # What was sent for nothing is counted. It is less than the layer.
    assert checked["bytes_sent"] + PART_SIZE <= result["bytes_sent"] < checked["bytes_sent"] + len(LARGE)


def test_no_byte_is_sent_of_a_small_layer_that_is_there(bench: ImageBench, saved: Saved) -> None:
    bench.run(**saved(SMALL), tags=["1"])
    archive = saved(BASE, SMALL)
    checked = bench.run(**archive, tags=["2"], check=True)
    bench.calls()
    result = bench.run(**archive, tags=["2"])
    assert {key: result[key] for key in checked} == {
        **checked,
        "invocation": result["invocation"],
        "msg": result["msg"],
    }
    assert bench.calls().count("InitiateLayerUpload") <= 3
    assert bench.calls().count("UploadLayerPart") == 0


@pytest.mark.parametrize("tags", [["2"], []])
def test_nothing_is_sent_of_an_image_that_is_there(bench: ImageBench, saved: Saved, tags: list[str]) -> None:
    archive = saved(BASE, LARGE, SMALL)
    bench.run(**archive, tags=["1"])
    bench.calls()
    result = bench.run(**archive, tags=tags)
    assert result["changed"] == bool(tags)
    assert result["bytes_sent"] == 0
    assert not {"InitiateLayerUpload", "UploadLayerPart"} & set(bench.calls())


@pytest.mark.parametrize("operation", ["InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload"])
def test_a_failure_is_reported_with_the_image_and_its_layers(
    bench: ImageBench, saved: Saved, gate: Gate, operation: str
) -> None:
    archive = saved(BASE, LARGE)
    checked = bench.run(**archive, tags=["1"], check=True)
    # That of the layer below passes.
    bench.strike(operation, "access_denied", skip=1, times=100)
    gate.sizes.clear()
    error = bench.fails(**archive, tags=["1"], parallel=1)
    assert sum(gate.sizes) == len(BASE) + len(LARGE)
    result = error.result
    assert (result["error"]["code"], result["changed"]) == ("AccessDeniedException", True)
    assert result["image"]["digest"] == checked["image"]["digest"]
    base, large, config = result["layers"][1], result["layers"][2], result["layers"][0]
    assert (base["action"], large["action"], config["action"]) == ("sent", "failed", "failed")
    assert result["layer_digest"] in (large["digest"], config["digest"])
    bench.control.faults.clear()
    assert bench.run(**archive, tags=["1"])["changed"]


def test_damage_is_reported_after_other_layers_were_sent(bench: ImageBench, saved: Saved, gate: Gate) -> None:
    gate.wait(1, "CompleteLayerUpload", 1)
    error = bench.fails(**saved(BASE, LARGE, stored=(BASE, LARGE[:-1] + b"x")), tags=["1"])
    assert gate.has_opened == [True]
    assert "is damaged or belongs to another image" in error.msg
    assert "othing was sent" not in error.msg
    assert error.result["changed"]
    assert error.result["bytes_sent"] >= sum(bench.layers().values()) > 0
    assert bench.tags() == {}


def test_an_immutable_tag_is_refused_before_anything_is_sent(bench: ImageBench, saved: Saved) -> None:
    bench.run(**saved(SMALL), tags=["1"])
    bench.set_mutability("IMMUTABLE")
    bench.calls()
    error = bench.fails(**saved(BASE, LARGE), tags=["1"])
    assert "immutable" in error.msg
    assert not {"InitiateLayerUpload", "UploadLayerPart"} & set(bench.calls())


def test_without_the_permission_to_look_layers_up_all_are_sent(bench: ImageBench, saved: Saved) -> None:
    bench.run(**saved(SMALL), tags=["1"])
    bench.strike("BatchCheckLayerAvailability", "access_denied", times=100)
    result = bench.run(**saved(SMALL, LARGE), tags=["2"])
    assert len([warning for warning in warnings_of(result) if "ecr:BatchCheckLayerAvailability" in warning]) == 1
    assert actions(result)[digest_of(b"".join(compression.compressed([LARGE])))] == "sent"
    assert {layer["reason"] for layer in result["layers"]} >= {"it is unknown whether the repository has it"}
    assert not bench.run(**saved(SMALL, LARGE), tags=["2"])["changed"]


def test_a_look_up_that_fails_ends_the_task(bench: ImageBench, saved: Saved) -> None:
    bench.strike("BatchCheckLayerAvailability", "kms", times=100)
    error = bench.fails(**saved(BASE, SMALL), tags=["1"])
    assert error.result["error"]["code"] == "KmsException"
    assert "UploadLayerPart" not in bench.calls()


def test_a_disk_that_gets_full_costs_a_second_compression(
    bench: ImageBench, saved: Saved, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.pwrite

    def written(descriptor: int, chunk: bytes, position: int) -> int:
        if position > 2 * PART_SIZE:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, chunk, position)

    monkeypatch.setattr(os, "pwrite", written)
    archive = saved(BASE, LARGE)
    result = bench.run(**archive, tags=["1"])
    assert sum(gate.sizes) == len(BASE) + 2 * len(LARGE)
    assert set(actions(result).values()) == {"sent"}
    assert not bench.run(**archive, tags=["1"])["changed"]


@pytest.mark.parametrize("parallel", [1, 2])
def test_many_layers_are_sent_in_any_number_at_once(bench: ImageBench, saved: Saved, parallel: int) -> None:
    layers = [b"layer %d " % number * 1000 for number in range(20)]
    archive = saved(*layers, LARGE)
    checked = bench.run(**archive, tags=["1"], check=True)
    result = bench.run(**archive, tags=["1"], parallel=parallel)
    assert result["layers"] == checked["layers"]
    assert result["bytes_sent"] == checked["bytes_sent"] == sum(bench.layers().values())
