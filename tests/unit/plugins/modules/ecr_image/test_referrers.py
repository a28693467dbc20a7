# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signatures, SBOMs and attestations that go with an image."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.text import shortened
from ansible_collections.layerkit.ecr.tests.unit.support.image_bench import ImageBench, actions
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import OCI_CONFIG, blob_name, tar_of
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import warnings_of
from ansible_collections.layerkit.ecr.tests.unit.support.referrers import (
    NOTATION,
    SIMPLE_SIGNING,
    SPDX,
    cosign_signature,
    list_of,
    named,
    notation_signature,
    sbom,
    subject_of,
    tag_of,
)

Document = dict[str, t.Any]


@pytest.fixture
def image(bench: ImageBench) -> Document:
    return bench.layout.image(b"layer")


def listed(bench: ImageBench, image: Document) -> set[str]:
    """Return the digests of what the registry lists as referring to an image."""
    answer = bench.client.list_image_referrers(
        repositoryName=bench.repository, subjectId={"imageDigest": image["digest"]}, maxResults=50
    )
    bench.control.calls.clear(bench.repository)
    return {referrer["digest"] for referrer in answer["referrers"]}


def puts(result: Document) -> list[tuple[str, str]]:
    return [(entry["digest"], entry["action"]) for entry in result["referrers"]]


def test_what_has_the_image_as_its_subject_goes_with_it(bench: ImageBench, image: Document) -> None:
    bill, signature = sbom(bench.layout, image), notation_signature(bench.layout, image)
    bench.layout.finish(bill, image, signature)
    result = bench.run(tags=["1.0"])
    assert result["image"]["digest"] == image["digest"]
    assert result["referrers"] == [
        {
            "digest": referrer["digest"],
            "media_type": referrer["mediaType"],
            "artifact_type": artifact_type,
            "subject": image["digest"],
            "tag": None,
            "action": "put",
        }
        for referrer, artifact_type in ((bill, SPDX), (signature, NOTATION))
    ]
    assert listed(bench, image) == {bill["digest"], signature["digest"]}
    assert bench.tags() == {"1.0": image["digest"]}
    for referrer in (bill, signature):
        assert bench.manifest(referrer["digest"]) == bench.layout.files[blob_name(referrer["digest"])]


def test_a_second_run_is_one_request(bench: ImageBench, image: Document) -> None:
    bills = [sbom(bench.layout, image, b"%d" % number) for number in range(15)]
    signature = named(cosign_signature(bench.layout, image), tag_of(image, ".sig"))
    bench.layout.finish(named(image, "app:1.0"), *bills, signature)
    assert bench.run(tags=["1.0"])["changed"]
    assert listed(bench, image) == {bill["digest"] for bill in bills}
    second = bench.run(tags=["1.0"])
    assert bench.calls() == ["BatchGetImage"]
    assert not second["changed"]
    assert {action for _digest, action in puts(second)} == {"present"}
    assert second["diff"] == {"prepared": ""}
    assert len(second["referrers"]) == 16


def test_the_image_is_put_first_and_its_tags_last(bench: ImageBench, image: Document) -> None:
    bill = sbom(bench.layout, image)
    bench.layout.finish(image, bill)
    bench.strike("PutImage", "access_denied", skip=1)
    bench.fails(tags=["1.0"])
    assert bench.tags() == {}
    assert bench.digests() == {image["digest"]}
    again = bench.run(tags=["1.0"])
    assert puts(again) == [(bill["digest"], "put")]
    assert actions(again, "manifests") == {image["digest"]: "present"}
    assert bench.tags() == {"1.0": image["digest"]}


def test_no_tag_is_set_before_what_refers_to_the_image(bench: ImageBench, image: Document) -> None:
    bill = sbom(bench.layout, image)
    bench.layout.finish(image, bill)
    bench.strike("PutImage", "access_denied", skip=2)
    bench.fails(tags=["1.0"])
    assert bench.digests() == {image["digest"], bill["digest"]}
    assert bench.tags() == {}


def test_check_mode_and_diff_predict_the_run(bench: ImageBench, image: Document) -> None:
    bill = sbom(bench.layout, image)
    signature = named(cosign_signature(bench.layout, image), tag_of(image, ".sig"))
    bench.layout.finish(named(image, "1.0"), bill, signature)
    predicted = bench.run(check=True, tags=["1.0"])
    assert bench.digests() == set()
    done = bench.run(tags=["1.0"])
    for key in ("changed", "referrers", "layers", "bytes_sent", "diff", "manifests"):
        assert predicted[key] == done[key]
    lines = done["diff"]["prepared"].splitlines()
    assert lines[:2] == [
        f"1.0: no image -> {shortened(image['digest'])}",
        f"{tag_of(image, '.sig')}: no image -> {shortened(signature['digest'])}",
    ]
    assert f"+ manifest {shortened(signature['digest'])}" in lines
    assert f"+ manifest {shortened(bill['digest'])}  refers to {shortened(image['digest'])}" in lines
    assert {entry["media_type"] for entry in done["layers"]} > {SPDX, SIMPLE_SIGNING}


