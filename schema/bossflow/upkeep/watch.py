"""`bossflow status --watch`: how far the requests are that are not complete, and how fast."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from .. import database
from ..core import ledger, registry, states, work
from ..core.tables import Request, Run
from ..core.work import UnitPlan
from ..kit import bundles, locations
from ..kit.texts import duration
from . import status

Sizes = dict[str, tuple[float, float]]
"""Unit id to its amount and estimated seconds."""

SURE_SECONDS = 30.0
"""Estimated seconds of work that must be done before a time is told, or a tenth of what is left."""

PATIENCE = 3600.0
"""Seconds without anything new, beyond what a unit takes, after which no run seems to go on."""


def watch(interval: float) -> Iterator[dict[str, Any]]:
    """Look how far requests are, again and again until nothing is missing, or can come.

    Requests that are complete when they are first seen are left out; those that come meanwhile
    are taken in. A look costs a query of the units that were missing, and one file's existence
    for each of them that could be made by now; what a request was given is read once.

    What is missing can come while a run goes on: one that was not summed up. A run that was killed
    never is, so it is waited for while something new comes, and `PATIENCE` longer.

    Parameters
    ----------
    interval : float
        Seconds between two looks.

    Yields
    ------
    dict
        `time`, `left_out` (as of `states.left_out`), `requests`, and `total` over all their units;
        each has `stages` (process to `total`, `recorded`, `made`, `amount_per_second`,
        `amount_unit`), `total`,
        `recorded`, `made` (in the store but not recorded yet) and `seconds_left`, a request also
        `request` and `what`. `ended` is null, but in the last look, if something is missing
        then: a sentence that says why no other look comes.
        Rates count from the last look before there was something new, and are null until then, as
        is the time left until it can be told.
    """
    known: set[str] = set()
    asked: dict[str, tuple[str, list[UnitPlan]]] = {}
    tables: dict[str, Any] = {}
    sizes: Sizes = {}
    recorded: set[str] = set()
    begun: dict[tuple[str, ...], tuple[float, float]] = {}
    before, since = None, time.monotonic()
    while True:
        runs = _going_on()  # first: what they still record is seen
        rows = {row["request_id"]: row["workflow"] for row in Request.proj("workflow").to_dicts()}
        counts = Counter(rows.values())
        left = states.left_out({name: of for name, of in rows.items() if name not in known})
        unknown = {some.get("request", some["workflow"]) for some in left} | known
        for name in counts:
            new = [request for request in rows if rows[request] == name and request not in unknown]
            if not new or name in unknown:
                continue
            known.update(new)
            workflow = registry.load(name)
            tables |= registry.stage_tables([workflow])
            for request_id, what, units, done in _incomplete(workflow, new):
                asked[request_id] = what, units
                sizes |= {unit.unit_id: (unit.amount, workflow.seconds_of(unit)) for unit in units}
                recorded |= done
                begun.clear()
        known &= rows.keys()  # others were deleted meanwhile
        asked = {name: request for name, request in asked.items() if name in known}
        every = {unit.unit_id: unit for _, units in asked.values() for unit in units}
        missing = [unit for name, unit in every.items() if name not in recorded]
        recorded |= ledger.recorded_units(tables, missing).keys()
        if not every:
            return
        made = _made(every.values(), recorded)
        now = runs, known.copy(), len(recorded), made
        if now != before:
            before, since = now, time.monotonic()
        missing = [unit for name, unit in every.items() if name not in recorded]
        ended = _ended(missing, sizes, runs, time.monotonic() - since)
        yield {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "left_out": left,
            "requests": [
                {"request": name, "what": what} | _far(name, units, sizes, recorded, made, begun)
                for name, (what, units) in asked.items()
            ],
            "total": _far("", every.values(), sizes, recorded, made, begun),
            "ended": ended,
        }
        if ended or not missing:
            return
        time.sleep(interval)


def _incomplete(
    workflow: work.Workflow, request_ids: list[str]
) -> Iterator[tuple[str, str, list[UnitPlan], set[str]]]:
    """Yield those requests that are not complete: id, what of, units, and which are recorded."""
    tables = registry.stage_tables([workflow])
    for group in ledger.with_units(workflow, request_ids):
        recorded = ledger.recorded_units(tables, (unit for _, units in group for unit in units))
        left = [pair for pair in group if any(unit.unit_id not in recorded for unit in pair[1])]
        counts = [ledger.progress(units, recorded) for _, units in left]
        called = states.names(request.request_id for request, _ in left)
        described = workflow.describe([request for request, _ in left], counts) if left else []
        for (request, units), about in zip(left, described, strict=True):
            own = {"workflow": workflow.name, "names": called.get(request.request_id, [])}
            what = status.what(about | own)
            made = {unit.unit_id for unit in units if unit.unit_id in recorded}
            yield request.request_id, what, units, made


def _going_on() -> set[str]:
    """Return the runs that may go on: those not summed up, of the last week or else the last."""
    rows = Run.proj("run_started", "run_parameters")
    last = rows.to_dicts(order_by="run_started DESC", limit=100)
    recent = datetime.now(UTC).replace(tzinfo=None) - timedelta(weeks=1)
    recently = [run for run in last if run["run_started"] > recent]
    runs = recently or last[:1]
    return {run["run_id"] for run in runs if "ended" not in run["run_parameters"]}


def _ended(missing: list[UnitPlan], sizes: Sizes, runs: set[str], quiet: float) -> str | None:
    """Return why what is missing is not waited for any longer, if it is not."""
    if not missing:
        return None
    number = f"{len(missing):,} unit{'s are' if len(missing) > 1 else ' is'} missing"
    again = "`bossflow status` shows what failed, and the same `nextflow run` makes the rest"
    if not runs:
        return f"{number}, and no run that has planned its tasks goes on: {again}"
    if quiet > PATIENCE + max(sizes[unit.unit_id][1] for unit in missing):
        return (
            f"{number}, and nothing new came for {duration(quiet)}: watch again if a run waits for "
            f"its turn; else {again}"
        )
    return None


def _made(units: Iterable[UnitPlan], recorded: set[str]) -> set[str]:
    """Return the units whose bundle is in the store of the last run, but not recorded."""
    last = Run.to_dicts(order_by="run_started DESC", limit=1)
    parameters = last[0]["run_parameters"] if last else {}
    store = locations.local(parameters.get("store") or str(database.default_store()))
    made: set[str] = set()
    for process, group in groupby(units, lambda unit: unit.process):
        names = [
            unit.unit_id
            for unit in group
            if unit.unit_id not in recorded
            and all(given.unit_id in recorded or given.unit_id in made for given in unit.inputs)
        ]
        places = [locations.place(store, process, name) for name in names]
        exist = locations.each(bundles.there, places, store)
        made |= {name for name, is_there in zip(names, exist, strict=True) if is_there}
    return made


def _far(
    group: str,
    units: Iterable[UnitPlan],
    sizes: Sizes,
    recorded: set[str],
    made: set[str],
    begun: dict[tuple[str, ...], tuple[float, float]],
) -> dict[str, Any]:
    """Return how far a group of units is, by stage and in all."""
    stages: dict[str, dict[str, Any]] = {}
    amounts: dict[str, float] = {}
    done = left = 0.0
    for unit in units:
        name = unit.unit_id
        begin = {"total": 0, "recorded": 0, "made": 0, "amount_unit": unit.amount_unit}
        stage = stages.setdefault(unit.process, begin)
        stage["total"] += 1
        if name in recorded or name in made:
            stage["recorded" if name in recorded else "made"] += 1
            amounts[unit.process] = amounts.get(unit.process, 0) + sizes[name][0]
            done += sizes[name][1]
        else:
            left += sizes[name][1]
    for process, stage in stages.items():
        pace = _pace(begun, (group, process), amounts.get(process, 0))
        over = stage["recorded"] + stage["made"] == stage["total"]
        stage["amount_per_second"] = None if over or pace is None else round(pace)
    pace = _pace(begun, (group,), done)
    if done - begun[group,][1] < min(SURE_SECONDS, left / 10):
        pace = None
    return {
        "stages": stages,
        **{n: sum(stage[n] for stage in stages.values()) for n in ("total", "recorded", "made")},
        "seconds_left": None if pace is None else round(left / pace),
    }


def _pace(
    begun: dict[tuple[str, ...], tuple[float, float]], name: tuple[str, ...], value: float
) -> float | None:
    """Return a number's growth per second since the last look before it grew; None until then."""
    now = time.monotonic()
    since, first = begun.setdefault(name, (now, value))
    if value == first:
        begun[name] = now, value
        return None
    return (value - first) / (now - since)


def in_words(far: dict[str, Any]) -> str:
    """Return how far a group of units is, as the run itself says it."""
    left = far["seconds_left"]
    words = [
        stages_in_words(far["stages"]),
        f"{far['recorded']:,} of {far['total']:,} units recorded, {far['made']:,} more made",
    ]
    return "; ".join(words + ([f"about {duration(left)} left"] if left else []))


def stages_in_words(stages: dict[str, dict[str, Any]]) -> str:
    """Return how far each stage is: `PULL 12 of 64, 38.2 Mvoxels/s; MERGE 0 of 1`."""
    return "; ".join(
        f"{process} {stage['recorded'] + stage['made']:,} of {stage['total']:,}"
        + (
            f", {stage['amount_per_second'] / 1e6:,.1f} M{stage['amount_unit']}/s"
            if (stage["amount_per_second"] or 0) >= 5e4
            else ""
        )
        for process, stage in stages.items()
    )
