"""The score of a point: of its requests, compared with a truth, or given by programs."""

from collections.abc import Mapping
from math import isfinite
from statistics import fmean

from ..scores import numbers_of, score
from .definition import Definition


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
        own = [name for (step, _), name in sorted(requests.items()) if step == definition.scored]
        for name in own:
            if name not in found:
                try:
                    found[name] = score(name, definition.truth, **definition.how)
                except ValueError as error:
                    raise ValueError(f"point {point} can't be scored: {error}") from None
        values = [found[name].get(best) for name in own]
        known = [value for value in values if value is not None and isfinite(value)]
        if known and len(known) == len(values):
            scored[point] = fmean(known)
    return scored


def _given(
    definition: Definition, complete: Mapping[int, Mapping[tuple[str, int], str]]
) -> dict[int, float]:
    best = definition.search.best
    names = {name for requests in complete.values() for name in requests.values()}
    numbers = numbers_of(sorted(names))
    steps = [step.name for step in definition.steps]
    last = steps[: steps.index(definition.scored) + 1][::-1]
    scored: dict[int, float] = {}
    for point, requests in complete.items():
        for step in last:
            own = [name for (of, _), name in sorted(requests.items()) if of == step]
            values = [numbers.get(name, {}).get(best) for name in own]
            known = [value for value in values if value is not None and isfinite(value)]
            if known and len(known) == len(values):
                scored[point] = fmean(known)
                break
    return scored
