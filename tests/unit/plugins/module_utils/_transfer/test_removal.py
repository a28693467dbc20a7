# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of a removal from what the registry has; nothing is asked or removed."""

from __future__ import annotations

from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.image_records import ImageDetail
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.manifest import OCI_INDEX, OCI_MANIFEST
from ansible_collections.layerkit.ecr.plugins.module_utils._transfer.removal import (
    Deletion,
    RemovalAction,
    RemovalReason,
    plan_removal,
)
from hypothesis import given
from hypothesis import strategies as st

A, B, I = (f"sha256:{digit * 64}" for digit in "abc")  # noqa: E741
FOUND = {
    A: ImageDetail(A, ("a1", "a2"), media_type=OCI_MANIFEST),
    B: ImageDetail(B, (), media_type=OCI_MANIFEST),
    I: ImageDetail(I, ("index",), media_type=OCI_INDEX),
}
NAMES = st.lists(st.sampled_from(["a1", "a2", "index", "x"]), unique=True)
DIGESTS = st.lists(st.sampled_from([A, B, I, "sha256:" + "0" * 64]), unique=True)


def test_tag_of_an_image_that_is_named_is_not_asked_for() -> None:
    plan = plan_removal([A], ["a1"], FOUND)
    assert plan.deletions == [Deletion((A,), ())]
    assert [(tag.tag, tag.is_named) for tag in plan.tags] == [("a1", True), ("a2", False)]


def test_tag_is_asked_for_by_its_name_although_its_image_goes() -> None:
    plan = plan_removal([], ["a1", "a2"], FOUND)
    assert plan.deletions == [Deletion((), ("a1", "a2"))]
    assert [(image.digest, image.reason) for image in plan.images] == [(A, RemovalReason.LAST_TAG)]


def test_indexes_are_removed_first() -> None:
    plan = plan_removal([B, I], ["a1"], FOUND)
    assert plan.deletions == [Deletion((I,), ()), Deletion((B,), ("a1",))]
    assert plan_removal([B], ["a1", "index"], FOUND).deletions == [Deletion((), ("index",)), Deletion((B,), ("a1",))]


def test_nothing_is_asked_for_that_is_not_there() -> None:
    plan = plan_removal([A, B], ["x"], {})
    assert (plan.deletions, plan.changed) == ([], False)
    assert {image.action for image in plan.images} == {RemovalAction.ABSENT}


@given(DIGESTS, NAMES)
def test_nothing_goes_that_is_not_named(digests: list[str], tags: list[str]) -> None:
    plan = plan_removal(digests, tags, FOUND)
    asked = plan.deletions
    assert {digest for deletion in asked for digest in deletion.digests} == set(digests) & set(FOUND)
    assert {tag for deletion in asked for tag in deletion.tags} <= set(tags)
    for image in plan.images_that_go:
        assert image.digest in digests or (image.tags and set(image.tags) <= set(tags))
    for tag in plan.tags:
        assert tag.tag in tags or tag.before in digests
    going = {image.digest for image in plan.images_that_go}
    # Each tag that is named goes, by its name or with its image.
    for tag in plan.tags:
        by_name = any(tag.tag in deletion.tags for deletion in asked)
        assert by_name or tag.before in going or tag.before is None
