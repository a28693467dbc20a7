# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copies that are refused: by the options, by the source, or by the target."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.amazon.aws.plugins.module_utils.botocore import boto3_inventory_conn
from ansible_collections.layerkit.ecr.tests.unit.support.copy_bench import CopyBench

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import Kind
    from ansible_collections.layerkit.ecr.tests.unit.support.image_files import Document

OTHER = "sha256:" + "0" * 64


@pytest.mark.parametrize("check", [True, False])
def test_the_expected_digest_must_be_that_of_the_source(bench: CopyBench, image: Document, check: bool) -> None:
    failed = bench.fails(expected_digest=OTHER, check=check)
    assert f"Image 1.0 of source repository {bench.source_repository} is {image['digest']}, not {OTHER}" in failed.msg
    assert bench.calls()[1] == ["BatchGetImage"]
    assert bench.run(expected_digest=image["digest"])["changed"] is True


@pytest.mark.parametrize("check", [True, False])
def test_a_tag_is_not_moved_without_leave(bench: CopyBench, image: Document, check: bool) -> None:
    bench.run(overwrite=False)
    other = bench.layout.image(b"another")
    bench.store(other, "2.0")
    bench.calls()
    failed = bench.fails(source={"tag": "2.0"}, tags=["new", "1.0"], overwrite=False, check=check)
    assert f"Tag 1.0 of target repository {bench.repository} is on {image['digest']}" in failed.msg
    assert "Nothing was sent." in failed.msg
    source, target = bench.calls()
    assert (source, set(target) - {"BatchGetImage", "BatchCheckLayerAvailability", "DescribeRepositories"}) == (
        ["BatchGetImage"],
        set(),
    )
    assert bench.run(overwrite=False)["changed"] is False


def test_an_immutable_tag_stays(bench: CopyBench, image: Document) -> None:
    bench.run()
    bench.target.put_image_tag_mutability(repositoryName=bench.repository, imageTagMutability="IMMUTABLE")
    assert bench.run()["changed"] is False
    bench.store(bench.layout.image(b"another"), "2.0")
    failed = bench.fails(source={"tag": "2.0"}, tags=["1.0"])
    assert f"Tag 1.0 of target repository {bench.repository} is immutable and on {image['digest']}" in failed.msg
    assert bench.tags() == {"1.0": image["digest"]}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"tag": "absent"}, "does not contain image 'absent'"),
        ({"digest": OTHER}, f"does not contain image '{OTHER}'"),
        (
            {"repository_name": "no/such", "tag": "1.0"},
            "The source repository does not exist. Check source.repository_name, source.registry_id and source.region.",
        ),
    ],
)
def test_what_the_source_lacks_is_named(
    bench: CopyBench, image: Document, source: dict[str, t.Any], words: str
) -> None:
    assert image
    failed = bench.fails(source=source)
    assert words in failed.msg
    assert "source repository" in failed.msg
    assert "target repository" not in failed.msg
    assert "Create it" not in failed.msg
    assert failed.result["repository_name"] == bench.repository
    assert failed.result["source"]["digest"] == source.get("digest")


def test_a_target_that_is_missing_can_be_created(bench: CopyBench, image: Document) -> None:
    assert image
    failed = bench.fails(repository_name="no/such")
    assert "Failed to look up" in failed.msg
    assert "target repository no/such" in failed.msg
    assert "The repository does not exist. Create it" in failed.msg
    assert "source." not in failed.msg


def test_an_archived_source_is_explained(bench: CopyBench, image: Document) -> None:
    bench.control.set_image_status(bench.source_repository, image["digest"], "ARCHIVED")
    failed = bench.fails()
    assert "The image is archived" in failed.msg
    assert f"source repository {bench.source_repository}" in failed.msg


@pytest.mark.parametrize("operation", ["BatchGetImage", "GetDownloadUrlForLayer"])
def test_a_denied_source_is_named(bench: CopyBench, image: Document, operation: t.Any) -> None:
    assert image
    bench.strike_source(operation, "access_denied", times=99)
    failed = bench.fails()
    assert f"source repository {bench.source_repository}" in failed.msg
    assert f"target repository {bench.repository}" not in failed.msg.partition("The error was")[0]
    assert failed.result["error"]["code"] == "AccessDeniedException"
    assert failed.result["repository_name"] == bench.repository
    assert "incomplete" not in failed.msg
    assert "state_dir" not in failed.msg
    assert ("was not uploaded." in failed.msg) is (operation == "GetDownloadUrlForLayer")
    assert bench.tags() == {}


