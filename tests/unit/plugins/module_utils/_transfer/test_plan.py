# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of an image from what the registry has, and the diff that shows it; nothing is asked or sent."""

from __future__ import annotations

import typing as t

from ansible_collections.layerkit.ecr.plugins.module_utils._core.text import shortened
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.image_records import (
    ImageDetail,
    StoredImage,
    StoredImages,
)
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.layer_records import AVAILABLE, Layer
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.descriptor import Descriptor
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.image import Image
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.manifest import OCI_INDEX, OCI_MANIFEST, Manifest
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.platform import Platform
from ansible_collections.layerkit.ecr.plugins.module_utils._transfer.plan import (
    BlobAction,
    ImagePlan,
    ManifestAction,
    Reason,
    blobs_in_question,
    plan_image,
)
from ansible_collections.layerkit.ecr.plugins.module_utils._transfer.result import diff_result, layers_result

PART = 10 * 1024 * 1024
OTHER = "sha256:" + "f" * 64


def blob(digit: str, size: int) -> Descriptor:
    return Descriptor("application/vnd.oci.image.layer.v1.tar+gzip", "sha256:" + digit * 64, size)


CONFIG, SMALL, BIG = blob("c", 10), blob("1", 100), blob("2", 3000)
CHILD = Manifest(b"child", OCI_MANIFEST, blobs=(CONFIG, SMALL, BIG))
ROOT = Manifest(b"root", OCI_INDEX)
NONE = StoredImages()


def single(foreign: t.Collection[str] = ()) -> Image:
    return Image(t.cast("t.Any", None), CHILD, (), (Platform("linux", "amd64"),), frozenset(foreign))


def index() -> Image:
    return Image(t.cast("t.Any", None), ROOT, (CHILD,), (Platform("linux", "amd64"),), frozenset())


def stored(*manifests: Manifest, **tags: str) -> StoredImages:
    found = {manifest.digest: StoredImage(manifest.digest, manifest.content.decode()) for manifest in manifests}
    return StoredImages({tag: StoredImage(digest, "") for tag, digest in tags.items()}, found)


def layers(*available: Descriptor) -> dict[str, Layer]:
    found = {each.digest: Layer(each.digest) for each in (CONFIG, SMALL, BIG)}
    return {**found, **{each.digest: Layer(each.digest, AVAILABLE, each.size) for each in available}}


def plan(image: Image, found: StoredImages = NONE, known: dict[str, Layer] | None = None, *tags: str) -> ImagePlan:
    return plan_image(image, tags, found, known, PART)


def actions(plan: ImagePlan) -> dict[str, tuple[BlobAction, Reason]]:
    return {step.blob.digest: (step.action, step.reason) for step in plan.blobs}


def test_registry_is_asked_for_the_blobs_that_no_stored_image_refers_to() -> None:
    everything = [CONFIG.digest, SMALL.digest, BIG.digest]
    assert blobs_in_question(index(), NONE) == everything
    assert blobs_in_question(index(), stored(CHILD)) == []
    assert blobs_in_question(single(), stored(CHILD)) == []
    assert blobs_in_question(single(foreign=[BIG.digest]), NONE) == everything[:2]


def test_each_blob_has_an_action_and_a_reason() -> None:
    made = plan(single(foreign=[BIG.digest]), NONE, layers(SMALL))
    assert actions(made) == {
        CONFIG.digest: (BlobAction.SENT, Reason.MISSING),
        SMALL.digest: (BlobAction.PRESENT, Reason.PRESENT),
        BIG.digest: (BlobAction.SKIPPED, Reason.FOREIGN),
    }
    assert (made.bytes_to_send, made.bytes_present) == (10, 100)


def test_everything_is_sent_if_the_registry_cannot_be_asked() -> None:
    made = plan(single())
    assert set(actions(made).values()) == {(BlobAction.SENT, Reason.UNKNOWN)}
    assert made.bytes_to_send == 3110


def test_biggest_blob_is_sent_first() -> None:
    made = plan(single(), NONE, layers())
    assert [step.blob.size for step in made.blobs_to_send] == [3000, 100, 10]


def test_blobs_of_a_stored_image_are_present() -> None:
    made = plan(index(), stored(CHILD), {})
    assert set(actions(made).values()) == {(BlobAction.PRESENT, Reason.IMAGE_PRESENT)}
    assert [step.action for step in made.manifests] == [ManifestAction.PRESENT, ManifestAction.PUT]
    assert made.changed
    assert not made.is_present


def test_stored_root_leaves_only_tags_to_set() -> None:
    here = stored(CHILD, old=CHILD.digest, moved=OTHER)
    made = plan(single(), here, {}, "old", "moved", "new")
    assert made.is_present
    assert [(step.before, step.moves) for step in made.tags] == [(CHILD.digest, False), (OTHER, True), (None, True)]
    assert made.changed
    assert not plan(single(), here, {}, "old").changed


def test_diff_shows_what_the_plan_changes() -> None:
    made = plan(single(), stored(latest=OTHER), layers(BIG), "latest")
    assert diff_result(made)["prepared"].splitlines() == [
        f"latest: {shortened(OTHER)} -> {shortened(CHILD.digest)}",
        "2 of 3 layers to send, 110 B",
        f"+ {shortened(CONFIG.digest)}  10 B  config linux/amd64",
        f"+ {shortened(SMALL.digest)}  100 B  linux/amd64",
        f"+ manifest {shortened(CHILD.digest)}  linux/amd64",
    ]


def test_diff_of_a_plan_without_changes_is_empty() -> None:
    assert diff_result(plan(single(), stored(CHILD, old=CHILD.digest), {}, "old")) == {"prepared": ""}


def test_result_of_a_plan_is_what_it_will_do() -> None:
    result = layers_result(plan(single(), NONE, layers(BIG)))
    assert (result["bytes_sent"], result["bytes_present"]) == (110, 3000)
    assert [entry["action"] for entry in result["layers"]] == ["sent", "sent", "present"]
    assert result["layers"][0]["reason"] == "the repository does not have it"


def test_archived_image_of_a_stored_index_is_put() -> None:
    here = stored(ROOT)
    assert [step.action for step in plan(index(), here, {}).manifests] == [ManifestAction.PRESENT] * 2
    here.archived[CHILD.digest] = ImageDetail(CHILD.digest, status="ARCHIVED")
    made = plan(index(), here, {})
    assert [(step.action, step.is_archived) for step in made.manifests] == [
        (ManifestAction.PUT, True),
        (ManifestAction.PRESENT, False),
    ]


def test_tag_on_another_manifest_of_the_same_image_stays() -> None:
    made = plan_image(single(), ["1", "2"], stored(CHILD, **{"1": OTHER, "2": ROOT.digest}), {}, PART, {OTHER})
    assert [(step.after, step.moves) for step in made.tags] == [(OTHER, False), (CHILD.digest, True)]
