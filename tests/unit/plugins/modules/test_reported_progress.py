# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules report of their progress while they run against the strict server."""

from __future__ import annotations

import itertools
import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core import progress
from ansible_collections.layerkit.ecr.plugins.module_utils._core.progress import MAX_LINE, PIPE_VARIABLE
from ansible_collections.layerkit.ecr.plugins.modules import ecr_layer
from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import DOWNLOAD, Fault
from ansible_collections.layerkit.ecr.tests.unit.support.copy_bench import CopyBench
from ansible_collections.layerkit.ecr.tests.unit.support.download_bench import BIG, DownloadBench
from ansible_collections.layerkit.ecr.tests.unit.support.image_bench import ImageBench
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import docker_archive, tar_of
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LayoutWriter
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import ModuleFailedError, run_module
from ansible_collections.layerkit.ecr.tests.unit.support.report_pipe import ReportPipe

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.plugins.module_utils._core.progress import Report
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR
    from mypy_boto3_ecr import ECRClient

MIB = 1024 * 1024

pytestmark = pytest.mark.usefixtures("delays")


@pytest.fixture(autouse=True)
def pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> t.Iterator[ReportPipe]:
    """A FIFO in which every change is reported."""
    monkeypatch.setattr(progress, "_INTERVAL_SECONDS", 0)
    with ReportPipe(tmp_path) as opened:
        monkeypatch.setenv(PIPE_VARIABLE, str(opened.path))
        yield opened


@pytest.fixture
def patient(connection: dict[str, t.Any]) -> dict[str, t.Any]:
    """The connection to the strict server, with the usual timeout."""
    return {**connection, "aws_config": {}}


@pytest.fixture
def images(
    ecr: ECRClient, strict_ecr: StrictECR, repository: str, tmp_path: Path, patient: dict[str, t.Any], tiny_parts: None
) -> ImageBench:
    assert tiny_parts is None
    strict_ecr.control.rules(repository).min_part_bytes = 1
    return ImageBench(ecr, strict_ecr.control, repository, LayoutWriter(tmp_path / "layout"), patient)


def check_course(reports: list[Report], layers: int, size: int) -> None:
    """Check that a transfer of so many layers and bytes began at nothing, never went back, and was completed."""
    first, last = reports[0], reports[-1]
    assert (first.layers_done, first.bytes_done) == (0, 0)
    assert (last.layers_done, last.bytes_done) == (layers, size)
    assert {(report.layers, report.bytes_in_all) for report in reports} == {(layers, size)}
    for counts in ("layers_done", "bytes_done", "retries"):
        course = [getattr(report, counts) for report in reports]
        assert course == sorted(course)


class TestLayer:
    @pytest.fixture
    def layer(self, tmp_path: Path) -> Path:
        path = tmp_path / "layer.tar.gz"
        path.write_bytes(os.urandom(12 * MIB))
        return path

    def test_bytes_are_counted_while_they_are_sent(
        self, layer: Path, patient: dict[str, t.Any], repository: str, pipe: ReportPipe
    ) -> None:
        run_module(ecr_layer, connection=patient, repository_name=repository, src=str(layer))
        reports = pipe.reports()
        check_course(reports, 1, 12 * MIB)
        assert {report.name for report in reports} == {repository}
        # Within a part, too.
        between = [report.bytes_done for report in reports if 0 < report.bytes_done < 10 * MIB]
        assert len(between) > 10

    def test_run_that_sends_nothing_reports_nothing(
        self, layer: Path, patient: dict[str, t.Any], repository: str, pipe: ReportPipe
    ) -> None:
        task: dict[str, t.Any] = {"connection": patient, "repository_name": repository, "src": str(layer)}
        run_module(ecr_layer, check=True, **task)
        assert pipe.lines() == []
        run_module(ecr_layer, **task)
        assert pipe.lines()
        run_module(ecr_layer, **task)
        assert pipe.lines() == []

    def test_part_that_is_sent_again_is_a_retry_and_counted_once(
        self, layer: Path, patient: dict[str, t.Any], repository: str, pipe: ReportPipe, strict_ecr: StrictECR
    ) -> None:
        strict_ecr.control.faults.add(Fault("throttle", "UploadLayerPart", repository=repository, skip=1, times=2))
        run_module(ecr_layer, connection=patient, repository_name=repository, src=str(layer))
        *_others, last = pipe.reports()
        assert (last.layers_done, last.bytes_done, last.bytes_in_all) == (1, 12 * MIB, 12 * MIB)
        assert last.retries == 2

    def test_resumed_upload_counts_what_is_missing(
        self,
        layer: Path,
        patient: dict[str, t.Any],
        repository: str,
        pipe: ReportPipe,
        strict_ecr: StrictECR,
        tmp_path: Path,
    ) -> None:
        task: dict[str, t.Any] = {
            "repository_name": repository,
            "src": str(layer),
            "state_dir": str(tmp_path / "state"),
        }
        strict_ecr.control.faults.add(Fault("kms", "UploadLayerPart", repository=repository, skip=1, times=1))
        with pytest.raises(ModuleFailedError):
            run_module(ecr_layer, connection=patient, **task)
        pipe.lines()
        run_module(ecr_layer, connection=patient, **task)
        check_course(pipe.reports(), 1, 2 * MIB)

    def test_upload_that_expired_is_begun_again(
        self, layer: Path, patient: dict[str, t.Any], repository: str, pipe: ReportPipe, strict_ecr: StrictECR
    ) -> None:
        strict_ecr.control.faults.add(Fault("expire_upload", "UploadLayerPart", repository=repository, skip=1))
        run_module(ecr_layer, connection=patient, repository_name=repository, src=str(layer))
        reports = pipe.reports()
        course = [report.bytes_done for report in reports]
        assert any(later < before for before, later in itertools.pairwise(course))
        assert {report.bytes_in_all for report in reports} == {12 * MIB}
        assert (reports[-1].layers_done, reports[-1].bytes_done) == (1, 12 * MIB)

    def test_task_does_not_wait_for_a_reader(
        self, layer: Path, patient: dict[str, t.Any], repository: str, pipe: ReportPipe
    ) -> None:
        pipe.fill()
        result = run_module(ecr_layer, connection=patient, repository_name=repository, src=str(layer))
        assert result["changed"] is True

    def test_lines_are_short_and_have_no_credential_and_no_url(
        self, layer: Path, patient: dict[str, t.Any], repository: str, pipe: ReportPipe
    ) -> None:
        run_module(ecr_layer, connection=patient, repository_name=repository, src=str(layer))
        lines = pipe.lines()
        assert lines
        secrets = [patient[option].encode() for option in ("access_key", "secret_key", "endpoint_url")]
        for line in lines:
            assert len(line) <= MAX_LINE
            assert not any(secret in line for secret in [*secrets, b"://", str(layer).encode()])


