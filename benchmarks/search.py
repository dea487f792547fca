"""Ask a search for the next points of a sweep, with many told; and how good the best one gets.

    python benchmarks/search.py [--told 100 1000] [--points 48] [--sweeps 20]

Points are scored by a smooth function with one peak and two parameters that matter little. Asking
is measured with room in the space, and where all but a few of its points are known, so that nearly
all that is drawn is known too. The best score after so many points is the mean of some sweeps that
differ by their seeds; 0 is the peak.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import absent  # noqa: F401
import common
import reports
from bossflow.sweeps.search import ask
from bossflow.sweeps.space import By, Search, Space, Told, Value
from common import Measured

ROUND = 8
ROOM = Space({"sigma": [*range(40)], "threshold": [*range(40)], "a": [*"xyz"], "b": [*range(9)]})


def score(values: dict[str, Value]) -> float:
    """Return how good a point is, 0 at the best."""
    sigma, threshold = (float(str(values[name])) for name in ("sigma", "threshold"))
    little = 0.02 * (values["a"] != "y") + 0.002 * abs(float(str(values["b"])) - 4)
    return -(((sigma - 29) / 40) ** 2) - ((threshold - 8) / 40) ** 2 - little


def search(by: By) -> Search:
    """Return a search for points with the largest score."""
    return Search(by, 10_000, ROUND, "1", "f1", "largest")


def told(space: Space, number: int) -> list[Told]:
    """Return points spread over a space, with their scores."""
    step = len(space) // number
    return [Told(point, score(point)) for point in map(space.point, range(0, step * number, step))]


def asked(space: Space, known: Sequence[Told], by: By) -> Measured:
    """Measure how a round is asked for."""
    wall, cpu = time.perf_counter(), time.process_time()
    points = ask(space, known, ROUND, search(by), "1")
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    if len(points) != ROUND:
        raise SystemExit(f"{len(points)} points instead of {ROUND}, so the figures mean nothing")
    return Measured(wall, cpu)


def best(by: By, points: int, seed: str) -> float:
    """Return the best score of a sweep."""
    known: list[Told] = []
    while len(known) < points:
        new = ask(ROOM, known, ROUND, search(by), seed)
        known += [Told(point, score(point)) for point in new]
    return max(one.score for one in known if one.score is not None)


def main() -> None:
    """Measure what is asked for."""
    parser = common.parser(__doc__, rounds=3)
    parser.add_argument(
        "--told", type=int, nargs="+", default=[100, 1000], help="points (100 1000)"
    )
    parser.add_argument("--points", type=int, default=48, help="of a sweep (48)")
    parser.add_argument("--sweeps", type=int, default=20, help="how many of each kind (20)")
    options = parser.parse_args()
    ways: tuple[By, ...] = ("random", "tpe")
    runs: dict[str, Any] = {}
    for number in options.told:
        full = Space({"sigma": [*range(number + ROUND)], "threshold": [1], "a": ["y"], "b": [4]})
        for by in ways:
            for where, space in (("room", ROOM), ("nearly all known", full)):
                name = f"{by}: {number:,} told, {where}"
                runs[name] = partial(asked, space, told(space, number), by)
    asked(ROOM, told(ROOM, 20), "tpe")  # imports
    figures = reports.medians(reports.alternate(options.rounds, runs))
    for by in ways:
        found = [best(by, options.points, str(seed)) for seed in range(options.sweeps)]
        figures[f"{by}: {options.points} points"] = {
            "mean_best": statistics.mean(found),
            "worst_best": min(found),
        }
    reports.report(options, "Asking for the points of a sweep", figures, {})


if __name__ == "__main__":
    main()
