"""Plots as SVG that grows with the page: places are shares of its width, so text keeps its size."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from hubkit.pages.markup import Html

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_ROW = 38  # pixels of a row of bars
_SERIES = 4  # colors of series in page.css
# The size of a plot on a usual page, and of text in it, to keep labels apart.
_WIDTH, _HEIGHT, _LETTER, _LINE = 900.0, 320.0, 7.0, 16.0
_MARGIN = 0.06  # of a scatter plot, so that no point lies on its border
_RIGHT = 0.75  # from where on a label is left of its point


class Svg(Html):
    """A plot."""

    __slots__ = ()


class Bar(NamedTuple):
    """A bar with its label.

    Attributes:
        label: The label.
        value: The length.
        text: The value for people.
        href: Where a click leads, such as "#net"; "" for nowhere.
        series: The number of its color.
    """

    label: str
    value: float
    text: str
    href: str = ""
    series: int = 0


class Point(NamedTuple):
    """A point of a scatter plot.

    Attributes:
        label: The label.
        x: The horizontal value, above 0.
        y: The vertical value, above 0.
        x_text: The horizontal value for people.
        y_text: The vertical value for people.
        href: Where a click leads, such as "#net"; "" for nowhere.
        series: The number of its color.
    """

    label: str
    x: float
    y: float
    x_text: str
    y_text: str
    href: str = ""
    series: int = 0


def bar(share: float, series: int = 0) -> Svg:
    """A bar for a cell of a table, beside the number.

    Args:
        share: Its length, from 0 to 1.
        series: The number of its color.
    """
    return stack([(share, _color(series))])


def stack(parts: Iterable[tuple[float, str]]) -> Svg:
    """A bar of several colors for a cell of a table, beside the numbers.

    Args:
        parts: The share of each, from 0 to 1, and its color: s0 to s3, good, bad, warn or plain.
    """
    rects, start = [], 0.0
    for share, kind in parts:
        if share > 0:
            at = f' x="{_share(start)}"' if start else ""
            color = f' class="{kind}"' if kind != "s0" else ""
            rects.append(f'<rect{color}{at} width="{_share(share)}"/>')
        start += share
    return Svg(f'<svg class="bar">{"".join(rects)}</svg>')


def bars(rows: Sequence[Bar], title: str) -> Svg:
    """Horizontal bars, each below its label.

    Args:
        rows: The bars, from top to bottom.
        title: What the plot shows, for those who cannot see it.
    """
    most = max((row.value for row in rows), default=0) or 1
    parts = [part for at, row in enumerate(rows) for part in _bar_parts(row, at * _ROW, most)]
    return _plot("bars", title, parts, height=_ROW * len(rows))


def _bar_parts(row: Bar, top: int, most: float) -> Iterator[str]:
    yield _link(
        row.href,
        f'<text y="{top + 14}">{escape(row.label)}</text>'
        f'<text class="value" x="100%" y="{top + 14}">{escape(row.text)}</text>'
        f'<rect class="track" y="{top + 20}"/>'
        f'<rect class="{_color(row.series)}" y="{top + 20}" width="{_share(row.value / most)}"/>',
    )


def scatter(points: Sequence[Point], x: str, y: str) -> Svg:
    """Points on two logarithmic axes.

    Args:
        points: The points. Those whose values are not above 0 are not shown.
        x: The name of the horizontal axis.
        y: The name of the vertical axis.
    """
    shown = [one for one in points if one.x > 0 and one.y > 0]
    across = _Axis([(one.x, one.x_text) for one in shown])
    up = _Axis([(one.y, one.y_text) for one in shown])
    places = [(one, across.place(one.x), 1 - up.place(one.y)) for one in shown]
    parts = [
        *(f'<line class="grid" x1="{_share(at)}" x2="{_share(at)}" y1="0" y2="100%"/>'
          f'<text class="tick" x="{_share(at)}" y="100%" dy="18" text-anchor="middle">{text}</text>'
          for at, text in across.ticks()),
        *(f'<line class="grid" x1="0" x2="100%" y1="{_share(1 - at)}" y2="{_share(1 - at)}"/>'
          f'<text class="tick" x="-8" y="{_share(1 - at)}" dy="4" text-anchor="end">{text}</text>'
          for at, text in up.ticks()),
        f'<text class="axis" x="100%" y="100%" dy="38" text-anchor="end">{escape(x)}</text>',
        f'<text class="axis" x="0" y="0" dy="-10">{escape(y)}</text>',
        *map(_dot, places),
        *_labels(places),
    ]  # fmt: skip
    return _plot("scatter", f"{y} by {x}", parts)


class _Axis:
    """A logarithmic axis, labeled with the texts of its smallest and largest value."""

    def __init__(self, values: Iterable[tuple[float, str]]) -> None:
        ordered = sorted(values)
        self._ends = dict([*ordered[:1], *ordered[-1:]])
        self._low = math.log(ordered[0][0]) if ordered else 0.0
        self._span = (math.log(ordered[-1][0]) if ordered else 0.0) - self._low

    def place(self, value: float) -> float:
        """The place of a value, from 0 to 1."""
        if not self._span:
            return 0.5
        return _MARGIN + (1 - 2 * _MARGIN) * (math.log(value) - self._low) / self._span

    def ticks(self) -> Iterator[tuple[float, str]]:
        """Places and texts of the ends."""
        for value, text in self._ends.items():
            yield self.place(value), escape(text)


def _dot(place: tuple[Point, float, float]) -> str:
    point, x, y = place
    about = f"{point.label}: {point.x_text}, {point.y_text}"
    return _link(
        point.href,
        f'<circle class="{_color(point.series)}" cx="{_share(x)}" cy="{_share(y)}" r="6">'
        f"<title>{escape(about)}</title></circle>",
    )


def _labels(places: Sequence[tuple[Point, float, float]]) -> Iterator[str]:
    """Labels beside their points, as many as fit."""
    taken = [
        (x * _WIDTH - 6, y * _HEIGHT - 6, x * _WIDTH + 6, y * _HEIGHT + 6) for _, x, y in places
    ]
    for point, x, y in places:
        is_left = x > _RIGHT
        width = len(point.label) * _LETTER
        start = x * _WIDTH + (-10 - width if is_left else 10)
        box = (start, y * _HEIGHT - _LINE / 2, start + width, y * _HEIGHT + _LINE / 2)
        if box[0] >= 0 and box[2] <= _WIDTH and not any(_overlap(box, other) for other in taken):
            taken.append(box)
            yield (
                f'<text class="label" x="{_share(x)}" y="{_share(y)}" dx="{-10 if is_left else 10}" '
                f'dy="4" text-anchor="{"end" if is_left else "start"}">{escape(point.label)}</text>'
            )


_Box = tuple[float, float, float, float]


def _overlap(one: _Box, other: _Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _plot(kind: str, title: str, parts: Iterable[str], height: int | None = None) -> Svg:
    size = "" if height is None else f' height="{height}"'
    return Svg(
        f'<svg class="{kind}" role="group" aria-label="{escape(title)}" width="100%"{size}>'
        f"{''.join(parts)}</svg>"
    )


def _share(value: float) -> str:
    return f"{round(100 * min(max(value, 0), 1), 1):g}%"


def _color(series: int) -> str:
    return f"s{series % _SERIES}"


def _link(href: str, content: str) -> str:
    return f'<a href="{escape(href)}">{content}</a>' if href else content
