# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The push of docker archives whose layers are compressed on the way."""

from __future__ import annotations

import errno
import gzip
import json
import os
import random
import tempfile
import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.growing import GrowingBlob
from ansible_collections.layerkit.ecr.plugins.module_utils._core.text import MIB
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr import limits
from ansible_collections.layerkit.ecr.plugins.module_utils._local import compression
from ansible_collections.layerkit.ecr.plugins.module_utils._local.spool import Spool
from ansible_collections.layerkit.ecr.tests.strict_ecr.exceptions import LayersNotFoundException
from ansible_collections.layerkit.ecr.tests.unit.support.image_bench import UPLOADS, ImageBench
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import (
    LAYERS,
    config_of,
    digest_of,
    docker_archive,
    tar_of,
    write_directory,
)
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import index_of
from ansible_collections.layerkit.ecr.tests.unit.support.other_tool import OtherTool
from ansible_collections.layerkit.ecr.tests.unit.support.pushing import put

if t.TYPE_CHECKING:
    pass

OTHER_LAYERS = (LAYERS[0], b"another layer " * 1000)


@pytest.fixture
def archive(tmp_path: Path) -> dict[str, t.Any]:
    """The options of a task that pushes a docker archive of uncompressed layers."""
    (tmp_path / "image.tar").write_bytes(tar_of(docker_archive()))
    return {"src": str(tmp_path / "image.tar"), "compress": "gzip"}


@pytest.fixture
def another(bench: ImageBench, tmp_path: Path) -> OtherTool:
    return OtherTool(bench, tmp_path)