@pytest.mark.parametrize("name", ["{tag}", "app:{tag}", "registry.example:5000/team/app:{tag}"])
@pytest.mark.parametrize("suffix", [".sig", ".att", ".sbom"])
def test_tags_of_cosign_go_with_the_image(bench: ImageBench, image: Document, name: str, suffix: str) -> None:
    signature = cosign_signature(bench.layout, image)
    tag = tag_of(image, suffix)
    bench.layout.finish(image, named(signature, name.format(tag=tag)))
    result = bench.run(tags=["1.0"])
    assert bench.tags() == {"1.0": image["digest"], tag: signature["digest"]}
    (referrer,) = result["referrers"]
    assert (referrer["tag"], referrer["subject"], referrer["action"]) == (tag, image["digest"], "put")
    assert referrer["artifact_type"] == OCI_CONFIG


def test_the_list_under_the_fallback_tag_leads_to_referrers(bench: ImageBench, image: Document) -> None:
    bill = sbom(bench.layout, image)
    bench.layout.finish(image, named(list_of(bench.layout, {**bill, "artifactType": SPDX}), tag_of(image)))
    result = bench.run(tags=["1.0"])
    assert puts(result) == [(bill["digest"], "put")]
    assert listed(bench, image) == {bill["digest"]}
    # A registry that lists referrers does not need the tag, which could be on another list there.
    assert set(bench.tags()) == {"1.0"}


def test_what_the_fallback_tag_lists_without_a_subject_is_left_out_with_a_warning(
    bench: ImageBench, image: Document
) -> None:
    bill = sbom(bench.layout, image, subject=None)
    bench.layout.finish(image, named(list_of(bench.layout, bill), tag_of(image)))
    result = bench.run(tags=["1.0"])
    assert result["referrers"] == []
    assert [warning for warning in warnings_of(result) if bill["digest"] in warning and "subject" in warning]


def test_a_referrer_in_both_forms_is_put_once(bench: ImageBench, image: Document) -> None:
    bill = sbom(bench.layout, image)
    bench.layout.finish(
        image, bill, named(list_of(bench.layout, bill), tag_of(image)), named(bill, tag_of(image, ".sbom"))
    )
    result = bench.run(tags=["1.0"])
    assert [entry["tag"] for entry in result["referrers"]] == [tag_of(image, ".sbom")]
    assert bench.calls().count("PutImage") == 3


def test_the_same_sbom_of_two_platforms_gets_both_tags(bench: ImageBench, index: Document) -> None:
    children = [index[platform] for platform in ("linux/amd64", "linux/arm64/v8")]
    bill = bench.layout.image(b"sbom", artifactType=SPDX)
    bench.layout.finish(named(index["root"], "1.0"), *(named(bill, tag_of(child, ".sbom")) for child in children))
    predicted = bench.run(check=True, tags=["1.0"])
    result = bench.run(tags=["1.0"])
    assert predicted["referrers"] == result["referrers"]
    assert {(entry["digest"], entry["subject"], entry["tag"], entry["action"]) for entry in result["referrers"]} == {
        (bill["digest"], child["digest"], tag_of(child, ".sbom"), "put") for child in children
    }
    tags = {tag_of(child, ".sbom"): bill["digest"] for child in children}
    assert bench.tags() == {"1.0": index["root"]["digest"], **tags}
    assert not bench.run(tags=["1.0"])["changed"]


def test_referrers_of_referrers_come_after_these(bench: ImageBench, image: Document) -> None:
    bill = sbom(bench.layout, image)
    signature = notation_signature(bench.layout, bill)
    bench.layout.finish(signature, bill, image)
    result = bench.run(tags=["1.0"])
    assert [(entry["digest"], entry["subject"]) for entry in result["referrers"]] == [
        (bill["digest"], image["digest"]),
        (signature["digest"], bill["digest"]),
    ]
    assert listed(bench, bill) == {signature["digest"]}


def test_an_index_can_be_a_referrer(bench: ImageBench, image: Document) -> None:
    inner = bench.layout.image(b"attestation", artifactType=SPDX)
    document = {"schemaVersion": 2, "manifests": [inner], "subject": subject_of(image)}
    index = bench.layout.document(document, "application/vnd.oci.image.index.v1+json")
    bench.layout.finish(image, index)
    result = bench.run(tags=["1.0"])
    assert puts(result) == [(index["digest"], "put")]
    assert result["referrers"][0]["artifact_type"] is None
    assert bench.digests() == {image["digest"], inner["digest"], index["digest"]}


