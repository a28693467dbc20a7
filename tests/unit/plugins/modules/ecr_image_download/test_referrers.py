# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signatures and SBOMs that come with an image."""

from __future__ import annotations

import pytest
from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import DOWNLOAD
from ansible_collections.layerkit.ecr.tests.unit.support.download_bench import URL, DownloadBench
from ansible_collections.layerkit.ecr.tests.unit.support.image_reader import read_image
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import warnings_of
from ansible_collections.layerkit.ecr.tests.unit.support.referrers import cosign_signature, sbom, tag_of

LIST = "ListImageReferrers"


@pytest.fixture
def attached(bench: DownloadBench) -> dict[str, str]:
    """The digests of an SBOM of the image, of an SBOM of that, and of a signature, by their reference names."""
    bill = sbom(bench.layout, bench.app)
    second = sbom(bench.layout, bill, b"of the other")
    signature = cosign_signature(bench.layout, bench.app)
    bench.store(bill, None)
    bench.store(second, None)
    bench.store(signature, tag_of(bench.app, ".sig"))
    bench.calls()
    return {"bill": bill["digest"], "second": second["digest"], "signature": signature["digest"]}


def test_referrers_come_with_the_image(bench: DownloadBench, attached: dict[str, str]) -> None:
    predicted = bench.run(check=True, referrers=True)
    result = bench.run(referrers=True)
    assert result["referrers"] == predicted["referrers"]
    assert {(entry["digest"], entry["action"]) for entry in result["referrers"]} == {
        (digest, "fetched") for digest in attached.values()
    }
    assert {entry["subject"] for entry in result["referrers"]} == {bench.app["digest"], attached["bill"]}
    assert bench.listed()["app"] == bench.app["digest"]
    assert bench.listed()[tag_of(bench.app, ".sig")] == attached["signature"]
    assert [entry["digest"] for entry in result["manifests"]] == [bench.app["digest"]]
    read_image(bench.dest, "app")
    bench.check_blobs()


def test_second_run_looks_for_them_and_fetches_nothing(bench: DownloadBench, attached: dict[str, str]) -> None:
    assert len(bench.run(referrers=True)["referrers"]) == len(attached)
    bench.calls()
    result = bench.run(referrers=True)
    assert not result["changed"]
    assert {entry["action"] for entry in result["referrers"]} == {"present"}
    calls = bench.calls()
    assert calls[DOWNLOAD] == calls[URL] == 0


@pytest.mark.parametrize(("referrers", "requests"), [(False, 1), (True, 3)])
def test_second_run_is_as_many_requests_as_documented(bench: DownloadBench, referrers: bool, requests: int) -> None:
    bench.run(referrers=referrers)
    bench.calls()
    assert not bench.run(referrers=referrers)["changed"]
    assert sum(bench.calls().values()) == requests


def test_new_signature_alone_is_fetched(bench: DownloadBench) -> None:
    bench.run(referrers=True)
    signature = cosign_signature(bench.layout, bench.app)
    bench.store(signature, tag_of(bench.app, ".sig"))
    result = bench.run(referrers=True)
    assert result["changed"]
    assert {entry["action"] for entry in result["manifests"]} == {"present"}
    assert [(entry["digest"], entry["action"]) for entry in result["referrers"]] == [(signature["digest"], "fetched")]


def test_push_of_the_download_changes_nothing(bench: DownloadBench, attached: dict[str, str]) -> None:
    bench.run(referrers=True)
    pushed = bench.push(tags=["app"], image="app")
    assert not pushed["changed"]
    assert {entry["digest"] for entry in pushed["referrers"]} == set(attached.values())


def test_archive_has_them_and_a_docker_archive_does_not(bench: DownloadBench, attached: dict[str, str]) -> None:
    assert len(bench.run(referrers=True, format="oci-archive")["referrers"]) == len(attached)
    assert not bench.run(referrers=True, format="oci-archive")["changed"]
    assert not bench.push(tags=["app"], image="app")["changed"]
    bench.calls()
    assert bench.run(referrers=True, format="docker-archive")["referrers"] == []
    assert bench.calls()[LIST] == 0


@pytest.mark.usefixtures("attached")
def test_missing_permission_is_a_warning(bench: DownloadBench) -> None:
    bench.strike("access_denied", LIST, times=1000)
    result = bench.run(referrers=True)
    bench.control.faults.clear()
    assert result["changed"]
    assert any(LIST in warning for warning in warnings_of(result))
