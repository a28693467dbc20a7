# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Downloads over connections that break, by URLs that expire, onto disks that are full."""

from __future__ import annotations

import contextlib
import json
import resource
import signal
import tempfile
import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._local import space
from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import DOWNLOAD
from ansible_collections.layerkit.ecr.tests.unit.support.download_bench import (
    BIG,
    LOOK,
    MIB,
    URL,
    DownloadBench,
    actions,
)
from ansible_collections.layerkit.ecr.tests.unit.support.downloading import files_in
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import digest_of
from ansible_collections.layerkit.ecr.tests.unit.support.image_reader import read_image
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import ModuleFailedError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import Kind

KINDS = ("oci", "oci-archive", "docker-archive")
PASSING: tuple[Kind, ...] = (
    "expire_url",
    "slow_down",
    "html",
    "cut_body",
    "wrong_bytes",
    "bare_500",
    "bare_503",
    "drop_before",
)


@pytest.mark.parametrize(
    ("kind", "written"),
    [*((kind, "oci") for kind in PASSING), ("cut_body", "oci-archive"), ("wrong_bytes", "docker-archive")],
)
def test_fault_that_passes_changes_nothing_in_the_end(bench: DownloadBench, kind: Kind, written: str) -> None:
    bench.strike(kind, skip=1, times=2)
    result = bench.run(format=written)
    assert result["changed"]
    assert not bench.control.faults.pending()
    assert not bench.run(format=written)["changed"]


def test_bytes_that_arrived_are_not_asked_for_again(bench: DownloadBench) -> None:
    bench.strike("cut_body", times=3)
    result = bench.run()
    assert bench.bytes_served() < result["bytes_fetched"] + 2 * MIB
    read_image(bench.dest)


def test_expired_urls_are_asked_for_once_more(bench: DownloadBench) -> None:
    bench.strike("expire_url", skip=2)
    bench.run()
    assert bench.calls()[URL] == 4


def test_wrong_bytes_never_get_a_name(bench: DownloadBench) -> None:
    bench.strike("wrong_bytes", times=1000)
    failed = bench.fails()
    bench.control.faults.clear()
    assert "downloaded twice do not have the digest of layer" in failed.msg
    assert not (bench.dest / "index.json").exists()
    bench.check_blobs()
    bench.run()
    read_image(bench.dest)


@pytest.mark.parametrize(
    ("operation", "kind", "words"),
    [
        (LOOK, "access_denied", "The caller lacks permission"),
        (URL, "access_denied", "The caller lacks permission"),
        (DOWNLOAD, "slow_down", "fewer requests"),
    ],
)
def test_fault_that_stays_is_explained(bench: DownloadBench, operation: str, kind: Kind, words: str) -> None:
    bench.run("next")
    before = files_in(bench.dest)
    bench.strike(kind, operation, times=1000)
    failed = bench.fails()
    bench.control.faults.clear()
    assert words in failed.msg
    assert "othing was sent" not in failed.msg
    assert not failed.result.get("changed")
    assert (bench.dest / "index.json").read_bytes() == before["index.json"]
    bench.check_blobs()


def test_failed_run_says_what_it_has_and_the_next_one_resumes(bench: DownloadBench) -> None:
    bench.strike("cut_body", skip=2)
    bench.strike("slow_down", skip=3, times=1000)
    # One request after the other: the configuration, the small layer, and the first half of a range of the big one.
    failed = bench.fails(parallel=1)
    bench.control.faults.clear()
    assert actions(failed.result)[digest_of(BIG)] == "failed"
    assert failed.result["image"]["digest"] == bench.app["digest"]
    arrived = failed.result["bytes_fetched"]
    assert arrived > 0
    bench.calls()
    predicted = bench.run(check=True)
    result = bench.run()
    assert result["bytes_fetched"] == predicted["bytes_fetched"] == bench.bytes_served()
    whole = sum(layer["size"] for layer in result["layers"])
    # Of each connection, what it got of the last MiB is lost.
    assert whole - arrived <= result["bytes_fetched"] <= whole - arrived + 2 * MIB
    assert "an earlier task fetched a part of it" in {layer["reason"] for layer in result["layers"]}
    read_image(bench.dest)


