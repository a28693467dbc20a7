# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What refers to an image of a repository, as a source: all of it can be found and read."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import InvalidInputError
from ansible_collections.layerkit.ecr.plugins.module_utils._core.task import Task
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.call import Repository
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.client import EcrClient
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.stored_image import RepositoryReader
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.attachments import with_referrers
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.image import assemble_image
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.platform import Platform
from ansible_collections.layerkit.ecr.tests.strict_ecr.fixtures import ecr_client
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import blob_name
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LayoutWriter
from ansible_collections.layerkit.ecr.tests.unit.support.referrers import (
    SPDX,
    cosign_signature,
    notation_signature,
    sbom,
    subject_of,
    tag_of,
)
from ansible_collections.layerkit.ecr.tests.unit.support.stored_images import store_image

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.plugins.module_utils._oci.image import Image
    from ansible_collections.layerkit.ecr.tests.strict_ecr.server import StrictECR
    from ansible_collections.layerkit.ecr.tests.unit.support.image_files import Document
    from mypy_boto3_ecr import ECRClient


class Bench:
    """A repository of the strict server, and its reader."""

    def __init__(self, ecr: ECRClient, server: StrictECR, repository: str) -> None:
        self._ecr = ecr
        self._url = server.url
        self.control = server.control
        self.repository = repository
        self.layout = LayoutWriter()
        self.warnings: list[str] = []

    def store(self, image: Document, tag: str | None = None) -> Document:
        store_image(self._ecr, self.repository, self.layout, image, tag)
        return image

    def load(self, image: str, *platforms: str) -> Image:
        """Return an image with what refers to it, after a comparison of all of its blobs with the layout."""
        self.control.calls.clear(self.repository)
        task = Task(self.warnings.append)
        reader = RepositoryReader(EcrClient(ecr_client(self._url), Repository(self.repository), task), task)
        wanted = [Platform.parse(platform, "platform") for platform in platforms]
        found = assemble_image(reader.choose(image, wanted), wanted, self.repository, is_exact=True)
        return with_referrers(found, self.repository, task)

    def check_blobs(self, image: Image) -> None:
        for part in image.parts:
            for manifest in part.manifests:
                assert manifest.content == self.layout.files[blob_name(manifest.digest)]
            for blob in part.blobs.values():
                with image.reader.open(blob.digest) as opened:
                    assert opened.read(0, opened.size) == self.layout.files[blob_name(blob.digest)]


@pytest.fixture
def bench(ecr: ECRClient, strict_ecr: StrictECR, repository: str, delays: list[float]) -> Bench:
    assert not delays
    strict_ecr.control.rules(repository).min_part_bytes = 1
    return Bench(ecr, strict_ecr, repository)


def attached(image: Image) -> list[tuple[str, str, str | None]]:
    referrers = [attachment.referrer for attachment in image.attachments]
    return [(referrer.manifest.digest, referrer.subject, referrer.tag) for referrer in referrers]


def test_all_forms_at_all_levels_are_found(bench: Bench) -> None:
    layout = bench.layout
    image = bench.store(layout.image(b"layer"), "1.0")
    bill = bench.store(sbom(layout, image))
    inner = layout.image(b"in the index", artifactType=SPDX)
    document = {"schemaVersion": 2, "manifests": [inner], "subject": subject_of(image)}
    index = bench.store(layout.document(document, "application/vnd.oci.image.index.v1+json"))
    signature = bench.store(cosign_signature(layout, image), tag_of(image, ".sig"))
    of_bill = bench.store(notation_signature(layout, bill))
    found = bench.load("1.0")
    assert sorted(attached(found)[:3]) == sorted(
        [
            (signature["digest"], image["digest"], tag_of(image, ".sig")),
            (bill["digest"], image["digest"], None),
            (index["digest"], image["digest"], None),
        ]
    )
    assert attached(found)[3:] == [(of_bill["digest"], bill["digest"], None)]
    bench.check_blobs(found)
    assert not bench.warnings


def test_a_platform_has_its_own_and_leaves_those_of_the_index_with_a_warning(bench: Bench) -> None:
    layout = bench.layout
    children = {
        "linux/amd64": layout.image(b"amd64"),
        "linux/arm64": layout.image(b"arm64", platform="linux/arm64"),
    }
    root = bench.store(layout.index(children), "1.0")
    of_child = bench.store(cosign_signature(layout, children["linux/amd64"]), tag_of(children["linux/amd64"], ".sig"))
    of_root = [bench.store(sbom(layout, root, b"%d" % number)) for number in range(2)]
    found = bench.load("1.0", "linux/amd64")
    assert [digest for digest, _subject, _tag in attached(found)] == [of_child["digest"]]
    (warning,) = bench.warnings
    assert f"2 referrers of index {root['digest']}" in warning
    assert {digest for digest, _subject, _tag in attached(bench.load("1.0"))} == {
        of_child["digest"],
        *(each["digest"] for each in of_root),
    }


def test_attestations_of_an_index_that_name_a_subject_are_a_part_of_it(bench: Bench) -> None:
    image = bench.layout.image(b"amd64")
    attestation = sbom(bench.layout, image)
    root = bench.layout.index({"linux/amd64": image, "unknown/unknown": attestation})
    bench.store(root, "1.0")
    assert attached(bench.load("1.0")) == []
    # Alone, the image has it as what refers to it.
    assert [digest for digest, _subject, _tag in attached(bench.load("1.0", "linux/amd64"))] == [attestation["digest"]]


def test_the_same_manifest_under_two_tags_is_found_twice(bench: Bench) -> None:
    image = bench.store(bench.layout.image(b"layer"), "1.0")
    signature = cosign_signature(bench.layout, image)
    for suffix in (".sig", ".att"):
        bench.store(signature, tag_of(image, suffix))
    assert attached(bench.load("1.0")) == [
        (signature["digest"], image["digest"], tag_of(image, suffix)) for suffix in (".sig", ".att")
    ]


def test_a_cycle_of_tags_is_refused(bench: Bench) -> None:
    image = bench.store(bench.layout.image(b"layer"), "1.0")
    signature = bench.store(cosign_signature(bench.layout, image), tag_of(image, ".sig"))
    bench.store(image, tag_of(signature, ".att"))
    with pytest.raises(InvalidInputError, match="leads back to itself"):
        bench.load("1.0")


def test_an_image_without_referrers_costs_two_requests(bench: Bench) -> None:
    bench.store(bench.layout.image(b"layer"), "1.0")
    assert attached(bench.load("1.0")) == []
    assert bench.control.calls.operations(bench.repository) == ["BatchGetImage", "ListImageReferrers", "BatchGetImage"]
