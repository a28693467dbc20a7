# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options with invalid values."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.layerkit.ecr.tests.unit.support.image_bench import ImageBench


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tags": ["a" * 129]}, "tags 'aaa"),
        ({"tags": ["-latest"]}, "'-latest' is not a tag"),
        ({"tags": ["a:b"]}, "'a:b' must be a tag alone"),
        ({"platforms": ["linux"]}, "'linux' must be os/architecture"),
        ({"parallel": 0}, "parallel 0 must be 1 to 32"),
        ({"parallel": 33}, "parallel 33"),
        ({"part_size": 1}, "part_size 1 must be"),
        ({"image": "absent"}, "'absent'"),
    ],
)
def test_bad_input(bench: ImageBench, options: dict[str, t.Any], words: str) -> None:
    bench.layout.finish(bench.layout.image(b"layer"))
    failed = bench.fails(**options)
    assert words in failed.msg
    assert "Nothing was sent" in failed.msg
    assert bench.calls() == []
