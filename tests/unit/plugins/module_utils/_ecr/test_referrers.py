# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What refers to an image of a repository: pages, tags, and what cannot be listed or read."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.task import Task
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr import referrers as module
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.call import Repository
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.client import EcrClient
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.errors import CallError, EcrError, ForeignAnswerError
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.referrers import Referrers
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.manifest import OCI_INDEX, OCI_MANIFEST
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.referrer import referrer_tags
from ansible_collections.layerkit.ecr.tests.strict_ecr.faults import Fault
from ansible_collections.layerkit.ecr.tests.unit.support.pushing import (
    ABSENT,
    MANIFEST_TYPE,
    digest_of,
    image_manifest,
    index_manifest,
)
from ansible_collections.layerkit.ecr.tests.unit.support.referrers import SPDX
from ansible_collections.layerkit.ecr.tests.unit.support.stubbed_registry import StubbedRegistry
from botocore.stub import ANY

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR
    from mypy_boto3_ecr import ECRClient

SUBJECT = digest_of(b"subject")
# How often a request is sent that gets no answer of the service.
ATTEMPTS = 7
CONFIG = digest_of(b"config")
NO_TAGS = {
    "imageIds": [{"imageTag": SUBJECT.replace(":", "-") + suffix} for suffix in ("", ".sig", ".att", ".sbom")],
}


class Bench:
    """A repository of the strict server with an image, and what refers to it."""

    def __init__(self, server: StrictECR, ecr: ECRClient, repository: str) -> None:
        self.control = server.control
        self.repository = repository
        self.warnings: list[str] = []
        self.client = EcrClient(ecr, Repository(repository), Task(self.warnings.append))
        self.image = self.seed(image_manifest(CONFIG, ABSENT), "1.0")

    def seed(self, manifest: str, *tags: str) -> str:
        return self.control.seed_image(self.repository, manifest, *tags)

    def sbom(self, subject: str | None = None, *tags: str, **members: t.Any) -> str:
        descriptor = {"mediaType": MANIFEST_TYPE, "digest": subject or self.image, "size": 4}
        return self.seed(image_manifest(CONFIG, ABSENT, artifactType=SPDX, **{"subject": descriptor, **members}), *tags)

    def tag(self, suffix: str = "") -> str:
        return self.image.replace(":", "-") + suffix

    def read(self, *subjects: str) -> dict[str, tuple[str, str | None]]:
        """Return what refers to the image, or to these: the subject and the tag, by digest."""
        found = Referrers(self.client, Task(self.warnings.append)).read(subjects or [self.image])
        return {referrer.manifest.digest: (referrer.subject, referrer.tag) for referrer in found}

    def calls(self) -> list[str]:
        calls = self.control.calls.operations(self.repository)
        self.control.calls.clear(self.repository)
        return calls


@pytest.fixture
def bench(strict_ecr: StrictECR, ecr: ECRClient, repository: str, delays: list[float]) -> Bench:
    assert not delays
    made = Bench(strict_ecr, ecr, repository)
    made.calls()
    return made


def test_all_pages_are_read(bench: Bench) -> None:
    bench.control.rules(bench.repository).max_page = 4
    expected = {bench.sbom(n=number): (bench.image, None) for number in range(15)}
    assert bench.read() == expected
    # Four pages, one look-up of the tags, and one of all manifests.
    assert bench.calls() == ["ListImageReferrers"] * 4 + ["BatchGetImage"] * 2


def test_tags_of_cosign_and_the_list_under_the_fallback_tag(bench: Bench) -> None:
    signature = bench.seed(image_manifest(CONFIG, ABSENT, n=1), bench.tag(".sig"))
    attestation = bench.seed(image_manifest(CONFIG, ABSENT, n=2), bench.tag(".att"))
    both = bench.sbom(None, bench.tag(".sbom"))
    listed, stranger = bench.sbom(n=3), bench.seed(image_manifest(CONFIG, ABSENT, n=4))
    bench.seed(index_manifest(listed, stranger), bench.tag())
    assert bench.read() == {
        signature: (bench.image, bench.tag(".sig")),
        attestation: (bench.image, bench.tag(".att")),
        both: (bench.image, bench.tag(".sbom")),
        listed: (bench.image, None),
    }
    (warning,) = bench.warnings
    assert stranger in warning
    assert listed not in warning


