# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images and layers that the registry has archived: a push restores them, and sends only what is missing."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.layerkit.ecr.plugins.modules import ecr_image_info
from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import Fault
from ansible_collections.layerkit.ecr.tests.unit.support.image_bench import UPLOADS, ImageBench, actions
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import digest_of
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import run_module, warnings_of

FAILURES = ["ImageNotFound", "ImageInaccessible"]


@pytest.fixture(params=FAILURES)
def archive(bench: ImageBench, request: pytest.FixtureRequest) -> ImageBench:
    """A repository whose answers for archived images are one of the two."""
    bench.control.rules(bench.repository).archived_failure = request.param
    return bench


def statuses(bench: ImageBench) -> dict[str, str]:
    details = bench.client.describe_images(repositoryName=bench.repository, filter={"imageStatus": "ANY"})
    return {image["imageDigest"]: image["imageStatus"] for image in details["imageDetails"]}


def archived_image(bench: ImageBench, *tags: str) -> str:
    """Push an image, archive it, and return its digest."""
    image = bench.layout.image(b"layer", b"another layer")
    bench.layout.finish(image)
    bench.run(tags=list(tags))
    bench.control.set_image_status(bench.repository, image["digest"], "ARCHIVED")
    bench.calls()
    return str(image["digest"])


@pytest.mark.parametrize("tags", [["1"], ["1", "2"], ["2"], []])
def test_push_restores_an_image_and_sends_no_layer(archive: ImageBench, tags: list[str]) -> None:
    digest = archived_image(archive, "1")
    predicted = archive.run(check=True, tags=tags)
    done = archive.run(tags=tags)
    assert not set(archive.calls()) & set(UPLOADS)
    assert statuses(archive) == {digest: "ACTIVE"}
    assert archive.tags() == dict.fromkeys({"1", *tags}, digest)
    assert predicted["changed"] is done["changed"] is True
    for key in ("diff", "layers", "manifests", "bytes_sent"):
        assert predicted[key] == done[key]
    assert set(actions(done).values()) == {"present"}
    assert {layer["reason"] for layer in done["layers"]} == {"the repository has it in its archive"}
    assert [tag["before"] for tag in done["image"]["tags"]] == [digest if tag == "1" else None for tag in tags]
    again = archive.run(tags=tags)
    assert again["changed"] is False
    assert not [warning for warning in warnings_of(again) if "gets no tag" not in warning]


def test_layers_that_the_registry_wants_again_are_sent(archive: ImageBench) -> None:
    digest = archived_image(archive, "1")
    archive.control.rules(archive.repository).accepts_archived_layers = False
    done = archive.run(tags=["1"])
    calls = archive.calls()
    assert calls.index("PutImage") < calls.index("InitiateLayerUpload")
    assert calls.count("PutImage") == 2
    assert statuses(archive) == {digest: "ACTIVE"}
    assert set(actions(done).values()) == {"present"}
    assert not archive.run(tags=["1"])["changed"]


def test_only_layers_that_are_named_are_sent_again(bench: ImageBench, monkeypatch: pytest.MonkeyPatch) -> None:
    archived_image(bench, "1")
    bench.control.rules(bench.repository).accepts_archived_layers = False
    backend = bench.control.backend_class
    archived = backend._is_archived
    monkeypatch.setattr(
        backend, "_is_archived", lambda self, *layer: archived(self, *layer) and layer[1] == digest_of(b"layer")
    )
    bench.run(tags=["1"])
    assert bench.calls().count("InitiateLayerUpload") == 1


def test_new_image_of_archived_layers(archive: ImageBench) -> None:
    first = archived_image(archive, "1")
    second = archive.layout.image(b"layer", b"a third layer")
    archive.layout.finish(second)
    done = archive.run(tags=["2"])
    assert actions(done)[digest_of(b"layer")] == "present"
    assert statuses(archive) == {first: "ARCHIVED", second["digest"]: "ACTIVE"}
    assert not archive.run(tags=["2"])["changed"]


def test_tag_of_an_archived_image_moves(archive: ImageBench) -> None:
    first = archived_image(archive, "1")
    second = archive.layout.image(b"layer", b"a third layer")
    archive.layout.finish(second)
    predicted, done = archive.run(check=True, tags=["1"]), archive.run(tags=["1"])
    assert predicted["diff"] == done["diff"]
    assert done["image"]["tags"] == [{"tag": "1", "before": first, "after": second["digest"]}]
    assert archive.tags() == {"1": second["digest"]}


def test_immutable_tag_of_the_archived_image_stays(archive: ImageBench) -> None:
    digest = archived_image(archive, "1")
    archive.set_mutability("IMMUTABLE")
    assert archive.run(tags=["1"])["changed"]
    assert statuses(archive) == {digest: "ACTIVE"}
    assert not archive.run(tags=["1"])["changed"]


