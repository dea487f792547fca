"""What was asked for and how far it is: `bossflow status`, and what SUMMARY says of a run."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import datajoint as dj

from .. import database
from ..core import holdings, installed, ledger, registry, results, stores, work
from ..core.tables import Execution, Request, Run
from ..kit.texts import one_line, unit_names


def requests(
    only: list[str] | None = None,
    planned: ledger.Planned | None = None,
    recorded: dict[str, ledger.Recorded] | None = None,
    here: stores.Here | None = None,
) -> list[dict[str, Any]]:
    """Return every request, oldest first, with its state; but those `left_out`.

    Parameters
    ----------
    only : list of str, optional
        Ids of the requests that are wanted.
    planned, recorded : dict, optional
        What is known of these: their units, and which of them are recorded.
    here : Here, optional
        With the store of a run, for which nothing counts that is in stores that are away.

    Returns
    -------
    list of dict
        `request`, `names` (what it was called, the oldest first), `state` (`complete`, `failed` or
        `missing`), `units` (process to recorded and all), `away` (stores, in words, that are not
        here, to how many of the units that are recorded are nowhere else), `run` and `run_day` (the
        last run that made something of it, else the one that first asked), and what its workflow
        describes.
    """
    rows = _rows(only)
    left = {one["workflow"] for one in left_out(Counter(row["workflow"] for row in rows))}
    by_workflow: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for row in rows:
        if row["workflow"] not in left:
            by_workflow[row["workflow"]][row["request_id"]] = row
    here = here or stores.Here()
    called = names(row["request_id"] for row in rows)
    told: dict[str, dict[str, Any]] = {}
    for name, asked in by_workflow.items():
        workflow = registry.load(name)
        for group in ledger.with_units(workflow, asked, planned):
            told |= _told(workflow, group, asked, recorded, here)
    ids = [row["request_id"] for row in rows if row["request_id"] in told]
    return [{"request": one, "names": called.get(one, [])} | told[one] for one in ids]


def names(requests: Iterable[str]) -> dict[str, list[str]]:
    """Return what requests were called, by id, the oldest name first; not those without."""
    named = Request.Name() * Run.proj("run_started", naming_run_id="run_id")
    found: dict[str, list[str]] = defaultdict(list)
    for row in sorted(ledger.among(named, "request_id", requests), key=itemgetter("run_started")):
        found[row["request_id"]].append(row["request_name"])
    return found


def _rows(only: list[str] | None) -> list[dict[str, Any]]:
    """Return requests with the run that first asked for each, oldest first."""
    found = Request() * Run.proj("run_name", "run_started", first_run_id="run_id")
    rows = found.to_dicts() if only is None else ledger.among(found, "request_id", only)
    return sorted(rows, key=itemgetter("run_started", "request_id"))


def _told(
    workflow: work.Workflow,
    group: list[tuple[work.Request, list[work.UnitPlan]]],
    rows: dict[str, dict[str, Any]],
    recorded: dict[str, ledger.Recorded] | None,
    here: stores.Here,
) -> dict[str, dict[str, Any]]:
    """Return what is told of some requests, by id, with as many statements as of one."""
    if recorded is None:
        every = (unit for _, units in group for unit in units)
        recorded = ledger.recorded_units(registry.stage_tables([workflow]), every)
    known = [_Known.of(request, units, recorded, here) for request, units in group]
    failures = _failures({unit.unit_id for one in known for unit in one.missing})
    runs = _runs({there.run_id for one in known for there in one.found.values()})
    described = workflow.describe([one.request for one in known], [one.counts for one in known])
    return {
        one.request.request_id: _one(rows[one.request.request_id], one, about, failures, runs, here)
        for one, about in zip(known, described, strict=True)
    }


class _Known(NamedTuple):
    """A request, which of its units are recorded, and where their bundles are."""

    request: work.Request
    units: list[work.UnitPlan]
    found: dict[str, ledger.Recorded]
    places: dict[str, list[Path]]

    @classmethod
    def of(
        cls,
        request: work.Request,
        units: list[work.UnitPlan],
        recorded: dict[str, ledger.Recorded],
        here: stores.Here,
    ) -> "_Known":
        found = {unit.unit_id: recorded[unit.unit_id] for unit in units if unit.unit_id in recorded}
        places = holdings.in_one_store(
            {unit.unit_id: unit for unit in units},
            {name: here.candidates(one) for name, one in found.items() if here.given or one.copies},
            here.given,
        )
        if here.given is not None:
            found = {name: one for name, one in found.items() if places.get(name) or one.dropped}
        there = {name for name, one in found.items() if places.get(name) or not one.dropped}
        if len(there) < len(found):  # what was dropped counts, unless something is to be made of it
            every = {unit.unit_id: unit for unit in units}
            left = ledger.missing(every, dict.fromkeys(there), found)
            found = {name: one for name, one in found.items() if name in there or name not in left}
        return cls(request, units, found, places)

    def away(self, here: stores.Here) -> Counter[str]:
        """Return the stores, in words, that alone have recorded units but can't be found here."""
        return Counter(
            here.where_is(one)
            for name, one in self.found.items()
            if one.copies
            and not (self.places[name] or one.dropped)  # what none has claimed is not looked for
        )

    @property
    def missing(self) -> list[work.UnitPlan]:
        return [unit for unit in self.units if unit.unit_id not in self.found]

    @property
    def counts(self) -> dict[str, tuple[int, int]]:
        return ledger.progress(self.units, self.found)