class TestImage:
    def test_blobs_that_are_there_are_not_counted(self, images: ImageBench, pipe: ReportPipe) -> None:
        images.layout.finish(images.layout.image(b"first"))
        images.run()
        pipe.lines()
        image = images.layout.image(b"first", b"second layer", b"the third one")
        images.layout.finish(image)
        result = images.run(tags=["1"])
        sent = [layer for layer in result["layers"] if layer["action"] == "sent"]
        assert len(sent) == 2
        check_course(pipe.reports(), 2, result["bytes_sent"])

    def test_completion_that_is_sent_again_is_a_retry(self, images: ImageBench, pipe: ReportPipe) -> None:
        images.layout.finish(images.layout.image(b"a layer"))
        images.strike("CompleteLayerUpload", "server_error", times=1)
        result = images.run(parallel=1)
        reports = pipe.reports()
        assert reports[-1].retries == 1
        check_course(reports, 2, result["bytes_sent"])

    def test_resumed_push_counts_what_is_missing(self, images: ImageBench, pipe: ReportPipe, tmp_path: Path) -> None:
        images.control.rules(images.repository).part_size = 4
        images.layout.finish(images.layout.image(b"0123456789"))
        state: dict[str, t.Any] = {"state_dir": str(tmp_path / "state"), "parallel": 1}
        images.strike("UploadLayerPart", "kms", skip=1)
        images.fails(**state)
        pipe.lines()
        result = images.run(**state)
        check_course(pipe.reports(), 2, result["bytes_sent"])


class TestCopy:
    def test_bytes_are_counted_once(
        self, ecr: ECRClient, strict_ecr: StrictECR, repository: str, patient: dict[str, t.Any], pipe: ReportPipe
    ) -> None:
        bench = CopyBench(ecr, strict_ecr, repository, patient)
        bench.store(bench.layout.image(b"small", os.urandom(6 * MIB)), "1.0")
        bench.strike_source(DOWNLOAD, "slow_down", times=1)
        result = bench.run()
        reports = pipe.reports()
        check_course(reports, 3, result["bytes_sent"])
        assert {report.name for report in reports} == {repository}
        assert reports[-1].retries == 1


class TestDownload:
    @pytest.fixture
    def bench(
        self, ecr: ECRClient, strict_ecr: StrictECR, repository: str, tmp_path: Path, patient: dict[str, t.Any]
    ) -> DownloadBench:
        return DownloadBench(ecr, strict_ecr.control, repository, tmp_path, patient)

    def test_bytes_are_counted_as_they_arrive(self, bench: DownloadBench, pipe: ReportPipe) -> None:
        result = bench.run()
        reports = pipe.reports()
        check_course(reports, 3, result["bytes_fetched"])
        assert len({report.bytes_done for report in reports}) > len(BIG) // MIB
        bench.run()
        assert pipe.lines() == []

    def test_broken_connection_is_a_retry(self, bench: DownloadBench, pipe: ReportPipe) -> None:
        bench.strike("cut_body", times=2)
        result = bench.run(parallel=1)
        reports = pipe.reports()
        check_course(reports, 3, result["bytes_fetched"])
        assert reports[-1].retries == 2

    def test_damaged_layer_is_counted_again(self, bench: DownloadBench, pipe: ReportPipe) -> None:
        bench.strike("wrong_bytes", times=1)
        bench.run(parallel=1)
        *_others, last = pipe.reports()
        assert (last.layers_done, last.bytes_done) == (last.layers, last.bytes_in_all) == (3, last.bytes_in_all)


def test_layers_that_are_sent_while_they_are_compressed_are_complete_in_the_end(
    images: ImageBench, pipe: ReportPipe, tmp_path: Path
) -> None:
    layers = [os.urandom(300_000) for _layer in range(3)]
    (tmp_path / "saved.tar").write_bytes(tar_of(docker_archive(layers)))
    images.run(src=str(tmp_path / "saved.tar"), tags=["1"])
    *_others, last = pipe.reports()
    # And the configuration.
    assert (last.layers_done, last.layers) == (4, 4)
    assert last.bytes_done == last.bytes_in_all
