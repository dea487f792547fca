"""Scores drawn against the values of one parameter, as SVG."""

from collections.abc import Sequence
from typing import NamedTuple
from xml.etree.ElementTree import Element

from ..kit.texts import cut, many
from .elements import element

LEFT, WIDE, HIGH, TOP = 72, 560, 200, 16
"""Pixels: what scores are written in, and what is drawn in."""

BELOW = 24
"""Pixels below that, where points without a score are."""

NAMED, SIGNS = 12, 12
"""How many values are named at most, and with how many signs."""


class Dot(NamedTuple):
    """A point.

    Attributes
    ----------
    place : int
        Of its value among those of the parameter, from 0.
    score : float or None
    words : str
        What is said of it.
    """

    place: int
    score: float | None
    words: str


def scatter(
    name: str, values: Sequence[str], score: str, dots: Sequence[Dot], best: Dot | None
) -> Element:
    """Return points by value and score; of those at one place the first says what it is.

    Parameters
    ----------
    name : str
        Of the parameter.
    values : sequence of str
        Its values, from left to right.
    score : str
        What the score is called.
    dots : sequence of Dot
    best : Dot, optional
        Is drawn larger.
    """
    scores = [dot.score for dot in dots if dot.score is not None]
    low, high = (min(scores), max(scores)) if scores else (0.0, 1.0)
    space = (high - low) or 1.0
    step = WIDE / len(values)
    seen: dict[tuple[int, int | None], Dot] = {}
    for dot in dots:
        part = None if dot.score is None else round(HIGH * (1 - (dot.score - low) / space))
        seen.setdefault((dot.place, part), dot)
    if best is not None and best.score is not None:
        seen[best.place, round(HIGH * (1 - (best.score - low) / space))] = best
    return element(
        "svg",
        [_level(at, high - (high - low) * at / HIGH) for at in (0, HIGH // 2, HIGH)],
        [
            _mark(LEFT + round(step * (place + 0.5)), part, dot, dot is best)
            for (place, part), dot in sorted(seen.items(), key=lambda item: item[1] is best)
        ],
        _named(values, step),
        viewBox=f"0 0 {LEFT + WIDE} {TOP + HIGH + BELOW + 24}",
        width=LEFT + WIDE,
        height=TOP + HIGH + BELOW + 24,
        role="img",
        aria_label=f"{score} of {many(len(dots), 'point')} by {name}; the table says the numbers",
    )


def _level(at: int, score: float) -> list[Element]:
    y = TOP + at
    return [
        element("line", x1=LEFT, x2=LEFT + WIDE, y1=y, y2=y, class_="axis", stroke_opacity=0.4),
        element("text", f"{score:.4g}", x=LEFT - 8, y=y + 4, text_anchor="end", font_size=11),
    ]


def _mark(x: int, part: int | None, dot: Dot, best: bool) -> Element:
    title = element("title", dot.words)
    if part is None:
        y = TOP + HIGH + BELOW - 8
        cross = f"M{x - 4} {y - 4}l8 8m0 -8l-8 8"
        return element("path", title, d=cross, class_="edge")
    radius, kind = (7, "dot best") if best else (4, "dot")
    return element("circle", title, cx=x, cy=TOP + part, r=radius, class_=kind)


def _named(values: Sequence[str], step: float) -> list[Element]:
    """Return the values below, of many some."""
    every = -(-len(values) // NAMED)
    y = TOP + HIGH + BELOW + 14
    return [
        element(
            "text",
            cut(value, SIGNS),
            x=LEFT + round(step * (place + 0.5)),
            y=y,
            text_anchor="middle",
            font_size=11,
        )
        for place, value in enumerate(values)
        if place % every == 0
    ]
