# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pushes that fail or recover: retries, missing permissions, a task that Ansible has stopped waiting for."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core import task
from ansible_collections.layerkit.ecr.tests.unit.support.image_bench import ImageBench, actions
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import digest_of
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import warnings_of

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import Kind


class TestFailures:
    @pytest.mark.parametrize("kind", ["drop_after", "drop_before", "server_error", "throttle", "bare_503"])
    def test_put_that_is_tried_again(self, bench: ImageBench, kind: Kind) -> None:
        image = bench.layout.image(b"layer")
        bench.layout.finish(image)
        bench.strike("PutImage", kind)
        assert bench.run(tags=["1"])["changed"]
        assert bench.tags() == {"1": image["digest"]}

    def test_upload_that_fails_leaves_no_tag(self, bench: ImageBench) -> None:
        bench.layout.finish(bench.layout.image(b"layer", b"another layer"))
        bench.strike("CompleteLayerUpload", "kms")
        failed = bench.fails(tags=["1"])
        assert "PutImage" not in bench.calls()
        assert bench.tags() == {}
        assert failed.result["error"]["code"] == "KmsException"
        assert "failed" in actions(failed.result).values()
        assert failed.result["layer_digest"] in failed.msg
        assert "upload_id=" not in failed.msg

    def test_without_permission_to_look_up_layers(self, bench: ImageBench) -> None:
        bench.layout.finish(bench.layout.image(b"layer"))
        bench.strike("BatchCheckLayerAvailability", "access_denied", times=10)
        result = bench.run(tags=["1"])
        assert result["changed"]
        (warning,) = warnings_of(result)
        assert "ecr:BatchCheckLayerAvailability" in warning

    def test_repository_that_does_not_exist(self, bench: ImageBench) -> None:
        bench.layout.finish(bench.layout.image(b"layer"))
        failed = bench.fails(repository_name="not/there")
        assert failed.result["error"]["code"] == "RepositoryNotFoundException"

    @pytest.mark.parametrize("operation", ["BatchCheckLayerAvailability", "PutImage"])
    def test_nothing_is_put_when_nobody_waits(
        self, bench: ImageBench, monkeypatch: pytest.MonkeyPatch, operation: str
    ) -> None:
        bench.layout.finish(bench.layout.image(b"layer"))
        for digest in (digest_of(b"layer"), *(layer["digest"] for layer in bench.run(check=True)["layers"])):
            bench.control.set_availability(bench.repository, digest, "AVAILABLE")
        bench.calls()

        def is_waited_for() -> bool:
            return operation not in bench.control.calls.operations(bench.repository)

        monkeypatch.setattr(task, "is_waited_for", is_waited_for)
        assert "no longer waiting for the result" in bench.fails(tags=["1", "2"]).msg
        assert bench.calls().count("PutImage") == (operation == "PutImage")
