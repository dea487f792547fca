"""The score of a point: of its requests, compared with a truth, or given by programs."""

from collections.abc import Mapping, Sequence
from math import isfinite
from statistics import fmean

from ..scores import check, numbers_of, score
from .definition import Definition


def refuse(definition: Definition) -> None:
    """Refuse a truth with which no result could be scored, before anything is written.

    Raises
    ------
    ValueError
        With what to do.
    """
    if definition.truth is not None:
        check(definition.truth, **definition.how)


def scores(
    definition: Definition, complete: Mapping[int, Mapping[tuple[str, int], str]]
) -> dict[int, float]:
    """Return the score of each point that has one.

    Of a point with several rows, it is the mean of theirs, if each has one. Without a truth it is
    a number that programs gave, of the last step that has one of that name.

    Parameters
    ----------
    definition : Definition
    complete : mapping
        By point, the requests of its steps and rows, all complete.

    Raises
    ------
    ValueError
        If a result can't be compared with the truth.
    """
    best = definition.search.best
    if definition.truth is None:
        return _given(definition, complete)
    found: dict[str, dict[str, float]] = {}
    scored: dict[int, float] = {}
    for point, requests in complete.items():
        for name in [name for (step, _), name in requests.items() if step == definition.scored]:
            if name not in found:
                try:
                    found[name] = score(name, definition.truth, **definition.how)
                except ValueError as error:
                    raise ValueError(f"point {point} can't be scored: {error}") from None
        value = of_point(best, [definition.scored], requests, found)
        if value is not None:
            scored[point] = value
    return scored


def of_point(
    best: str,
    steps: Sequence[str],
    requests: Mapping[tuple[str, int], str],
    numbers: Mapping[str, Mapping[str, float]],
) -> float | None:
    """Return the mean of a number over the rows of the first of some steps whose rows all have it.

    Parameters
    ----------
    best : str
        Its name.
    steps : sequence of str
    requests : mapping
        Of the point, by step and row.
    numbers : mapping
        By request and name.
    """
    for step in steps:
        own = [name for (of, _), name in sorted(requests.items()) if of == step]
        values = [numbers.get(name, {}).get(best) for name in own]
        known = [value for value in values if value is not None and isfinite(value)]
        if known and len(known) == len(values):
            return fmean(known)
    return None


def _given(
    definition: Definition, complete: Mapping[int, Mapping[tuple[str, int], str]]
) -> dict[int, float]:
    best = definition.search.best
    names = {name for requests in complete.values() for name in requests.values()}
    numbers = numbers_of(sorted(names))
    steps = up_to(definition.scored, [step.name for step in definition.steps])
    found = {point: of_point(best, steps, own, numbers) for point, own in complete.items()}
    return {point: value for point, value in found.items() if value is not None}


def up_to(scored: str, steps: Sequence[str]) -> list[str]:
    """Return a step and those before it, the last first: where a number is looked for."""
    return [*steps[: steps.index(scored) + 1]][::-1]
