# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Amazon ECR refuses of an image is refused here, by the same bounds."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import InvalidInputError
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.acceptance import check_image, check_tags
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.limits import MAX_LAYER, MAX_PART, MAX_PARTS, MIN_PART
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.descriptor import Descriptor
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.image import Image
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.manifest import DOCKER_MANIFEST, Manifest

CONFIG = Descriptor("application/vnd.docker.container.image.v1+json", "sha256:" + "c" * 64, 100)


def layer_of(size: int, digit: str = "1") -> Descriptor:
    return Descriptor("application/vnd.docker.image.rootfs.diff.tar", "sha256:" + digit * 64, size)


def image_of(*layers: Descriptor, content: bytes = b"{}", foreign: t.Collection[str] = ()) -> Image:
    root = Manifest(content, DOCKER_MANIFEST, blobs=(CONFIG, *layers))
    return Image(t.cast("t.Any", None), root, (), (), frozenset(foreign))


def check(image: Image, part_size: int = MAX_PART) -> None:
    check_image(image, "src 'app.tar'", part_size)


def refused(image: Image, part_size: int = MAX_PART) -> str:
    with pytest.raises(InvalidInputError) as error:
        check(image, part_size)
    assert error.value.problem.startswith("src 'app.tar': ")
    return error.value.problem


@pytest.mark.parametrize("size", [1, MAX_PARTS * MAX_PART])
def test_layer_within_the_bounds_is_accepted(size: int) -> None:
    check(image_of(layer_of(size)))


@pytest.mark.parametrize(
    ("size", "part_size", "words"),
    [
        (0, MAX_PART, "is empty"),
        (MAX_LAYER + 1, MAX_PART, "at most 54525952000 bytes"),
        (MAX_PARTS * MAX_PART + 1, MAX_PART, "at most 4200 parts"),
        (MAX_PARTS * MIN_PART + 1, MIN_PART, "at most 4200 parts"),
    ],
)
def test_layer_beyond_a_bound_is_refused(size: int, part_size: int, words: str) -> None:
    assert words in refused(image_of(layer_of(1), layer_of(size, "2")), part_size)


def test_size_of_a_foreign_layer_does_not_matter() -> None:
    big = layer_of(MAX_LAYER + 1)
    check(image_of(big, foreign=[big.digest]))


def test_empty_foreign_layer_is_refused() -> None:
    empty = layer_of(0)
    assert "is empty" in refused(image_of(empty, foreign=[empty.digest]))


def test_image_without_layers_is_refused() -> None:
    assert "lists no layers" in refused(image_of())


@pytest.mark.parametrize("size", [0, 4 * 2**20 + 1])
def test_manifest_of_a_size_beyond_the_bounds_is_refused(size: int) -> None:
    assert f"is {size} bytes" in refused(image_of(layer_of(1), content=b" " * size))


def test_largest_manifest_is_accepted() -> None:
    content = json.dumps({}).encode().ljust(4 * 2**20)
    check(image_of(layer_of(1), content=content))


@pytest.mark.parametrize("count", [500, 501])
def test_number_of_layers(count: int) -> None:
    # The same layer again counts as another one.
    image = image_of(*[layer_of(1)] * count)
    if count == 500:
        check(image)
    else:
        assert "lists 501 layers. Amazon ECR accepts at most 500 layers" in refused(image)


def test_number_of_tags() -> None:
    tags = [str(number) for number in range(1001)]
    check_tags(tags[:1000])
    with pytest.raises(InvalidInputError, match=r"1001 tags.* at most 1000 tags"):
        check_tags(tags)


def test_largest_layer_has_parts_that_are_large_enough() -> None:
    check(image_of(layer_of(MAX_LAYER)), 2 * MAX_PART)
