# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The places that `make mutants` breaks are still there."""

from __future__ import annotations

import functools

import pytest
from ansible_collections.layerkit.ecr.tests.mutants.places import PLACES, ROOT, Place


@functools.cache
def content(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def test_each_place_is_there_once() -> None:
    assert len(PLACES) > 200
    for place in PLACES:
        assert place.broken(content(place.path)) != content(place.path)


def test_no_place_is_there_twice() -> None:
    assert len({(place.file, place.text, place.replacement) for place in PLACES}) == len(PLACES)


def test_the_tests_of_each_place_are_there() -> None:
    assert [path for place in PLACES for path in place.test_paths if not (ROOT / path).is_file()] == []


def test_a_place_that_is_gone_is_reported() -> None:
    place = Place("_core/digest.py", "what nobody wrote", "", ())
    with pytest.raises(ValueError, match=r"digest\.py has this 0 times, not once: 'what nobody wrote'"):
        place.broken(content(place.path))
