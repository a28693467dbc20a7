# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ecr_image with state=absent: tags and images that are removed, and nothing else."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.text import shortened
from ansible_collections.layerkit.ecr.plugins.module_utils._transfer import remover
from ansible_collections.layerkit.ecr.plugins.modules import ecr_image
from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import Fault
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import (
    ModuleFailedError,
    run_module,
    warnings_of,
)
from ansible_collections.layerkit.ecr.tests.unit.support.pushing import ABSENT, image_manifest, index_manifest

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import Kind
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR
    from mypy_boto3_ecr import ECRClient

pytestmark = pytest.mark.usefixtures("delays")


class Shelf:
    """A repository with an image of two tags, one of one tag, and an index of a child without a tag."""

    def __init__(self, server: StrictECR, ecr: ECRClient, repository: str, connection: dict[str, t.Any]) -> None:
        self.control, self.ecr, self.repository = server.control, ecr, repository
        self.connection = {**connection, "aws_config": {"read_timeout": 30}}
        self.two = self.seed(2, "a", "b")
        self.one = self.seed(1, "c")
        self.child = self.seed(0)
        self.index = self.control.seed_image(repository, index_manifest(self.child), "index")
        self.control.calls.clear(repository)

    def seed(self, number: int, *tags: str) -> str:
        return self.control.seed_image(self.repository, image_manifest(ABSENT, ABSENT, number=number), *tags)

    def remove(self, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        task = {"repository_name": self.repository, "state": "absent", **options}
        return run_module(ecr_image, check=check, connection=self.connection, **task)

    def fails(self, check: bool = False, **options: t.Any) -> ModuleFailedError:
        with pytest.raises(ModuleFailedError) as failed:
            self.remove(check, **options)
        return failed.value

    def strike(self, operation: str, kind: Kind, **options: t.Any) -> None:
        self.control.faults.add(Fault(kind, operation, repository=self.repository, **options))

    def images(self) -> dict[str, list[str]]:
        """Return the tags of every image."""
        pages = self.ecr.get_paginator("describe_images").paginate(
            repositoryName=self.repository, filter={"imageStatus": "ANY"}
        )
        return {image["imageDigest"]: image.get("imageTags", []) for page in pages for image in page["imageDetails"]}

    def calls(self) -> dict[str, int]:
        counts = self.control.calls.counts(self.repository)
        self.control.calls.clear(self.repository)
        return counts


@pytest.fixture
def shelf(strict_ecr: StrictECR, ecr: ECRClient, repository: str, connection: dict[str, t.Any]) -> Shelf:
    return Shelf(strict_ecr, ecr, repository, connection)


def actions(result: dict[str, t.Any]) -> dict[str, str]:
    return {image["digest"]: image["action"] for image in result["images"]}


def outcome(result: dict[str, t.Any]) -> dict[str, t.Any]:
    return {key: result[key] for key in ("changed", "diff", "images", "tags")}


class TestRuns:
    """Check mode predicts what a run does, and the second run changes nothing."""

    def remove(self, shelf: Shelf, **options: t.Any) -> dict[str, t.Any]:
        before = shelf.images()
        predicted = shelf.remove(check=True, **options)
        assert shelf.images() == before
        result = shelf.remove(**options)
        assert outcome(predicted) == outcome(result)
        after = shelf.images()
        again = shelf.remove(**options)
        assert (again["changed"], shelf.images()) == (False, after)
        assert again["diff"] == {"prepared": ""}
        return result

    def test_tag_of_several(self, shelf: Shelf) -> None:
        result = self.remove(shelf, tags=["a"])
        assert result["tags"] == [{"tag": "a", "before": shelf.two, "after": None}]
        assert (result["changed"], result["images"], shelf.images()[shelf.two]) == (True, [], ["b"])
        assert result["registry_id"] == "123456789012"

    def test_last_tags_with_their_images(self, shelf: Shelf) -> None:
        result = self.remove(shelf, tags=["a", "b", "c"])
        assert actions(result) == {shelf.two: "removed", shelf.one: "removed"}
        assert {image["reason"] for image in result["images"]} == {"its last tag is removed"}
        assert set(shelf.images()) == {shelf.child, shelf.index}

    def test_image_with_all_its_tags(self, shelf: Shelf) -> None:
        result = self.remove(shelf, digests=[shelf.two])
        assert [entry["tag"] for entry in result["tags"]] == ["a", "b"]
        (image,) = result["images"]
        assert (image["tags"], image["reason"]) == (["a", "b"], "it is named by its digest")
        assert shelf.two not in shelf.images()

    def test_tag_and_digest_of_one_image(self, shelf: Shelf) -> None:
        result = self.remove(shelf, digests=[shelf.two], tags=["a"])
        assert [entry["tag"] for entry in result["tags"]] == ["a", "b"]
        assert shelf.two not in shelf.images()

    def test_index_before_its_child(self, shelf: Shelf) -> None:
        result = self.remove(shelf, digests=[shelf.child, shelf.index])
        assert actions(result) == {shelf.child: "removed", shelf.index: "removed"}
        assert set(shelf.images()) == {shelf.two, shelf.one}

    def test_index_by_its_last_tag_before_its_child(self, shelf: Shelf) -> None:
        self.remove(shelf, digests=[shelf.child], tags=["index"])
        assert set(shelf.images()) == {shelf.two, shelf.one}

    @pytest.mark.parametrize("options", [{"tags": []}, {"digests": []}, {"tags": [], "digests": []}])
    def test_nothing_that_is_named(self, shelf: Shelf, options: dict[str, t.Any]) -> None:
        before = shelf.images()
        assert outcome(shelf.remove(**options)) == {
            "changed": False,
            "diff": {"prepared": ""},
            "images": [],
            "tags": [],
        }
        assert shelf.images() == before

    def test_what_is_not_there(self, shelf: Shelf) -> None:
        result = shelf.remove(tags=["x"], digests=[ABSENT])
        assert (result["changed"], result["tags"]) == (False, [{"tag": "x", "before": None, "after": None}])
        assert actions(result) == {ABSENT: "absent"}
        assert set(shelf.calls()) == {"DescribeImages"}

    def test_tag_of_an_archived_image(self, shelf: Shelf) -> None:
        shelf.control.set_image_status(shelf.repository, shelf.one, "ARCHIVED")
        assert actions(self.remove(shelf, tags=["c"])) == {shelf.one: "removed"}

    def test_thousands_in_batches_of_a_hundred(self, shelf: Shelf) -> None:
        digests = [shelf.seed(number, f"v{number}") for number in range(100, 1350)]
        shelf.control.rules(shelf.repository).max_page = 500
        shelf.calls()
        result = shelf.remove(digests=digests)
        assert set(actions(result).values()) == {"removed"}
        assert set(shelf.images()) == {shelf.two, shelf.one, shelf.child, shelf.index}
        # Three pages before and one after.
        assert {**shelf.calls(), "ListImages": 0} == {"DescribeImages": 5, "BatchDeleteImage": 13, "ListImages": 0}

    def test_diff_says_which_tags_and_images_go(self, shelf: Shelf) -> None:
        diff = shelf.remove(check=True, tags=["a"], digests=[shelf.one, ABSENT])["diff"]
        assert diff["prepared"].splitlines() == [
            f"a: {shortened(shelf.two)} -> no image",
            f"c: {shortened(shelf.one)} -> no image",
            f"- image {shortened(shelf.one)}  2 B",
        ]


class TestRefusals:
    @pytest.mark.parametrize("names_index", [True, False])
    @pytest.mark.parametrize("check", [True, False])
    def test_child_of_an_index_names_the_index(self, shelf: Shelf, names_index: bool, check: bool) -> None:
        shelf.control.rules(shelf.repository).names_index_of_child = names_index
        failed = shelf.fails(check, digests=[shelf.child])
        assert f"{shelf.child} belongs to index {shelf.index}. Remove the index before its images" in failed.msg
        (failure,) = failed.result["failures"]
        assert (failure["code"], failure["indexes"]) == ("ImageReferencedByManifestList", [shelf.index])
        assert (failed.result["changed"], actions(failed.result)) == (False, {shelf.child: "kept"})
        assert shelf.child in shelf.images()

    def test_index_that_cannot_be_read(self, shelf: Shelf) -> None:
        shelf.control.rules(shelf.repository).names_index_of_child = False
        shelf.strike("BatchGetImage", "access_denied")
        failed = shelf.fails(digests=[shelf.child])
        assert f"{shelf.child} belongs to an index" in failed.msg
        assert "ecr:BatchGetImage" in warnings_of(failed.result)[0]

    def test_what_is_not_refused_is_removed(self, shelf: Shelf) -> None:
        failed = shelf.fails(digests=[shelf.child, shelf.one], tags=["a"])
        assert (failed.result["changed"], actions(failed.result)) == (
            True,
            {shelf.child: "kept", shelf.one: "removed"},
        )
        assert shelf.images() == {shelf.two: ["b"], shelf.child: [], shelf.index: ["index"]}
        assert "Nothing was sent" not in failed.msg

    @pytest.mark.parametrize("refuses", [True, False])
    def test_last_tag_of_a_child(self, shelf: Shelf, refuses: bool) -> None:
        tagged = shelf.seed(5, "child")
        shelf.control.seed_image(shelf.repository, index_manifest(tagged), "of-tagged")
        shelf.control.rules(shelf.repository).refuses_last_tag_of_child = refuses
        assert "whose last tag is to be removed" in warnings_of(shelf.remove(check=True, tags=["child"]))[0]
        if refuses:
            failed = shelf.fails(tags=["child"])
            assert "child belongs to index" in failed.msg
            assert failed.result["tags"] == [{"tag": "child", "before": tagged, "after": tagged}]
        else:
            result = shelf.remove(tags=["child"])
            assert (result["changed"], actions(result)) == (True, {tagged: "kept"})
        assert shelf.images()[tagged] == (["child"] if refuses else [])

    @pytest.mark.parametrize("code", ["ImageInaccessible", "ImageNotFound"])
    def test_archive_that_cannot_be_changed(self, shelf: Shelf, code: t.Any) -> None:
        rules = shelf.control.rules(shelf.repository)
        rules.deletes_archived, rules.archived_failure = False, code
        shelf.control.set_image_status(shelf.repository, shelf.one, "ARCHIVED")
        failed = shelf.fails(tags=["c"])
        words = "The image is archived" if code == "ImageInaccessible" else f"Tag c is on {shelf.one}"
        assert words in failed.msg
        assert "The image is archived" in failed.msg
        assert (failed.result["changed"], shelf.images()[shelf.one]) == (False, ["c"])

    def test_denied(self, shelf: Shelf) -> None:
        shelf.control.allow(shelf.repository, ["DescribeImages"])
        failed = shelf.fails(tags=["a"])
        shelf.control.allow(shelf.repository, None)
        assert "Failed to remove a from repository" in failed.msg
        assert failed.result["error"]["code"] == "AccessDeniedException"
        assert failed.result["tags"] == [{"tag": "a", "before": shelf.two, "after": shelf.two}]

    def test_missing_repository(self, shelf: Shelf) -> None:
        failed = shelf.fails(repository_name="not/there", tags=["a"])
        assert failed.result["error"]["code"] == "RepositoryNotFoundException"

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({}, "state absent requires tags or digests"),
            ({"tags": ["a"], "src": "app.tar"}, "src cannot be used with state absent"),
            (
                {
                    "tags": ["a"],
                    "src": "app.tar",
                    "image": "app",
                    "platforms": ["linux/amd64"],
                    "compress": "gzip",
                    "parallel": 8,
                    "partSize": 5242880,
                    "state_dir": "state",
                },
                "src, image, platforms, compress, parallel, partSize, state_dir cannot be used with state absent",
            ),
            ({"tags": [1.1]}, "quotation marks"),
            ({"digests": ["sha256:12"]}, "must be sha256: and 64"),
            ({"state": "present", "src": "app.tar", "digests": []}, "digests cannot be used with state present"),
        ],
    )
    def test_bad_input(self, shelf: Shelf, options: dict[str, t.Any], words: str) -> None:
        failed = shelf.fails(**options)
        assert words in failed.msg
        assert "Nothing was sent" in failed.msg
        assert shelf.calls() == {}

    def test_push_needs_a_source(self, shelf: Shelf) -> None:
        assert "state is present but all of the following are missing: src" in shelf.fails(state="present").msg


