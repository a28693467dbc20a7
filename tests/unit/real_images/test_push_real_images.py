# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ecr_image with images that tools made: compare the registry after the push with skopeo's description of the source.

Every test runs on plain moto and on the strict server, and counts the calls that arrive there.
"""

from __future__ import annotations

import gzip
import json
import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.layerkit.ecr.tests.real_images.image import digest_of
from ansible_collections.layerkit.ecr.tests.unit.support.layout_writer import LayoutWriter
from ansible_collections.layerkit.ecr.tests.unit.support.module_runner import ModuleFailedError

if t.TYPE_CHECKING:
    from ansible_collections.layerkit.ecr.tests.real_images import RealImage, Tools
    from ansible_collections.layerkit.ecr.tests.unit.support.recorded_registry import Held, Registry

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
LAYOUTS = ["single", "first_of_family", "second_of_family", "index", "zstd", "artifact"]
OCI_ARCHIVES = ["oci_archive", "oci_archive_gzip", "index_archive"]
DOCKER_ARCHIVES = ["docker_archive", "first_of_docker_archive", "second_of_docker_archive"]
# Docker's, with an OCI layout that cannot be used.
DEFECTIVE = ["docker_save_by_digest", "docker_save_without_layers"]
# Docker's, with one platform of several.
PARTIAL = ["docker_save_of_one_platform"]
# Docker's, with an OCI layout of uncompressed layers.
DOCKER_SAVE = ["docker_save"]
GZIP_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
TAGS = ("1.0", "latest")
AMD64, ARM64, ARM = "linux/amd64", "linux/arm64/v8", "linux/arm/v7"
# What a result says of the push; check mode says the same of the push to come.
PUSH = ("image", "layers", "manifests", "bytes_sent", "bytes_present")


def test_all_images_are_pushed(images: dict[str, RealImage]) -> None:
    assert sorted(images) == sorted(LAYOUTS + OCI_ARCHIVES + DOCKER_ARCHIVES + DEFECTIVE + PARTIAL + DOCKER_SAVE)


@pytest.mark.parametrize("name", LAYOUTS + OCI_ARCHIVES + DOCKER_SAVE)
def test_manifests_are_put_byte_for_byte(
    registry: Registry, tools: Tools, images: dict[str, RealImage], name: str
) -> None:
    source = images[name]
    held = pushed_once(registry, source, **({"compress": "none"} if name in DOCKER_SAVE else {}))
    assert held.manifest == tools.skopeo("inspect", "--raw", source.reference)
    assert held.digest == source.digest
    children = list(source.platforms.values())
    assert [digest_of(registry.get(child).manifest) for child in children] == children
    # Only the root has tags.
    assert registry.tags() == {**dict.fromkeys(children, ()), held.digest: TAGS}


@pytest.mark.parametrize("name", DOCKER_ARCHIVES + DEFECTIVE + DOCKER_SAVE)
def test_docker_archive_gets_a_manifest_of_compressed_layers(
    registry: Registry, images: dict[str, RealImage], name: str
) -> None:
    held = pushed_once(registry, images[name])
    assert held.media_type == DOCKER_MANIFEST
    assert held.document["config"]["digest"] == images[name].config
    assert {layer["mediaType"] for layer in held.layers} == {GZIP_LAYER}
    assert {layer["digest"] for layer in held.layers}.isdisjoint(images[name].diff_ids)
    assert diff_ids(registry, held) == images[name].diff_ids
    assert registry.tags() == {held.digest: TAGS}


@pytest.mark.parametrize("name", DOCKER_ARCHIVES)
def test_layers_of_a_docker_archive_stay_as_they_are_when_asked_for(
    registry: Registry, images: dict[str, RealImage], name: str
) -> None:
    held = pushed_once(registry, images[name], compress="none")
    assert held.document["config"]["digest"] == images[name].config
    assert [layer["digest"] for layer in held.layers] == images[name].diff_ids


def test_docker_archive_is_the_image_that_skopeo_pushes_of_it(
    registry: Registry, tools: Tools, images: dict[str, RealImage], tmp_path: Path
) -> None:
    source = images["docker_archive"]
    # What skopeo sends to a registry.
    tools.skopeo("copy", "--dest-compress", source.reference, f"dir:{tmp_path / 'sent'}")
    layout = LayoutWriter(tmp_path / "layout")
    for file in (tmp_path / "sent").iterdir():
        layout.blob(file.read_bytes())
    layout.finish(layout.blob((tmp_path / "sent" / "manifest.json").read_bytes(), DOCKER_MANIFEST))
    theirs = registry.push(replace(source, src=str(layout.path)), tags=["1.0"])
    written = registry.proxy.writes()
    result = registry.push(source, tags=["1.0"])
    assert (result["changed"], result["image"]["digest"]) == (False, theirs["image"]["digest"])
    assert registry.proxy.writes() == written


def pushed_once(registry: Registry, source: RealImage, **options: t.Any) -> Held:
    """Push an image to an empty repository in check mode, in earnest and once more, and return what is held then.

    Check mode foretells what happens, each blob is sent once and is there, and the last run sends and puts nothing.
    """
    predicted = registry.push(source, tags=TAGS, check=True, **options)
    assert registry.proxy.writes() == {}
    done = registry.push(source, tags=TAGS, **options)
    written = registry.proxy.writes()
    again = registry.push(source, tags=TAGS, **options)
    assert registry.proxy.writes() == written
    assert [result["changed"] for result in (predicted, done, again)] == [True, True, False]
    assert set(predicted) == set(done) == set(again)
    assert {key: predicted[key] for key in PUSH} == {key: done[key] for key in PUSH}
    assert (again["bytes_sent"], digests(again["layers"], "sent"), digests(again["manifests"], "put")) == (0, [], [])
    held = registry.get("latest")
    assert done["image"]["digest"] == again["image"]["digest"] == held.digest == digest_of(held.manifest)
    blobs = blobs_of(registry, held)
    assert registry.available(blobs) == {digest: len(blob) for digest, blob in registry.proxy.blobs().items()} == blobs
    assert written["InitiateLayerUpload"] == written["CompleteLayerUpload"] == len(blobs)
    assert written["PutImage"] == len(held.children) + len(TAGS)
    assert {layer["digest"]: layer["size"] for layer in done["layers"]} == blobs
    assert sorted(digests(done["layers"], "sent")) == sorted(blobs)
    assert (done["bytes_sent"], done["bytes_present"]) == (sum(blobs.values()), 0)
    return held


def blobs_of(registry: Registry, held: Held) -> dict[str, int]:
    """Return the sizes of all blobs of an image or an index, by digest."""
    images = [registry.get(child["digest"]) for child in held.children] or [held]
    return {digest: size for image in images for digest, size in image.blobs.items()}


def diff_ids(registry: Registry, held: Held) -> list[str]:
    """Return the digests of an image's layers, as they were sent, without their compression."""
    sent = registry.proxy.blobs()
    layers = [sent[layer["digest"]] for layer in held.layers]
    return [digest_of(gzip.decompress(layer) if layer[:2] == b"\x1f\x8b" else layer) for layer in layers]


