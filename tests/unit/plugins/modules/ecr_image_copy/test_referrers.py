# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signatures, SBOMs and attestations that are copied with an image."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.layerkit.ecr.tests.unit.support.copy_bench import CopyBench
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import warnings_of
from ansible_collections.layerkit.ecr.tests.unit.support.referrers import (
    SPDX,
    cosign_signature,
    list_of,
    notation_signature,
    sbom,
    tag_of,
)

Document = dict[str, t.Any]


class Signed:
    """An image of the source with 15 SBOMs, a signature of cosign, and a signature of an SBOM."""

    def __init__(self, bench: CopyBench) -> None:
        layout = bench.layout
        self.image = layout.image(b"layer")
        bench.store(self.image, "1.0")
        self.bills = [sbom(layout, self.image, b"%d" % number) for number in range(15)]
        for bill in self.bills:
            bench.store(bill)
        self.cosign = cosign_signature(layout, self.image)
        self.tag = tag_of(self.image, ".sig")
        bench.store(self.cosign, self.tag)
        self.of_bill = notation_signature(layout, self.bills[0])
        bench.store(self.of_bill)
        # What a client writes that does not trust the registry to list referrers.
        bench.store(list_of(layout, *self.bills), tag_of(self.image))

    @property
    def referrers(self) -> list[Document]:
        return [*self.bills, self.cosign, self.of_bill]


@pytest.fixture
def signed(bench: CopyBench) -> Signed:
    return Signed(bench)


def listed(bench: CopyBench, image: Document) -> set[str]:
    answer = bench.target.list_image_referrers(
        repositoryName=bench.repository, subjectId={"imageDigest": image["digest"]}, maxResults=50
    )
    return {referrer["digest"] for referrer in answer["referrers"]}


def digests(bench: CopyBench) -> set[str]:
    ids = bench.target.list_images(repositoryName=bench.repository)["imageIds"]
    return {image["imageDigest"] for image in ids}


def test_all_of_them_arrive(bench: CopyBench, signed: Signed) -> None:
    bench.control.rules(bench.source_repository).max_page = 4
    result = bench.run(referrers=True)
    assert {entry["digest"] for entry in result["referrers"]} == {each["digest"] for each in signed.referrers}
    assert all(bench.is_whole(each) for each in (signed.image, *signed.referrers))
    assert listed(bench, signed.image) == {bill["digest"] for bill in signed.bills}
    assert listed(bench, signed.bills[0]) == {signed.of_bill["digest"]}
    assert bench.tags() == {"1.0": signed.image["digest"], signed.tag: signed.cosign["digest"]}
    found = {entry["digest"]: (entry["subject"], entry["tag"], entry["action"]) for entry in result["referrers"]}
    assert found[signed.cosign["digest"]] == (signed.image["digest"], signed.tag, "put")
    assert found[signed.of_bill["digest"]] == (signed.bills[0]["digest"], None, "put")
    assert not warnings_of(result)


def test_a_second_run_changes_nothing_and_downloads_nothing(bench: CopyBench, signed: Signed) -> None:
    predicted = bench.run(check=True, referrers=True)
    first = bench.run(referrers=True)
    for key in ("referrers", "layers", "manifests", "diff"):
        assert predicted[key] == first[key]
    bench.calls()
    second = bench.run(referrers=True)
    assert not second["changed"]
    assert {entry["action"] for entry in second["referrers"]} == {"present"}
    source, target = bench.calls()
    assert target == ["BatchGetImage", "BatchGetImage"]
    # The image; for each of the three levels the tags, and for two of them the manifests.
    assert sorted(source) == ["BatchGetImage"] * 6 + ["ListImageReferrers"] * (1 + len(signed.referrers))
    assert second["diff"]["before"] == second["diff"]["after"]


def test_a_signature_that_came_later_is_copied_alone(bench: CopyBench, signed: Signed) -> None:
    bench.run(referrers=True)
    bench.calls()
    late = sbom(bench.layout, signed.image, b"late")
    bench.store(late)
    result = bench.run(referrers=True)
    assert [entry["digest"] for entry in result["referrers"] if entry["action"] == "put"] == [late["digest"]]
    assert bench.calls()[1].count("PutImage") == 1
    assert listed(bench, signed.image) == {each["digest"] for each in (*signed.bills, late)}


