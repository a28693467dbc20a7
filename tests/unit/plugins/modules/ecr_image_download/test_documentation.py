# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The results of ecr_image_download have the keys that are documented, and no others."""

from __future__ import annotations

import typing as t

import pytest
import yaml
from ansible_collections.layerkit.ecr.plugins.modules import ecr_image_download
from ansible_collections.layerkit.ecr.tests.unit.support.download_bench import LOOK, URL, DownloadBench
from ansible_collections.layerkit.ecr.tests.unit.support.referrers import sbom

DOCUMENTED: dict[str, dict[str, t.Any]] = yaml.safe_load(ecr_image_download.RETURN)
# What Ansible adds to every result, and what it calls the reason of a failure.
ENVELOPE = {"changed", "diff", "invocation", "warnings", "failed", "exception", "msg"}
TYPES = {"str": str, "int": int, "dict": dict, "list": list}


def keys_returned(condition: str) -> set[str]:
    return {key for key, entry in DOCUMENTED.items() if condition in entry["returned"]}


@pytest.mark.parametrize("kind", ["oci", "oci-archive", "docker-archive"])
@pytest.mark.parametrize("check", [True, False])
def test_success(bench: DownloadBench, check: bool, kind: str) -> None:
    bench.store(sbom(bench.layout, bench.app), None)
    for _run_and_run_again in range(2):
        result = bench.run(check=check, format=kind, referrers=True)
        exists = set() if check else keys_returned("when O(dest) exists")
        assert result["registry_id"]
        assert result.keys() - ENVELOPE - {"registry_id"} == keys_returned("success") | exists
        for key in result.keys() - ENVELOPE:
            assert result[key] is None or isinstance(result[key], TYPES[DOCUMENTED[key]["type"]]), key
        assert set(result["image"]) == set(DOCUMENTED["image"]["contains"])
        assert kind == "docker-archive" or result["referrers"]
        for key in ("layers", "manifests", "referrers"):
            for entry in result[key]:
                assert set(entry) == set(DOCUMENTED[key]["contains"])


def test_failure_of_a_look_up(bench: DownloadBench) -> None:
    bench.strike("access_denied", LOOK, times=100)
    result = bench.fails().result
    # The answer of the fault has no members of its own.
    assert result.keys() - ENVELOPE - {"message"} == keys_returned("a request failed")


def test_failure_of_a_download(bench: DownloadBench) -> None:
    bench.strike("kms", URL, times=100)
    result = bench.fails().result
    failed = keys_returned("a download failed") | keys_returned("a request failed")
    assert failed | {"kms_error"} <= result.keys()
    assert result.keys() - ENVELOPE <= set(DOCUMENTED)
