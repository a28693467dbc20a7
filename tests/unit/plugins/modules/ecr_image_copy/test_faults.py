# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copies through every fault of both sides."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.modules import ecr_image_copy
from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import DOWNLOAD
from ansible_collections.layerkit.ecr.tests.unit.support.canaries import URL, shown
from ansible_collections.layerkit.ecr.tests.unit.support.copy_bench import CopyBench
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import ModuleFailedError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import Kind
    from ansible_collections.layerkit.ecr.tests.unit.support.image_files import Document


@pytest.fixture
def many_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ecr_image_copy, "part_size_for", lambda _sizes: 4_000)


@pytest.fixture
def large(bench: CopyBench, many_parts: None) -> Document:
    """The descriptor of an image with a layer of three parts, which the source has as 1.0."""
    assert many_parts is None
    image = bench.layout.image(bytes(range(250)) * 40, b"small")
    bench.store(image, "1.0")
    return image


@pytest.mark.parametrize("kind", ["cut_body", "slow_down", "expire_url", "html", "drop_before", "bare_500"])
def test_a_download_that_recovers_is_carried_on(bench: CopyBench, large: Document, kind: Kind) -> None:
    bench.strike_source(DOWNLOAD, kind, times=3)
    assert bench.run()["changed"] is True
    assert bench.is_whole(large)


def test_urls_expire_in_the_middle(bench: CopyBench, large: Document) -> None:
    bench.control.rules(bench.source_repository).url_lifetime = 0.0
    bench.strike_source(DOWNLOAD, "cut_body", times=3)
    failed = bench.fails()
    assert failed.result["error"]["code"] == "AccessDenied"
    bench.control.rules(bench.source_repository).url_lifetime = 3600.0
    assert bench.run()["changed"] is True
    assert bench.is_whole(large)


@pytest.mark.parametrize("kind", ["wrong_bytes", "slow_down", "expire_url", "html"])
def test_nothing_is_completed_of_a_layer_that_cannot_be_read(bench: CopyBench, large: Document, kind: Kind) -> None:
    bench.strike_source(DOWNLOAD, kind, times=200)
    failed = bench.fails()
    assert (bench.tags(), bench.layers()) == ({}, {})
    assert f"source repository {bench.source_repository}" in failed.msg
    assert failed.result["changed"] is False
    assert {layer["action"] for layer in failed.result["layers"]} == {"failed"}
    bench.control.faults.clear(bench.source_repository)
    assert bench.run()["changed"] is True
    assert bench.is_whole(large)


def test_wrong_bytes_in_one_part_complete_nothing(bench: CopyBench, large: Document) -> None:
    bench.strike_source(DOWNLOAD, "wrong_bytes", skip=2)
    failed = bench.fails(parallel=1)
    assert "has other content than its digest states" in failed.msg
    assert "Run the task again" in failed.msg
    assert bench.tags() == {}
    document = json.loads(bench.content(large))
    assert failed.result["layer_digest"] in {blob["digest"] for blob in (document["config"], *document["layers"])}
    assert failed.result["layer_digest"] not in bench.layers()


@pytest.mark.parametrize("kind", ["throttle", "server_error", "drop_after", "drop_before", "bare_503"])
@pytest.mark.parametrize("operation", ["InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload", "PutImage"])
def test_a_target_that_recovers_is_waited_for(bench: CopyBench, large: Document, kind: Kind, operation: t.Any) -> None:
    bench.strike_target(operation, kind, times=2)
    assert bench.run()["changed"] is True
    assert bench.is_whole(large)
    assert bench.tags() == {"1.0": large["digest"]}


def test_an_upload_that_expires_is_sent_again(bench: CopyBench, large: Document) -> None:
    bench.strike_target("UploadLayerPart", "expire_upload", skip=2)
    assert bench.run(parallel=1)["changed"] is True
    assert bench.is_whole(large)


def test_a_failed_copy_is_resumed_where_the_target_has_it(bench: CopyBench, large: Document, tmp_path: Path) -> None:
    bench.strike_target("UploadLayerPart", "access_denied", skip=2, times=99)
    failed = bench.fails(parallel=1, state_dir=str(tmp_path))
    assert "Run the task again with the same state_dir" in failed.msg
    bench.control.faults.clear(bench.repository)
    sent = failed.result["bytes_sent"]
    result = bench.run(parallel=1, state_dir=str(tmp_path))
    assert sent > 0
    assert sent + result["bytes_sent"] == sum(layer["size"] for layer in result["layers"])
    assert bench.is_whole(large)
    assert list(tmp_path.iterdir()) == []


