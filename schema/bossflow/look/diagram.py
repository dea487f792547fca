"""A lineage as a diagram: boxes of archives on the left, what was asked about on the right."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from graphlib import TopologicalSorter
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

from ..kit.texts import cut, key_name, many
from ..voxels.boxes import Box
from .elements import element

SHOWN = 4
"""How many of a kind are drawn one by one in a column, if there are more than one more."""

WIDE, HIGH, GAP, BETWEEN = 184, 40, 12, 56
"""Sides of a node, how far nodes are apart, and columns; pixels."""

WORDS = 23
"""Signs that a node has place for."""


class Node(NamedTuple):
    """What is drawn as one: a unit, a box, all others of a kind, or what was asked about.

    Attributes
    ----------
    column : int
        From the left.
    kind, words, whole : str
        Its two lines, and what is said of it in full.
    """

    column: int
    kind: str
    words: str
    whole: str


def diagram(told: dict[str, Any], title: str) -> Element:
    """Return a lineage as SVG, of as many nodes as can be seen, however many units it has.

    Parameters
    ----------
    told : dict
        As `lineage` returns it, `ordered`.
    title : str
        What was asked about.
    """
    drawn = _drawn(told)
    last = 1 + max((node.column for node in drawn.values()), default=0)
    what = Node(last, told["kind"], told["what"], title)
    lines = {(drawn[of], drawn[name]) for of, name in _links(told)}
    lines |= {(drawn[name], what) for name in told["made_by"]}
    nodes = [*dict.fromkeys(drawn.values()), what]
    columns: dict[int, list[Node]] = defaultdict(list)
    for node in nodes:
        columns[node.column].append(node)
    most = max(map(len, columns.values()))
    height = most * (HIGH + GAP) + GAP
    at = {}
    for number, some in columns.items():
        top = (height - len(some) * (HIGH + GAP) + GAP) // 2
        for place, node in enumerate(some):
            at[node] = GAP + number * (WIDE + BETWEEN), top + place * (HIGH + GAP)
    width = 2 * GAP + last * (WIDE + BETWEEN) + WIDE
    return element(
        "svg",
        [_line(at[one], at[other]) for one, other in sorted(lines)],
        [_box(node, at[node], "end" if node is what else "node") for node in nodes],
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        role="img",
        aria_label=_said(columns, last),
    )


def ordered(told: dict[str, Any]) -> dict[str, Any]:
    """Return a lineage with its executions as blocks lie in memory."""
    executions = sorted(told["executions"].items(), key=lambda item: _order(item[1]["key"]))
    return told | {"executions": dict(executions)}


def _order(key: dict[str, Any]) -> tuple[tuple[int, ...], str]:
    corner = Box.parse(key["block"]).corner_zyx if {"channel_id", "block"} <= key.keys() else ()
    return corner, key_name(key, whole=True)


def _links(told: dict[str, Any]) -> Iterable[tuple[Any, str]]:
    """Yield what units were made of, with these: other units, or boxes of channels."""
    for name, one in told["executions"].items():
        yield from ((other, name) for other in one["made_of"])
        if one["reads"]:
            yield _place(one), name


def _place(one: dict[str, Any]) -> tuple[str, str]:
    return one["reads"]["channel"], one["reads"]["box"]


def _drawn(told: dict[str, Any]) -> dict[Any, Node]:
    """Return the nodes that stand for units, by id, and for boxes, by channel and name."""
    executions = told["executions"]
    depth: dict[str, int] = {}
    made_of = {name: one["made_of"] for name, one in executions.items()}
    for name in TopologicalSorter(made_of).static_order():
        depth[name] = 1 + max((depth[other] for other in made_of[name]), default=0)
    groups: dict[tuple[int, str], list[str]] = defaultdict(list)
    for name, one in executions.items():
        groups[depth[name], one["process"]].append(name)
    drawn: dict[Any, Node] = {}
    boxes = {_place(one) for one in executions.values() if one["reads"]}
    for channel, about in sorted(told["channels"].items()):
        own = sorted((place for place in boxes if place[0] == channel), key=_of_box)
        where = f"{about['uri']} of {about['archive']}, resolution {about['resolution']}"
        kind = "archive" if about["request"] is None else "volume made here"
        drawn |= _nodes(0, kind, own, partial(_archive, where))
    for (column, process), some in sorted(groups.items()):
        drawn |= _nodes(column, process, some, lambda name: _unit(name, executions[name]))
    return drawn


def _of_box(place: tuple[str, str]) -> tuple[int, ...]:
    return Box.parse(place[1]).corner_zyx


def _archive(where: str, place: tuple[str, str]) -> tuple[str, str]:
    return place[1], f"{where}, box {place[1]}"


def _unit(name: str, one: dict[str, Any]) -> tuple[str, str]:
    words = key_name(one["key"])
    return words, f"{one['process']} {words}: {name}, content {one['content_sha256'][:12]}"


def _nodes(
    column: int, kind: str, names: list[Any], say: Callable[[Any], tuple[str, str]]
) -> dict[Any, Node]:
    """Return nodes of a kind: of many the first ones, and one for all others."""
    shown = names if len(names) <= SHOWN + 1 else names[:SHOWN]
    rest = len(names) - len(shown)
    others = Node(column, kind, f"and {rest:,} more", f"{kind}: {rest:,} more")
    return dict.fromkeys(names, others) | {name: Node(column, kind, *say(name)) for name in shown}


def _line(start: tuple[int, int], end: tuple[int, int]) -> Element:
    (x0, y0), (x1, y1) = (start[0] + WIDE, start[1] + HIGH // 2), (end[0], end[1] + HIGH // 2)
    bend = BETWEEN // 2
    way = f"M{x0} {y0}C{x0 + bend} {y0} {x1 - bend} {y1} {x1} {y1}"
    return element("path", d=way, class_="edge")


def _box(node: Node, at: tuple[int, int], kind: str) -> Element:
    x, y = at
    return element(
        "g",
        element("title", node.whole),
        element("rect", x=x, y=y, width=WIDE, height=HIGH, rx=6, class_=f"node {kind}"),
        element("text", cut(node.kind, WORDS), x=x + 8, y=y + 16, font_size=12, font_weight=600),
        element("text", cut(node.words, WORDS), x=x + 8, y=y + 32, font_size=12),
    )


def _said(columns: dict[int, list[Node]], last: int) -> str:
    """Return what is seen, for those who don't see it."""
    kinds = [[*dict.fromkeys(node.kind for node in columns[number])] for number in range(last)]
    steps = ", then ".join(" and ".join(some) for some in kinds if some)
    return f"From left to right: {steps}, and what was asked about. {many(last, 'step')} in all."
