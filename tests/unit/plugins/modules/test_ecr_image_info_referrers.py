# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The signatures and SBOMs of images, as ecr_image_info returns them."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.service_model import operation_model
from ansible_collections.layerkit.ecr.plugins.modules import ecr_image_info
from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import Fault
from ansible_collections.layerkit.ecr.tests.unit.support.modelled_advice import ADVICE
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import ModuleFailedError, run_module, warnings_of
from ansible_collections.layerkit.ecr.tests.unit.support.pushing import ABSENT, MANIFEST_TYPE, image_manifest
from ansible_collections.layerkit.ecr.tests.unit.support.referrers import SPDX
from ansible_collections.layerkit.ecr.tests.unit.support.stubbed_registry import StubbedRegistry

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR

Connection = dict[str, t.Any]


@pytest.fixture
def digests(strict_ecr: StrictECR, repository: str) -> dict[str, str]:
    """Two images, one of them with a signature of cosign and an SBOM."""
    seed = strict_ecr.control.seed_image
    image = seed(repository, image_manifest(ABSENT, ABSENT), "1.0")
    other = seed(repository, image_manifest(ABSENT, ABSENT, n=1), "2.0")
    subject = {"mediaType": MANIFEST_TYPE, "digest": image, "size": 4}
    manifest = image_manifest(ABSENT, ABSENT, artifactType=SPDX, subject=subject, annotations={"a": "b"})
    sbom = seed(repository, manifest)
    signature = seed(repository, image_manifest(ABSENT, ABSENT, n=2), image.replace(":", "-") + ".sig")
    strict_ecr.control.calls.clear(repository)
    return {"image": image, "other": other, "sbom": sbom, "signature": signature, "size": str(len(manifest))}


def test_each_image_has_its_own(
    strict_ecr: StrictECR, repository: str, connection: Connection, digests: dict[str, str]
) -> None:
    result = run_module(
        ecr_image_info, connection=connection, repository_name=repository, tags=["2.0", "1.0"], referrers=True
    )
    other, image = result["images"]
    assert other["referrers"] == []
    signature, sbom = image["referrers"]
    assert sbom == {
        "digest": digests["sbom"],
        "media_type": MANIFEST_TYPE,
        "artifact_type": SPDX,
        "annotations": {"a": "b"},
        "size": int(digests["size"]),
        "status": "ACTIVE",
        "tag": None,
    }
    tag = digests["image"].replace(":", "-") + ".sig"
    assert (signature["digest"], signature["tag"], signature["status"]) == (digests["signature"], tag, None)
    assert strict_ecr.control.calls.counts(repository) == {
        "BatchGetImage": 2,
        "DescribeImages": 1,
        "ListImageReferrers": 2,
    }
    assert not warnings_of(result)


def test_all_images_can_have_theirs(repository: str, connection: Connection, digests: dict[str, str]) -> None:
    result = run_module(ecr_image_info, connection=connection, repository_name=repository, referrers=True)
    found = {image["digest"]: [each["digest"] for each in image["referrers"]] for image in result["images"]}
    assert found == {
        digests["image"]: [digests["signature"], digests["sbom"]],
        digests["other"]: [],
        digests["sbom"]: [],
        digests["signature"]: [],
    }


def test_nothing_is_asked_unless_it_is_wanted(
    strict_ecr: StrictECR, repository: str, connection: Connection, digests: dict[str, str]
) -> None:
    result = run_module(ecr_image_info, connection=connection, repository_name=repository, tags=["1.0"])
    assert "referrers" not in result["images"][0]
    assert result["images"][0]["digest"] == digests["image"]
    assert "ListImageReferrers" not in strict_ecr.control.calls.counts(repository)
    empty = run_module(ecr_image_info, connection=connection, repository_name=repository, tags=[], referrers=True)
    assert empty["images"] == []


def test_a_refusal_is_a_warning(
    strict_ecr: StrictECR, repository: str, connection: Connection, digests: dict[str, str]
) -> None:
    strict_ecr.control.faults.add(Fault("access_denied", "ListImageReferrers", repository=repository))
    result = run_module(ecr_image_info, connection=connection, repository_name=repository, tags=["1.0"], referrers=True)
    assert [each["digest"] for each in result["images"][0]["referrers"]] == [digests["signature"]]
    (warning,) = warnings_of(result)
    assert f"Missing permission for ListImageReferrers on repository {repository}" in warning


@pytest.mark.parametrize("code", [shape.name for shape in operation_model("ListImageReferrers").error_shapes])
def test_modelled_error(registry: StubbedRegistry, code: str) -> None:
    digest = "sha256:" + "1" * 64
    listing = {"repositoryName": "app", "maxResults": 1000}
    registry.answers("DescribeImages", listing, imageDetails=[{"imageDigest": digest}])
    expected = {
        "repositoryName": "app",
        "subjectId": {"imageDigest": digest},
        "maxResults": 50,
        "filter": {"artifactStatus": "ANY"},
    }
    for _attempt in range(7 if code == "ServerException" else 1):
        registry.refuses("ListImageReferrers", expected, code)
    with pytest.raises(ModuleFailedError, match=code) as failed:
        run_module(ecr_image_info, repository_name="app", referrers=True)
    assert f"Failed to list what refers to {digest} in repository app" in failed.value.msg
    assert ADVICE[code] in failed.value.msg