def test_layer_that_the_registry_lost_is_named(bench: DownloadBench) -> None:
    bench.control.set_image_status(bench.repository, bench.app["digest"], "ARCHIVED")
    failed = bench.fails()
    assert "archived" in failed.msg
    assert not bench.dest.exists()


def test_absent_image_is_an_error(bench: DownloadBench) -> None:
    failed = bench.fails("2.0")
    assert f"repository {bench.repository} does not contain image '2.0'" in failed.msg
    assert "othing was sent" not in failed.msg
    assert not bench.dest.exists()


@pytest.mark.parametrize("written", KINDS)
def test_space_is_checked_before_the_first_byte(
    bench: DownloadBench, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    monkeypatch.setattr(space, "_MARGIN", 10**18)
    for check in (True, False):
        failed = bench.fails(check=check, format=written)
        assert f"dest '{bench.dest}' needs" in failed.msg
        assert bench.calls() == {LOOK: 1}
        assert not list(bench.dest.parent.iterdir())


@pytest.mark.parametrize("written", KINDS)
def test_full_disk_leaves_what_was_there(bench: DownloadBench, written: str) -> None:
    bench.run("next", format=written)
    before = files_in(bench.dest) if bench.dest.is_dir() else bench.dest.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3 * MIB, limits[1]))
    try:
        failed = bench.fails(format=written)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert f"dest '{bench.dest}' cannot be written: File too large" in failed.msg
    if bench.dest.is_dir():
        bench.check_blobs()
        assert (bench.dest / "index.json").read_bytes() == t.cast("dict[str, bytes]", before)["index.json"]
    else:
        assert bench.dest.read_bytes() == before
    assert bench.run(format=written)["changed"]


def test_urls_are_nowhere(bench: DownloadBench, capfd: pytest.CaptureFixture[str]) -> None:
    bench.strike("cut_body", skip=2)
    bench.strike("slow_down", skip=3, times=1000)
    failed = bench.fails()
    texts = [json.dumps(failed.result), *capfd.readouterr()]
    texts += [path.read_bytes().decode("latin-1") for path in bench.dest.rglob("*") if path.is_file()]
    bench.control.faults.clear()
    texts += [json.dumps(bench.run()), *capfd.readouterr()]
    texts += [path.read_bytes().decode("latin-1") for path in bench.dest.rglob("*") if path.is_file()]
    for text in texts:
        assert "X-Amz-" not in text
        assert "/strict-s3/" not in text


FAULTS = st.tuples(
    st.sampled_from([*PASSING, "throttle", "server_error", "access_denied"]),
    st.sampled_from([LOOK, URL, DOWNLOAD]),
    st.integers(0, 4),
    st.sampled_from([1, 2, 9]),
)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(FAULTS, max_size=4), st.sampled_from(KINDS))
def test_faults_that_end_leave_the_target_whole_or_unchanged(
    bench: DownloadBench, tmp_path: Path, faults: list[tuple[Kind, str, int, int]], written: str
) -> None:
    bench.dest = Path(tempfile.mkdtemp(dir=tmp_path)) / "image"
    bench.run("next", format=written)
    file = bench.dest / "index.json" if written == "oci" else bench.dest
    before = file.read_bytes()
    for kind, operation, skip, times in faults:
        # Some faults cannot strike some operations.
        with contextlib.suppress(ValueError):
            bench.strike(kind, operation, skip=skip, times=times)
    try:
        bench.run(format=written)
    except ModuleFailedError:
        assert file.read_bytes() == before
    if written == "oci":
        bench.check_blobs()
    bench.control.faults.clear()
    bench.run(format=written)
    assert not bench.run(format=written)["changed"]
    if written == "oci":
        assert bench.listed() == {"next": bench.next["digest"], "app": bench.app["digest"]}
        bench.check_blobs()
    assert [path.name for path in bench.dest.parent.iterdir()] == ["image"]
