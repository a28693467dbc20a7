# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Words that several messages need."""

from __future__ import annotations

import os

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.text import (
    MAX_SHOWN,
    MIB,
    counted,
    listed,
    printable,
    quoted,
    reason,
    scaled,
    shortened,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b", "c"], "a, b, c"),
        (["a", "b", "c", "d"], "a, b, c, and 1 more"),
        (list("abcdefg"), "a, b, c, and 4 more"),
    ],
)
def test_a_list_is_cut(names: list[str], text: str) -> None:
    assert listed(names) == text


def test_the_length_and_the_separator_can_be_given() -> None:
    assert listed(["a", "b", "c"], 1, "; ") == "a; and 2 more"
    assert listed(["a", "b"], 2, "; ") == "a; b"


def test_the_reason_is_that_of_the_operating_system() -> None:
    with pytest.raises(FileNotFoundError) as missing:
        os.stat("/no/such/file")  # noqa: PTH116
    assert reason(missing.value) == "No such file or directory"
    assert reason(OSError("words")) == "words"
    assert reason(ValueError("embedded null byte")) == "embedded null byte"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("linux/arm64", "linux/arm64"),
        ("größer ⟶ 東京", "größer ⟶ 東京"),
        ("\x1b[2J\x07", r"\x1b[2J\x07"),
        ("a\r\nb\tc\u2028d\x85e", r"a\r\nb\tc\u2028d\x85e"),
        ("\u202egnp.exe\u2069", r"\u202egnp.exe\u2069"),
        ("\udc80\0", r"\udc80\x00"),
    ],
)
def test_what_a_terminal_would_obey_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize("letter", ["a", "\n", "\U000e0001"])
def test_what_is_too_long_is_cut_and_its_length_named(letter: str) -> None:
    shown, ellipsis, count = printable(letter * 2_000_000).partition("…")
    assert ellipsis
    assert MAX_SHOWN - 10 < len(shown) <= MAX_SHOWN
    assert count == " (2000000 characters)"


@given(st.text(st.characters(exclude_categories=()), max_size=300), st.integers(0, 300))
def test_any_text_becomes_one_line_that_can_be_written(text: str, limit: int) -> None:
    shown = printable(text, limit)
    assert shown.isprintable()
    shown.encode()
    assert len(shown) <= limit + len(f"… ({len(text)} characters)")
    assert ("characters)" in shown) or printable(shown, 4000) == shown


def test_quoted_values_are_those_of_python() -> None:
    assert quoted("it's\n") == '"it\'s\\n"'
    assert quoted({"a": None}) == "{'a': None}"


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (10 * 1024, "10 KiB"),
        (MIB * 3 // 2, "1.5 MiB"),
        (48 * MIB, "48 MiB"),
        (5 * 1024 * MIB, "5.0 GiB"),
    ],
)
def test_sizes_are_scaled(size: int, words: str) -> None:
    assert scaled(size) == words


@pytest.mark.parametrize(
    ("digest", "words"),
    [("sha256:" + "0123456789abcdef" * 4, "sha256:0123456789ab…"), ("sha256:1", "sha256:1"), ("latest", "latest")],
)
def test_digests_are_shortened(digest: str, words: str) -> None:
    assert shortened(digest) == words


@pytest.mark.parametrize(("count", "words"), [(0, "no layers"), (1, "1 layer"), (2, "2 layers")])
def test_nouns_have_their_plural(count: int, words: str) -> None:
    assert counted(count, "layer") == words
