# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Layers of a docker archive that the image under the tag has, compressed by another tool."""

from __future__ import annotations

import random
import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr import glimpse
from ansible_collections.layerkit.ecr.plugins.module_utils._local import compression
from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import DOWNLOAD
from ansible_collections.layerkit.ecr.tests.unit.support.image_bench import ImageBench, actions
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import (
    LAYERS,
    config_of,
    digest_of,
    docker_archive,
    tar_of,
)
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LAYER_TYPE
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import warnings_of
from ansible_collections.layerkit.ecr.tests.unit.support.other_tool import OtherTool

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import Kind

NEW = random.Random(1).randbytes(10_000)
UPDATED = (*LAYERS, NEW)
SENT_SIZE = len(b"".join(compression.compressed([NEW]))) + len(config_of(UPDATED))


@pytest.fixture
def another(bench: ImageBench, tmp_path: Path) -> OtherTool:
    return OtherTool(bench, tmp_path)


@pytest.fixture
def update(tmp_path: Path) -> dict[str, t.Any]:
    """The options of a task that pushes an image with one layer more."""
    (tmp_path / "image.tar").write_bytes(tar_of(docker_archive(UPDATED)))
    return {"src": str(tmp_path / "image.tar"), "tags": ["1"]}


@pytest.fixture
def compressed_bytes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The size of each block that is compressed."""
    sizes: list[int] = []
    deflated = compression._deflated

    def counted(block: bytes, dictionary: bytes, flush: int) -> bytes:
        sizes.append(len(block))
        return deflated(block, dictionary, flush)

    monkeypatch.setattr(compression, "_deflated", counted)
    return sizes


def of_other_tool(bench: ImageBench) -> set[str]:
    return set(bench.layers())


@pytest.mark.parametrize("platforms", [(), ("linux/arm64",)])
def test_update_sends_what_is_new_although_another_tool_compressed_the_rest(
    bench: ImageBench,
    another: OtherTool,
    update: dict[str, t.Any],
    compressed_bytes: list[int],
    platforms: t.Sequence[str],
) -> None:
    another.pushes(LAYERS, "1", platforms=platforms)
    before = of_other_tool(bench)
    checked = bench.run(**update, check=True)
    assert sum(compressed_bytes) == len(NEW)
    compressed_bytes.clear()
    result = bench.run(**update)
    assert sum(compressed_bytes) == len(NEW)
    assert result["bytes_sent"] == SENT_SIZE
    assert {key: result[key] for key in checked} == {
        **checked,
        "invocation": result["invocation"],
        "msg": result["msg"],
    }
    present = {digest for digest, action in actions(result).items() if action == "present"}
    assert len(present) == len(LAYERS)
    assert present <= before
    assert {layer["media_type"] for layer in result["layers"][1:]} == {
        "application/vnd.docker.image.rootfs.diff.tar.gzip"
    }
    compressed_bytes.clear()
    again = bench.run(**update)
    assert (again["changed"], again["image"]["digest"], compressed_bytes) == (False, result["image"]["digest"], [])


def test_uncompressed_layers_are_recognised(bench: ImageBench, tmp_path: Path, update: dict[str, t.Any]) -> None:
    (tmp_path / "plain.tar").write_bytes(tar_of(docker_archive()))
    bench.run(src=str(tmp_path / "plain.tar"), compress="none", tags=["1"])
    result = bench.run(**update)
    assert result["bytes_sent"] == SENT_SIZE
    assert actions(result)[digest_of(LAYERS[0])] == "present"
    assert not bench.run(**update)["changed"]


def test_layers_of_another_compression_are_sent(
    bench: ImageBench, another: OtherTool, update: dict[str, t.Any]
) -> None:
    another.pushes(LAYERS, "1", media_type=LAYER_TYPE.replace("gzip", "zstd"))
    result = bench.run(**update)
    assert set(actions(result).values()) == {"sent"}


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("GetDownloadUrlForLayer", "access_denied"),
        ("GetDownloadUrlForLayer", "kms"),
        (DOWNLOAD, "wrong_bytes"),
        (DOWNLOAD, "html"),
        (DOWNLOAD, "slow_down"),
        (DOWNLOAD, "cut_body"),
        (DOWNLOAD, "drop_before"),
        (DOWNLOAD, "expire_url"),
    ],
)
def test_without_the_configuration_everything_that_differs_is_sent(
    bench: ImageBench, another: OtherTool, update: dict[str, t.Any], operation: str, kind: Kind
) -> None:
    another.pushes(LAYERS, "1")
    bench.strike(operation, kind)
    result = bench.run(**update)
    assert set(actions(result).values()) == {"sent"}
    assert warnings_of(result) == []
    assert not bench.run(**update)["changed"]


def test_nobody_waits_long_for_a_configuration(
    bench: ImageBench, another: OtherTool, update: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(glimpse, "_PATIENCE_SECONDS", 0.2)
    another.pushes(LAYERS, "1")
    bench.strike(DOWNLOAD, "stall", seconds=5)
    assert set(actions(bench.run(**update)).values()) == {"sent"}


def test_layers_of_an_image_without_its_own_list_are_sent(
    bench: ImageBench, another: OtherTool, update: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "ansible_collections.layerkit.ecr.tests.unit.support.layout_writer.config_of",
        lambda layers, **members: config_of(layers[:1], **members),
    )
    another.pushes(LAYERS, "1")
    assert set(actions(bench.run(**update)).values()) == {"sent"}


def test_layers_that_the_registry_lost_are_sent(
    bench: ImageBench, another: OtherTool, update: dict[str, t.Any]
) -> None:
    another.pushes(LAYERS, "1")
    config = digest_of(config_of(LAYERS))
    lost = min(of_other_tool(bench) - {config})
    bench.control.set_availability(bench.repository, lost, "UNAVAILABLE")
    result = bench.run(**update)
    assert lost not in actions(result)
    assert sorted(actions(result).values()) == ["present", "sent", "sent", "sent"]


def test_without_the_permission_to_look_layers_up_all_are_sent(
    bench: ImageBench, another: OtherTool, update: dict[str, t.Any]
) -> None:
    another.pushes(LAYERS, "1")
    bench.strike("BatchCheckLayerAvailability", "access_denied", times=100)
    result = bench.run(**update)
    assert set(actions(result).values()) == {"sent"}
    assert not bench.run(**update)["changed"]
