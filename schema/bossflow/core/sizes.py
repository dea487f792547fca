"""Sizes of units: those that ask for about as much are run together."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import combinations

from .work import GIB, UnitPlan

SIZES = 3
"""Sizes of a process's units, at most: each is a process to Nextflow (modules/task)."""

LARGEST = ("accelerators", "cores", "memory", "disk")
"""What a task needs as its largest unit does; its seconds are those of all of its units."""

LEAST = {"memory": 2 * GIB, "disk": 10 * GIB, "seconds": 60.0}
"""Below this, units are of one size: what a core has anyway, and a twentieth of what is waited."""


def sizes_of(units: Iterable[UnitPlan], seconds: Callable[[UnitPlan], float]) -> dict[str, int]:
    """Return the size of each unit (its id to a number from 0 on), small ones first.

    Units of one size ask for no more than twice what the others do, as long as that makes no more
    sizes of a process than `SIZES`; then those are put together of which least is wasted.
    """
    by_process: dict[str, list[tuple[str, tuple[float, ...]]]] = defaultdict(list)
    for unit in units:
        asks = unit.asks
        needs = (
            asks.accelerators,
            asks.cores,
            max(asks.memory, LEAST["memory"]),
            max(asks.disk, LEAST["disk"]),
            max(seconds(unit), LEAST["seconds"]),
        )
        by_process[unit.process].append((unit.unit_id, needs))
    sizes: dict[str, int] = {}
    for own in by_process.values():
        of = {needs: size for size, some in enumerate(_sorted(own)) for needs in some}
        sizes |= {name: of[needs] for name, needs in own}
    return sizes


def _sorted(units: list[tuple[str, tuple[float, ...]]]) -> list[set[tuple[float, ...]]]:
    """Return the distinct needs of each size."""
    number: dict[tuple[float, ...], int] = defaultdict(int)
    for _, needs in units:
        number[needs] += 1
    largest = _largest(number)
    about: dict[tuple[float, ...], set[tuple[float, ...]]] = defaultdict(set)
    for needs in number:
        halvings = (
            int(math.log2(most / one)) for most, one in zip(largest[2:], needs[2:], strict=True)
        )
        about[*needs[:2], *halvings].add(needs)
    groups = list(about.values())
    while len(groups) > SIZES:
        pairs = combinations(groups, 2)
        left, right = min(pairs, key=lambda pair: _wasted(pair[0], pair[1], number))
        groups = [one for one in groups if one is not left and one is not right] + [left | right]
    return sorted(groups, key=_largest)


def _largest(needs: Iterable[tuple[float, ...]]) -> tuple[float, ...]:
    return tuple(map(max, zip(*needs, strict=True)))


def _wasted(
    left: set[tuple[float, ...]],
    right: set[tuple[float, ...]],
    number: dict[tuple[float, ...], int],
) -> float:
    """Return what units would ask for in vain, as a sum of the times that it is doubled."""
    together = _largest(left | right)
    return sum(
        number[needs]
        * sum(math.log2((1 + most) / (1 + one)) for most, one in zip(together, needs, strict=True))
        for needs in left | right
    )