def test_referrers_of_the_platforms_of_an_index_go_with_them(bench: ImageBench, index: Document) -> None:
    of_root = sbom(bench.layout, index["root"], b"root")
    of_child = sbom(bench.layout, index["linux/amd64"], b"amd64")
    of_other = sbom(bench.layout, index["linux/arm64/v8"], b"arm64")
    bench.layout.finish(named(index["root"], "1.0"), of_root, of_child, of_other)
    alone = bench.run(tags=["amd64"], platforms=["linux/amd64"])
    assert puts(alone) == [(of_child["digest"], "put")]
    (warning,) = [warning for warning in warnings_of(alone) if index["root"]["digest"] in warning]
    assert "1 referrer of index" in warning
    assert listed(bench, index["linux/amd64"]) == {of_child["digest"]}
    everything = bench.run(tags=["1.0"])
    assert dict(puts(everything)) == {
        of_root["digest"]: "put",
        of_child["digest"]: "present",
        of_other["digest"]: "put",
    }
    assert not warnings_of(everything)


def test_attestations_of_buildx_are_a_part_of_the_index(bench: ImageBench, image: Document) -> None:
    annotations = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": image["digest"]}
    attestation = {**bench.layout.image(b"in-toto", platform="unknown/unknown"), "annotations": annotations}
    # With oci-artifact=true, they name their image as subject, too.
    artifact = sbom(bench.layout, image)
    root = bench.layout.index({"linux/amd64": image, "unknown/unknown": attestation})
    both = bench.layout.index({"linux/amd64": image, "unknown/unknown": artifact})
    bench.layout.finish(one=root, two=both)
    for name, child in (("one", attestation), ("two", artifact)):
        result = bench.run(image=name, tags=[name])
        assert result["referrers"] == []
        assert actions(result, "manifests")[child["digest"]] == "put"


def test_referrers_can_be_left_out(bench: ImageBench, image: Document) -> None:
    bill = sbom(bench.layout, image)
    bench.layout.finish(image, bill)
    result = bench.run(tags=["1.0"], referrers=False)
    assert result["referrers"] == []
    assert bench.digests() == {image["digest"]}
    assert puts(bench.run(tags=["1.0"])) == [(bill["digest"], "put")]
    assert "InitiateLayerUpload" in bench.calls()
    assert listed(bench, image) == {bill["digest"]}


def test_archives_have_referrers_too(bench: ImageBench, image: Document) -> None:
    bill = sbom(bench.layout, image)
    archive = bench.layout.path.with_suffix(".tar")
    bench.layout.entries = [image, bill]
    archive.write_bytes(tar_of(bench.layout.complete()))
    result = bench.run(src=str(archive), tags=["1.0"])
    assert puts(result) == [(bill["digest"], "put")]


class TestRefusedPuts:
    def test_layers_of_a_referrer_that_are_gone_are_sent_again(self, bench: ImageBench, image: Document) -> None:
        bill = sbom(bench.layout, image)
        bench.layout.finish(image, bill)
        (layer,) = json.loads(bench.layout.files[blob_name(bill["digest"])])["layers"]
        bench.control.set_availability(bench.repository, layer["digest"], "AVAILABLE")
        result = bench.run(tags=["1.0"])
        assert listed(bench, image) == {bill["digest"]}
        assert actions(result)[layer["digest"]] == "sent"

    def test_a_put_whose_answer_is_lost_is_put_once(self, bench: ImageBench, image: Document) -> None:
        bill = sbom(bench.layout, image)
        bench.layout.finish(image, bill)
        bench.strike("PutImage", "drop_after", skip=1)
        result = bench.run(tags=["1.0"])
        assert puts(result) == [(bill["digest"], "put")]
        assert listed(bench, image) == {bill["digest"]}

    def test_a_further_tag_of_the_image_is_the_only_put(self, bench: ImageBench, image: Document) -> None:
        bill = sbom(bench.layout, image)
        bench.layout.finish(image, bill)
        bench.run(tags=["1.0"])
        bench.calls()
        again = bench.run(tags=["2.0"])
        assert puts(again) == [(bill["digest"], "present")]
        assert bench.calls().count("PutImage") == 1
        assert bench.tags() == {"1.0": image["digest"], "2.0": image["digest"]}


