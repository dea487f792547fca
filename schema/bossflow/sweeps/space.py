"""The points of a sweep: the Cartesian product of its axes without what is left out."""

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any, Literal, NamedTuple

from ..kit.digests import canonical

Value = int | str | bool | list[Any]
"""A parameter's value as `kit.parameters` has it: a number with a fraction is its one text."""

By = Literal["grid", "random", "tpe"]
Goal = Literal["largest", "smallest"]


class Told(NamedTuple):
    """A point that was asked for, and its score: None where it failed, or has none."""

    values: dict[str, Value]
    score: float | None


class Search(NamedTuple):
    """How points are chosen.

    Attributes
    ----------
    by : str
        `grid`: all, in order; `random`; `tpe`: by what scored well.
    points : int
        How many at most.
    round : int
        How many before the next look at scores.
    seed : str
        What chance is drawn from.
    best : str
        The name of the score.
    goal : str
        Whether its `largest` or its `smallest` is best.
    """

    by: By
    points: int
    round: int
    seed: str
    best: str
    goal: Goal


class Space:
    """Points in Cartesian order, the first axis slowest; none is made before it is asked for.

    Parameters
    ----------
    axes : mapping of str to list
        The distinct values of each name, at least one.
    left_out : list of dict, optional
        Values of some names each: points that have all of one are no points.
    """

    def __init__(
        self, axes: Mapping[str, list[Value]], left_out: list[dict[str, Value]] | None = None
    ) -> None:
        self.axes = dict(axes)
        self.left_out = list(left_out or [])
        self._names = [*self.axes]
        self._excluded = [
            {name: canonical(value) for name, value in part.items()} for part in self.left_out
        ]
        self._counts: dict[tuple[int, frozenset[int]], int] = {}
        self._all = frozenset(range(len(self._excluded)))

    @property
    def size(self) -> int:
        """The number of points, however many: counted, not made. `len` takes 2^63 at most."""
        return self._count(0, self._all)

    def __len__(self) -> int:
        """Return the number of points."""
        return self.size

    def __iter__(self) -> Iterator[dict[str, Value]]:
        """Yield the points in order."""
        return map(self.point, range(self.size))

    def point(self, index: int) -> dict[str, Value]:
        """Return a point by its place in the order, from 0.

        Raises
        ------
        IndexError
            If there is none.
        """
        if not 0 <= index < self.size:
            raise IndexError(f"there are {self.size:,} points, from 0")
        open_ones, values = self._all, {}
        for depth, name in enumerate(self._names):
            if not open_ones:  # all values have as many points: none is looked at
                at, index = divmod(index, self._count(depth + 1, open_ones))
                values[name] = self.axes[name][at]
                continue
            for value in self.axes[name]:
                left = self._left(depth, open_ones, value)
                number = 0 if left is None else self._count(depth + 1, left)
                if index < number:
                    assert left is not None
                    open_ones, values[name] = left, value
                    break
                index -= number
        return values

    def values(self) -> Iterator[tuple[str, Value]]:
        """Yield each value of each axis."""
        yield from ((name, value) for name, axis in self.axes.items() for value in axis)

    def __contains__(self, values: object) -> bool:
        """Say whether these values are a point."""
        if not isinstance(values, dict) or values.keys() != self.axes.keys():
            return False
        texts = {name: canonical(value) for name, value in values.items()}
        on_axes = all(texts[name] in map(canonical, self.axes[name]) for name in self._names)
        return on_axes and not any(part.items() <= texts.items() for part in self._excluded)

    def _left(self, depth: int, open_ones: frozenset[int], value: Value) -> frozenset[int] | None:
        """Return which exclusions may still hold once an axis has a value; None if one does."""
        name, text = self._names[depth], canonical(value)
        left = frozenset(one for one in open_ones if self._excluded[one].get(name, text) == text)
        later = set(self._names[depth + 1 :])
        return None if any(not later & self._excluded[one].keys() for one in left) else left

    def _count(self, depth: int, open_ones: frozenset[int]) -> int:
        """Return how many points begin so: the values of so many axes chosen."""
        if depth == len(self._names):
            return 1
        if not open_ones:
            return prod(len(self.axes[name]) for name in self._names[depth:])
        if (depth, open_ones) not in self._counts:
            lefts = [self._left(depth, open_ones, one) for one in self.axes[self._names[depth]]]
            self._counts[depth, open_ones] = sum(
                self._count(depth + 1, left) for left in lefts if left is not None
            )
        return self._counts[depth, open_ones]