def test_a_resumed_copy_does_not_fetch_what_the_target_has(bench: CopyBench, large: Document, tmp_path: Path) -> None:
    bench.strike_target("UploadLayerPart", "access_denied", skip=2, times=99)
    failed = bench.fails(parallel=1, state_dir=str(tmp_path))
    bench.control.faults.clear(bench.repository)
    bench.calls()
    result = bench.run(parallel=1, state_dir=str(tmp_path))
    whole = sum(layer["size"] for layer in result["layers"])
    assert failed.result["bytes_sent"] > 0
    assert bench.bytes_downloaded == whole - failed.result["bytes_sent"]
    assert bench.is_whole(large)


def test_a_resumed_copy_of_an_upload_with_wrong_bytes_begins_again(
    bench: CopyBench, large: Document, tmp_path: Path
) -> None:
    bench.strike_source(DOWNLOAD, "wrong_bytes", skip=1)
    bench.strike_target("UploadLayerPart", "access_denied", skip=2, times=99)
    failed = bench.fails(parallel=1, state_dir=str(tmp_path))
    assert failed.result["bytes_sent"] > 0
    bench.control.faults.clear()
    assert bench.run(parallel=1, state_dir=str(tmp_path))["changed"] is True
    assert bench.is_whole(large)


@pytest.mark.parametrize("kind", ["slow_down", "html", "cut_body", "expire_url", "wrong_bytes", "drop_before"])
def test_the_url_is_a_secret(bench: CopyBench, large: Document, kind: Kind, tmp_path: Path) -> None:
    assert large
    bench.strike_source(DOWNLOAD, kind, skip=2, times=200)
    try:
        said = json.dumps(bench.run(state_dir=str(tmp_path), part_size=None))
    except ModuleFailedError as failed:
        said = json.dumps(failed.result)
    kept = [path.read_text() for path in tmp_path.iterdir()]
    assert [text for text in (said, *kept) if shown(text, URL)] == []


def test_the_url_is_a_secret_of_a_run_that_is_logged(bench: CopyBench, large: Document) -> None:
    assert large
    said = json.dumps(bench.run(debug_botocore_endpoint_logs=True))
    assert shown(said, URL) == set()


@pytest.mark.parametrize("answer", ["layerDigest", "line break"])
def test_the_url_is_a_secret_if_its_answer_cannot_be_read(
    bench: CopyBench, large: Document, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.models import StrictECRBackend

    assert large
    original = StrictECRBackend.get_download_url_for_layer

    def strange(*arguments: t.Any) -> dict[str, t.Any]:
        found = original(*arguments)
        url = found["downloadUrl"]
        return {**found, "layerDigest": "sha256:1"} if answer == "layerDigest" else {**found, "downloadUrl": f"{url}\n"}

    monkeypatch.setattr(StrictECRBackend, "get_download_url_for_layer", strange)
    failed = bench.fails()
    assert "not Amazon ECR's answer" in failed.msg
    assert shown(json.dumps(failed.result), URL) == set()


SOURCE_FAULTS = ["cut_body", "slow_down", "drop_before", "expire_url", "html", "bare_500", "wrong_bytes"]
TARGET_FAULTS = ["throttle", "server_error", "drop_after", "drop_before", "access_denied", "bare_503"]
TARGET_OPERATIONS = ["InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload", "PutImage", "BatchGetImage"]


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    downloads=st.lists(st.tuples(st.sampled_from(SOURCE_FAULTS), st.integers(0, 6), st.integers(1, 9)), max_size=3),
    calls=st.lists(
        st.tuples(
            st.sampled_from(TARGET_OPERATIONS), st.sampled_from(TARGET_FAULTS), st.integers(0, 4), st.integers(1, 9)
        ),
        max_size=3,
    ),
    parallel=st.sampled_from([1, 4]),
    number=st.integers(0, 10**9),
)
def test_the_target_is_whole_or_without_the_tag(
    bench: CopyBench, many_parts: None, downloads: t.Any, calls: t.Any, parallel: int, number: int
) -> None:
    assert many_parts is None
    tag = f"t{number}"
    image = bench.layout.image(b"%d " % number * 1_500, b"layer of %d" % number)
    bench.store(image, tag)
    for kind, skip, times in downloads:
        bench.strike_source(DOWNLOAD, kind, skip=skip, times=times)
    for operation, kind, skip, times in calls:
        bench.strike_target(operation, kind, skip=skip, times=times)
    try:
        bench.run(source={"tag": tag}, parallel=parallel)
    except ModuleFailedError:
        is_done = False
    else:
        is_done = True
    bench.control.faults.clear()
    tags = bench.tags()
    assert tags.get(tag) in (None, image["digest"])
    assert not is_done or tag in tags
    assert tag not in tags or bench.is_whole(image)
    bench.run(source={"tag": tag}, parallel=parallel)
    assert bench.is_whole(image)
    assert bench.tags()[tag] == image["digest"]