def digests(entries: list[dict[str, t.Any]], action: str) -> list[str]:
    """Return the digests of a result's layers or manifests of which it says this."""
    return [entry["digest"] for entry in entries if entry["action"] == action]


@pytest.mark.parametrize("source", ["family", "docker_archive"])
def test_second_image_of_a_base_sends_only_what_is_new(
    registry: Registry, images: dict[str, RealImage], source: str
) -> None:
    registry.push(images[f"first_of_{source}"], tags=["1.0"])
    before = registry.proxy.blobs()
    result = registry.push(images[f"second_of_{source}"], tags=["2.0"])
    first, second = registry.get("1.0").blobs, registry.get("2.0").blobs
    new = {digest: size for digest, size in second.items() if digest not in first}
    assert len(new) == len(second) - 1
    assert {*registry.proxy.blobs()} - {*before} == {*new}
    assert registry.proxy.calls.count("InitiateLayerUpload") == len(first) + len(new)
    assert sorted(digests(result["layers"], "sent")) == sorted(new)
    assert digests(result["layers"], "present") == [digest for digest in second if digest in first]
    assert (result["bytes_sent"], result["bytes_present"]) == (
        sum(new.values()),
        sum(second.values()) - sum(new.values()),
    )


@pytest.mark.parametrize(("name", "platform"), [("index", AMD64), ("index", ARM64), ("index_archive", ARM)])
def test_one_platform_is_put_without_the_index(
    registry: Registry, images: dict[str, RealImage], name: str, platform: str
) -> None:
    result = registry.push(images[name], tags=TAGS, platforms=[platform])
    again = registry.push(images[name], tags=TAGS, platforms=[platform])
    digest = images[name].platforms[platform]
    assert (result["image"]["digest"], result["image"]["platforms"]) == (digest, [platform])
    assert registry.tags() == {digest: TAGS}
    assert digest_of(registry.get("latest").manifest) == digest
    assert again["changed"] is False
    assert registry.proxy.calls.count("PutImage") == len(TAGS)


