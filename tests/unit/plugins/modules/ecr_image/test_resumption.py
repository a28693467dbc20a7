# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A push that resumes the uploads of an earlier run."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
import typing as t
from pathlib import Path

from ansible_collections.layerkit.ecr.tests.unit.support.image_bench import ImageBench
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import digest_of
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import warnings_of


class TestResumption:
    def test_interrupted_push_is_continued(self, bench: ImageBench, tmp_path: Path) -> None:
        bench.control.rules(bench.repository).part_size = 4
        layer = b"0123456789"
        bench.layout.finish(bench.layout.image(layer))
        state: dict[str, t.Any] = {"state_dir": str(tmp_path / "state"), "parallel": 1}
        bench.strike("UploadLayerPart", "kms", skip=200)
        whole = bench.run(check=True, **state)["bytes_sent"]
        bench.control.faults.clear()
        config = whole - len(layer)
        parts_of_config = -(-config // 4)
        bench.strike("UploadLayerPart", "kms", skip=parts_of_config + 1)
        failed = bench.fails(**state)
        assert failed.result["bytes_sent"] == config + 4
        checked = bench.run(check=True, **state)
        result = bench.run(**state)
        assert result["bytes_sent"] == checked["bytes_sent"] == len(layer) - 4
        assert result["bytes_present"] == checked["bytes_present"] == config + 4

    def test_saved_upload_that_another_task_holds_is_not_touched(self, bench: ImageBench, tmp_path: Path) -> None:
        bench.control.rules(bench.repository).part_size = 4
        bench.layout.finish(bench.layout.image(b"0123456789"))
        state = tmp_path / "state"
        bench.strike("UploadLayerPart", "kms", skip=1)
        bench.fails(state_dir=str(state), parallel=1)
        (held,) = bench.open_uploads()
        with contextlib.ExitStack() as stack:
            for path in state.glob("*.json"):
                lock = stack.enter_context(path.with_suffix(".lock").open("w"))
                fcntl.flock(lock, fcntl.LOCK_EX)
            result = bench.run(state_dir=str(state), parallel=1)
        assert any("Another task" in warning for warning in warnings_of(result))
        assert bench.open_uploads() == {held: 4}

    def test_unchanged_run_removes_what_a_killed_one_left(self, bench: ImageBench, tmp_path: Path) -> None:
        bench.layout.finish(bench.layout.image(b"layer"))
        state = tmp_path / "state"
        bench.strike("UploadLayerPart", "kms", times=2)
        bench.fails(state_dir=str(state))
        saved = next(state.glob("*.json"))
        stem, content = saved.stem, saved.read_bytes()
        bench.control.faults.clear()
        digests = [entry["digest"] for entry in bench.run()["layers"]]
        assert len(digests) == 2
        for digest in digests:
            for suffix in (".json", ".lock", ".new"):
                (state / f"{digest[7:]}-{stem.partition('-')[2]}{suffix}").write_bytes(content)
        (state / "mine.json").write_bytes(content)
        assert bench.run(check=True, state_dir=str(state))["changed"] is False
        assert len(list(state.iterdir())) == 7
        assert bench.run(state_dir=str(state))["changed"] is False
        assert [path.name for path in state.iterdir()] == ["mine.json"]

    def test_failed_run_removes_what_is_done_or_old(self, bench: ImageBench, tmp_path: Path) -> None:
        done, failing, unknown = (digest_of(layer) for layer in (b"there", b"failing", b"of another image"))
        bench.layout.finish(bench.layout.image(b"there"))
        bench.run()
        state = tmp_path / "state"
        bench.layout.finish(bench.layout.image(b"there", b"failing"))
        bench.strike("UploadLayerPart", "kms", times=9)
        bench.fails(state_dir=str(state), parallel=1)
        ending = next(state.glob("*.json")).name.partition("-")[2]
        paths = [state / f"{digest[7:]}-{ending}" for digest in (done, failing, unknown)]
        for path in paths:
            path.write_text("{}")
        long_ago = time.time() - 15 * 24 * 60 * 60
        os.utime(paths[2], (long_ago, long_ago))
        bench.fails(state_dir=str(state), parallel=1)
        assert not paths[0].exists()
        assert not paths[2].exists()

    def test_state_of_a_layer_that_the_registry_misses_is_kept(self, bench: ImageBench, tmp_path: Path) -> None:
        bench.layout.finish(bench.layout.image(b"0123456789"))
        bench.control.set_availability(bench.repository, digest_of(b"0123456789"), "AVAILABLE")
        bench.control.rules(bench.repository).part_size = 4
        config = bench.run(check=True)["layers"]
        sent = sum(-(-layer["size"] // 4) for layer in config if layer["action"] == "sent")
        bench.strike("UploadLayerPart", "kms", skip=sent + 1)
        state = tmp_path / "state"
        bench.fails(state_dir=str(state), parallel=1)
        assert [json.loads(path.read_text())["next_byte"] for path in state.iterdir()] == [4]
