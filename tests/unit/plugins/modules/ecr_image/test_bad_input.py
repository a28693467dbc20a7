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
        ({"tags": ["-latest"]}, "'-latest' begins with '-'"),
        ({"tags": ["a:b"]}, "'a:b' is a tag with a name: give the tag alone"),
        ({"platforms": ["linux"]}, "'linux' must be os/architecture"),
        ({"tags": [1.10]}, "tags 1.1 is a number with a fraction, because it has no quotation marks"),
        ({"tags": ["1.0", 2.0]}, "tags 2.0 is a number"),
        ({"tags": 1.10}, "YAML reads 1.10 as 1.1. Nothing was sent. To use it as text, quote it"),
        ({"tags": [True]}, "tags True is a boolean"),
        ({"image": 1.10}, "image 1.1 is a number"),
        ({"parallel": 0}, "parallel 0 must be 1 to 32"),
        ({"parallel": 33}, "parallel 33"),
        ({"part_size": 1}, "part_size 1 must be"),
        ({"image": "absent"}, "'absent'"),
        ({"tags": [str(number) for number in range(1001)]}, "1001 tags. Amazon ECR accepts at most 1000"),
    ],
)
def test_bad_input(bench: ImageBench, options: dict[str, t.Any], words: str) -> None:
    bench.layout.finish(bench.layout.image(b"layer"))
    failed = bench.fails(**options)
    assert words in failed.msg
    assert "Nothing was sent" in failed.msg
    assert bench.calls() == []


@pytest.mark.parametrize("tags", [[1, 20261126], 1, ["1.10", "2"], "1.10,2", "1.10"])
def test_tags_that_cannot_be_misread(bench: ImageBench, tags: t.Any) -> None:
    bench.layout.finish(bench.layout.image(b"layer"))
    bench.run(tags=tags)
    assert set(bench.tags()) == set(str(tags).strip("[]").replace(" ", "").replace("'", "").split(","))


@pytest.mark.parametrize("check", [True, False])
def test_image_of_more_layers_than_amazon_ecr_accepts(bench: ImageBench, check: bool) -> None:
    bench.layout.finish(bench.layout.image(*(b"layer %d" % number for number in range(501))))
    failed = bench.fails(check, tags=["1"])
    assert "lists 501 layers. Amazon ECR accepts at most 500 layers in an image. Nothing was sent" in failed.msg
    assert bench.calls() == []


def test_image_of_as_many_layers_as_amazon_ecr_accepts(bench: ImageBench) -> None:
    bench.layout.finish(bench.layout.image(*(b"layer %d" % (number % 2) for number in range(500))))
    assert bench.run(tags=["1"])["changed"]
    assert not bench.run(tags=["1"])["changed"]
