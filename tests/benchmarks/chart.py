# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A line chart as SVG, without a library."""

from __future__ import annotations

import math
import typing as t
from dataclasses import dataclass
from xml.sax.saxutils import escape

Points = t.Sequence[tuple[float, float]]

_WIDTH, _HEIGHT = 720, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 190, 40, 60
_COLOURS = ("#0b6e4f", "#c84630", "#2b59c3", "#8f6593", "#b58900", "#555555")


@dataclass(frozen=True)
class Chart:
    """A chart with one line per name; the horizontal axis is logarithmic and labelled at ``ticks``."""

    title: str
    x_label: str
    y_label: str
    ticks: t.Sequence[tuple[float, str]]
    lines: t.Mapping[str, Points]

    def svg(self) -> str:
        """Return the drawing."""
        top = _round_up(max(y for points in self.lines.values() for _x, y in points))
        pieces = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
            f'font-size="13" role="img"><title>{escape(self.title)}</title>',
            f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
            _text(_LEFT, 24, self.title, size=15),
            *self._axes(top),
            *(self._line(number, name, top) for number, name in enumerate(self.lines)),
            "</svg>",
        ]
        return "\n".join(pieces) + "\n"

    def _x(self, value: float) -> float:
        first, last = math.log(self.ticks[0][0]), math.log(self.ticks[-1][0])
        return _LEFT + (math.log(value) - first) / ((last - first) or 1) * (_WIDTH - _LEFT - _RIGHT)

    def _axes(self, top: float) -> t.Iterator[str]:
        for step in range(6):
            value = top * step / 5
            y = _y(value, top)
            yield f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" stroke="#dddddd"/>'
            yield _text(_LEFT - 8, y + 4, f"{value:g}", anchor="end")
        for value, label in self.ticks:
            yield _text(self._x(value), _HEIGHT - _BOTTOM + 20, label, anchor="middle")
        middle = (_LEFT + _WIDTH - _RIGHT) / 2
        yield _text(middle, _HEIGHT - 14, self.x_label, anchor="middle")
        yield f'<g transform="rotate(-90 18 {_HEIGHT / 2})">{_text(18, _HEIGHT / 2, self.y_label, anchor="middle")}</g>'

    def _line(self, number: int, name: str, top: float) -> str:
        colour = _COLOURS[number % len(_COLOURS)]
        places = [(self._x(x), _y(y, top)) for x, y in self.lines[name]]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in places)
        legend = _TOP + 10 + 22 * number
        return (
            f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>{dots}'
            f'<path d="M{_WIDTH - _RIGHT + 14} {legend}h18" stroke="{colour}" stroke-width="3"/>'
            + _text(_WIDTH - _RIGHT + 38, legend + 4, name)
        )


def _y(value: float, top: float) -> float:
    return _HEIGHT - _BOTTOM - value / top * (_HEIGHT - _TOP - _BOTTOM)


def _round_up(value: float) -> float:
    """Return the next higher number that divides into five even steps."""
    magnitude = 10.0 ** math.floor(math.log10(value))
    return next(step * magnitude for step in (1.0, 2.0, 2.5, 5.0, 10.0) if step * magnitude >= value)


def _text(x: float, y: float, text: str, anchor: str = "start", size: int = 13) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="#222222">{escape(text)}</text>'
    )
