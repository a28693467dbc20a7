# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Blobs that are sent in parallel."""

from __future__ import annotations

import itertools
import time
import typing as t
from concurrent.futures import Future, as_completed, wait

import pytest
from ansible_collections.amazon.aws.plugins.module_utils import cloud
from ansible_collections.layerkit.ecr.plugins.module_utils._core import task
from ansible_collections.layerkit.ecr.plugins.module_utils._core.text import MIB
from ansible_collections.layerkit.ecr.tests.unit.support.image_bench import ImageBench


class TestParallel:
    def test_so_many_layers_are_sent_at_once(self, bench: ImageBench) -> None:
        bench.layout.finish(bench.layout.image(*(bytes([number]) * 100 for number in range(5))))
        bench.strike("InitiateLayerUpload", "delay", times=6, seconds=0.3)
        began = time.monotonic()
        bench.run(parallel=6)
        assert time.monotonic() - began < 6 * 0.3

    @pytest.mark.parametrize(
        ("parallel", "size", "together"), [(1, 100, 1), (2, 100, 8), (2, MIB, 8), (2, MIB + 1, 2), (9, 100, 11)]
    )
    def test_small_layers_are_sent_in_place_of_larger_ones(
        self, bench: ImageBench, parallel: int, size: int, together: int
    ) -> None:
        bench.layout.finish(bench.layout.image(*(bytes([number]) * size for number in range(10))))
        # Long enough for every upload that may begin to do so before the first of them goes on.
        bench.strike("InitiateLayerUpload", "delay", times=11, seconds=0.3)
        bench.run(parallel=parallel)
        uploads = list(itertools.takewhile("UploadLayerPart".__ne__, bench.calls()))
        assert uploads.count("InitiateLayerUpload") == together

    def test_failure_stops_the_others_and_those_to_come(self, bench: ImageBench) -> None:
        bench.control.rules(bench.repository).part_size = 10
        layers = [bytes([number]) * 1000 for number in range(10)]
        bench.layout.finish(bench.layout.image(*layers))
        bench.strike("UploadLayerPart", "kms", skip=4)
        failed = bench.fails(tags=["1"], parallel=3)
        assert failed.result["error"]["code"] == "KmsException"
        # Of a thousand parts; each of the other uploads may have been in the middle of one.
        assert bench.calls().count("UploadLayerPart") < 40
        assert bench.layers() == {}

    @pytest.mark.parametrize("parallel", [1, 2])
    def test_first_failure_is_reported_and_no_blob_follows_even_if_noticed_late(
        self, bench: ImageBench, monkeypatch: pytest.MonkeyPatch, parallel: int
    ) -> None:
        def late(pushes: list[Future[None]]) -> t.Iterator[Future[None]]:
            wait(pushes)
            return as_completed(pushes)

        monkeypatch.setattr(task, "as_completed", late)
        bench.layout.finish(bench.layout.image(*(bytes([number]) * (MIB + 1) for number in range(9))))
        bench.strike("UploadLayerPart", "kms")
        assert bench.fails(parallel=parallel).result["error"]["code"] == "KmsException"
        assert bench.calls().count("InitiateLayerUpload") < 2 * parallel

    def test_failure_stops_requests_that_are_tried_again(
        self, bench: ImageBench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bench.layout.finish(bench.layout.image(b"a layer that is throttled"))
        monkeypatch.setattr(cloud, "time", time)
        bench.strike("InitiateLayerUpload", "kms")
        bench.strike("InitiateLayerUpload", "throttle", times=100)
        began = time.monotonic()
        assert bench.fails(parallel=2).result["error"]["code"] == "KmsException"
        assert time.monotonic() - began < 3