def test_immutable_tag_of_another_archived_image_is_refused_first(archive: ImageBench) -> None:
    first = archived_image(archive, "1")
    archive.set_mutability("IMMUTABLE")
    archive.layout.finish(archive.layout.image(b"layer", b"a third layer"))
    for check in (True, False):
        failed = archive.fails(check, tags=["1"])
        assert f"Tag 1 of repository {archive.repository} is immutable and on {first}" in failed.msg
        # It can be the same image, which its deletion would destroy.
        assert "delete" not in failed.msg
        assert "Restore it with aws ecr update-image-storage-class" in failed.msg
    assert not set(archive.calls()) & {"PutImage", *UPLOADS}


def test_immutable_tag_of_an_archived_image_that_was_not_known_is_refused_with_the_same_advice(
    archive: ImageBench,
) -> None:
    archived_image(archive, "1")
    archive.set_mutability("IMMUTABLE")
    archive.layout.finish(archive.layout.image(b"layer", b"a third layer"))
    # The look-up before the push does not find the archived image, and that after the refusal does.
    archive.control.faults.add(Fault("access_denied", "DescribeImages", repository=archive.repository))
    failed = archive.fails(tags=["1"])
    assert "PutImage" in archive.calls()
    assert "delete" not in failed.msg
    assert "Restore it with aws ecr update-image-storage-class" in failed.msg


@pytest.mark.parametrize("children", [[], ["linux/amd64"], ["linux/amd64", "linux/arm64/v8", "linux/arm/v7"]])
def test_index(archive: ImageBench, index: dict[str, t.Any], children: list[str]) -> None:
    archive.run(tags=["1"])
    for part in ["root", *children]:
        archive.control.set_image_status(archive.repository, index[part]["digest"], "ARCHIVED")
    archive.calls()
    predicted, done = archive.run(check=True, tags=["1"]), archive.run(tags=["1"])
    assert (done["changed"], done["bytes_sent"]) == (True, 0)
    assert predicted["diff"] == done["diff"]
    assert set(statuses(archive).values()) == {"ACTIVE"}
    assert not set(archive.calls()) & set(UPLOADS)
    assert not archive.run(tags=["1"])["changed"]


def test_child_of_an_index_that_is_not_archived(bench: ImageBench, index: dict[str, t.Any]) -> None:
    child = index["linux/amd64"]["digest"]
    bench.run(tags=["1"])
    bench.control.set_image_status(bench.repository, child, "ARCHIVED")
    predicted, done = bench.run(check=True, tags=["1"]), bench.run(tags=["1"])
    assert predicted["diff"] == done["diff"]
    assert {digest for digest, action in actions(done, "manifests").items() if action == "put"} == {child}
    assert set(statuses(bench).values()) == {"ACTIVE"}
    assert not bench.run(tags=["1"])["changed"]


def test_image_that_takes_time_to_restore(archive: ImageBench) -> None:
    digest = archived_image(archive, "1")
    archive.control.rules(archive.repository).restored_status = "ACTIVATING"
    done = archive.run(tags=["1", "2"])
    assert done["changed"]
    assert f"Image {digest} is being restored from the archive" in warnings_of(done)[0]
    if archive.control.rules(archive.repository).archived_failure == "ImageInaccessible":
        again = archive.run(tags=["1", "2"])
        assert not again["changed"]
        assert "is being restored" in warnings_of(again)[0]


@pytest.mark.parametrize("kind", ["drop_after", "server_error"])
def test_lost_answer_to_the_put_that_restores(archive: ImageBench, kind: t.Any) -> None:
    digest = archived_image(archive, "1")
    archive.control.rules(archive.repository).restored_status = "ACTIVATING"
    archive.strike("PutImage", kind)
    assert archive.run(tags=["1"])["changed"]
    assert statuses(archive) == {digest: "ACTIVATING"}


def test_caller_who_may_not_describe_restores_all_the_same(archive: ImageBench) -> None:
    digest = archived_image(archive, "1")
    archive.strike("DescribeImages", "access_denied", times=9)
    done = archive.run(tags=["1"])
    assert (done["changed"], warnings_of(done)) == (True, [])
    archive.control.faults.clear(archive.repository)
    assert statuses(archive) == {digest: "ACTIVE"}


def test_info_reports_the_status(archive: ImageBench) -> None:
    digest = archived_image(archive, "1")
    task: dict[str, t.Any] = {"repository_name": archive.repository, "tags": ["1", "2"]}
    result = run_module(ecr_image_info, connection=archive.connection, **task)
    assert [(image["digest"], image["status"]) for image in result["images"]] == [(digest, "ARCHIVED")]
    assert result["missing"] == ["2"]
    archive.run(tags=["1"])
    result = run_module(ecr_image_info, connection=archive.connection, **task)
    assert [(image["digest"], image["status"]) for image in result["images"]] == [(digest, "ACTIVE")]
