# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signatures, SBOMs and attestations that are copied with an image."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.layerkit.ecr.tests.unit.support.copy_bench import CopyBench
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import warnings_of
from ansible_collections.layerkit.ecr.tests.unit.support.referrers import cosign_signature, sbom, tag_of

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.unit.support.image_files import Document


@pytest.fixture
def signed(bench: CopyBench, image: Document) -> dict[str, Document]:
    """An SBOM with the image as its subject, an SBOM of that SBOM, and a signature that a tag of cosign leads to."""
    bill = sbom(bench.layout, image)
    of_bill = sbom(bench.layout, bill, b"of an SBOM")
    signature = cosign_signature(bench.layout, image)
    bench.store(bill)
    bench.store(of_bill)
    bench.store(signature, tag_of(image, ".sig"))
    return {"bill": bill, "of_bill": of_bill, "signature": signature}


def actions(result: dict[str, t.Any]) -> dict[str, str]:
    return {entry["digest"]: entry["action"] for entry in result["referrers"]}


def test_what_refers_to_an_image_is_copied_with_it(
    bench: CopyBench, image: Document, signed: dict[str, Document]
) -> None:
    predicted = bench.run(check=True, referrers=True)
    result = bench.run(referrers=True)
    assert actions(result) == actions(predicted) == {entry["digest"]: "put" for entry in signed.values()}
    assert (predicted["layers"], predicted["bytes_sent"]) == (result["layers"], result["bytes_sent"])
    assert bench.tags() == {"1.0": image["digest"], tag_of(image, ".sig"): signed["signature"]["digest"]}
    assert all(bench.is_whole(each) for each in (image, *signed.values()))


def test_a_second_run_finds_what_refers_to_the_image(bench: CopyBench, signed: dict[str, Document]) -> None:
    bench.run(referrers=True)
    bench.calls()
    second = bench.run(referrers=True)
    assert (second["changed"], set(actions(second).values())) == (False, {"present"})
    source, target = bench.calls()
    assert "GetDownloadUrlForLayer" not in source
    assert set(target) == {"BatchGetImage"}
    assert len(signed) == 3


@pytest.mark.usefixtures("image")
@pytest.mark.parametrize(("referrers", "requests"), [(False, 2), (True, 4)])
def test_a_second_run_is_as_many_requests_as_documented(bench: CopyBench, referrers: bool, requests: int) -> None:
    bench.run(referrers=referrers)
    bench.calls()
    assert not bench.run(referrers=referrers)["changed"]
    assert sum(map(len, bench.calls())) == requests


def test_a_signature_that_was_added_later_is_copied_later(bench: CopyBench, image: Document) -> None:
    bench.run(referrers=True)
    bill = sbom(bench.layout, image)
    bench.store(bill)
    result = bench.run(referrers=True)
    assert (result["changed"], actions(result)) == (True, {bill["digest"]: "put"})
    assert bench.is_whole(bill)


def test_they_are_left_out_if_the_task_says_so(bench: CopyBench, signed: dict[str, Document]) -> None:
    result = bench.run(referrers=False)
    assert result["referrers"] == []
    assert len(signed) == 3
    assert bench.tags().keys() == {"1.0"}


def test_what_cannot_be_listed_is_not_lost_silently(bench: CopyBench, signed: dict[str, Document]) -> None:
    bench.strike_source("ListImageReferrers", "access_denied", times=99)
    result = bench.run(referrers=True)
    assert actions(result) == {signed["signature"]["digest"]: "put"}
    (warning,) = warnings_of(result)
    assert f"source repository {bench.source_repository}" in warning
    assert "Signatures, SBOMs and attestations are found by their tags only" in warning
