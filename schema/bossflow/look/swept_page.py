"""A sweep as a page: its best points, its scores against each parameter, and all of its points."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from xml.etree.ElementTree import Element

from ..kit.digests import canonical
from ..kit.texts import cut, many
from .elements import element, scrolled, table, whole
from .scatter import Dot, scatter

BEST, LISTED = 10, 1000
"""How many of the best points are listed, and of all."""

CELL = 80
"""Signs of a value."""


def page(told: dict[str, Any]) -> str:
    """Return a sweep as a page.

    Parameters
    ----------
    told : dict
        `sweep` (its id), `name`, `search` and `goal`, `score` (its name), `axes` (values by name),
        `points`: dicts of `point`, `round`, `values`, `score` and `state`; and `best`: the points
        that have a score, the best first.
    """
    best = told["best"]
    words = [
        many(len(told["points"]), "point"),
        f"{many(len(best), 'score')}",
        f"search {told['search']}",
        f"the {told['goal']} {told['score']} is best",
    ]
    header = element(
        "header",
        element("h1", f"Sweep {told['name']}"),
        element("p", " · ".join([*words, told["sweep"]]), class_="soft"),
    )
    main = element(
        "main",
        [
            element("h2", "Best points", id="best"),
            _points(f"By {told['score']}, the best first", told, best[:BEST]),
        ]
        if best
        else element("p", "No point has a score yet.", class_="missing"),
        [_axis(name, values, told) for name, values in told["axes"].items()],
        element("h2", "All points", id="points"),
        _points("In the order in which they were asked for", told, told["points"][:LISTED]),
        _more(len(told["points"]) - LISTED),
        id="main",
    )
    return whole(f"bossflow: sweep {told['name']}", "Skip to the best points", header, main)


def spelled(value: Any) -> str:
    """Return a parameter's value as it is written in a file."""
    return cut(value if isinstance(value, str) else canonical(value), CELL)


def number(score: float | None) -> str:
    """Return a score as it is shown."""
    return "–" if score is None else f"{score:.6g}"


def _points(caption: str, told: dict[str, Any], points: Sequence[dict[str, Any]]) -> Element:
    names = [*told["axes"]]
    cells = [
        [
            str(one["point"]),
            str(one["round"]),
            element("span", one["state"], class_=one["state"]),
            *(spelled(one["values"][name]) for name in names),
            number(one["score"]),
        ]
        for one in points
    ]
    columns = ["point", "round", "state", *names, told["score"]]
    return table(caption, columns, cells, 3)


def _axis(name: str, values: list[Any], told: dict[str, Any]) -> Any:
    """Return what is told of one parameter: a figure, and a table of the same."""
    places = {canonical(value): at for at, value in enumerate(values)}
    dots = {one["point"]: _dot(one, name, places, told) for one in told["points"]}
    first = told["best"][0]["point"] if told["best"] else None
    words = [spelled(value) for value in values]
    scores: dict[int, list[float]] = defaultdict(list)
    points: dict[int, int] = defaultdict(int)
    for dot in dots.values():
        points[dot.place] += 1
        if dot.score is not None:
            scores[dot.place].append(dot.score)
    choose = max if told["goal"] == "largest" else min
    cells = [
        [
            words[place],
            f"{points[place]:,}",
            f"{len(scores[place]):,}",
            number(choose(scores[place])),
            number(sum(scores[place]) / len(scores[place])),
        ]
        for place in range(len(values))
        if scores[place]
    ][:LISTED]
    drawn = scatter(name, words, told["score"], [*dots.values()], dots.get(first))
    note = (
        f"{told['score']} by {name}; a cross is a point without a score, the largest dot the best"
    )
    return [
        element("h2", name),
        element("figure", scrolled("div", name, drawn), element("figcaption", note)),
        table(
            f"{told['score']} by {name}",
            [name, "points", "with a score", "best", "mean"],
            cells,
            1,
        )
        if cells
        else None,
    ]


def _dot(one: dict[str, Any], name: str, places: dict[str, int], told: dict[str, Any]) -> Dot:
    values = ", ".join(f"{each} {spelled(value)}" for each, value in one["values"].items())
    said = number(one["score"]) if one["score"] is not None else one["state"]
    words = f"point {one['point']}: {values}: {told['score']} {said}"
    return Dot(places[canonical(one["values"][name])], one["score"], words)


def _more(rest: int) -> Element | None:
    return element("p", f"… and {rest:,} more: bossflow sweep show --json") if rest > 0 else None