class TestTagsOfCosignThatAreThereAlready:
    def push(self, bench: ImageBench, image: Document, *signatures: str) -> Document:
        """Push the image with these signatures, and return the result with the digest of their manifest."""
        signature = cosign_signature(bench.layout, image, *signatures)
        bench.layout.finish(named(image, "1.0"), named(signature, tag_of(image, ".sig")))
        return {**bench.run(tags=["1.0"]), "signature": signature["digest"]}

    def test_a_further_signature_moves_the_tag(self, bench: ImageBench, image: Document) -> None:
        self.push(bench, image, "A")
        second = self.push(bench, image, "A", "B")
        assert puts(second) == [(second["signature"], "put")]
        assert bench.tags()[tag_of(image, ".sig")] == second["signature"]
        assert not warnings_of(second)

    def test_a_tag_on_more_signatures_stays(self, bench: ImageBench, image: Document) -> None:
        there = self.push(bench, image, "A", "B")["signature"]
        second = self.push(bench, image, "A")
        assert not second["changed"]
        assert puts(second) == [(second["signature"], "present")]
        assert bench.tags()[tag_of(image, ".sig")] == there

    def test_a_tag_on_other_signatures_moves_with_a_warning(self, bench: ImageBench, image: Document) -> None:
        there = self.push(bench, image, "A", "C")["signature"]
        second = self.push(bench, image, "A", "B")
        assert puts(second) == [(second["signature"], "put")]
        (warning,) = warnings_of(second)
        assert there in warning
        assert "has 1 layer that" in warning
        assert there in bench.digests()

    def test_an_immutable_tag_fails_before_anything_is_sent(self, bench: ImageBench, image: Document) -> None:
        self.push(bench, image, "A")
        bench.set_mutability("IMMUTABLE")
        bench.calls()
        signature = cosign_signature(bench.layout, image, "A", "B")
        bench.layout.finish(named(image, "1.0"), named(signature, tag_of(image, ".sig")))
        failed = bench.fails(tags=["1.0"])
        assert tag_of(image, ".sig") in failed.result["msg"]
        assert "PutImage" not in bench.calls()


class TestSourcesThatAreRefused:
    @pytest.fixture(autouse=True)
    def nothing_is_sent(self, bench: ImageBench) -> t.Iterator[None]:
        yield
        assert "InitiateLayerUpload" not in bench.calls()
        assert bench.digests() == set()

    def test_a_cycle_of_tags(self, bench: ImageBench, image: Document) -> None:
        signature = cosign_signature(bench.layout, image)
        bench.layout.finish(
            named(image, "1.0"), named(signature, tag_of(image, ".sig")), named(image, tag_of(signature, ".att"))
        )
        message = bench.fails(image="1.0", tags=["1.0"]).result["msg"]
        assert "leads back to itself" in message
        assert image["digest"] in message

    def test_an_image_that_is_its_own_signature(self, bench: ImageBench, image: Document) -> None:
        bench.layout.finish(named(image, "1.0"), named(image, tag_of(image, ".sig")))
        assert "leads back to itself" in bench.fails(tags=["1.0"]).result["msg"]

    def test_too_many_levels(self, bench: ImageBench, image: Document) -> None:
        chain = [image]
        for _level in range(9):
            chain.append(sbom(bench.layout, chain[-1]))
        bench.layout.finish(*chain)
        assert "more than 8 levels" in bench.fails(tags=["1.0"]).result["msg"]

    def test_a_referrer_without_one_of_its_blobs(self, bench: ImageBench, image: Document) -> None:
        bill = sbom(bench.layout, image)
        bench.layout.finish(image, bill)
        layer = json.loads(bench.layout.files[blob_name(bill["digest"])])["layers"][0]["digest"]
        bench.layout.path_of(layer).unlink()
        message = bench.fails(tags=["1.0"]).result["msg"]
        assert layer in message
        assert "missing" in message

    @pytest.mark.parametrize(
        "members",
        [{"artifactType": "application/spdx+json; version=2"}, {"layers": []}],
        ids=["a media type with parameters", "no layers"],
    )
    def test_a_referrer_that_amazon_ecr_does_not_accept(
        self, bench: ImageBench, image: Document, members: Document
    ) -> None:
        bill = sbom(bench.layout, image, **members)
        bench.layout.finish(image, bill)
        message = bench.fails(tags=["1.0"]).result["msg"]
        assert bill["digest"] in message
        assert "Set referrers: false" in message


def test_a_damaged_referrer_stops_no_push_without_referrers(bench: ImageBench, image: Document) -> None:
    bench.layout.finish(image, sbom(bench.layout, image, layers=[]))
    assert bench.run(tags=["1.0"], referrers=False)["changed"]


def test_an_entry_that_cannot_be_read_is_reported(bench: ImageBench, image: Document) -> None:
    bill = sbom(bench.layout, image)
    bench.layout.finish(named(image, "1.0"), bill)
    bench.layout.path_of(bill["digest"]).unlink()
    result = bench.run(image="1.0", tags=["1.0"])
    (warning,) = warnings_of(result)
    assert bill["digest"] in warning
    assert "cannot be read" in warning
