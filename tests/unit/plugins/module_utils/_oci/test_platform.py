# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Platforms, and the choice among them."""

from __future__ import annotations

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import InvalidInputError
from ansible_collections.layerkit.ecr.plugins.module_utils._core.json_document import JsonObject
from ansible_collections.layerkit.ecr.plugins.module_utils._oci.platform import Platform

LINUX = {
    name: Platform.parse(f"linux/{name}", "platforms")
    for name in ("amd64", "amd64/v1", "arm64", "arm64/v8", "arm64/8", "arm/v6", "arm/v7")
}


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        ("linux/amd64", Platform("linux", "amd64")),
        ("Linux/ARM64/V8", Platform("linux", "arm64", "v8")),
        ("windows/amd64", Platform("windows", "amd64")),
    ],
)
def test_a_platform_is_read(text: str, platform: Platform) -> None:
    assert Platform.parse(text, "platforms") == platform
    assert str(platform) == text.lower()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        # Those of containerd.
        ("linux/x86_64", "linux/amd64"),
        ("linux/x86-64", "linux/amd64"),
        ("linux/i386", "linux/386"),
        ("linux/aarch64", "linux/arm64"),
        ("linux/aarch64/8", "linux/arm64/v8"),
        ("linux/armhf", "linux/arm/v7"),
        ("linux/armel", "linux/arm/v6"),
        ("linux/arm/7", "linux/arm/v7"),
        ("macos/aarch64", "darwin/arm64"),
        # What ansible_facts.architecture is on other machines.
        ("linux/armv7l", "linux/arm/v7"),
        ("linux/armv6l", "linux/arm/v6"),
        ("linux/armv7", "linux/arm/v7"),
        # A 32-bit system on a 64-bit processor.
        ("linux/armv8l", "linux/arm/v7"),
        ("linux/armv5tel", "linux/arm/v5"),
        ("linux/loongarch64", "linux/loong64"),
        ("linux/mipsel", "linux/mipsle"),
        ("linux/i686", "linux/386"),
        ("Linux/X86_64", "linux/amd64"),
        ("linux/s390x", "linux/s390x"),
        ("linux/ppc64le", "linux/ppc64le"),
    ],
)
def test_other_names_of_a_platform_are_understood(text: str, name: str) -> None:
    assert str(Platform.parse(text, "platforms")) == name
    members = dict(zip(("os", "architecture", "variant"), text.split("/"), strict=False))
    assert str(Platform.from_json(JsonObject(members, "config"))) == name


@pytest.mark.parametrize("text", ["", "amd64", "linux/", "linux/amd64/", "linux/a/b/c", "linux amd64", "linux/amd64\n"])
def test_anything_else_is_refused_under_its_label(text: str) -> None:
    with pytest.raises(InvalidInputError) as error:
        Platform.parse(text, "platforms")
    assert error.value.problem == (
        f"platforms {text!r} must be os/architecture or os/architecture/variant, such as linux/amd64 or linux/arm64/v8"
    )


def test_members_that_are_missing_are_unknown() -> None:
    assert Platform.from_json(JsonObject({}, "config")) == Platform("unknown", "unknown")
    assert Platform.from_json(JsonObject({"os": "linux", "variant": ""}, "config")) == Platform("linux", "unknown")


def test_an_empty_platform_is_unknown() -> None:
    # As in the configurations of cosign.
    found = Platform.from_json(JsonObject({"os": "", "architecture": ""}, "config"))
    assert found == Platform("unknown", "unknown")
    assert not found.is_known


@pytest.mark.parametrize(
    ("wanted", "other", "is_included"),
    [
        ("arm64", "arm64/v8", True),
        ("arm64/v8", "arm64", True),
        ("amd64", "amd64/v1", True),
        ("amd64/v1", "amd64", True),
        ("arm64", "arm64/8", True),
        ("arm/v7", "arm/v6", False),
        ("amd64", "arm64", False),
    ],
)
def test_the_default_variant_can_be_left_out(wanted: str, other: str, is_included: bool) -> None:
    assert LINUX[wanted].includes(LINUX[other]) is is_included


def test_another_system_is_another_platform() -> None:
    assert not Platform("windows", "amd64").includes(LINUX["amd64"])


def test_of_several_variants_the_default_is_meant() -> None:
    arm = Platform("linux", "arm")
    assert arm.narrowed(list(LINUX.values())) == {LINUX["arm/v7"]}
    assert arm.narrowed([LINUX["arm/v6"]]) == {LINUX["arm/v6"]}
    assert arm.narrowed([LINUX["amd64"]]) == set()
