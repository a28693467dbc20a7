# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which answers are believed."""

from __future__ import annotations

import fnmatch
import typing as t

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.task import Task
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.answers import UnreadableAnswerError
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.call import Repository
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.client import EcrClient
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.errors import AnswerError
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.image_records import (
    PutAnswer,
    RepositorySettings,
    ReturnedImages,
    UnreturnedImage,
)
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.layer_records import (
    CheckedLayers,
    CompletedLayer,
    Layer,
    OpenUpload,
    ReceivedPart,
)
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.layers import Layers
from ansible_collections.layerkit.ecr.tests.unit.support.stubbed_registry import StubbedRegistry
from hypothesis import example, given
from hypothesis import strategies as st

DIGEST = "sha256:" + "1" * 64
OTHER = "sha256:" + "2" * 64


def layer(digest: str = DIGEST, **members: t.Any) -> dict[str, t.Any]:
    return {"layerDigest": digest, "layerAvailability": "AVAILABLE", **members}


def image(digest: str, tag: str | None = None) -> dict[str, t.Any]:
    return {"imageId": {"imageDigest": digest, **({"imageTag": tag} if tag else {})}, "imageManifest": "{}"}


def not_found(**image_id: str) -> dict[str, t.Any]:
    return {"imageId": image_id, "failureCode": "ImageNotFound"}


class TestReturnedImages:
    @pytest.mark.parametrize(
        ("images", "failures"),
        [
            ([], []),
            ([], [not_found()]),
            ([image(OTHER)], []),
            ([], [not_found(imageDigest=OTHER)]),
        ],
    )
    def test_digest_in_neither_list_is_not_absent(self, images: list[t.Any], failures: list[t.Any]) -> None:
        with pytest.raises(UnreadableAnswerError, match=f"does not say whether {DIGEST} is there"):
            ReturnedImages.from_response({"images": images, "failures": failures}, [DIGEST], [])

    @pytest.mark.parametrize("digest", ["", "1", "sha256:1\x1b[2J", f"{DIGEST}\n", "x" * 5000])
    def test_image_under_a_name_that_is_no_digest(self, digest: str) -> None:
        with pytest.raises(UnreadableAnswerError, match=r"^imageDigest is not a SHA-256 digest$"):
            ReturnedImages.from_response({"images": [image(digest, "1")], "failures": []}, [], ["1"])

    @pytest.mark.parametrize("failures", [[], [not_found()], [not_found(imageTag="2")]])
    def test_single_tag_in_neither_list_is_not_absent(self, failures: list[t.Any]) -> None:
        with pytest.raises(UnreadableAnswerError, match="does not say whether 1 is there"):
            ReturnedImages.from_response({"images": [], "failures": failures}, [], ["1"])

    def test_tag_may_be_answered_with_another_tag_of_its_image(self) -> None:
        answer = ReturnedImages.from_response({"images": [image(DIGEST, "2")], "failures": []}, [], ["1"])
        assert [(stored.digest, tag) for stored, tag in answer.images] == [(DIGEST, "2")]

    def test_one_of_several_tags_is_asked_for_again(self) -> None:
        answer = ReturnedImages.from_response({"images": [image(DIGEST, "1")], "failures": []}, [], ["1", "2"])
        assert len(answer.images) == 1


class TestCheckedLayers:
    @pytest.mark.parametrize(
        "response",
        [
            {"layers": [layer(OTHER)]},
            {"layers": [layer(), layer(OTHER)]},
            {"layers": [], "failures": [{"layerDigest": OTHER, "failureCode": "MissingLayerDigest"}]},
        ],
    )
    def test_layers_that_were_not_asked_for(self, response: dict[str, t.Any]) -> None:
        with pytest.raises(UnreadableAnswerError, match=f"lists layer {OTHER}, which was not asked for"):
            CheckedLayers.from_response(response, [DIGEST])

    def test_layer_in_neither_list_is_absent(self) -> None:
        assert CheckedLayers.from_response({"layers": [], "failures": []}, [DIGEST]) == CheckedLayers({}, ())

    def test_other_failure_than_a_missing_layer_is_an_error(self) -> None:
        registry = StubbedRegistry()
        failure = {"layerDigest": DIGEST, "failureCode": "Internal", "failureReason": "try\x1b[2J later"}
        request = {"repositoryName": "app", "layerDigests": [DIGEST]}
        registry.answers("BatchCheckLayerAvailability", request, layers=[], failures=[failure])
        with registry.stubber, pytest.raises(AnswerError) as failed:
            Layers(EcrClient(registry.client, Repository("app"), Task(pytest.fail))).available([DIGEST])
        assert f"does not report whether it has layer {DIGEST}" in failed.value.problem
        assert "Internal, try\\x1b[2J later" in failed.value.problem


