# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JSON that another program wrote."""

from __future__ import annotations

import pytest
from ansible_collections.layerkit.ecr.plugins.module_utils._core.errors import InvalidInputError
from ansible_collections.layerkit.ecr.plugins.module_utils._core.json_document import JsonObject, parse_json

WHERE = "src 'x': index.json"


def parsed(text: str) -> JsonObject:
    return JsonObject.parse(text.encode(), WHERE)


def test_members_are_returned_by_kind() -> None:
    document = parsed('{"a": "text", "b": 7, "c": [{"d": 1}, {}], "e": {"f": ["x"]}, "g": null}')
    assert document.get("a", str) == "text"
    assert document.get("b", int) == 7
    assert [entry.members for entry in document.objects("c", 2)] == [{"d": 1}, {}]
    assert document.object("e").strings("f") == ["x"]
    assert document.get("g", str, "default") == "default"
    assert document.objects("absent", 2) == []
    assert document.strings("absent") == []


@pytest.mark.parametrize(
    ("member", "kind", "rule"),
    [
        ('"a": 1', str, "a must be a string"),
        ('"a": "1"', int, "a must be a whole number"),
        ('"a": true', int, "a must be a whole number"),
        ('"a": 1.0', int, "a must be a whole number"),
        ('"a": {}', list, "a must be a list"),
        ('"a": []', dict, "a must be an object"),
        ('"a": null', str, "a is missing"),
        ('"b": 1', str, "a is missing"),
    ],
)
def test_what_is_of_another_kind_is_named(member: str, kind: type[str], rule: str) -> None:
    with pytest.raises(InvalidInputError) as error:
        parsed(f"{{{member}}}").get("a", kind)
    assert error.value.problem == f"{WHERE} {rule}"


def test_the_place_is_named() -> None:
    entry = parsed('{"a": [{}, {"b": {}}]}').objects("a", 2)[1]
    assert entry.object("b").where == f"{WHERE} a[1] b"
    assert JsonObject.parse_list(b"[{}, {}]", WHERE, 2)[1].where == f"{WHERE}[1]"


def test_lists_are_bounded() -> None:
    with pytest.raises(InvalidInputError, match=r"index[.]json a has 3 entries; the limit is 2"):
        parsed('{"a": [{}, {}, {}]}').objects("a", 2)
    with pytest.raises(InvalidInputError, match=r"index[.]json has 3 entries; the limit is 2"):
        JsonObject.parse_list(b"[{}, {}, {}]", WHERE, 2)


def test_depth_is_bounded() -> None:
    assert parse_json(b"[" * 64 + b"]" * 64, WHERE)
    with pytest.raises(InvalidInputError, match="nested too deeply; the limit is 64 levels"):
        parse_json(b"[" * 65 + b"]" * 65, WHERE)


def test_the_number_of_values_is_bounded() -> None:
    assert len(parse_json(b"[" + b"0," * 299_998 + b"0]", WHERE)) == 299_999
    with pytest.raises(InvalidInputError, match="has too many values; the limit is 300000"):
        parse_json(b"[" + b"0," * 300_000 + b"0]", WHERE)


def test_numbers_are_bounded() -> None:
    assert parse_json(b"18446744073709551615", WHERE) == 2**64 - 1
    with pytest.raises(InvalidInputError, match="a number has 21 digits; the limit is 20"):
        parse_json(b"1" * 21, WHERE)


@pytest.mark.parametrize(
    "text", ['{"a": 1, "a": 1}', '{"b": [{"a": 1, "a": 2}]}', "NaN", "1e999", "{", "", "\ufeff{}", "'a'"]
)
def test_what_is_not_strictly_json_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match=r"index[.]json is not valid JSON: "):
        parse_json(text.encode(), WHERE)


@pytest.mark.parametrize("text", [r'"\ud800"', r'{"a": ["\uDFFF"]}', r'{"\ud83d": 1}'])
def test_half_of_a_surrogate_pair_is_no_character(text: str) -> None:
    with pytest.raises(InvalidInputError, match=r"index[.]json is not valid JSON: .*surrogates not allowed"):
        parse_json(text.encode(), WHERE)


def test_a_surrogate_pair_is_a_character() -> None:
    assert parse_json(rb'"\ud83d\ude00"', WHERE) == "\U0001f600"
