# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Manifests and indexes: what is read from them, and what they must not be."""

from __future__ import annotations

import json
import re
import typing as t

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import InvalidInputError
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.manifest import (
    DOCKER_INDEX,
    DOCKER_MANIFEST,
    INDEXES,
    MAX_LAYERS,
    MEDIA_TYPES,
    OCI_INDEX,
    OCI_MANIFEST,
    Manifest,
    image_descriptor,
)
from ansible_collections.layerkit.ecr.tests.unit.support.image_files import as_json

WHERE = "src 'x': manifest"
CONFIG = {"mediaType": "a/config", "digest": "sha256:" + "a" * 64, "size": 1}
LAYER = {"mediaType": "a/layer", "digest": "sha256:" + "b" * 64, "size": 2}
CHILD = {"mediaType": OCI_MANIFEST, "digest": "sha256:" + "c" * 64, "size": 3}


def parsed(media_type: str = OCI_MANIFEST, **members: t.Any) -> Manifest:
    own = {"manifests": [CHILD]} if media_type in INDEXES else {"config": CONFIG, "layers": [LAYER]}
    return Manifest.parse(as_json({"schemaVersion": 2, **own, **members}), media_type, WHERE)


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
@pytest.mark.parametrize("states_it", [True, False])
def test_the_media_type_is_that_of_the_descriptor(media_type: str, states_it: bool) -> None:
    manifest = parsed(media_type, **({"mediaType": media_type} if states_it else {}))
    assert manifest.media_type == media_type
    assert manifest.is_index is (media_type in INDEXES)
    assert [descriptor.size for descriptor in (*manifest.blobs, *manifest.images)] == (
        [3] if manifest.is_index else [1, 2]
    )


def test_there_can_be_no_layers_and_empty_layers() -> None:
    assert [blob.size for blob in parsed(layers=[]).blobs] == [1]
    assert [blob.size for blob in parsed(layers=[{**LAYER, "size": 0}]).blobs] == [1, 0]


@pytest.mark.parametrize(
    ("members", "rule"),
    [
        ({"schemaVersion": 1}, "schemaVersion must be 2"),
        ({"schemaVersion": None}, "schemaVersion is missing"),
        ({"mediaType": DOCKER_MANIFEST}, f"mediaType '{DOCKER_MANIFEST}' contradicts its descriptor, which states"),
        ({"mediaType": DOCKER_INDEX}, f"mediaType '{DOCKER_INDEX}' contradicts its descriptor, which states"),
        ({"manifests": []}, f"manifests contradicts the media type {OCI_MANIFEST}"),
        ({"artifactType": "a/b;v=1"}, "artifactType 'a/b;v=1' must be a media type without parameters"),
        ({"config": None}, "config is missing"),
        ({"config": {**CONFIG, "mediaType": "a/b;c=d"}}, "config mediaType 'a/b;c=d' must be a media type without"),
        ({"config": {**CONFIG, "digest": "sha256:../../x"}}, "config digest 'sha256:../../x' must be sha256: and 64"),
        ({"config": {**CONFIG, "digest": "sha512:" + "0" * 128}}, "config digest 'sha512:"),
        ({"config": {**CONFIG, "size": -1}}, "config size -1 must not be negative"),
        ({"config": {**CONFIG, "size": True}}, "config size must be a whole number"),
        ({"layers": [LAYER] * (MAX_LAYERS + 1)}, "layers has 10001 entries; the limit is 10000"),
        ({"layers": [LAYER, {**LAYER, "size": 3}]}, f"states two different sizes for blob {LAYER['digest']}"),
    ],
)
def test_a_manifest_that_breaks_a_rule_is_refused(members: dict[str, t.Any], rule: str) -> None:
    with pytest.raises(InvalidInputError, match=re.escape(f"{WHERE} {rule}")):
        parsed(**members)


@pytest.mark.parametrize(
    ("members", "rule"),
    [
        ({"layers": []}, f"layers contradicts the media type {OCI_INDEX}"),
        ({"config": {}}, f"config contradicts the media type {OCI_INDEX}"),
        ({"manifests": []}, "manifests lists no images"),
        ({"manifests": [CHILD] * 1001}, "manifests has 1001 entries; the limit is 1000"),
    ],
)
def test_an_index_that_breaks_a_rule_is_refused(members: dict[str, t.Any], rule: str) -> None:
    with pytest.raises(InvalidInputError, match=re.escape(f"{WHERE} {rule}")):
        parsed(OCI_INDEX, **members)


@pytest.mark.parametrize(
    ("members", "rule"),
    [
        ({"mediaType": OCI_INDEX}, f"manifests[1] {CHILD['digest']} is an index too"),
        ({"mediaType": "a/b"}, f"manifests[1] {CHILD['digest']} has the media type 'a/b', which is not that of an"),
        ({"mediaType": None}, "manifests[1] mediaType is missing"),
        ({"digest": "sha512:" + "0" * 128}, "manifests[1] digest 'sha512:"),
        ({"platform": {"os": 1}}, "manifests[1] platform os must be a string"),
    ],
)
def test_an_entry_that_breaks_a_rule_is_refused_when_it_is_used(members: dict[str, t.Any], rule: str) -> None:
    index = parsed(OCI_INDEX, manifests=[CHILD, {**CHILD, **members}])
    first, second = index.entries
    assert index.with_entries([first]).images == (first.descriptor,)
    with pytest.raises(InvalidInputError, match=re.escape(f"{WHERE} {rule}")):
        assert index.images
    with pytest.raises(InvalidInputError, match=re.escape(f"{WHERE} {rule}")):
        image_descriptor(second)


def test_a_build_cache_is_no_image() -> None:
    cache = {**CHILD, "mediaType": "application/vnd.buildkit.cacheconfig.v0"}
    with pytest.raises(InvalidInputError, match="is a build cache that BuildKit exported, not an image") as error:
        parsed(OCI_INDEX, manifests=[CHILD, cache])
    assert "docker buildx build --output type=oci" in str(error.value.remedy)


def test_another_media_type_is_no_image() -> None:
    with pytest.raises(InvalidInputError, match="has the media type 'text/plain', which is not that of an") as error:
        parsed("text/plain")
    assert str(error.value.remedy).startswith(f"Images have one of these media types: {OCI_MANIFEST}, ")


def test_an_index_is_reduced() -> None:
    other = {**CHILD, "digest": "sha256:" + "d" * 64, "platform": {"os": "ä"}}
    index = parsed(OCI_INDEX, manifests=[CHILD, other], annotations={"kept": "yes"})
    first, second = index.entries
    assert index.with_entries([second, first]) is index
    reduced = index.with_entries([second])
    assert reduced.images == (second.descriptor,)
    assert json.loads(reduced.content) == {"schemaVersion": 2, "manifests": [other], "annotations": {"kept": "yes"}}
    assert reduced.digest == index.with_entries({second}).digest != index.digest
