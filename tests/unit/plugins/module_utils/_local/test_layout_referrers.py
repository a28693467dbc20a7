# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Layouts that list signatures and SBOMs beside their images, as tools write them."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import InvalidInputError
from ansible_collections.layerkit.ecr.plugins.module_utils._core.task import Task
from ansible_collections.layerkit.ecr.plugins.module_utils._local import layout_referrers
from ansible_collections.layerkit.ecr.plugins.module_utils._local.directory import Directory
from ansible_collections.layerkit.ecr.plugins.module_utils._local.oci_layout import OciLayout
from ansible_collections.layerkit.ecr.plugins.module_utils._oci import attachments
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.image import assemble_image
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.reference import AmbiguousImageError
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import digest_of
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LayoutWriter, index_of
from ansible_collections.layerkit.ecr.tests.unit.support.referrers import (
    cosign_signature,
    list_of,
    named,
    notation_signature,
    sbom,
    tag_of,
)

Document = dict[str, t.Any]


@pytest.fixture
def layout(tmp_path: Path) -> LayoutWriter:
    return LayoutWriter(tmp_path / "layout")


def chosen(
    layout: LayoutWriter, image: str | None = None, warnings: list[str] | None = None
) -> tuple[str, dict[str, str | None]]:
    """Return the digest of the image that is chosen, and the tags of what refers to it, by digest."""
    task = Task(([] if warnings is None else warnings).append)
    with Directory.opened(str(layout.path), "src 'layout'") as files:
        source = OciLayout(files, task).choose(image)
        found = source.referrers([source.root.digest])
        return source.root.digest, {referrer.manifest.digest: referrer.tag for referrer in found}


class TestChoice:
    def test_what_refers_to_the_only_image_is_no_candidate(self, layout: LayoutWriter) -> None:
        image = layout.image(b"layer")
        bill = sbom(layout, image)
        signature = notation_signature(layout, bill)
        fallback = named(list_of(layout, bill), tag_of(image))
        cosign = named(cosign_signature(layout, image), tag_of(image, ".sig"))
        layout.finish(signature, cosign, fallback, bill, image)
        assert chosen(layout) == (image["digest"], {bill["digest"]: None, cosign["digest"]: tag_of(image, ".sig")})

    def test_images_of_an_index_that_oras_lists_are_no_candidates(self, layout: LayoutWriter) -> None:
        images = {"linux/amd64": layout.image(b"amd64"), "linux/arm64": layout.image(b"arm64", platform="linux/arm64")}
        index = layout.index(images)
        bill = sbom(layout, images["linux/amd64"])
        layout.finish(*images.values(), bill, **{"1.0": index})
        assert chosen(layout)[0] == index["digest"]
        assert chosen(layout, images["linux/amd64"]["digest"]) == (
            images["linux/amd64"]["digest"],
            {bill["digest"]: None},
        )

    def test_attestations_with_a_platform_are_a_part_of_the_index(self, layout: LayoutWriter) -> None:
        images = [layout.of_platform("linux/amd64"), layout.of_platform("linux/arm64")]
        unknown = {"platform": {"os": "unknown", "architecture": "unknown"}}
        attestations = [{**sbom(layout, image), **unknown} for image in images]
        bill = sbom(layout, images[0], b"bill")
        layout.finish(*images, *attestations)
        whole = digest_of((layout.path / "index.json").read_bytes())
        assert chosen(layout)[0] == whole
        layout.finish(*images, *attestations, bill)
        reduced = index_of(*images, *attestations)
        with Directory.opened(str(layout.path), "src 'layout'") as files:
            source = OciLayout(files, Task(lambda _warning: None)).choose(None)
            assert json.loads(source.manifest(source.root)) == reduced
            (found,) = source.referrers([images[0]["digest"]])[1:]
        assert found.manifest.digest == bill["digest"]

    def test_two_images_are_still_a_choice(self, layout: LayoutWriter) -> None:
        one, two = layout.image(b"one"), layout.image(b"two")
        layout.finish(sbom(layout, one), **{"1.0": one, "2.0": two})
        with pytest.raises(AmbiguousImageError, match="contains 2 images"):
            chosen(layout)

    def test_what_refers_to_nothing_in_the_layout_can_be_chosen(self, layout: LayoutWriter) -> None:
        elsewhere = LayoutWriter().image(b"elsewhere")
        bill = sbom(layout, elsewhere)
        layout.finish(bill)
        assert chosen(layout) == (bill["digest"], {})
        signature = notation_signature(layout, bill)
        layout.finish(signature, bill)
        assert chosen(layout) == (bill["digest"], {signature["digest"]: None})

    def test_a_referrer_can_be_named(self, layout: LayoutWriter) -> None:
        image = layout.image(b"layer")
        bill, cosign = sbom(layout, image), cosign_signature(layout, image)
        layout.finish(bill, image, named(cosign, tag_of(image, ".sig")))
        assert chosen(layout, bill["digest"])[0] == bill["digest"]
        assert chosen(layout, tag_of(image, ".sig"))[0] == cosign["digest"]

    def test_a_damaged_list_of_referrers_stops_no_choice(self, layout: LayoutWriter) -> None:
        one, two = layout.image(b"one"), layout.image(b"two")
        fallback = named(list_of(layout, sbom(layout, one)), tag_of(one))
        layout.finish(named(one, "1.0"), fallback, named(two, "2.0"))
        layout.path_of(fallback["digest"]).write_bytes(b"damaged")
        assert chosen(layout, "2.0") == (two["digest"], {})
        with pytest.raises(InvalidInputError, match="its descriptor states"):
            chosen(layout, "1.0")