def test_several_subjects_have_their_tags_looked_up_at_once(bench: Bench) -> None:
    bill = bench.sbom()
    signature = bench.sbom(bill, n=1)
    assert bench.read(bench.image, bill) == {bill: (bench.image, None), signature: (bill, None)}
    assert bench.calls() == ["ListImageReferrers"] * 2 + ["BatchGetImage"] * 2


@pytest.mark.parametrize("failure", ["ImageNotFound", "ImageInaccessible"])
def test_what_is_archived_is_left_out_with_a_warning(bench: Bench, failure: t.Any) -> None:
    bench.control.rules(bench.repository).archived_failure = failure
    bill = bench.sbom()
    there = bench.sbom(n=1)
    bench.control.set_image_status(bench.repository, bill, "ARCHIVED")
    assert bench.read() == {there: (bench.image, None)}
    (warning,) = bench.warnings
    assert bill in warning
    assert "archived" in warning


def test_an_archived_tag_of_cosign_is_left_out_with_a_warning(bench: Bench) -> None:
    signature = bench.seed(image_manifest(CONFIG, ABSENT, n=1), bench.tag(".sig"))
    bench.control.set_image_status(bench.repository, signature, "ARCHIVED")
    assert bench.read() == {}
    (warning,) = bench.warnings
    assert bench.tag(".sig") in warning


class TestWhatCannotBeListed:
    def check(self, bench: Bench, words: str) -> None:
        """Check that the tags are followed, with one warning, and the registry is not asked again."""
        signature = bench.seed(image_manifest(CONFIG, ABSENT, n=1), bench.tag(".sig"))
        listed = bench.sbom(n=2)
        bench.seed(index_manifest(listed), bench.tag())
        bench.sbom(n=3)
        found = bench.read(bench.image, signature)
        assert found == {signature: (bench.image, bench.tag(".sig")), listed: (bench.image, None)}
        (warning,) = bench.warnings
        assert words in warning
        assert "are left out" in warning

    def test_without_the_permission(self, bench: Bench) -> None:
        bench.control.faults.add(Fault("access_denied", "ListImageReferrers", repository=bench.repository))
        self.check(bench, f"Missing permission for ListImageReferrers on repository {bench.repository}")
        assert bench.calls().count("ListImageReferrers") == 1

    def test_with_an_old_botocore(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "knows_operation", lambda _operation: False)
        self.check(bench, "does not know ListImageReferrers. Update boto3")
        assert "ListImageReferrers" not in bench.calls()


@pytest.mark.parametrize("code", ["UnknownOperationException", "InvalidAction"])
def test_an_endpoint_that_does_not_know_the_operation(registry: StubbedRegistry, code: str) -> None:
    warnings: list[str] = []
    client = EcrClient(registry.client, Repository("app"), Task(warnings.append))
    registry.refuses("ListImageReferrers", request(), code)
    registry.stubber.add_response("batch_get_image", {"images": [], "failures": no_tags()})
    assert Referrers(client, Task(warnings.append)).find([SUBJECT]) == []
    assert ["The endpoint does not know ListImageReferrers" in warning for warning in warnings] == [True]


def request(**members: t.Any) -> dict[str, t.Any]:
    return {
        "repositoryName": "app",
        "subjectId": {"imageDigest": SUBJECT},
        "maxResults": 50,
        "filter": {"artifactStatus": "ANY"},
        **members,
    }


def no_tags() -> list[dict[str, t.Any]]:
    return [{"imageId": image_id, "failureCode": "ImageNotFound"} for image_id in NO_TAGS["imageIds"]]


