# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import stat
import typing as t
from dataclasses import asdict
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core import progress as subject
from ansible_collections.layerkit.ecr.plugins.module_utils._core.progress import MAX_LINE, MAX_NAME, Progress, Report
from ansible_collections.layerkit.ecr.tests.unit.support.report_pipe import ReportPipe

REPORT = Report("app", layers_done=1, layers=2, bytes_done=30, bytes_in_all=50, retries=4)


@pytest.fixture
def pipe(tmp_path: Path) -> t.Iterator[ReportPipe]:
    with ReportPipe(tmp_path) as opened:
        yield opened


@pytest.fixture
def progress(pipe: ReportPipe, monkeypatch: pytest.MonkeyPatch) -> Progress:
    """Progress that reports every change."""
    monkeypatch.setattr(subject, "_INTERVAL_SECONDS", 0)
    opened = Progress(str(pipe.path))
    opened.name = "app"
    return opened


def counts(pipe: ReportPipe) -> list[tuple[int, int, int, int]]:
    reports = pipe.reports()
    return [(report.layers_done, report.layers, report.bytes_done, report.bytes_in_all) for report in reports]


class TestReport:
    def test_line_is_read_as_it_was_written(self) -> None:
        assert Report.from_line(REPORT.line()) == REPORT

    @pytest.mark.parametrize(
        "line",
        [
            b"",
            b"\xff",
            b"{",
            b"[" * 3000,
            b"[]",
            b"{}",
            *(
                json.dumps({**asdict(REPORT), **change}).encode()
                for change in (
                    {"name": "a\nb"},
                    {"name": "\x1b[2J"},
                    {"name": "a" * (MAX_NAME + 1)},
                    {"name": 1},
                    {"layers": "2"},
                    {"layers": True},
                    {"retries": 0.5},
                    {"bytes_done": -1},
                    {"bytes_in_all": 2**63},
                    {"url": "https://example.com"},
                )
            ),
            json.dumps({"name": "app", "layers": 2}).encode(),
        ],
    )
    def test_other_lines_are_none(self, line: bytes) -> None:
        assert Report.from_line(line) is None

    def test_longest_name_and_the_largest_numbers_fit_into_a_line(self) -> None:
        assert len(Report("a" * MAX_NAME, *[10**12] * 5).line()) <= MAX_LINE


class TestCounts:
    def test_layers_and_their_bytes(self, progress: Progress, pipe: ReportPipe) -> None:
        progress.begin({"a": 10, "b": 5})
        progress.set_left("a", 4)
        progress.advance("b", 2)
        progress.finish("a")
        progress.finish("b")
        assert counts(pipe) == [(0, 2, 0, 15), (0, 2, 6, 15), (0, 2, 8, 15), (1, 2, 12, 15), (2, 2, 15, 15)]

    def test_layer_that_is_begun_again_has_more_to_transfer(self, progress: Progress, pipe: ReportPipe) -> None:
        progress.begin({"a": 4})
        progress.set_left("a", 1)
        progress.set_left("a", 10)
        assert counts(pipe) == [(0, 1, 0, 4), (0, 1, 3, 4), (0, 1, 0, 10)]

    def test_layer_that_was_complete_can_be_begun_again(self, progress: Progress, pipe: ReportPipe) -> None:
        progress.begin({"a": 4, "b": 1})
        progress.finish("a")
        progress.begin({"a": 4})
        assert counts(pipe)[1:] == [(1, 2, 4, 5), (0, 2, 0, 5)]

    def test_nothing_is_reported_before_there_is_a_layer(self, progress: Progress, pipe: ReportPipe) -> None:
        progress.retry()
        progress.begin({})
        assert pipe.reports() == []
        progress.begin({"a": 1})
        progress.retry()
        assert [(report.name, report.retries) for report in pipe.reports()] == [("app", 1), ("app", 2)]


class TestPace:
    def test_reports_wait_for_their_turn_and_the_last_one_does_not(self, pipe: ReportPipe) -> None:
        progress = Progress(str(pipe.path))
        progress.begin({"a": 1000, "b": 1})
        for left in reversed(range(1000)):
            progress.set_left("a", left)
        progress.finish("b")
        progress.finish("a")
        first, *between, last = counts(pipe)
        assert (first, last) == ((0, 2, 0, 1001), (2, 2, 1001, 1001))
        # Far less than a thousand, however slow the machine is.
        assert len(between) < 100

    def test_full_pipe_is_not_waited_for(self, progress: Progress, pipe: ReportPipe) -> None:
        pipe.fill()
        progress.begin({"a": 1})
        pipe.lines()
        progress.finish("a")
        assert counts(pipe) == [(1, 1, 1, 1)]


class TestPipe:
    def test_nothing_happens_without_one(self) -> None:
        progress = Progress()
        progress.begin({"a": 1})
        progress.set_left("a", 0)
        progress.advance("a", 1)
        progress.retry()
        progress.finish("a")

    def test_what_is_no_pipe_with_a_reader_is_left_alone(self, tmp_path: Path) -> None:
        file, unread = tmp_path / "file", tmp_path / "unread"
        file.write_bytes(b"content")
        os.mkfifo(unread)
        for path in (file, unread, tmp_path / "missing", tmp_path, "a\0b"):
            Progress(str(path)).begin({"a": 1})
        assert file.read_bytes() == b"content"
        assert stat.S_ISFIFO(unread.stat().st_mode)

    def test_reader_that_has_gone_does_not_matter(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(subject, "_INTERVAL_SECONDS", 0)
        with ReportPipe(tmp_path) as pipe:
            progress = Progress(str(pipe.path))
            progress.begin({"a": 1})
            assert counts(pipe) == [(0, 1, 0, 1)]
        progress.finish("a")

    @pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become another user")
    def test_pipe_of_another_user_is_not_reported_to(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o755)
        private = tmp_path / "private"
        private.mkdir(mode=0o700)
        with ReportPipe(private) as pipe:
            os.seteuid(65534)
            try:
                Progress(str(pipe.path)).begin({"a": 1})
            finally:
                os.seteuid(0)
            assert pipe.reports() == []


def test_a_line_that_may_be_written_in_pieces_is_not_written(progress: Progress, pipe: ReportPipe) -> None:
    # Six bytes each in JSON.
    progress.name = "\u00e4" * MAX_NAME
    progress.begin({"a": 1})
    assert pipe.reports() == []
