"""Which points of a space are asked for next, given what is known of those before.

Nothing is kept from one round to the next: the answer follows from what was told, whoever asks and
wherever. What chance decides is drawn from the seed and the number of points so far, since an
optimiser that is begun again with the same seed would draw its first points again.
"""

import hashlib
import math
import re
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from itertools import count, islice
from typing import Any, NamedTuple

from ..kit.digests import canonical
from .space import By, Search, Space, Told, Value

REPEATS = 16
"""How many points that are known may be drawn in a round, before the first unknown ones are taken:
a draw takes some hundredths of a second where many are told."""

STARTUP = 5
"""How many scores an optimiser wants before it looks at them. Sweeps have few points: with Optuna's
own 10, the best of 24 or 48 was farther from the optimum on three functions out of three."""

MISSING = "search by tpe needs Optuna: pip install 'bossflow[search]', or search by random"

Point = dict[str, Value]


def ask(space: Space, told: Sequence[Told], number: int, how: Search, seed: str) -> list[Point]:
    """Return the next points, none of them known.

    Parameters
    ----------
    space : Space
    told : sequence of Told
        All points so far, in the order in which they were asked for.
    number : int
        How many are wanted.
    how : Search
        Of which `by` and `goal` decide.
    seed : str
        What chance is drawn from, together with the number of points so far.

    Returns
    -------
    list of dict
        In the order in which they are to be numbered; fewer at the end of the space.

    Raises
    ------
    ValueError
        If a package is missing that is needed (`refuse_missing`).
    """
    known = {canonical(one.values) for one in told}
    number = min(number, space.size - len(known))
    if number < 1:
        return []
    some = _WAYS[how.by](space, told, how, f"{seed} {len(told)}")
    return [*islice(_new(some, known), number)]


def refuse_missing(how: Search) -> None:
    """Refuse a search for which a package is missing, before anything is written.

    Raises
    ------
    ValueError
    """
    if how.by == "tpe":
        _optuna()


def _new(points: Iterator[Point], known: set[str]) -> Iterator[Point]:
    """Yield points that are not known, each once."""
    for point in points:
        text = canonical(point)
        if text not in known:
            known.add(text)
            yield point


def _grid(space: Space, _told: Sequence[Told], _how: Search, _key: str) -> Iterator[Point]:
    return iter(space)


def _random(space: Space, _told: Sequence[Told], _how: Search, key: str) -> Iterator[Point]:
    """Yield points, each as likely as any other, for ever."""
    points = space.size
    for draw in count():
        yield space.point(_hashed(f"{key} {draw}") % points)


def _tpe(space: Space, told: Sequence[Told], how: Search, key: str) -> Iterator[Point]:
    """Yield points that an optimiser draws; once too many of these were known, all in order."""
    optuna = _optuna()
    sampler = optuna.samplers.TPESampler(seed=_hashed(key) % 2**32, n_startup_trials=STARTUP)
    direction = "maximize" if how.goal == "largest" else "minimize"
    study = optuna.create_study(direction=direction, sampler=sampler)
    axes = {name: _axis(values) for name, values in space.axes.items()}
    ways = {name: axis.distribution(optuna.distributions) for name, axis in axes.items()}
    for one in told:
        places = {name: axis.places[canonical(one.values[name])] for name, axis in axes.items()}
        score = None if one.score is None or not math.isfinite(one.score) else one.score
        state = optuna.trial.TrialState["FAIL" if score is None else "COMPLETE"]
        study.add_trial(
            optuna.trial.create_trial(params=places, distributions=ways, value=score, state=state)
        )
    known = {canonical(one.values) for one in told}
    repeats = 0
    while repeats < REPEATS:
        drawn = study.ask(ways).params
        point = {name: axis.values[drawn[name]] for name, axis in axes.items()}
        if canonical(point) in known or point not in space:
            repeats += 1
        else:
            known.add(canonical(point))
            yield point
    yield from space


_WAYS: dict[By, Callable[[Space, Sequence[Told], Search, str], Iterator[Point]]] = {
    "grid": _grid,
    "random": _random,
    "tpe": _tpe,
}


class _Axis(NamedTuple):
    """An axis as an optimiser sees it: places of values, in order if they are numbers.

    Attributes
    ----------
    values : list
        By place.
    places : dict of str to int
        By the canonical text of a value.
    ordered : bool
        Whether places beside each other are alike.
    """

    values: list[Value]
    places: dict[str, int]
    ordered: bool

    def distribution(self, kinds: Any) -> Any:
        """Return what Optuna draws places from."""
        if self.ordered:
            return kinds.IntDistribution(0, len(self.values) - 1)
        return kinds.CategoricalDistribution(range(len(self.values)))


def _axis(values: list[Value]) -> _Axis:
    ordered = all(map(_is_number, values))
    if ordered:
        values = sorted(values, key=lambda value: Decimal(str(value)))
    return _Axis(values, {canonical(value): at for at, value in enumerate(values)}, ordered)


def _is_number(value: Value) -> bool:
    if isinstance(value, str):
        return bool(re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value, re.ASCII))
    return isinstance(value, int) and not isinstance(value, bool)


def _hashed(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest())


def _optuna() -> Any:
    """Return Optuna, which says nothing; ValueError if it is not there."""
    try:
        import optuna
    except ModuleNotFoundError:
        raise ValueError(MISSING) from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna
