"""Sizes of units: those that ask for about as much are run together."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from itertools import combinations

from .work import GIB, UnitPlan

SIZES = 3
"""Sizes of a process's units, at most: each is a process to Nextflow (modules/task)."""

LARGEST = ("accelerators", "cores", "memory", "disk")
"""What a task needs as its largest unit does; its seconds are those of all of its units."""

LEAST = {"memory": 2 * GIB, "disk": 10 * GIB, "seconds": 60.0}
"""Below this, units are of one size: what a core has anyway, and a twentieth of a task's limit."""

Needs = tuple[float, ...]


def sizes_of(units: Iterable[UnitPlan], seconds: Callable[[UnitPlan], float]) -> dict[str, int]:
    """Return the size of each unit (its id to a number from 0 on), small ones first.

    Units of one size ask for no more than twice what the others do, as long as that makes no more
    sizes of a process than `SIZES`; then those are put together of which least is wasted.
    """
    by_process: dict[str, dict[str, Needs]] = defaultdict(dict)
    for unit in units:
        asks = unit.asks
        by_process[unit.process][unit.unit_id] = (
            asks.accelerators,
            asks.cores,
            max(asks.memory, LEAST["memory"]),
            max(asks.disk, LEAST["disk"]),
            max(seconds(unit), LEAST["seconds"]),
        )
    sizes: dict[str, int] = {}
    for own in by_process.values():
        size_of = _sorted(Counter(own.values()))
        sizes |= {name: size_of[needs] for name, needs in own.items()}
    return sizes


def _sorted(number: Counter[Needs]) -> dict[Needs, int]:
    """Return the size of each of the needs that so many units have."""
    largest = _largest(number)
    groups: dict[Needs, set[Needs]] = defaultdict(set)
    for needs in number:
        amounts = zip(largest[2:], needs[2:], strict=True)
        halvings = (int(math.log2(most / own)) for most, own in amounts)
        groups[*needs[:2], *halvings].add(needs)
    sizes = [
        (_largest(some), sum(number[needs] for needs in some), some) for some in groups.values()
    ]
    while len(sizes) > SIZES:
        pairs = combinations(sizes, 2)
        left, right = min(pairs, key=lambda pair: _wasted(*pair[0][:2], *pair[1][:2]))
        sizes = [size for size in sizes if size is not left and size is not right]
        sizes.append((_largest([left[0], right[0]]), left[1] + right[1], left[2] | right[2]))
    sizes.sort(key=lambda size: size[0])
    return {needs: size for size, (_, _, some) in enumerate(sizes) for needs in some}


def _largest(needs: Iterable[Needs]) -> Needs:
    return tuple(map(max, zip(*needs, strict=True)))


def _wasted(left: Needs, n_left: int, right: Needs, n_right: int) -> float:
    """Return how often more is asked for by twice if these are of one size, for each of them."""
    both = _doublings(_largest([left, right]))
    return n_left * (both - _doublings(left)) + n_right * (both - _doublings(right))


def _doublings(needs: Needs) -> float:
    return sum(math.log2(1 + amount) for amount in needs)