def _one(
    row: dict[str, Any],
    known: _Known,
    described: dict[str, Any],
    failures: dict[str, str],
    runs: dict[str, dict[str, Any]],
    here: stores.Here,
) -> dict[str, Any]:
    missing, found = known.missing, known.found
    failing = [unit for unit in missing if unit.unit_id in failures]
    names = unit_names((unit.process, unit.key) for unit in failing)
    errors = {name: failures[unit.unit_id] for name, unit in zip(names, failing, strict=True)}
    made_in = [runs[name] for name in {one.run_id for one in found.values()}]
    last = max(made_in or [row], key=itemgetter("run_started"))
    for unit in known.units:
        if unit.unit_id in found and unit.key.keys() == {"request_id"}:
            one = found[unit.unit_id]
            seen = known.places.get(unit.unit_id) or here.candidates(one)
            _as_seen(described, holdings.urls(one, seen))
    state = "complete" if not missing else "failed" if errors else "missing"
    units = {name: {"recorded": done, "total": n} for name, (done, n) in known.counts.items()}
    return {
        "request": row["request_id"],
        "workflow": row["workflow"].rpartition(".")[2],
        "state": state,
        **described,
        "units": units,
        "away": dict(known.away(here)),
        "errors": errors,
        "run": last["run_name"],
        "run_day": f"{last['run_started']:%Y-%m-%d}",
    }


def _as_seen(described: dict[str, Any], urls: dict[str, str]) -> None:
    """Say of a result where it is here, which may not be where it was when it was recorded."""
    for name, url in urls.items():
        recorded = described.get(name)
        for other, value in described.items():
            if recorded and isinstance(value, str):
                described[other] = value.replace(recorded, url)


def left_out(counts: dict[str, int] | None = None) -> list[dict[str, Any]]:
    """Return of which workflows requests can't be shown here: `workflow`, `requests`, `why`.

    `counts` are the workflows that are asked about, and their requests: all, if none are given.
    """
    if counts is None:
        every = dj.U("workflow").aggr(Request, n="count(*)").to_dicts()
        counts = {row["workflow"]: int(row["n"]) for row in every}
    left = installed.left_out(counts)
    return [{"workflow": name, "requests": counts[name], "why": left[name]} for name in left]


def what(described: dict[str, Any]) -> str:
    """Return what a request is about, in few words: its names, and of what it is."""
    about = str(described["workflow"]).rpartition(".")[2]
    if "source" in described:
        words = described["source"], results.chosen(described), described["box"]
        about = " ".join(filter(None, words))
    called = ", ".join(map(one_line, described.get("names", ())))
    return f"{called}: {about}" if called else about


def _failures(units: Iterable[str]) -> dict[str, str]:
    """Return unit id to the error of the latest run in which it failed, for those that did."""
    query = (
        f"SELECT f.unit_id, f.error, r.run_started FROM {Run.Failure.full_table_name} f "
        f"JOIN {Run.full_table_name} r ON r.run_id = f.run_id WHERE f.unit_id IN %s"
    )
    rows: list[Any] = []
    for some in database.pieces(units):
        rows += database.connection().query(query, (tuple(some),)).fetchall()
    return {unit: error for unit, error, _ in sorted(rows, key=itemgetter(2))}


