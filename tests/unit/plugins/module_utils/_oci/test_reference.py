# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tags, digests and names, and the choice of one image by them."""

from __future__ import annotations

import re

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import InvalidInputError
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.platform import Platform
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.reference import (
    AmbiguousImageError,
    NamedImage,
    NoSuchImageError,
    checked_digests,
    checked_tags,
    choose,
    full_name,
)

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
    with pytest.raises(NoSuchImageError, match=re.escape(f"src 'x' does not contain image {image!r}") + "$") as error:
        choose(IMAGES, image, "src 'x'")
    assert error.value.remedy == (
        f"It contains: 'docker.io/library/alpine:3', '3' ({A}); 'example.org:5000/team/app:1.0', 'latest' ({B}); {C}"
    )


def test_the_only_image_needs_no_choice() -> None:
    assert choose([ALPINE], None, "src 'x'") == ALPINE


def test_entries_of_one_digest_are_one_image() -> None:
    assert choose([ALPINE, NamedImage(A, ("alpine:latest",))], None, "src 'x'").names == (
        *ALPINE.names,
        "alpine:latest",
    )
    assert choose([*IMAGES, NamedImage(A, ("4",))], "4", "src 'x'").digest == A


def test_several_are_listed() -> None:
    with pytest.raises(AmbiguousImageError) as error:
        choose([ALPINE, NamedImage(B, (), Platform("linux", "arm64", "v8"))], None, "src 'x'")
    assert error.value.problem == "src 'x' contains 2 images"
    assert error.value.remedy == (f"Choose one of these: 'docker.io/library/alpine:3', '3' ({A}); {B} (linux/arm64/v8)")


def test_a_platform_does_not_choose_among_images_of_different_names() -> None:
    amd64, arm64 = Platform("linux", "amd64"), Platform("linux", "arm64")
    images = [NamedImage(A, ("app:1.0",), amd64), NamedImage(B, ("other:1.0",), arm64)]
    with pytest.raises(AmbiguousImageError, match="contains 2 images"):
        choose(images, None, "src 'x'", [amd64])
    same = [NamedImage(A, ("app:1.0",), amd64), NamedImage(B, ("app:1.0",), arm64)]
    assert choose(same, None, "src 'x'", [amd64]).digest == A


def test_a_tag_of_several_is_no_choice() -> None:
    with pytest.raises(AmbiguousImageError, match=r"contains 2 images named '1[.]0'"):
        choose([APP, NamedImage(A, ("other:1.0",)), NamedImage(C, ("2.0",))], "1.0", "src 'x'")


def test_a_name_goes_before_a_tag() -> None:
    assert choose([NamedImage(A, ("app:1.0",)), NamedImage(B, ("1.0",))], "1.0", "src 'x'").digest == B


def test_no_image_is_none() -> None:
    for image in (None, "1.0"):
        with pytest.raises(NoSuchImageError, match=r"^src 'x' does not contain an image$") as error:
            choose([], image, "src 'x'")
        assert error.value.remedy is None


def test_the_list_is_bounded() -> None:
    many = [NamedImage(f"sha256:{number:064}", ("n" * 10_000,) * 100) for number in range(1000)]
    with pytest.raises(AmbiguousImageError) as error:
        choose(many, None, "src 'x'")
    remedy = str(error.value.remedy)
    assert remedy.endswith("; and 990 more")
    assert len(remedy) < 25_000


@pytest.mark.parametrize(
    ("name", "full"),
    [
        # The examples of https://github.com/distribution/reference.
        ("redis", "docker.io/library/redis:latest"),
        ("dmcgowan/myapp", "docker.io/dmcgowan/myapp:latest"),
        ("index.docker.io/library/redis:7", "docker.io/library/redis:7"),
        ("index.docker.io/redis", "docker.io/library/redis:latest"),
        ("docker.io/dmcgowan/myapp:1", "docker.io/dmcgowan/myapp:1"),
        ("localhost/myapp", "localhost/myapp:latest"),
        ("localhost:5000/a/b:1", "localhost:5000/a/b:1"),
        ("localhost:5000/b", "localhost:5000/b:latest"),
        ("example.com/b:1", "example.com/b:1"),
    ],
)
def test_short_names_are_dockers(name: str, full: str) -> None:
    assert full_name(name) == full


def test_tags_are_returned_without_duplicates() -> None:
    tags = ["1.4.3", "latest", "_a-B.9", "x" * 128, "1.4.3"]
    assert checked_tags(iter(tags), "tags") == tags[:-1]


@pytest.mark.parametrize(
    ("tag", "fault"),
    [
        ("", "is empty"),
        (" 1.0", "has a blank"),
        ("1.0\n", "has a line break"),
        ("app:1.0", "is a tag with a name: give the tag alone"),
        ("team/app", "has '/'"),
        (A, "is a digest, not a tag"),
        ("x" * 129, "has 129 characters, at most 128 are possible"),
        (".1", "begins with '.'"),
        ("-1", "begins with '-'"),
        ("1+2", "has '+'"),
        ("ä", "has 'ä'"),
    ],
)
def test_anything_else_is_no_tag(tag: str, fault: str) -> None:
    with pytest.raises(InvalidInputError) as error:
        checked_tags(["1.0", tag], "tags")
    assert error.value.problem == f"tags {tag!r} {fault}"
    assert error.value.remedy
    if not set("@:+") & set(tag):
        assert error.value.remedy == (
            "A tag is 1 to 128 letters, digits, underscores, periods and hyphens, and does not begin with a period or "
            "a hyphen"
        )


def test_digests_are_returned_without_duplicates() -> None:
    assert checked_digests(iter([A, B, A]), "digests") == [A, B]


@pytest.mark.parametrize(
    ("digest", "fault"),
    [
        ("", "is empty"),
        ("a" * 64, "lacks sha256:"),
        ("sha256:" + "a" * 63, "has 63 digits after sha256:"),
        (A.upper(), "has upper-case letters"),
        (f"{A}\n", "has a line break"),
        ("sha512:" + "a" * 128, "names the algorithm sha512"),
    ],
)
def test_anything_else_is_no_digest(digest: str, fault: str) -> None:
    with pytest.raises(InvalidInputError) as error:
        checked_digests([A, digest], "digests")
    assert error.value.problem == (
        f"digests {digest!r} must be sha256: and 64 lower-case hexadecimal digits, but {fault}"
    )
