# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ListImageReferrers, and what becomes of referrers when their subject is deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import Fault
from ansible_collections.layerkit.ecr.tests.unit.support.pushing import (
    ABSENT,
    CONFIG_TYPE,
    INDEX_TYPE,
    MANIFEST_TYPE,
    image_manifest,
    index_manifest,
    pushed_blobs,
    put,
    refused,
)

if TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR
    from mypy_boto3_ecr import ECRClient

SBOM = "application/spdx+json"


def refers_to(subject: str, **members: Any) -> str:
    """Return the manifest of a referrer whose blobs nobody has."""
    descriptor = {"mediaType": MANIFEST_TYPE, "digest": subject, "size": 4}
    return image_manifest(ABSENT, ABSENT, subject=descriptor, **members)


def listed(ecr: ECRClient, repository: str, subject: str, **request: Any) -> list[str]:
    answer = ecr.list_image_referrers(repositoryName=repository, subjectId={"imageDigest": subject}, **request)
    return [referrer["digest"] for referrer in answer["referrers"]]


@pytest.fixture
def subject(ecr: ECRClient, repository: str) -> str:
    return put(ecr, repository, pushed_blobs(ecr, repository), "1.0")


def test_a_referrer_is_listed_with_what_its_manifest_says(
    strict_ecr: StrictECR, ecr: ECRClient, repository: str, subject: str
) -> None:
    manifest = refers_to(subject, artifactType=SBOM, annotations={"a": "b"})
    digest = strict_ecr.control.seed_image(repository, manifest)
    answer = ecr.list_image_referrers(repositoryName=repository, subjectId={"imageDigest": subject})
    assert answer["referrers"] == [
        {
            "digest": digest,
            "mediaType": MANIFEST_TYPE,
            "artifactType": SBOM,
            "size": len(manifest),
            "annotations": {"a": "b"},
            "artifactStatus": "ACTIVE",
        }
    ]
    assert "nextToken" not in answer


def test_the_artifact_type_is_that_of_the_configuration_and_an_index_has_none(
    strict_ecr: StrictECR, ecr: ECRClient, repository: str, subject: str
) -> None:
    descriptor = {"mediaType": MANIFEST_TYPE, "digest": subject, "size": 4}
    strict_ecr.control.seed_image(repository, refers_to(subject))
    strict_ecr.control.seed_image(repository, index_manifest(subject, subject=descriptor))
    found = ecr.list_image_referrers(repositoryName=repository, subjectId={"imageDigest": subject})["referrers"]
    assert [(each["mediaType"], each.get("artifactType")) for each in found] == [
        (MANIFEST_TYPE, CONFIG_TYPE),
        (INDEX_TYPE, None),
    ]


def test_a_referrer_can_be_put_before_its_subject(ecr: ECRClient, repository: str) -> None:
    image, sbom = pushed_blobs(ecr, repository, "image"), pushed_blobs(ecr, repository, "sbom")
    wanted = put(ecr, repository, image)
    ecr.batch_delete_image(repositoryName=repository, imageIds=[{"imageDigest": wanted}])
    assert listed(ecr, repository, wanted) == []
    descriptor = f'"subject": {{"mediaType": "{MANIFEST_TYPE}", "digest": "{wanted}", "size": 4}}, "layers"'
    digest = put(ecr, repository, sbom.replace('"layers"', descriptor))
    assert listed(ecr, repository, wanted) == [digest]
    assert put(ecr, repository, image) == wanted
    assert listed(ecr, repository, wanted) == [digest]


def test_pages_have_twenty_referrers_by_default_and_at_most_fifty(
    strict_ecr: StrictECR, ecr: ECRClient, repository: str, subject: str
) -> None:
    digests = [strict_ecr.control.seed_image(repository, refers_to(subject, n=n)) for n in range(60)]
    found: list[str] = []
    request: dict[str, Any] = {"maxResults": 50}
    first = ecr.list_image_referrers(repositoryName=repository, subjectId={"imageDigest": subject}, **request)
    found += [referrer["digest"] for referrer in first["referrers"]]
    found += listed(ecr, repository, subject, nextToken=first["nextToken"], **request)
    assert len(first["referrers"]) == 50
    assert found == digests
    assert len(listed(ecr, repository, subject)) == 20
    with refused("InvalidParameterException", "maxResults"):
        listed(ecr, repository, subject, maxResults=51)
    with refused("InvalidParameterException", "nextToken"):
        listed(ecr, repository, subject, nextToken="another")
    strict_ecr.control.rules(repository).max_page = 7
    assert len(listed(ecr, repository, subject, **request)) == 7


def test_the_filter_selects_types_and_statuses(
    strict_ecr: StrictECR, ecr: ECRClient, repository: str, subject: str
) -> None:
    sbom = strict_ecr.control.seed_image(repository, refers_to(subject, artifactType=SBOM))
    other = strict_ecr.control.seed_image(repository, refers_to(subject))
    assert listed(ecr, repository, subject, filter={"artifactTypes": [SBOM]}) == [sbom]
    strict_ecr.control.set_image_status(repository, sbom, "ARCHIVED")
    assert listed(ecr, repository, subject) == [other]
    assert listed(ecr, repository, subject, filter={"artifactStatus": "ARCHIVED"}) == [sbom]
    assert listed(ecr, repository, subject, filter={"artifactStatus": "ANY"}) == [sbom, other]


def test_referrers_go_with_their_subject_and_so_do_theirs(
    strict_ecr: StrictECR, ecr: ECRClient, repository: str, subject: str
) -> None:
    sbom = strict_ecr.control.seed_image(repository, refers_to(subject))
    signature = strict_ecr.control.seed_image(repository, refers_to(sbom))
    strict_ecr.control.rules(repository).removes_orphans = False
    other = put(ecr, repository, pushed_blobs(ecr, repository, "other"))
    orphan = strict_ecr.control.seed_image(repository, refers_to(other))
    ecr.batch_delete_image(repositoryName=repository, imageIds=[{"imageDigest": other}])
    assert listed(ecr, repository, other) == [orphan]
    strict_ecr.control.rules(repository).removes_orphans = True
    assert (listed(ecr, repository, subject), listed(ecr, repository, sbom)) == ([sbom], [signature])
    ecr.batch_delete_image(repositoryName=repository, imageIds=[{"imageDigest": subject}])
    ids = ecr.list_images(repositoryName=repository)["imageIds"]
    assert [image["imageDigest"] for image in ids] == [orphan]


def test_faults_and_permissions_apply(strict_ecr: StrictECR, ecr: ECRClient, repository: str, subject: str) -> None:
    strict_ecr.control.faults.add(Fault("throttle", "ListImageReferrers", repository=repository))
    with refused("ThrottlingException"):
        listed(ecr, repository, subject)
    strict_ecr.control.allow(repository, [])
    with refused("AccessDeniedException", "ecr:ListImageReferrers"):
        listed(ecr, repository, subject)
    with refused("RepositoryNotFoundException"):
        listed(ecr, "absent", subject)