@pytest.mark.parametrize(("name", "platforms"), [("index", [AMD64, ARM64]), ("index_archive", [ARM, AMD64])])
def test_several_platforms_make_a_reduced_index(
    registry: Registry, tools: Tools, images: dict[str, RealImage], name: str, platforms: list[str]
) -> None:
    source = images[name]
    held = pushed_once(registry, source, platforms=platforms)
    whole = json.loads(tools.skopeo("inspect", "--raw", source.reference))
    chosen = [source.platforms[platform] for platform in platforms]
    children = [child for child in whole["manifests"] if child["digest"] in chosen]
    assert (len(children), held.document) == (2, {**whole, "manifests": children})
    assert registry.tags() == {**dict.fromkeys(chosen, ()), held.digest: TAGS}


@pytest.mark.parametrize("platforms", [[], [AMD64]])
@pytest.mark.parametrize("name", PARTIAL)
def test_platform_that_docker_saved_is_put_as_it_is(
    registry: Registry, images: dict[str, RealImage], name: str, platforms: list[str]
) -> None:
    held = pushed_once(registry, images[name], platforms=platforms)
    assert held.digest == images["index"].platforms[AMD64]


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("first_of_family", ["1.0", "latest", "2.0"]),
        ("first_of_docker_archive", ["example.com/app:1.0", "example.com/app:2.0"]),
    ],
)
def test_an_image_has_to_be_chosen_of_several(
    registry: Registry, images: dict[str, RealImage], name: str, choices: list[str]
) -> None:
    for image in (None, "3.0"):
        with pytest.raises(ModuleFailedError) as failed:
            registry.push(images[name], image=image, tags=["1.0"])
        assert [choice for choice in choices if choice not in failed.value.msg] == []
    assert registry.proxy.writes() == {}


def test_an_image_can_be_chosen_by_digest(registry: Registry, images: dict[str, RealImage]) -> None:
    source = images["second_of_family"]
    assert registry.push(source, image=source.digest)["image"]["digest"] == source.digest
    assert registry.tags() == {source.digest: ()}


def test_tags_that_do_not_move(registry: Registry, images: dict[str, RealImage]) -> None:
    registry.create_repository("IMMUTABLE")
    first, second = images["first_of_family"], images["second_of_family"]
    registry.push(first, tags=["1.0"])
    written = registry.proxy.writes()
    assert registry.push(first, tags=["1.0"])["changed"] is False
    with pytest.raises(ModuleFailedError) as failed:
        registry.push(second, tags=["1.0"])
    assert str(first.digest) in failed.value.msg
    assert str(second.digest) in failed.value.msg
    assert registry.proxy.writes() == written
    assert registry.push(first, tags=["1.0", "stable"])["changed"] is True
    assert registry.tags() == {first.digest: ("1.0", "stable")}


def test_tag_moves_to_another_image(registry: Registry, images: dict[str, RealImage]) -> None:
    first, second = images["first_of_family"], images["second_of_family"]
    registry.push(first, tags=["stable"])
    predicted = registry.push(second, tags=["stable"], check=True)
    result = registry.push(second, tags=["stable"])
    move = {"tag": "stable", "before": first.digest, "after": second.digest}
    assert predicted["image"]["tags"] == result["image"]["tags"] == [move]
    assert registry.get("stable").digest == second.digest