@pytest.mark.parametrize("operation", ["BatchGetImage", "InitiateLayerUpload", "UploadLayerPart", "PutImage"])
def test_a_denied_target_is_named(bench: CopyBench, image: Document, operation: t.Any) -> None:
    bench.strike_target(operation, "access_denied", times=99)
    failed = bench.fails()
    assert f"target repository {bench.repository}" in failed.msg
    assert "source repository" not in failed.msg
    assert failed.result["source"]["digest"] == image["digest"]
    assert bench.tags() == {}


@pytest.mark.parametrize("kind", ["throttle", "server_error", "bare_503"])
def test_a_source_that_recovers_is_waited_for(bench: CopyBench, image: Document, kind: Kind) -> None:
    for operation in ("BatchGetImage", "GetDownloadUrlForLayer"):
        bench.strike_source(operation, kind, times=2)
    assert bench.run()["changed"] is True
    assert bench.is_whole(image)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"source": {"tag": None}}, "source names no image"),
        ({"source": {"tag": "1.0", "digest": OTHER}}, "mutually exclusive: tag|digest"),
        ({"source": {"tag": "a:b"}}, "source.tag 'a:b' is a tag with a name: give the tag alone"),
        ({"source": {"tag": 1.1}}, "source.tag 1.1 is a number with a fraction"),
        ({"source": {"digest": "sha256:1"}}, "source.digest 'sha256:1' must be sha256:"),
        ({"source": {"tag": "1.0", "repository_name": "UPPER"}}, "source is invalid: repository_name"),
        ({"source": {"tag": "1.0", "registry_id": "1"}}, "source is invalid: registry_id"),
        ({"tags": ["a b"]}, "has a blank"),
        ({"expected_digest": "latest"}, "expected_digest 'latest' must be sha256:"),
        ({"parallel": 0}, "parallel 0 must be 1 to 32"),
        ({"part_size": 1}, "part_size 1 must be"),
        ({"platforms": ["x/y/z/w"]}, "platforms"),
    ],
)
def test_bad_options_are_refused(bench: CopyBench, options: dict[str, t.Any], words: str) -> None:
    assert words in bench.fails(**options).msg
    assert bench.calls() == ([], [])


def test_credentials_of_the_source_replace_those_of_the_task(
    bench: CopyBench, image: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ansible_collections.layerkit.ecr.plugins.module_utils._ecr import client

    assert image
    connected: list[dict[str, t.Any]] = []
    connect = boto3_inventory_conn

    def recording(*args: t.Any, **options: t.Any) -> t.Any:
        connected.append(options)
        return connect(*args, **options)

    monkeypatch.setattr(client, "boto3_inventory_conn", recording)
    bench.connection["session_token"] = "a-token-of-the-task"
    bench.run(source={"tag": "1.0", "access_key": "AKIASOURCE", "secret_key": "a-secret-of-the-source"})
    target, source = connected
    assert (target["aws_access_key_id"], target["aws_session_token"]) == ("AKIAUNITTESTS", "a-token-of-the-task")
    assert (source["aws_access_key_id"], source["aws_session_token"]) == ("AKIASOURCE", None)
    assert (source["endpoint"], source["region"], source["verify"]) == (target["endpoint"], "us-west-2", True)


def test_a_profile_of_the_source_replaces_the_keys_of_the_task(bench: CopyBench) -> None:
    failed = bench.fails(source={"tag": "1.0", "profile": "staging"})
    assert "The profile does not exist on the host" in failed.msg
    assert "For the source, set these options in source." in failed.msg
    assert f"source repository {bench.source_repository}" in failed.msg


@pytest.mark.parametrize(
    ("options", "source", "words"),
    [
        ({"profile": "production"}, {}, "profile 'production' cannot be used with access_key, secret_key"),
        ({"profile": "production"}, {"profile": "staging"}, "profile 'production' cannot be used with access_key"),
        ({"endpoint_url": "ecr.example.com"}, {}, "endpoint_url 'ecr.example.com' has no scheme"),
        ({}, {"endpoint_url": "ecr.example.com"}, "source.endpoint_url 'ecr.example.com' has no scheme"),
    ],
)
def test_a_fault_of_the_connection_is_named_where_it_was_written(
    bench: CopyBench, options: dict[str, str], source: dict[str, str], words: str
) -> None:
    bench.connection.update(options)
    assert bench.fails(source={"tag": "1.0", **source}).msg.startswith(words)