class TestLayer:
    @pytest.mark.parametrize(
        "members",
        [
            {"layerAvailability": "\x1b[2J"},
            {"layerAvailability": "available"},
            {"layerAvailability": "A" * 65},
            {"layerSize": -5},
        ],
    )
    def test_what_no_registry_answers(self, members: dict[str, t.Any]) -> None:
        with pytest.raises(UnreadableAnswerError):
            Layer.from_response(layer(**members))

    def test_availability_that_is_new_is_kept(self) -> None:
        assert Layer.from_response(layer(layerAvailability="ON_TAPE")).availability == "ON_TAPE"

    @pytest.mark.parametrize(
        ("availability", "is_stored"),
        [("AVAILABLE", True), ("ARCHIVED", True), ("UNAVAILABLE", False), ("ON_TAPE", False)],
    )
    def test_archived_layers_are_stored(self, availability: str, is_stored: bool) -> None:
        assert Layer(DIGEST, availability).is_stored is is_stored


class TestUploads:
    def test_size_of_parts_above_the_quota(self) -> None:
        with pytest.raises(UnreadableAnswerError, match="partSize is 10485761"):
            OpenUpload.from_response({"uploadId": "mine", "partSize": 10485761})

    def test_part_of_another_upload(self) -> None:
        with pytest.raises(UnreadableAnswerError, match="uploadId is other, and mine was sent"):
            ReceivedPart.from_response({"uploadId": "other", "lastByteReceived": 4}, "mine", 4)

    @pytest.mark.parametrize("last", [3, 5])
    def test_part_that_arrived_in_another_size(self, last: int) -> None:
        with pytest.raises(UnreadableAnswerError, match=f"lastByteReceived is {last}, and 4 was sent"):
            ReceivedPart.from_response({"uploadId": "mine", "lastByteReceived": last}, "mine", 4)

    def test_completion_of_another_upload(self) -> None:
        with pytest.raises(UnreadableAnswerError, match="uploadId is other, and mine was sent"):
            CompletedLayer.from_response({"uploadId": "other", "layerDigest": OTHER}, "mine", [DIGEST])

    def test_completion_with_a_digest_that_is_not_sha256(self) -> None:
        with pytest.raises(UnreadableAnswerError, match="layerDigest is not a SHA-256 digest"):
            CompletedLayer.from_response({"layerDigest": "md5:abc"}, "mine", ["md5:abc", DIGEST])

    def test_digest_of_another_algorithm_is_kept_if_no_other_was_given(self) -> None:
        assert CompletedLayer.from_response({"layerDigest": "md5:abc"}, "mine", ["md5:abc"]).digest == "md5:abc"


class TestPut:
    def test_another_digest_than_the_one_sent(self) -> None:
        answer = {"image": {"imageId": {"imageDigest": OTHER}}}
        with pytest.raises(UnreadableAnswerError, match=f"imageDigest is {OTHER}, and {DIGEST} was sent"):
            PutAnswer.from_response(answer, DIGEST)

    def test_answer_without_a_digest(self) -> None:
        assert PutAnswer.from_response({"image": {"registryId": "1"}}, DIGEST).registry_id == "1"


class TestUnreturnedImage:
    @pytest.mark.parametrize("code", ["ImageInaccessible", "InvalidImageDigest", "ImageNotFoundX"])
    def test_only_what_is_not_found_is_absent(self, code: str) -> None:
        assert not UnreturnedImage.from_response({"imageId": {}, "failureCode": code}).is_absent
        assert UnreturnedImage.from_response(not_found()).is_absent


class TestExclusions:
    """Tags whose mutability is the opposite one of the repository's."""

    def is_excluded(self, exclusion: str, tag: str) -> bool:
        return RepositorySettings("123456789012", "app", "MUTABLE_WITH_EXCLUSION", (exclusion,)).is_immutable(tag)

    @given(st.text("ab*", max_size=7), st.text("ab", max_size=7))
    @example("ab*ba", "aba")
    @example("a*a", "a")
    @example("*a*ab*", "aab")
    def test_a_star_stands_for_any_characters(self, exclusion: str, tag: str) -> None:
        assert self.is_excluded(exclusion, tag) == fnmatch.fnmatchcase(tag, exclusion)

    def test_many_stars_take_no_time(self) -> None:
        assert not self.is_excluded("*a" * 60 + "*b", "a" * 128)
        assert self.is_excluded("*a" * 60 + "*", "a" * 128)
