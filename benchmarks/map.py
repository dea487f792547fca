"""Map a function over rows: whole runs of bossflow, against joblib, dask, parsl and submitit.

    python benchmarks/map.py [--cases trivial half long] [--peers joblib dask parsl submitit]

Calls sleep, so that what is ideal on two cores is known: all of their seconds by two, or those of
the longest. Of peers the whole program is measured, with its start. They remember nothing; `again`
is a run of ours for which all is recorded, `changed` one of a function that was changed since.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import absent  # noqa: F401
import common
import reports
from common import Bossflow, Measured, console

PROGRAM = Path(__file__).parent / "peers" / "map_calls.py"
PEERS = {
    "joblib": "joblib==1.6.0",
    "dask": "distributed==2026.8.0",
    "parsl": "parsl==2026.10.26",
    "submitit": "submitit==1.5.4",
}
PROCESS_A_CALL = ("submitit",)
"""Peers that start a process for each call: they are given a tenth of a thousand."""

FUNCTION = """import time


def call(x: int, seconds: float):
    if seconds:
        time.sleep(seconds)
    return x
"""


class Case(NamedTuple):
    """Calls by how long they take, and how they are called in the table."""

    name: str
    takes: list[float]

    @property
    def ideal(self) -> float:
        """Seconds on two cores, if nothing but the calls took any."""
        return max(sum(self.takes) / 2, *self.takes)

    def tenth(self) -> Case:
        """Return a tenth of the calls, the longest ones among them."""
        number = -(-len(self.takes) // 10)
        longest = sorted(self.takes, reverse=True)[:2]
        return Case(f"a tenth of {self.name}", self.takes[: number - 2] + longest)


def cases(scale: float, short: float) -> dict[str, Case]:
    """Return what there is to be called, or a part of it, of a tenth on with two of 20 s."""
    many, some = (max(4, round(number * scale)) for number in (1000, 200))
    uneven = [short] * many
    uneven[many // 3] = uneven[many // 2] = 20 * min(1, scale * 10)
    return {
        "trivial": Case(f"{many:,} trivial", [0.0] * many),
        "half": Case(f"{some} of 0.5 s", [0.5] * some),
        "long": Case(f"{many:,} of {short:g} s, two of {max(uneven):g} s", uneven),
    }


def ours(case: Case, directory: Path, params: Mapping[str, str]) -> dict[str, Measured]:
    """Measure a run from an empty start, one for which all is recorded, and one of long calls."""
    with common.bossflow(directory) as there:
        there.call("db", "deploy")
        rows = directory / "rows.csv"
        lines = [f"{x},{seconds}" for x, seconds in enumerate(case.takes)]
        rows.write_text("\n".join(["x,seconds", *lines]) + "\n")
        module = directory / "mapped.py"
        module.write_text(FUNCTION)
        asked = {"workflow": "map", "function": "mapped:call", "rows": str(rows)} | dict(params)
        run = partial(_run, there, asked, len(case.takes))
        found = {"bossflow": run(1), "bossflow, again": run(0)}
        if max(case.takes) > 2 * min(case.takes):
            module.write_text(FUNCTION.replace("return x", "return x + 0"))
            found["bossflow, changed"] = run(1)
    return found


def _run(there: Bossflow, asked: Mapping[str, str], calls: int, times: int) -> Measured:
    """Measure a run that makes all calls, or none."""

    def made() -> int:
        return sum(1 for _ in there.directory.glob("home/store/CALL_FUNCTION/*/*/bundle.json"))

    before = made()
    taken = there.run(**asked)
    if made() - before != calls * times:
        raise SystemExit(f"a run made {made() - before} calls, not {calls * times}")
    return taken


def theirs(peer: str, case: Case) -> Measured:
    """Measure a peer, whose programs may look for others on PATH."""
    programs = common.environment(f"map-{peer}", PEERS[peer])
    path = os.pathsep.join([str(programs), os.environ["PATH"]])
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(case.takes, file)
        file.flush()
        command = [programs / "python", PROGRAM, peer, file.name]
        return common.measure(command, env={"PATH": path, "PYTHONPATH": ""})


def told(case: Case, taken: list[Measured], again: bool) -> dict[str, Any]:
    """Return the figures of a case, with how long it is over what is ideal, if it is made."""
    (figures,) = reports.medians({case.name: taken}).values()
    ideal = None if again else case.ideal or None
    over = figures["wall_s"] / ideal if ideal else None
    return figures | {"ideal_s": ideal, "over_ideal": over}


def main() -> None:
    """Run all cases by all ways, and report."""
    parser = common.parser(__doc__ or "", rounds=1)
    known = cases(1, 0.1)
    parser.add_argument("--cases", nargs="*", choices=known, default=[*known])
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=[*PEERS])
    parser.add_argument("--short", type=float, default=0.1, help="seconds beside long calls (0.1)")
    parser.add_argument("--scale", type=float, default=1, help="part of the calls (1)")
    options = parser.parse_args()
    figures: dict[str, dict[str, Any]] = {}
    ratios: dict[str, float] = {}
    for name, case in cases(options.scale, options.short).items():
        if name not in options.cases:
            continue
        results: dict[str, list[Measured]] = {}
        of = {peer: case for peer in options.peers}
        if len(case.takes) > 500:
            of |= {peer: case.tenth() for peer in PROCESS_A_CALL if peer in of}
        for _ in range(options.rounds):
            with tempfile.TemporaryDirectory(prefix="bossflow-map-") as scratch:
                runs = ours(case, Path(scratch) / "ours", common.given(options))
            runs |= {peer: theirs(peer, own) for peer, own in of.items()}
            for way, taken in runs.items():
                results.setdefault(way, []).append(taken)
                console.print(f"{way}: {of.get(way, case).name} in {taken.wall_s:.1f} s")
        for way, every in results.items():
            own = of.get(way, case)
            row = f"{way}: {own.name}"
            figures[row] = told(own, every, way.endswith("again"))
            if own is case and way in of:
                ours_s = figures[f"bossflow: {case.name}"]["wall_s"]
                ratios[row] = figures[row]["wall_s"] / ours_s
    reports.report(options, "A function mapped over rows, on two cores", figures, ratios)


if __name__ == "__main__":
    main()
