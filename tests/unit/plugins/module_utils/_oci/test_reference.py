# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The choice of one image by name, tag or digest."""

from __future__ import annotations

import re

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._ecr.validation import InvalidInputError
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.platform import Platform
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.reference import NamedImage, choose, full_name

A, B, C = ("sha256:" + digit * 64 for digit in "abc")
ALPINE = NamedImage(A, ("docker.io/library/alpine:3", "3"))
APP = NamedImage(B, ("example.org:5000/team/app:1.0", "latest"))
IMAGES = [ALPINE, APP, NamedImage(C, ())]


@pytest.mark.parametrize(
    ("image", "digest"),
    [
        ("docker.io/library/alpine:3", A),
        ("alpine:3", A),
        ("library/alpine:3", A),
        ("docker.io/alpine:3", A),
        ("3", A),
        (A, A),
        ("a" * 64, A),
        ("a" * 12, A),
        ("example.org:5000/team/app:1.0", B),
        ("1.0", B),
        ("latest", B),
        (C, C),
    ],
)
def test_an_image_is_found(image: str, digest: str) -> None:
    assert choose(IMAGES, image, "src 'x'").digest == digest


@pytest.mark.parametrize(
    "image",
    ["alpine", "alpine:4", "app:1.0", "a" * 11, "sha256:" + "d" * 64, "", "team/app:1.0", "5000/team/app:1.0", "no"],
)
def test_what_is_not_there_is_not_guessed(image: str) -> None:
    with pytest.raises(InvalidInputError, match=re.escape(f"src 'x' does not hold the image {image!r}, but ")) as error:
        choose(IMAGES, image, "src 'x'")
    for listed in (A, B, C, "'docker.io/library/alpine:3', '3'", "without a name", "nothing was sent"):
        assert listed in error.value.message


def test_the_only_image_needs_no_choice() -> None:
    assert choose([ALPINE], None, "src 'x'") == ALPINE


def test_entries_of_one_digest_are_one_image() -> None:
    assert choose([ALPINE, NamedImage(A, ("alpine:latest",))], None, "src 'x'").names == (
        *ALPINE.names,
        "alpine:latest",
    )
    assert choose([*IMAGES, NamedImage(A, ("4",))], "4", "src 'x'").digest == A


def test_several_are_listed() -> None:
    with pytest.raises(InvalidInputError) as error:
        choose([ALPINE, NamedImage(B, (), Platform("linux", "arm64", "v8"))], None, "src 'x'")
    assert error.value.message == (
        "src 'x' holds 2 images, nothing was sent: choose one with image: "
        f"'docker.io/library/alpine:3', '3' ({A}); without a name ({B}, linux/arm64/v8)"
    )


def test_a_tag_of_several_is_no_choice() -> None:
    with pytest.raises(InvalidInputError, match=r"holds 2 images of the name '1[.]0'"):
        choose([APP, NamedImage(A, ("other:1.0",)), NamedImage(C, ("2.0",))], "1.0", "src 'x'")


def test_a_name_goes_before_a_tag() -> None:
    assert choose([NamedImage(A, ("app:1.0",)), NamedImage(B, ("1.0",))], "1.0", "src 'x'").digest == B


def test_no_image_is_none() -> None:
    for image in (None, "1.0"):
        with pytest.raises(InvalidInputError, match=r"^src 'x' holds no image, nothing was sent$"):
            choose([], image, "src 'x'")


def test_the_list_is_bounded() -> None:
    many = [NamedImage(f"sha256:{number:064}", ("n" * 10_000,) * 100) for number in range(1000)]
    with pytest.raises(InvalidInputError, match=r"; and 990 more$") as error:
        choose(many, None, "src 'x'")
    assert len(error.value.message) < 25_000


@pytest.mark.parametrize(
    ("name", "full"),
    [
        # The examples of https://github.com/distribution/reference.
        ("redis", "docker.io/library/redis:latest"),
        ("dmcgowan/myapp", "docker.io/dmcgowan/myapp:latest"),
        ("docker.io/dmcgowan/myapp:1", "docker.io/dmcgowan/myapp:1"),
        ("localhost/myapp", "localhost/myapp:latest"),
        ("localhost:5000/a/b:1", "localhost:5000/a/b:1"),
        ("localhost:5000/b", "localhost:5000/b:latest"),
        ("example.com/b:1", "example.com/b:1"),
    ],
)
def test_short_names_are_dockers(name: str, full: str) -> None:
    assert full_name(name) == full