@pytest.fixture
def compressions(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The size of each block that is compressed."""
    sizes: list[int] = []
    deflated = compression._deflated

    def counted(block: bytes, dictionary: bytes, flush: int) -> bytes:
        sizes.append(len(block))
        return deflated(block, dictionary, flush)

    monkeypatch.setattr(compression, "_deflated", counted)
    return sizes


def test_second_push_is_one_request_and_compresses_nothing(
    bench: ImageBench, archive: dict[str, t.Any], compressions: list[int]
) -> None:
    first = bench.run(**archive, tags=["1", "latest"])
    assert first["changed"]
    assert sum(compressions) >= sum(map(len, LAYERS))
    for check in (False, True):
        bench.calls()
        compressions.clear()
        again = bench.run(**archive, tags=["1", "latest"], check=check)
        assert not again["changed"]
        assert again["image"]["digest"] == first["image"]["digest"]
        assert again["diff"] == {"prepared": ""}
        assert (again["bytes_sent"], again["bytes_present"]) == (0, first["bytes_sent"])
        assert {layer["action"] for layer in again["layers"]} == {"present"}
        assert (bench.calls(), compressions) == (["BatchGetImage"], [])


def test_the_size_of_uncompressed_layers_does_not_matter_for_an_image_that_is_there(
    bench: ImageBench, another: OtherTool, tmp_path: Path
) -> None:
    digest = another.pushes(LAYERS, "1")
    src = write_directory(tmp_path / "saved", docker_archive())
    with next(src.glob("*/layer.tar")).open("r+b") as layer:
        layer.truncate(43 * 1024**3)
    for check in (True, False):
        result = bench.run(check, src=str(src), tags=["1"])
        assert (result["changed"], result["image"]["digest"], bench.calls()) == (False, digest, ["BatchGetImage"])


@pytest.mark.parametrize("check", [True, False])
def test_the_parts_of_a_layer_are_counted_as_it_is_sent(
    bench: ImageBench, tmp_path: Path, check: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_PARTS", 1)
    random_layer = random.Random(1).randbytes(6 * MIB)
    for name, layer in (("small", bytes(6 * MIB)), ("large", random_layer)):
        (tmp_path / name).write_bytes(tar_of(docker_archive([layer])))
    options = {"part_size": 5 * MIB, "tags": ["1"]}
    error = bench.fails(check, src=str(tmp_path / "large"), **options)
    digest = digest_of(b"".join(compression.compressed([random_layer])))
    assert f"blob {digest} is " in error.msg
    assert "Amazon ECR accepts at most 1 parts" in error.msg
    assert "Nothing was sent" in error.msg
    assert bench.run(check, src=str(tmp_path / "small"), **options)["changed"]


@pytest.mark.parametrize("compress", ["none", "gzip"])
def test_too_many_layers_are_refused_before_a_request(bench: ImageBench, tmp_path: Path, compress: str) -> None:
    files = docker_archive([LAYERS[0]] * 501)
    (tmp_path / "many.tar").write_bytes(tar_of(files))
    error = bench.fails(src=str(tmp_path / "many.tar"), compress=compress, tags=["1"])
    assert "lists 501 layers" in error.msg
    # The digest of a manifest that is not final would be that of nothing.
    assert (f": image {digest_of(config_of([LAYERS[0]] * 501))} lists" in error.msg) is (compress == "gzip")
    assert bench.calls() == []


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory for temporary files."""
    directory = tmp_path / "temporary"
    directory.mkdir()
    monkeypatch.setenv("TMPDIR", str(directory))
    return directory


CONTENT_SIZE = sum(map(len, LAYERS))


@pytest.mark.usefixtures("temporary")
def test_each_layer_is_compressed_once(
    bench: ImageBench, archive: dict[str, t.Any], another: OtherTool, compressions: list[int]
) -> None:
    first = bench.run(**archive, tags=["1"])
    assert (first["changed"], sum(compressions)) == (True, CONTENT_SIZE)
    another.pushes(OTHER_LAYERS, "2")
    compressions.clear()
    update = bench.run(**archive, tags=["2"])
    # The image under the tag has the first layer.
    assert (update["changed"], sum(compressions)) == (True, len(LAYERS[1]))
    assert update["bytes_sent"] == 0


def test_nothing_is_left_in_the_directory_for_temporary_files(
    bench: ImageBench, archive: dict[str, t.Any], temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[Path]] = []
    append = Spool.append

    def looked_at(spool: Spool, blob: GrowingBlob, chunk: bytes) -> bool:
        is_kept = append(spool, blob, chunk)
        seen.append(list(temporary.iterdir()))
        return is_kept

    monkeypatch.setattr(Spool, "append", looked_at)
    bench.run(**archive, tags=["1"])
    assert seen
    assert not any(seen)


def test_check_mode_writes_nothing_and_predicts_the_run(
    bench: ImageBench, archive: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch, compressions: list[int]
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "TemporaryFile", None)
        checked = bench.run(**archive, tags=["1"], check=True)
    assert sum(compressions) == CONTENT_SIZE
    result = bench.run(**archive, tags=["1"])
    keys = set(result) - {"invocation", "msg"}
    assert {key: checked[key] for key in keys} == {key: result[key] for key in keys}


def no_directory(_patch: pytest.MonkeyPatch) -> None:
    """Leave the directory for temporary files missing."""


def no_space(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(os, "fstatvfs", lambda _descriptor: os.statvfs_result((1, 1, *[20_000] * 8)))


def full_disk(patch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: t.Any) -> t.NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    patch.setattr(os, "pwrite", refuse)


@pytest.mark.parametrize("hindrance", [no_directory, no_space, full_disk])
def test_without_space_layers_are_compressed_again_while_they_are_sent(
    bench: ImageBench,
    archive: dict[str, t.Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    compressions: list[int],
    hindrance: t.Callable[[pytest.MonkeyPatch], None],
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / ("missing" if hindrance is no_directory else "")))
    hindrance(monkeypatch)
    result = bench.run(**archive, tags=["1"])
    assert result["changed"]
    assert sum(compressions) == 2 * CONTENT_SIZE
    assert sum(bench.layers().values()) == result["bytes_sent"]


def test_interrupted_layer_goes_on_with_the_same_bytes(
    bench: ImageBench, archive: dict[str, t.Any], tmp_path: Path
) -> None:
    rules = bench.control.rules(bench.repository)
    rules.part_size = 5 * 1024 * 1024
    content = random.Random(1).randbytes(12 * 1024 * 1024)
    Path(archive["src"]).write_bytes(tar_of(docker_archive((content,))))
    state: dict[str, t.Any] = {"state_dir": str(tmp_path / "state"), "parallel": 1}
    bench.strike("UploadLayerPart", "kms", skip=1)
    assert bench.fails(**archive, **state, tags=["1"]).result["bytes_sent"] == rules.part_size
    result = bench.run(**archive, **state, tags=["1"])
    assert result["bytes_sent"] == sum(bench.layers().values()) - rules.part_size


def test_interrupted_layer_begins_anew_with_another_compressor(
    bench: ImageBench, archive: dict[str, t.Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = bench.control.rules(bench.repository)
    rules.part_size = 5 * 1024 * 1024
    content = random.Random(1).randbytes(12 * 1024 * 1024)
    Path(archive["src"]).write_bytes(tar_of(docker_archive((content,))))
    state: dict[str, t.Any] = {"state_dir": str(tmp_path / "state"), "parallel": 1}
    bench.strike("UploadLayerPart", "kms", skip=1)
    bench.fails(**archive, **state, tags=["1"])
    monkeypatch.setattr(compression, "_LEVEL", 1)
    result = bench.run(**archive, **state, tags=["1"])
    assert result["bytes_sent"] == sum(bench.layers().values())
    assert not bench.run(**archive, **state, tags=["1"])["changed"]


@pytest.mark.parametrize("mutability", ["MUTABLE", "IMMUTABLE"])
@pytest.mark.parametrize("check", [True, False])
def test_image_that_another_tool_compressed_is_unchanged(
    bench: ImageBench,
    archive: dict[str, t.Any],
    another: OtherTool,
    compressions: list[int],
    mutability: str,
    check: bool,
) -> None:
    digest = another.pushes(LAYERS, "1")
    bench.set_mutability(mutability)
    bench.calls()
    result = bench.run(**archive, tags=["1"], check=check)
    assert not result["changed"]
    assert result["image"]["digest"] == digest
    assert result["image"]["media_type"] == "application/vnd.oci.image.manifest.v1+json"
    assert result["image"]["tags"] == [{"tag": "1", "before": digest, "after": digest}]
    assert (bench.calls(), compressions) == (["BatchGetImage"], [])


def test_further_tag_is_put_on_the_manifest_of_the_registry(
    bench: ImageBench, archive: dict[str, t.Any], another: OtherTool, compressions: list[int]
) -> None:
    digest = another.pushes(LAYERS, "1")
    bench.set_mutability("IMMUTABLE")
    checked = bench.run(**archive, tags=["0", "1", "2"], check=True)
    bench.calls()
    result = bench.run(**archive, tags=["0", "1", "2"])
    assert {key: checked[key] for key in set(result) - {"invocation", "msg"}} == {
        key: result[key] for key in set(result) - {"invocation", "msg"}
    }
    assert result["changed"]
    assert result["image"]["digest"] == digest
    assert (bench.calls(), compressions) == (["BatchGetImage", "PutImage", "PutImage", "BatchGetImage"], [])
    assert bench.tags() == dict.fromkeys(("0", "1", "2"), digest)


def test_tags_on_two_manifests_of_the_image_stay(
    bench: ImageBench, archive: dict[str, t.Any], another: OtherTool, compressions: list[int]
) -> None:
    small, large = another.pushes(LAYERS, "small"), another.pushes(LAYERS, "large", level=0)
    assert small != large
    bench.set_mutability("IMMUTABLE")
    result = bench.run(**archive, tags=["large", "small"])
    assert not result["changed"]
    assert result["image"]["digest"] == large
    assert [(step["before"], step["after"]) for step in result["image"]["tags"]] == [(large, large), (small, small)]
    # A third tag joins the first of them.
    assert bench.run(**archive, tags=["small", "new", "large"])["changed"]
    assert bench.tags() == {"large": large, "small": small, "new": small}
    assert not bench.run(**archive, tags=["small", "new", "large"])["changed"]
    assert compressions == []


def test_another_image_is_replaced(bench: ImageBench, archive: dict[str, t.Any], another: OtherTool) -> None:
    old = another.pushes(OTHER_LAYERS, "1")
    result = bench.run(**archive, tags=["1"])
    assert result["changed"]
    assert result["image"]["tags"] == [{"tag": "1", "before": old, "after": result["image"]["digest"]}]
    assert bench.tags() == {"1": result["image"]["digest"]}
    assert not bench.run(**archive, tags=["1"])["changed"]


@pytest.mark.parametrize("check", [True, False])
def test_another_image_on_an_immutable_tag_is_refused(
    bench: ImageBench, archive: dict[str, t.Any], another: OtherTool, check: bool
) -> None:
    old = another.pushes(OTHER_LAYERS, "1")
    bench.set_mutability("IMMUTABLE")
    failed = bench.fails(**archive, tags=["1"], check=check)
    assert old in failed.msg
    assert "immutable" in failed.msg
    assert not {*UPLOADS, "PutImage"} & set(bench.calls())


def test_manifest_with_another_number_of_layers_is_another_image(
    bench: ImageBench, archive: dict[str, t.Any], another: OtherTool
) -> None:
    digest = another.pushes(LAYERS, "1")
    manifest = json.loads(bench.manifest(digest))
    manifest["layers"].pop()
    cut = put(bench.client, bench.repository, json.dumps(manifest), "1", imageManifestMediaType=manifest["mediaType"])
    result = bench.run(**archive, tags=["1"])
    assert (result["changed"], result["image"]["digest"] not in (digest, cut)) == (True, True)


def test_index_under_the_tag_is_another_image(bench: ImageBench, archive: dict[str, t.Any], another: OtherTool) -> None:
    digest = another.pushes(LAYERS, "1")
    entry = {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": digest,
        "size": len(bench.manifest(digest)),
    }
    index = index_of(entry)
    put(bench.client, bench.repository, json.dumps(index), "1", imageManifestMediaType=index["mediaType"])
    result = bench.run(**archive, tags=["1"])
    assert result["changed"]
    assert bench.tags() == {"1": result["image"]["digest"]}
    assert "manifest.v2" in result["image"]["media_type"]


def test_manifest_that_does_not_match_its_digest_is_not_trusted(
    bench: ImageBench, archive: dict[str, t.Any], another: OtherTool, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = another.pushes(LAYERS, "1")
    original = bench.control.backend_class.batch_get_image

    def converted(*args: t.Any, **options: t.Any) -> t.Any:
        answer = original(*args, **options)
        for image in answer["images"]:
            if image["imageId"]["imageDigest"] == digest:
                image["imageManifest"] += " "
        return answer

    monkeypatch.setattr(bench.control.backend_class, "batch_get_image", converted)
    result = bench.run(**archive, tags=["1"])
    assert result["changed"]
    assert bench.tags() == {"1": result["image"]["digest"]}
    assert result["image"]["digest"] != digest


def test_uncompressed_layers_of_an_earlier_push_are_the_same_image(
    bench: ImageBench, archive: dict[str, t.Any], compressions: list[int]
) -> None:
    plain = bench.run(**{**archive, "compress": "none"}, tags=["1"])
    assert not bench.run(**archive, tags=["1"])["changed"]
    assert {layer["digest"] for layer in plain["layers"]} == {*map(digest_of, LAYERS), digest_of(config_of(LAYERS))}
    assert compressions == []


def test_none_keeps_the_bytes_whatever_the_registry_has(
    bench: ImageBench, archive: dict[str, t.Any], another: OtherTool
) -> None:
    digest = another.pushes(LAYERS, "1")
    result = bench.run(**{**archive, "compress": "none"}, tags=["1"])
    assert result["changed"]
    assert result["image"]["digest"] != digest
    assert {*map(digest_of, LAYERS)} <= {layer["digest"] for layer in result["layers"]}


@pytest.mark.parametrize("check", [True, False])
def test_layers_that_the_archive_compressed_are_the_same_image(
    bench: ImageBench, another: OtherTool, tmp_path: Path, check: bool
) -> None:
    digest = another.pushes(LAYERS, "1")
    stored = [gzip.compress(layer, 1) for layer in LAYERS]
    (tmp_path / "packed.tar").write_bytes(tar_of(docker_archive(stored=stored)))
    result = bench.run(src=str(tmp_path / "packed.tar"), compress="gzip", tags=["1"], check=check)
    assert (result["changed"], result["image"]["digest"]) == (False, digest)


def test_without_tags_the_image_is_known_by_its_digest(bench: ImageBench, archive: dict[str, t.Any]) -> None:
    first = bench.run(**archive)
    assert first["changed"]
    bench.calls()
    again = bench.run(**archive)
    assert (again["changed"], again["image"]["digest"]) == (False, first["image"]["digest"])
    assert set(bench.calls()) == {"BatchCheckLayerAvailability", "BatchGetImage"}


def test_layers_that_another_tool_compressed_and_the_registry_lost_cannot_be_sent(
    bench: ImageBench, archive: dict[str, t.Any], another: OtherTool, monkeypatch: pytest.MonkeyPatch
) -> None:
    another.pushes(LAYERS, "1")

    def put_image(_backend: t.Any, name: str, *_args: t.Any, **_options: t.Any) -> t.NoReturn:
        raise LayersNotFoundException(layer_digests=digest_of(b"packed"), repository_name=name)

    monkeypatch.setattr(bench.control.backend_class, "put_image", put_image)
    failed = bench.fails(**archive, tags=["1", "2"])
    assert failed.result["error"]["code"] == "LayersNotFoundException"
    assert not set(UPLOADS) & set(bench.calls())