class TestLostAnswers:
    @pytest.mark.parametrize("kind", ["throttle", "server_error", "bare_503", "drop_before", "drop_after"])
    @pytest.mark.parametrize("operation", ["DescribeImages", "BatchDeleteImage"])
    def test_answer_that_is_lost_once(self, shelf: Shelf, operation: str, kind: Kind) -> None:
        shelf.strike(operation, kind)
        result = shelf.remove(tags=["a"], digests=[shelf.one])
        assert result["changed"] is True
        assert [(entry["tag"], entry["after"]) for entry in result["tags"]] == [("a", None), ("c", None)]
        assert actions(result) == {shelf.one: "removed"}
        assert shelf.images() == {shelf.two: ["b"], shelf.child: [], shelf.index: ["index"]}

    def test_answers_that_are_always_lost(self, shelf: Shelf) -> None:
        shelf.strike("BatchDeleteImage", "drop_after", times=7)
        result = shelf.remove(digests=[shelf.two])
        assert (result["changed"], actions(result)) == (True, {shelf.two: "removed"})
        assert [entry["after"] for entry in result["tags"]] == [None, None]

    def test_deletion_that_never_arrives(self, shelf: Shelf) -> None:
        shelf.strike("BatchDeleteImage", "drop_before", times=7)
        failed = shelf.fails(tags=["c"])
        assert "Failed to remove c from repository" in failed.msg
        assert (failed.result["changed"], actions(failed.result)) == (False, {shelf.one: "kept"})

    def test_second_batch_that_fails(self, shelf: Shelf) -> None:
        digests = [shelf.seed(number) for number in range(100, 250)]
        shelf.strike("BatchDeleteImage", "access_denied", skip=1)
        failed = shelf.fails(digests=digests)
        removed = [digest for digest, action in actions(failed.result).items() if action == "removed"]
        assert (failed.result["changed"], removed) == (True, digests[:100])
        assert set(digests) & set(shelf.images()) == set(digests[100:])