class TestCosignSave:
    KIND = "dev.cosignproject.cosign/"

    def entry(self, descriptor: Document, kind: str, name: str | None) -> Document:
        entry = {**descriptor, "annotations": {"kind": self.KIND + kind}}
        return named(entry, name) if name else entry

    @pytest.mark.parametrize("name", [None, "example.org/app:1.0"])
    @pytest.mark.parametrize("kind", ["image", "imageIndex"])
    def test_signatures_and_attestations_get_their_tags(
        self, layout: LayoutWriter, name: str | None, kind: str
    ) -> None:
        image = layout.image(b"layer")
        image = image if kind == "image" else layout.index({"linux/amd64": image})
        signature, attestation = cosign_signature(layout, image), layout.image(b"attestation")
        layout.finish(
            self.entry(image, kind, name),
            self.entry(signature, "sigs", name),
            self.entry(attestation, "atts", name),
        )
        tags = {signature["digest"]: tag_of(image, ".sig"), attestation["digest"]: tag_of(image, ".att")}
        assert chosen(layout) == (image["digest"], tags)
        if name:
            assert chosen(layout, "1.0") == (image["digest"], tags)


def test_a_repeated_request_warns_once(layout: LayoutWriter) -> None:
    image = layout.image(b"layer")
    bill = sbom(layout, image)
    layout.finish(named(image, "1.0"), bill)
    layout.path_of(bill["digest"]).unlink()
    warnings: list[str] = []
    with Directory.opened(str(layout.path), "src 'layout'") as files:
        source = OciLayout(files, Task(warnings.append)).choose("1.0")
        assert source.referrers([image["digest"]]) == source.referrers([image["digest"]]) == []
    assert [bill["digest"] in warning for warning in warnings] == [True]


def test_search_is_bounded_and_says_so(layout: LayoutWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    image = layout.image(b"layer")
    bills = [sbom(layout, image, b"%d" % number) for number in range(4)]
    layout.finish(named(image, "1.0"), *bills)
    monkeypatch.setattr(layout_referrers, "_MAX_SEARCHED", image["size"] + 2 * bills[0]["size"])
    warnings: list[str] = []
    _digest, found = chosen(layout, "1.0", warnings)
    assert list(found) == [bill["digest"] for bill in bills[:2]]
    assert all(bill["digest"] in warnings[0] for bill in bills[2:])


def test_what_a_list_says_and_the_manifest_does_not_is_left_out(layout: LayoutWriter) -> None:
    image, other = layout.image(b"layer"), layout.image(b"another layer")
    bill, stranger = sbom(layout, image), sbom(layout, other)
    layout.finish(named(image, "1.0"), named(list_of(layout, bill, stranger), tag_of(image)))
    warnings: list[str] = []
    assert chosen(layout, "1.0", warnings) == (image["digest"], {bill["digest"]: None})
    assert [stranger["digest"] in warning for warning in warnings] == [True]


def test_so_many_referrers_are_read(layout: LayoutWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    image = layout.image(b"layer")
    layout.finish(named(image, "1.0"), *(sbom(layout, image, b"%d" % number) for number in range(3)))
    task = Task(lambda _warning: None)
    with Directory.opened(str(layout.path), "src 'layout'") as files:
        found = assemble_image(OciLayout(files, task).choose("1.0"), [], "src 'layout'")
        monkeypatch.setattr(attachments, "MAX_REFERRERS", 3)
        assert len(attachments.with_referrers(found, "src 'layout'", task).attachments) == 3
        monkeypatch.setattr(attachments, "MAX_REFERRERS", 2)
        with pytest.raises(InvalidInputError, match="has 3 referrers; the limit is 2"):
            attachments.with_referrers(found, "src 'layout'", task)