def test_without_the_permission_to_list_the_rest_is_copied_with_a_warning(bench: CopyBench) -> None:
    layout = bench.layout
    image = layout.image(b"layer")
    bench.store(image, "1.0")
    cosign, bill, unlisted = cosign_signature(layout, image), sbom(layout, image), sbom(layout, image, b"unlisted")
    bench.store(cosign, tag_of(image, ".sig"))
    for each in (bill, unlisted):
        bench.store(each)
    bench.store(list_of(layout, {**bill, "artifactType": SPDX}), tag_of(image))
    bench.strike_source("ListImageReferrers", "access_denied")
    result = bench.run(referrers=True)
    assert digests(bench) == {image["digest"], cosign["digest"], bill["digest"]}
    (warning,) = warnings_of(result)
    assert f"Missing permission for ListImageReferrers on source repository {bench.source_repository}" in warning


def test_an_archived_referrer_is_reported(bench: CopyBench, signed: Signed) -> None:
    archived = signed.bills[3]["digest"]
    bench.control.set_image_status(bench.source_repository, archived, "ARCHIVED")
    result = bench.run(referrers=True)
    assert archived not in digests(bench)
    assert len(result["referrers"]) == 16
    assert [archived in warning for warning in warnings_of(result)] == [True]


def test_a_tag_of_cosign_that_the_target_has_is_not_overwritten_if_that_is_not_wanted(
    bench: CopyBench, signed: Signed
) -> None:
    other = bench.layout.image(b"another")
    bench.run(source={"digest": bench.store(other)}, tags=[signed.tag], referrers=False)
    bench.calls()
    failed = bench.fails(referrers=True, overwrite=False)
    assert signed.tag in failed.msg
    assert "overwrite" in failed.msg
    assert "PutImage" not in bench.calls()[1]
    assert bench.run(referrers=True)["changed"]
    assert bench.tags()[signed.tag] == signed.cosign["digest"]


@pytest.mark.parametrize("skip", range(0, 19, 3))
def test_the_tag_of_the_image_comes_after_everything(bench: CopyBench, signed: Signed, skip: int) -> None:
    bench.strike_target("PutImage", "access_denied", skip=skip)
    bench.fails(referrers=True)
    assert "1.0" not in bench.tags()
    bench.run(referrers=True)
    assert all(bench.is_whole(each) for each in (signed.image, *signed.referrers))
    assert bench.tags()["1.0"] == signed.image["digest"]


def test_a_platform_is_copied_with_its_own(bench: CopyBench) -> None:
    layout = bench.layout
    children = {"linux/amd64": layout.image(b"a"), "linux/arm64": layout.image(b"b", platform="linux/arm64")}
    root = layout.index(children)
    bench.store(root, "1.0")
    own, other, of_root = (sbom(layout, each) for each in (children["linux/amd64"], children["linux/arm64"], root))
    for each in (own, other, of_root):
        bench.store(each)
    result = bench.run(referrers=True, platforms=["linux/amd64"])
    assert [entry["digest"] for entry in result["referrers"]] == [own["digest"]]
    assert [root["digest"] in warning for warning in warnings_of(result)] == [True]
    assert digests(bench) == {children["linux/amd64"]["digest"], own["digest"]}
    complete = bench.run(referrers=True)
    assert len(complete["referrers"]) == 3


def test_a_cycle_is_refused_before_anything_is_copied(bench: CopyBench) -> None:
    image = bench.layout.image(b"layer")
    bench.store(image, "1.0")
    signature = cosign_signature(bench.layout, image)
    bench.store(signature, tag_of(image, ".sig"))
    bench.store(image, tag_of(signature, ".sig"))
    failed = bench.fails(referrers=True)
    assert "leads back to itself" in failed.msg
    assert "Set referrers: false" in failed.msg
    assert digests(bench) == set()