class TestAnswers:
    @pytest.fixture
    def client(self, registry: StubbedRegistry) -> EcrClient:
        return EcrClient(registry.client, Repository("app"), Task(lambda _warning: None))

    def test_a_token_that_leads_back_is_refused(self, registry: StubbedRegistry, client: EcrClient) -> None:
        registry.answers("ListImageReferrers", request(), referrers=[], nextToken="again")
        for _attempt in range(ATTEMPTS):
            registry.answers("ListImageReferrers", request(nextToken="again"), referrers=[], nextToken="again")
        with pytest.raises(ForeignAnswerError, match="leads back"):
            Referrers(client, Task(lambda _warning: None)).find([SUBJECT])

    @pytest.mark.parametrize(
        "answer",
        [
            {},
            {"referrers": [{"digest": "sha256:short", "mediaType": "a/b", "size": 1}]},
            {"referrers": [{"digest": SUBJECT, "mediaType": "a/b", "size": -1}]},
        ],
        ids=["no list", "no digest", "a negative size"],
    )
    def test_an_answer_that_is_none_of_the_service(
        self, registry: StubbedRegistry, client: EcrClient, answer: dict[str, t.Any]
    ) -> None:
        for _attempt in range(ATTEMPTS):
            registry.answers("ListImageReferrers", request(), **answer)
        with pytest.raises(ForeignAnswerError):
            Referrers(client, Task(lambda _warning: None)).find([SUBJECT])

    @pytest.mark.parametrize("code", ["UnableToListUpstreamImageReferrersException", "ValidationException"])
    def test_other_errors_fail(self, registry: StubbedRegistry, client: EcrClient, code: str) -> None:
        registry.refuses("ListImageReferrers", request(), code)
        with pytest.raises(CallError) as failed:
            Referrers(client, Task(lambda _warning: None)).find([SUBJECT])
        assert failed.value.code == code

    def test_a_list_without_an_end(
        self, registry: StubbedRegistry, client: EcrClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "_MAX_REFERRERS", 2)
        entries = [{"digest": digest_of(b"%d" % n), "mediaType": "a/b", "size": 1} for n in range(3)]
        registry.answers("ListImageReferrers", request(), referrers=entries, nextToken="more")
        with pytest.raises(EcrError, match="more than 2"):
            Referrers(client, Task(lambda _warning: None)).find([SUBJECT])


def test_throttling_is_retried(bench: Bench, delays: list[float]) -> None:
    bill = bench.sbom()
    bench.control.faults.add(Fault("throttle", "ListImageReferrers", repository=bench.repository, times=2))
    assert list(bench.read()) == [bill]
    assert len(delays) == 2


def test_what_is_found_has_what_the_registry_knows_of_it(bench: Bench) -> None:
    bill = bench.sbom(None, bench.tag(".sbom"), annotations={"a": "b"})
    (found,) = Referrers(bench.client, Task(bench.warnings.append)).find([bench.image])
    entry = found.entry
    assert (entry.digest, entry.media_type, entry.artifact_type) == (bill, MANIFEST_TYPE, SPDX)
    assert (entry.annotations, entry.status) == ({"a": "b"}, "ACTIVE")
    assert found.stored
    assert entry.size == len(found.stored.manifest)
    assert json.loads(found.stored.manifest)["subject"]["digest"] == bench.image
    assert (found.tag, found.is_listed) == (bench.tag(".sbom"), True)


@pytest.mark.parametrize("is_intact", [True, False])
def test_a_list_that_is_not_what_its_digest_names_lists_nothing(registry: StubbedRegistry, is_intact: bool) -> None:
    subject, found = "sha256:" + "1" * 64, "sha256:" + "2" * 64
    entry = {"mediaType": OCI_MANIFEST, "digest": found, "size": 3}
    text = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]})
    tags = [str(tag) for tag in referrer_tags(subject)]
    image = {
        "imageId": {"imageDigest": digest_of(text.encode()) if is_intact else found, "imageTag": tags[0]},
        "imageManifest": text,
        "imageManifestMediaType": OCI_INDEX,
    }
    absent = [{"imageId": {"imageTag": tag}, "failureCode": "ImageNotFound"} for tag in tags[1:]]
    request = {"repositoryName": "app", "imageIds": [{"imageTag": tag} for tag in tags], "acceptedMediaTypes": ANY}
    listed = {"repositoryName": "app", "subjectId": {"imageDigest": subject}, "maxResults": ANY, "filter": ANY}
    registry.answers("ListImageReferrers", listed, referrers=[])
    registry.answers("BatchGetImage", request, images=[image], failures=absent)
    client = EcrClient(registry.client, Repository("app"), Task(pytest.fail))
    referrers = Referrers(client, Task(pytest.fail)).find([subject])
    assert [each.entry.digest for each in referrers] == ([found] if is_intact else [])
