# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modelled errors and failures of a removal, and what moto answers."""

from __future__ import annotations

import typing as t
import uuid

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.service_model import operation_model
from ansible_collections.layerkit.ecr.plugins.modules import ecr_image
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import digest_of
from ansible_collections.layerkit.ecr.tests.unit.support.modelled_advice import ADVICE
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import ModuleFailedError, run_module
from ansible_collections.layerkit.ecr.tests.unit.support.pushing import ABSENT, image_manifest
from ansible_collections.layerkit.ecr.tests.unit.support.stubbed_registry import StubbedRegistry

if t.TYPE_CHECKING:
    from botocore.model import ListShape, StringShape, StructureShape
    from mypy_boto3_ecr import ECRClient

REPOSITORY = {"repositoryName": "app"}
DIGEST = digest_of(b"image")
HARM = "\x1b[2J\u202e" + "\n" * 300


def failure_codes() -> list[str]:
    failures = t.cast("StructureShape", operation_model("BatchDeleteImage").output_shape).members["failures"]
    failure = t.cast("StructureShape", t.cast("ListShape", failures).member)
    return list(t.cast("StringShape", failure.members["failureCode"]).enum)


def looks(registry: StubbedRegistry, *tags: str) -> None:
    request = {**REPOSITORY, "imageIds": [{"imageDigest": DIGEST}], "filter": {"imageStatus": "ANY"}}
    registry.answers("DescribeImages", request, imageDetails=[{"imageDigest": DIGEST, "imageTags": list(tags)}])


def deletion() -> dict[str, t.Any]:
    return {**REPOSITORY, "imageIds": [{"imageDigest": DIGEST}]}


def remove() -> dict[str, t.Any]:
    return run_module(ecr_image, repository_name="app", state="absent", digests=[DIGEST])


def failure_of() -> ModuleFailedError:
    with pytest.raises(ModuleFailedError) as failed:
        remove()
    return failed.value


@pytest.mark.parametrize("code", [shape.name for shape in operation_model("BatchDeleteImage").error_shapes])
def test_modelled_error(registry: StubbedRegistry, code: str) -> None:
    looks(registry)
    for _attempt in range(7 if code == "ServerException" else 1):
        registry.refuses("BatchDeleteImage", deletion(), code)
    if code == "ServerException":
        # The outcome is unknown, and the image is still there.
        looks(registry)
    failed = failure_of()
    assert f"Failed to remove {DIGEST} from repository app" in failed.msg
    assert ADVICE[code] in failed.msg
    assert failed.result["error"]["code"] == code


@pytest.mark.parametrize("code", [code for code in failure_codes() if code != "ImageNotFound"])
def test_modelled_failure(registry: StubbedRegistry, code: str) -> None:
    looks(registry)
    failure = {"imageId": {"imageDigest": DIGEST}, "failureCode": code, "failureReason": f"{HARM} by [{ABSENT}]"}
    registry.answers("BatchDeleteImage", deletion(), failures=[failure])
    looks(registry)
    failed = failure_of()
    assert failed.msg.isprintable()
    assert code in failed.msg
    (reported,) = failed.result["failures"]
    assert (reported["image"], reported["code"]) == (DIGEST, code)
    assert reported["reason"].isprintable()
    assert (reported["indexes"] == [ABSENT]) is (code == "ImageReferencedByManifestList")


def test_image_that_is_gone(registry: StubbedRegistry) -> None:
    looks(registry)
    failure = {"imageId": {"imageDigest": DIGEST}, "failureCode": "ImageNotFound", "failureReason": "not found"}
    registry.answers("BatchDeleteImage", deletion(), failures=[failure])
    gone = {**REPOSITORY, "imageIds": [{"imageDigest": DIGEST}], "filter": {"imageStatus": "ANY"}}
    registry.refuses("DescribeImages", gone, "ImageNotFoundException")
    assert remove()["changed"] is False


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"imageIds": [{"imageDigest": ABSENT}], "failures": []},
        {"imageIds": [{"imageDigest": "sha256:<html>"}, {"imageDigest": DIGEST}]},
        {
            "imageIds": [{"imageDigest": DIGEST}],
            "failures": [{"imageId": {"imageTag": "x"}, "failureCode": "KmsError"}],
        },
    ],
)
def test_answer_to_another_request(registry: StubbedRegistry, answer: dict[str, t.Any]) -> None:
    looks(registry)
    for _attempt in range(7):
        registry.answers("BatchDeleteImage", deletion(), **answer)
    looks(registry)
    assert "This was not Amazon ECR's answer" in failure_of().msg


def test_tags_that_others_wrote_are_printable(registry: StubbedRegistry) -> None:
    looks(registry, HARM)
    deleted = [{"imageDigest": DIGEST, "imageTag": HARM}]
    registry.answers("BatchDeleteImage", deletion(), imageIds=deleted, failures=[])
    gone = {
        **REPOSITORY,
        "imageIds": [{"imageDigest": DIGEST}, {"imageTag": HARM}],
        "filter": {"imageStatus": "ANY"},
    }
    registry.refuses("DescribeImages", gone, "ImageNotFoundException")
    for image_id in gone["imageIds"]:
        registry.refuses("DescribeImages", {**gone, "imageIds": [image_id]}, "ImageNotFoundException")
    result = remove()
    assert result["tags"][0]["tag"].isprintable()
    assert result["images"][0]["tags"][0].isprintable()
    assert all(line.isprintable() for line in result["diff"]["prepared"].splitlines())
    assert result["msg"].isprintable()


@pytest.mark.usefixtures("delays")
def test_on_moto(plain_moto: ECRClient) -> None:
    repository = f"removal/{uuid.uuid4().hex[:12]}"
    plain_moto.create_repository(repositoryName=repository)
    connection = {
        "endpoint_url": plain_moto.meta.endpoint_url,
        "region": plain_moto.meta.region_name,
        "access_key": "AKIAUNITTESTS",
        "secret_key": "n0t-a-secret",
    }
    digests = []
    for number, tags in enumerate((["a", "b"], ["c"], [""])):
        manifest = image_manifest(ABSENT, ABSENT, number=number)
        digests.append(digest_of(manifest.encode()))
        for tag in tags:
            options: t.Any = {"imageTag": tag} if tag else {}
            plain_moto.put_image(repositoryName=repository, imageManifest=manifest, imageDigest=digests[-1], **options)
    task: dict[str, t.Any] = {
        "repository_name": repository,
        "state": "absent",
        "tags": ["a", "c", "x"],
        "digests": [digests[2]],
    }
    result = run_module(ecr_image, connection=connection, **task)
    assert {image["digest"]: image["action"] for image in result["images"]} == dict.fromkeys(digests[1:], "removed")
    left = plain_moto.list_images(repositoryName=repository)["imageIds"]
    assert left == [{"imageDigest": digests[0], "imageTag": "b"}]
    assert run_module(ecr_image, connection=connection, **task)["changed"] is False