class TestRaces:
    """Something else changes the repository between the look and the deletion."""

    def meanwhile(self, monkeypatch: pytest.MonkeyPatch, change: t.Callable[[], t.Any]) -> None:
        survey = remover.Remover.survey

        def changed(self: remover.Remover) -> t.Any:
            plan = survey(self)
            change()
            return plan

        monkeypatch.setattr(remover.Remover, "survey", changed)

    def move(self, shelf: Shelf, tag: str, manifest: str) -> None:
        shelf.ecr.batch_delete_image(repositoryName=shelf.repository, imageIds=[{"imageTag": tag}])
        shelf.control.seed_image(shelf.repository, manifest, tag)

    def test_tag_that_moved(self, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
        manifest = image_manifest(ABSENT, ABSENT, number=9)
        self.meanwhile(monkeypatch, lambda: self.move(shelf, "a", manifest))
        result = shelf.remove(tags=["a"])
        (moved,) = result["images"]
        assert (moved["action"], moved["tags"]) == ("removed", ["a"])
        assert result["tags"] == [{"tag": "a", "before": moved["digest"], "after": None}]
        assert f"Tag a moved from {shelf.two} to {moved['digest']}" in warnings_of(result)[0]
        assert shelf.images()[shelf.two] == ["b"]

    def test_tag_that_moved_away_from_an_image_that_is_named(
        self, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        manifest = image_manifest(ABSENT, ABSENT, number=9)
        self.meanwhile(monkeypatch, lambda: self.move(shelf, "a", manifest))
        result = shelf.remove(digests=[shelf.two])
        assert actions(result) == {shelf.two: "removed"}
        (other,) = [digest for digest, tags in shelf.images().items() if tags == ["a"]]
        assert {"tag": "a", "before": other, "after": other} in result["tags"]

    def test_tag_that_was_named_and_came_back(self, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
        manifest = image_manifest(ABSENT, ABSENT, number=9)
        self.meanwhile(monkeypatch, lambda: self.move(shelf, "a", manifest))
        failed = shelf.fails(digests=[shelf.two], tags=["a"])
        assert "Verification failed after the removal" in failed.msg
        assert "Tag a is on sha256:" in failed.msg
        assert failed.result["changed"] is True

    def test_image_that_got_another_tag(self, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
        def tag() -> None:
            image = image_manifest(ABSENT, ABSENT, number=1)
            shelf.ecr.batch_delete_image(repositoryName=shelf.repository, imageIds=[{"imageTag": "c"}])
            shelf.control.seed_image(shelf.repository, image, "c", "kept")

        self.meanwhile(monkeypatch, tag)
        result = shelf.remove(tags=["c"])
        assert (result["changed"], actions(result)) == (True, {shelf.one: "kept"})
        assert shelf.images()[shelf.one] == ["kept"]

    def test_something_else_removed_it(self, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
        def remove() -> None:
            shelf.ecr.batch_delete_image(repositoryName=shelf.repository, imageIds=[{"imageTag": "c"}])

        self.meanwhile(monkeypatch, remove)
        result = shelf.remove(tags=["c"])
        assert (result["changed"], actions(result)) == (False, {shelf.one: "absent"})
        assert result["tags"] == [{"tag": "c", "before": None, "after": None}]
