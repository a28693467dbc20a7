# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Words that several messages need."""

from __future__ import annotations

import os

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.text import listed, reason


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
