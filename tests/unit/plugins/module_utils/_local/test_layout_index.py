# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The list of images of a layout that is written."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._local.layout_index import (
    digest_before,
    is_listed,
    with_images,
)
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.descriptor import Descriptor
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.manifest import OCI_MANIFEST
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.store import ListedImage
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import REF_NAME

CONTAINERD_NAME = "io.containerd.image.name"


def image(digit: str, name: str | None = "1.0") -> ListedImage:
    return ListedImage(Descriptor(OCI_MANIFEST, f"sha256:{digit * 64}", 3), name)


def entry(digit: str, name: str | None = "1.0", **members: t.Any) -> dict[str, t.Any]:
    descriptor = {"mediaType": OCI_MANIFEST, "digest": f"sha256:{digit * 64}", "size": 3}
    return {**descriptor, **({"annotations": {REF_NAME: name}} if name else {}), **members}


def index(*entries: t.Any) -> bytes:
    return json.dumps({"schemaVersion": 2, "manifests": entries}).encode()


def entries_of(content: bytes) -> list[t.Any]:
    return t.cast("list[t.Any]", json.loads(content)["manifests"])


@pytest.mark.parametrize(
    ("before", "wanted", "after"),
    [
        ([], image("a"), [entry("a")]),
        ([], image("a", None), [entry("a", None)]),
        ([entry("b")], image("a"), [entry("a")]),
        ([entry("b", "2.0")], image("a"), [entry("b", "2.0"), entry("a")]),
        # As tools write the platforms of one image.
        ([entry("b"), entry("c", "2.0"), entry("d")], image("a"), [entry("a"), entry("c", "2.0")]),
        ([entry("a", None)], image("a"), [entry("a", None), entry("a")]),
        ([entry("b", None)], image("a", None), [entry("b", None), entry("a", None)]),
        (["text", entry("b")], image("a"), ["text", entry("a")]),
        ([entry("a", size=4)], image("a"), [entry("a")]),
        ([entry("a"), entry("b")], image("a"), [entry("a")]),
    ],
)
def test_entries_of_the_same_name_are_replaced(before: list[t.Any], wanted: ListedImage, after: list[t.Any]) -> None:
    assert not is_listed(index(*before), [wanted])
    written = with_images(index(*before), [wanted])
    assert entries_of(written) == after
    assert is_listed(written, [wanted])
    assert with_images(written, [wanted]) == with_images(written, [wanted, wanted])


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        ([entry("a")], image("a")),
        ([entry("a")], image("a", None)),
        ([entry("b"), entry("a", None)], image("a", None)),
        # What another tool says of the image besides stays.
        ([entry("a", annotations={REF_NAME: "1.0", CONTAINERD_NAME: "docker.io/library/app:1.0"})], image("a")),
        ([entry("a", platform={"os": "linux", "architecture": "amd64"})], image("a")),
    ],
)
def test_image_that_is_listed_needs_no_other_entry(before: list[t.Any], wanted: ListedImage) -> None:
    assert is_listed(index(*before), [wanted])
    assert entries_of(with_images(index(*before), [wanted])) == before


def test_digest_of_the_image_that_is_replaced() -> None:
    assert digest_before(None, image("a")) is None
    assert digest_before(index(entry("b", "2.0")), image("a")) is None
    assert digest_before(index(entry("b")), image("a")) == f"sha256:{'b' * 64}"
    assert digest_before(index(entry("b")), image("a", None)) is None


def test_list_that_does_not_exist_lists_nothing() -> None:
    assert not is_listed(None, [image("a")])
    assert not is_listed(None, [])
