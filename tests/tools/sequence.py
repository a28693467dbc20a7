# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Draw the sequences that docs/docsite/images/*.txt describe as SVG files beside them.

A line of the text is ``title WORDS``, ``actors A | B``, ``A -> B: words``, ``A --> B: words`` for an answer,
``group WORDS`` or ``end``.
"""

from __future__ import annotations

import re
import typing as t
from pathlib import Path
from xml.sax.saxutils import escape

IMAGES = Path(__file__).resolve().parents[2] / "docs/docsite/images"
MESSAGE = re.compile(r"(?P<source>.+?) (?P<arrow>-->|->) (?P<target>.+?): (?P<words>.+)")
COLUMN, MARGIN, STEP, TOP = 300, 100, 34, 92
INK, PALE, ACCENT = "#1f2d3d", "#8a97a6", "#0b6e4f"


def text(x: float, y: float, words: str, *, anchor: str = "middle", more: str = "") -> str:
    """Return words at a position."""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="{INK}" {more}>{escape(words)}</text>'


class Drawing:
    """The drawing of one sequence, from top to bottom."""

    def __init__(self) -> None:
        self.title = ""
        self.columns: dict[str, int] = {}
        self.pieces: list[str] = []
        self.groups: list[tuple[int, str]] = []
        self.y = TOP

    def add(self, line: str) -> None:
        """Draw one line of the text."""
        word, _blank, rest = line.partition(" ")
        if message := MESSAGE.fullmatch(line):
            self.message(**message.groupdict())
        elif word == "title":
            self.title = rest
        elif word == "actors":
            self.columns = {name: MARGIN + number * COLUMN for number, name in enumerate(rest.split(" | "))}
        elif word == "group":
            self.y += STEP
            self.groups.append((self.y, rest))
            self.y += 8
        elif line == "end":
            self.end()
        else:
            raise ValueError(f"cannot draw: {line}")

    def message(self, source: str, arrow: str, target: str, words: str) -> None:
        """Draw an arrow and its words."""
        self.y += STEP
        start, end = self.columns[source], self.columns[target]
        answer = arrow == "-->"
        dashes = ' stroke-dasharray="5 4"' if answer else ""
        tip = 7 if end < start else -7
        x = start + (6 if end > start else -6)
        self.pieces += [
            text(x, self.y - 6, words, anchor="start" if end > start else "end"),
            f'<path d="M{start} {self.y}H{end}" stroke="{PALE if answer else ACCENT}" stroke-width="1.5"{dashes}/>',
            f'<path d="M{end} {self.y}l{tip} -4v8z" fill="{PALE if answer else ACCENT}"/>',
        ]

    def end(self) -> None:
        """Draw the frame of the innermost group."""
        self.y += 14
        top, words = self.groups.pop()
        inset = 12 * len(self.groups)
        left, width = 12 + inset, self.width - 24 - 2 * inset
        self.pieces += [
            f'<rect x="{left}" y="{top - 18}" width="{width}" height="{self.y - top + 18}" rx="5" fill="none" '
            f'stroke="{PALE}"/>',
            text(self.width - MARGIN - 12, top - 2, words, anchor="end", more='font-style="italic" font-size="13"'),
        ]

    @property
    def width(self) -> int:
        """The width of the drawing."""
        return max(self.columns.values()) + MARGIN

    def svg(self) -> str:
        """Return the drawing as SVG."""
        bottom = self.y + 24
        lines = (f'<path d="M{x} 66V{bottom}" stroke="{PALE}" stroke-width="1"/>' for x in self.columns.values())
        boxes = (
            f'<rect x="{x - 65}" y="36" width="130" height="30" rx="5" fill="#e8f1ee" stroke="{ACCENT}"/>'
            + text(x, 56, name, more='font-weight="bold"')
            for name, x in self.columns.items()
        )
        height = bottom + 12
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {height}" width="{self.width}" '
            f'height="{height}" font-family="sans-serif" font-size="14" role="img">'
        )
        background = f'<rect width="{self.width}" height="{height}" fill="#ffffff"/>'
        title = text(self.width / 2, 22, self.title, more='font-size="16"')
        return "\n".join(
            [head, f"<title>{escape(self.title)}</title>", background, title, *lines, *boxes, *self.pieces, "</svg>\n"]
        )


def draw(lines: t.Iterable[str]) -> str:
    """Return the SVG of a sequence."""
    drawing = Drawing()
    for line in lines:
        if line.strip() and not line.startswith("#"):
            drawing.add(line.strip())
    return drawing.svg()


if __name__ == "__main__":
    for source in IMAGES.glob("*.txt"):
        source.with_suffix(".svg").write_text(draw(source.read_text(encoding="utf-8").splitlines()), encoding="utf-8")
