# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the client connects, and what it does to Python's garbage collector."""

from __future__ import annotations

import gc
import typing as t

import pytest
from ansible_collections.amazon.aws.plugins.module_utils.botocore import boto3_inventory_conn
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr import client
from ansible_collections.layerkit.ecr.plugins.modules import ecr_complete_layer_upload as module
from ansible_collections.layerkit.ecr.tests.unit.support.expected_completion import (
    REPOSITORY,
    TASK,
    THIS,
    UPLOAD,
)
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import ModuleFailedError, run_module
from ansible_collections.layerkit.ecr.tests.unit.support.stubbed_registry import StubbedRegistry


class TestConnection:
    """No stub: the client is never made, or never sends anything."""

    def test_missing_region(self) -> None:
        with pytest.raises(ModuleFailedError, match="Set region, AWS_REGION") as failed:
            run_module(module, connection={"access_key": "AKIAUNITTESTS", "secret_key": "n0t-a-secret"}, **TASK)
        assert failed.value.result["error"]["code"] == "NoRegionError"
        assert REPOSITORY in failed.value.msg

    def test_missing_credentials(self) -> None:
        with pytest.raises(ModuleFailedError, match="No credentials were found") as failed:
            run_module(module, connection={"region": "eu-west-1"}, **TASK)
        assert failed.value.result["error"]["code"] == "NoCredentialsError"
        assert REPOSITORY in failed.value.msg

    @pytest.mark.parametrize(
        ("option", "words"),
        [
            ({"endpoint_url": "ftp://nowhere"}, "Invalid endpoint: ftp://nowhere"),
            ({"aws_config": {"nonsense": 1}}, "nonsense"),
        ],
    )
    def test_option_that_boto3_does_not_accept(self, option: dict[str, t.Any], words: str) -> None:
        connection = {"region": "eu-west-1", "access_key": "AKIAUNITTESTS", "secret_key": "n0t-a-secret", **option}
        with pytest.raises(ModuleFailedError, match="Check endpoint_url and aws_config") as failed:
            run_module(module, connection=connection, **TASK)
        assert words in failed.value.msg
        assert (failed.value.result["repository_name"], failed.value.result["upload_id"]) == (REPOSITORY, UPLOAD)

    def test_region_that_is_no_name(self) -> None:
        connection = {"region": "no region", "access_key": "AKIAUNITTESTS", "secret_key": "n0t-a-secret"}
        with pytest.raises(ModuleFailedError, match="The region is not a valid name") as failed:
            run_module(module, connection=connection, **TASK)
        assert failed.value.result["upload_id"] == UPLOAD

    def test_missing_profile(self) -> None:
        with pytest.raises(ModuleFailedError, match="Check profile") as failed:
            run_module(module, connection={"region": "eu-west-1", "profile": "nobody"}, **TASK)
        assert failed.value.result["error"]["code"] == "ProfileNotFound"

    @pytest.mark.parametrize("option", [{}, {"profile": "nobody"}])
    @pytest.mark.parametrize("collects", [True, False])
    def test_collection_of_garbage_is_as_before(
        self, option: dict[str, str], collects: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        while_connecting = []

        def connect(*args: t.Any, **options: t.Any) -> t.Any:
            while_connecting.append(gc.isenabled())
            return boto3_inventory_conn(*args, **options)

        monkeypatch.setattr(client, "boto3_inventory_conn", connect)
        (gc.enable if collects else gc.disable)()
        try:
            with pytest.raises(ModuleFailedError):
                run_module(module, connection={"region": "eu-west-1", **option}, **TASK)
            assert (while_connecting, gc.isenabled()) == ([False], collects)
        finally:
            gc.enable()

    def test_refused_connection(self, delays: list[float], unused_port: int) -> None:
        with pytest.raises(ModuleFailedError, match=r"could not be reached\. Check region") as failed:
            run_module(
                module,
                connection={
                    "region": "eu-west-1",
                    "access_key": "AKIAUNITTESTS",
                    "secret_key": "n0t-a-secret",
                    "endpoint_url": f"http://127.0.0.1:{unused_port}",
                },
                **TASK,
            )
        assert failed.value.result["error"]["code"] == "EndpointConnectionError"
        assert failed.value.result["attempts"] == 7
        assert len(delays) == 6

    def test_user_agent_names_the_collection(self, registry: StubbedRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
        from ansible_collections.amazon.aws.plugins.module_utils import common

        monkeypatch.setattr(common, "_collection_info_context", {})
        registry.has(REPOSITORY, available=[THIS])
        run_module(module, **TASK)
        assert common.get_collection_info() == {"name": "layerkit.ecr", "version": "2.0.0"}


def test_objects_that_boto3_loaded_are_not_collected_at_exit(
    registry: StubbedRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen: list[int] = []
    unfreeze = gc.unfreeze

    def count_and_unfreeze() -> None:
        frozen.append(gc.get_freeze_count())
        unfreeze()

    monkeypatch.setattr(gc, "unfreeze", count_and_unfreeze)
    registry.has(REPOSITORY, available=[THIS])
    run_module(module, **TASK)
    assert frozen[0] > 10_000
    assert gc.get_freeze_count() == 0
