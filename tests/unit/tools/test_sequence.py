# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from ansible_collections.layerkit.ecr.tests.tools.sequence import IMAGES, draw


@pytest.mark.parametrize("source", sorted(IMAGES.glob("*.txt")), ids=lambda path: path.stem)
def test_drawings_are_those_of_their_texts(source: Path) -> None:
    drawn = draw(source.read_text(encoding="utf-8").splitlines())
    assert source.with_suffix(".svg").read_text(encoding="utf-8") == drawn, "run python tests/tools/sequence.py"


def test_every_message_is_drawn() -> None:
    svg = draw(["title A & B", "actors A | B", "group Once", "A -> B: ask <it>", "B --> A: answer", "end"])
    words = [element.text for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
    assert sorted(filter(None, words)) == sorted(["A & B", "A", "B", "Once", "ask <it>", "answer"])


def test_a_line_that_cannot_be_drawn_is_an_error() -> None:
    with pytest.raises(ValueError, match="cannot draw: A B"):
        draw(["actors A | B", "A B"])
