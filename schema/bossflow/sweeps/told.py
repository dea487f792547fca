"""What is told of a sweep: its points, how far they are, and their scores, as they are recorded."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Any

from ..core import ledger, states
from ..core.score_tables import Score, Truth
from ..core.sweep_tables import Sweep, SweepPoint
from ..scores import numbers_of, sides
from . import points, scoring
from .space import Value
from .steps import OF_FILE

STATES = ("failed", "missing", "complete")
"""A point is what the first of these is that one of its requests is."""


def every() -> list[dict[str, Any]]:
    """Return all sweeps, in the order in which they were first asked for.

    Returns
    -------
    list of dict
        `sweep`, `name`, `asked` (UTC), `workflows` of its steps, `points` (how many).
    """
    numbers: dict[str, int] = defaultdict(int)
    for row in SweepPoint.proj().to_dicts():
        numbers[row["sweep_id"]] += 1
    return [
        {
            "sweep": row["sweep_id"],
            "name": row["sweep_name"],
            "asked": str(row["sweep_asked"]),
            "workflows": [step["workflow"] for step in definition(row)["steps"]],
            "points": numbers[row["sweep_id"]],
        }
        for row in sorted(Sweep().to_dicts(), key=itemgetter("sweep_asked", "sweep_id"))
    ]


def definition(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a sweep's row says of its steps, axes, search and score."""
    said: dict[str, Any] = json.loads(row["sweep_definition"]["canonical"])
    return said


def sweep(sweep_id: str) -> dict[str, Any]:
    """Return what is recorded of a sweep; nothing is computed.

    Returns
    -------
    dict
        `sweep`, `name`, `search` (how points are chosen), `score` (its name), `goal`, `axes`
        (values by name), `truth` (where it is, or None), `steps` (as the definition has them);
        `points`: dicts of `point`, `round`, `values`, `state`, `score` (or None), `requests` (of
        each step, by row) and `error` (or None); and `best`: the points that have a score, the best
        first.

    Raises
    ------
    ValueError
        If there is no such sweep.
    """
    rows = (Sweep() & {"sweep_id": sweep_id}).to_dicts()
    if not rows:
        raise ValueError(f"sweep {sweep_id} was not run: `bossflow sweep run` does")
    said = definition(rows[0])
    links: dict[int, dict[tuple[str, int], str]] = defaultdict(dict)
    for (point, step, row), request in sorted(points.linked(sweep_id).items()):
        links[point][step, row] = request
    names = sorted({name for own in links.values() for name in own.values()})
    known = {one["request"]: one for one in states.requests(names)}
    number = sum(len(step["rows"]) for step in said["steps"])
    search, scores = said["search"], _scores(said, links, names)
    found = [
        {
            "point": one.number,
            "round": one.round,
            "values": one.values,
            **_state(links[one.number], known, number),
            "score": scores.get(one.number),
        }
        for one in points.points(sweep_id)
    ]
    sign = -1 if search["goal"] == "largest" else 1
    scored = [one for one in found if one["score"] is not None]
    return {
        "sweep": sweep_id,
        "name": rows[0]["sweep_name"],
        "search": search["by"],
        "score": search["best"],
        "goal": search["goal"],
        "axes": dict(said["sweep"]),
        "truth": said["truth"] and said["truth"]["uri"],
        "steps": said["steps"],
        "points": found,
        "best": sorted(scored, key=lambda one: (sign * one["score"], one["point"])),
    }


def parameters(steps: Iterable[Mapping[str, Any]], values: Mapping[str, Value]) -> dict[str, Any]:
    """Return a parameter file, or a chain's, that asks for one point.

    Parameters
    ----------
    steps : iterable of mapping
        `name`, `workflow`, `settings` and `rows` of each.
    values : mapping
        Of the point, by parameter, or of a chain by step and parameter.

    Raises
    ------
    ValueError
        If a step has several rows, which stand in a sample sheet.
    """
    steps = list(steps)
    chain = any("." in name for name in values) or len(steps) > 1
    asked = {}
    for step in steps:
        if len(step["rows"]) > 1:
            raise ValueError(
                f"a point is {len(step['rows'])} rows of a sample sheet: add the best values to "
                "the sheet, as `bossflow sweep show --best 1` tells them"
            )
        start = f"{step['name']}." if chain else ""
        own = {
            name.removeprefix(start): one for name, one in values.items() if name.startswith(start)
        }
        asked[step["name"]] = {
            "workflow": step["workflow"],
            **step["settings"],
            **step["rows"][0],
            **own,
        }
    if not chain:
        return next(iter(asked.values()))
    shared = {name: one.pop(name) for one in asked.values() for name in OF_FILE if name in one}
    return {**shared, "steps": asked}


def _state(
    requests: Mapping[tuple[str, int], str], known: Mapping[str, Any], number: int
) -> dict[str, Any]:
    """Return how far a point of so many requests is."""
    seen = [known.get(name, {"state": "missing", "errors": {}}) for name in requests.values()]
    each = {one["state"] for one in seen} | ({"missing"} if len(seen) < number else set())
    errors = [f"{unit}: {error}" for one in seen for unit, error in one["errors"].items()]
    by_step: dict[str, list[str]] = defaultdict(list)
    for (step, _), name in requests.items():
        by_step[step].append(name)
    state = next((one for one in STATES if one in each), "missing")
    return {
        "state": state,
        "requests": dict(by_step),
        "error": errors[0] if errors and state == "failed" else None,
    }


def _scores(
    said: Mapping[str, Any], links: Mapping[int, Mapping[tuple[str, int], str]], names: list[str]
) -> dict[int, float]:
    """Return the score of each point that has one."""
    scored, truth = said["score"]["step"], said["truth"]
    if truth is None:
        numbers = numbers_of(names)
        steps = scoring.up_to(scored, [step["name"] for step in said["steps"]])
    else:
        numbers, steps = _against(truth["uri"], said["search"]["best"], names), [scored]
    best = said["search"]["best"]
    found = {point: scoring.of_point(best, steps, own, numbers) for point, own in links.items()}
    return {point: score for point, score in found.items() if score is not None}


def _against(uri: str, best: str, names: list[str]) -> dict[str, dict[str, float]]:
    """Return by request the score that was recorded last against a truth."""
    if best not in Score().heading.names:
        return {}
    try:
        kind, where = sides.kind_of({"uri": uri})
    except ValueError:  # a request that is no more
        return {}
    rows = Score.proj(best, "scored") * Truth.proj("truth_kind", "truth_uri")
    start = {sides.POINTS: where, sides.REQUEST: f"bossflow://{where}"}.get(kind, uri)
    found = [
        row
        for row in ledger.among(rows & {"truth_kind": kind}, "request_id", names)
        if row["truth_uri"].startswith(start) and row[best] is not None
    ]
    found.sort(key=itemgetter("scored"))
    return {row["request_id"]: {best: float(row[best])} for row in found}