def _runs(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return name and start of runs, by id."""
    rows: list[dict[str, Any]] = []
    for some in database.pieces(names):
        found = Run.proj("run_name", "run_started") & [{"run_id": name} for name in some]
        rows += found.to_dicts()
    return {row["run_id"]: row for row in rows}


def runs(only: set[str] | None = None) -> list[dict[str, Any]]:
    """Return every run, or those whose ids are given, oldest first.

    Returns
    -------
    list of dict
        `run`, `run_id`, `started`, `user`, `revision`, how many units it `made` and how many
        `failed`, when it `ended` (None: it goes on, or was killed), and how many of its requests
        were `missing` something then (None: not known).
    """
    known = Run.proj("run_name", "run_started", "run_user", "revision", "run_parameters")
    if only is None:
        rows = known.to_dicts()
        made, failed = (_numbers(of) for of in (Execution(), Run.Failure()))
    else:
        rows = ledger.among(known, "run_id", only)
        asked = [{"run_id": name} for name in only]
        made, failed = (_numbers(of & asked) for of in (Execution(), Run.Failure()))
    return [
        {
            "run": row["run_name"],
            "run_id": row["run_id"],
            "started": f"{row['run_started']:%Y-%m-%dT%H:%M:%SZ}",
            "user": row["run_user"],
            "revision": row["revision"],
            "made": made.get(row["run_id"], 0),
            "failed": failed.get(row["run_id"], 0),
            "ended": row["run_parameters"].get("ended"),
            "missing": row["run_parameters"].get("missing"),
        }
        for row in sorted(rows, key=itemgetter("run_started", "run_id"))
    ]


def _numbers(rows: Any) -> dict[str, int]:
    found = dj.U("run_id").aggr(rows, n="count(*)").to_dicts()
    return {row["run_id"]: int(row["n"]) for row in found}


def outcome(run: dict[str, Any]) -> str:
    """Return in a word or two what became of a run."""
    if run["ended"] is None:
        return "goes on, or was killed"
    if run["missing"]:
        return f"{run['missing']:,} request{'s' * (run['missing'] > 1)} not complete"
    return "ended" if run["missing"] is None else "complete"


def _runs_of(request_ids: list[str]) -> set[str]:
    """Return ids of the runs that first asked for requests, made some of it, or failed to."""
    found: set[str] = set()
    by_workflow: dict[str, list[str]] = defaultdict(list)
    for row in _rows(request_ids):
        found.add(row["first_run_id"])
        by_workflow[row["workflow"]].append(row["request_id"])
    for name, asked in by_workflow.items():
        workflow = installed.opened(name)
        for group in ledger.with_units(workflow, asked):
            units = [unit for _, some in group for unit in some]
            there = ledger.recorded_units(registry.stage_tables([workflow]), units)
            found |= {one.run_id for one in there.values()}
            failed = ledger.among(Run.Failure.proj(), "unit_id", (one.unit_id for one in units))
            found |= {row["run_id"] for row in failed}
    return found


def report(
    only: list[str] | None = None, failed: bool = False, last: int | None = None
) -> dict[str, Any]:
    """Return what `bossflow status --json` prints: `requests`, `left_out`, `runs`, `totals`.

    Parameters
    ----------
    only : list of str, optional
        Ids of requests: these, and the runs that made, or failed to make, some of them.
    failed : bool
        Requests that failed, and runs in which something did.
    last : int, optional
        So many of the latest requests, and of the latest runs.
    """
    asked = only
    if last is not None and not failed:
        asked = [row["request_id"] for row in _rows(only)[-last:]]
    shown = requests(asked)
    known = runs(None if only is None else _runs_of(only))
    if failed:
        shown = [one for one in shown if one["state"] == "failed"]
        known = [one for one in known if one["failed"]]
    if last is not None:
        shown, known = shown[-last:], known[-last:]
    states = Counter(request["state"] for request in shown)
    made = dj.U().aggr(Execution, n="count(*)", size="sum(bundle_bytes)").fetch1()
    totals = {
        "requests": len(shown),
        **{state: states[state] for state in ("complete", "missing", "failed")},
        "runs": len(known),
        "units_recorded": int(made["n"]),
        "bytes": int(made["size"] or 0),
    }
    return {"requests": shown, "left_out": left_out(), "runs": known, "totals": totals}
