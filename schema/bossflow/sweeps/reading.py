"""What a file says of points: `sweep` and `search`, read and checked."""

import difflib
import json
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, get_args

from ..kit.digests import canonical
from ..kit.parameters import shown
from .space import By, Goal, Search, Space, Value

MOST = 10_000
"""Points of a sweep, and values of an axis."""

FORMS = "a list of values, {from: 0.2, to: 0.7, step: 0.1} or {tiles: [0, 512, 128]}"
_SEARCH = ("by", "points", "round", "seed", "best", "goal")


def read(swept: object, check: Callable[[str, Any], Value]) -> Space:
    """Return what `sweep` of a file says.

    Parameters
    ----------
    swept : object
        A mapping from names to axes; `except` is a list of partial points that are left out.
    check : callable
        Returns the canonical value of a name, and raises a sentence that stands behind it.

    Raises
    ------
    ValueError
        With what is wrong, and what would be right.
    """
    if not isinstance(swept, dict):
        raise ValueError(f"sweep must name parameters, each with {FORMS}, not {shown(swept)}")
    named = {str(name): axis for name, axis in swept.items() if name != "except"}
    if not named:
        raise ValueError(f"sweep names no parameter: give at least one, with {FORMS}")
    axes = {name: _axis(name, axis, check) for name, axis in named.items()}
    excluded = swept.get("except", [])
    if not isinstance(excluded, list):
        raise ValueError("except of sweep must be a list of parameters with values")
    space = Space(axes, [_left_out(part, axes, check) for part in excluded])
    if not space.size:
        raise ValueError("sweep has no point: except leaves all of them out")
    return space


def _axis(name: str, axis: object, check: Callable[[str, Any], Value]) -> list[Value]:
    values: list[Value] = []
    known: set[str] = set()
    for given in _given(name, axis):
        if given is None:
            raise ValueError(f"sweep of {name} has an empty value: leave it out, or say what it is")
        try:
            value = check(name, given)
        except ValueError as error:
            raise ValueError(f"sweep of {name}: {name} {error}") from None
        if canonical(value) in known:
            raise ValueError(f"sweep of {name} has {shown(value)} twice: remove one")
        known.add(canonical(value))
        values.append(value)
    return values


def _given(name: str, axis: object) -> list[Any]:
    if isinstance(axis, dict) and axis.keys() == {"from", "to", "step"}:
        return _range(name, *(axis[one] for one in ("from", "to", "step")))
    if isinstance(axis, dict) and axis.keys() == {"tiles"}:
        return _tiles(name, axis["tiles"])
    if not isinstance(axis, list) or not axis:
        raise ValueError(f"sweep of {name} must be {FORMS}, not {shown(axis)}")
    _few(name, len(axis))
    return axis


def _range(name: str, start: Any, stop: Any, step: Any) -> list[str]:
    first, last, by = (_decimal(name, one) for one in (start, stop, step))
    if by <= 0 or last < first:
        raise ValueError(f"sweep of {name} must go up: from is at most to, and step above 0")
    steps = (last - first) / by
    if steps != int(steps):
        raise ValueError(
            f"sweep of {name} does not come to {shown(stop)} in steps of {shown(step)}: both ends "
            "are points"
        )
    _few(name, int(steps) + 1)
    return [f"{first + by * number:f}" for number in range(int(steps) + 1)]


def _decimal(name: str, given: Any) -> Decimal:
    text = repr(given) if isinstance(given, float) else given
    try:
        if isinstance(given, bool) or not isinstance(text, int | str):
            raise ValueError
        number = Decimal(text)
        if not number.is_finite() or abs(number.adjusted()) > 30 or len(number.as_tuple()[1]) > 30:
            raise ValueError
    except (ValueError, InvalidOperation):
        raise ValueError(
            f"sweep of {name} counts in numbers, such as 0.1, not {shown(given)}"
        ) from None
    return number


def _tiles(name: str, given: Any) -> list[list[int]]:
    whole = isinstance(given, list) and all(type(one) is int for one in given)
    if not whole or len(given) != 3 or given[0] >= given[1] or given[2] < 1:
        raise ValueError(
            f"sweep of {name}: tiles must be start, end and step, such as [0, 512, 128], not "
            f"{shown(given)}"
        )
    start, end, step = given
    _few(name, -((start - end) // step))
    return [[one, min(one + step, end)] for one in range(start, end, step)]


def _few(name: str, number: int) -> None:
    if number > MOST:
        raise ValueError(f"sweep of {name} has {number:,} values: {MOST:,} at most")


def _left_out(
    part: object, axes: Mapping[str, list[Value]], check: Callable[[str, Any], Value]
) -> dict[str, Value]:
    if not isinstance(part, dict) or not part:
        name, values_of = next(iter(axes.items()))
        like = f"[{{{name}: {json.dumps(values_of[0])}}}]"
        raise ValueError(
            f"except of sweep must be a list of parameters with values, such as {like}, not "
            f"{shown(part)}"
        )
    values: dict[str, Value] = {}
    for name, given in part.items():
        if name not in axes:
            raise ValueError(f"except of sweep names {shown(name)}, which sweep does not vary")
        try:
            value = values[name] = check(name, given)
        except ValueError as error:
            raise ValueError(f"except of sweep: {name} {error}") from None
        if canonical(value) not in map(canonical, axes[name]):
            raise ValueError(f"except of sweep: {name} is never {shown(value)}")
    return values


def searched(given: object, space: Space) -> Search:
    """Return what `search` of a file says; nothing is all points in order, in one round.

    Raises
    ------
    ValueError
        With what is wrong, and what would be right.
    """
    said = {} if given is None else given
    if not isinstance(said, dict):
        raise ValueError(
            f"search must be such as {{by: tpe, points: 24, round: 4}}, not {shown(given)}"
        )
    for name in said:
        if name not in _SEARCH:
            near = difflib.get_close_matches(str(name), _SEARCH, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(_SEARCH)}"
            raise ValueError(f"search has {shown(name)}: {hint}")
    by = _of("by", said.get("by", "grid"), get_args(By))
    goal = _of("goal", said.get("goal", "largest"), get_args(Goal))
    if by != "grid" and "points" not in said:
        raise ValueError(f"search by {by} needs points: how many, such as 24")
    points = _number("points", said["points"]) if "points" in said else space.size
    points = min(points, space.size)
    if points > MOST:
        raise ValueError(
            f"sweep has {points:,} points: {MOST:,} at most; leave values out, or search by random "
            "or tpe with fewer points"
        )
    if by == "tpe" and "round" not in said:
        raise ValueError("search by tpe needs round: how many points between looks, such as 4")
    number = min(_number("round", said["round"]) if "round" in said else points, points)
    seed, best = said.get("seed", 0), said.get("best", "f1")
    if isinstance(seed, bool) or not isinstance(seed, int | str) or len(str(seed)) > 64:
        raise ValueError(f"seed of search must be a whole number or short text, not {shown(seed)}")
    if not isinstance(best, str) or not 0 < len(best) <= 64:
        raise ValueError(f"best of search must name a score, such as f1, not {shown(best)}")
    return Search(by, points, number, str(seed), best, goal)


def _of(name: str, given: object, known: tuple[Any, ...]) -> Any:
    if given not in known:
        *others, last = known
        choice = f"{', '.join(others)} or {last}"
        raise ValueError(f"{name} of search must be {choice}, not {shown(given)}")
    return given


def _number(name: str, given: object) -> int:
    if type(given) is not int or not 1 <= given <= MOST:
        raise ValueError(f"{name} of search must be from 1 to {MOST:,}, not {shown(given)}")
    return given
