"""What was asked for, and how far it is."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple

from .. import database
from ..kit.texts import unit_names
from . import given, holdings, installed, ledger, registry, stores, work
from .tables import Request, Run


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
        `request`, `names` (what it was called, the latest last), `state` (`complete`, `failed` or
        `missing`), `units` (process to recorded and all), `away` (stores, in words, that are not
        here, to how many of the units that are recorded are nowhere else), `run` and `run_day` (the
        last run that made something of it, else the one that first asked), `outcome` (what came of
        it, in words; None unless it is complete), and what its workflow describes.
    """
    rows = rows_of(only)
    asked_of = {row["request_id"]: row["workflow"] for row in rows}
    left = left_out({name: of for name, of in asked_of.items() if name not in (planned or {})})
    hidden = {some.get("request", some["workflow"]) for some in left}
    by_workflow: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for row in rows:
        if hidden.isdisjoint((row["workflow"], row["request_id"])):
            by_workflow[row["workflow"]][row["request_id"]] = row
    here = here or stores.Here()
    called = names(row["request_id"] for row in rows)
    told: dict[str, dict[str, Any]] = {}
    for name, asked in by_workflow.items():
        workflow = registry.load(name)
        for group in ledger.with_units(workflow, asked, planned):
            told |= _told(workflow, group, asked, called, recorded, here)
    return [told[row["request_id"]] for row in rows if row["request_id"] in told]


def names(requests: Iterable[str]) -> dict[str, list[str]]:
    """Return what requests were called, by id, the latest name last; not those without."""
    named = Request.Name() * Run.proj("run_started", naming_run_id="run_id")
    called: dict[str, list[str]] = defaultdict(list)
    for row in sorted(ledger.among(named, "request_id", requests), key=itemgetter("run_started")):
        called[row["request_id"]].append(row["request_name"])
    return called


def rows_of(only: list[str] | None) -> list[dict[str, Any]]:
    """Return requests with the run that first asked for each, oldest first."""
    every = Request() * Run.proj("run_name", "run_started", first_run_id="run_id")
    rows = every.to_dicts() if only is None else ledger.among(every, "request_id", only)
    return sorted(rows, key=itemgetter("run_started", "request_id"))


def _told(
    workflow: work.Workflow,
    group: list[tuple[work.Request, list[work.UnitPlan]]],
    rows: dict[str, dict[str, Any]],
    called: dict[str, list[str]],
    recorded: dict[str, ledger.Recorded] | None,
    here: stores.Here,
) -> dict[str, dict[str, Any]]:
    """Return what is told of some requests, by id, with as many statements as of one."""
    if recorded is None:
        every = (unit for _, units in group for unit in units)
        recorded = ledger.recorded_units(registry.stage_tables([workflow]), every)
    known = [_Known.of(request, units, recorded, here) for request, units in group]
    failed = failures({unit.unit_id for state in known for unit in state.missing})
    runs = _runs({bundle.run_id for state in known for bundle in state.found.values()})
    described = workflow.describe(
        [state.request for state in known], [state.counts for state in known]
    )
    told = {
        state.request.request_id: _one(
            rows[state.request.request_id],
            called.get(state.request.request_id, []),
            *(state, about, failed, runs, here),
        )
        for state, about in zip(known, described, strict=True)
    }
    for one in told.values():
        one["outcome"] = workflow.outcome(one) if one["state"] == "complete" else None
    return told


class _Known(NamedTuple):
    """A request, which of its units are recorded, and where their bundles are."""

    request: work.Request
    units: list[work.UnitPlan]
    found: dict[str, ledger.Recorded]
    places: dict[str, list[str]]

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
            {
                name: here.candidates(bundle)
                for name, bundle in found.items()
                if here.given or bundle.copies
            },
            here.given,
        )
        if here.given is not None:
            again = {unit.unit_id for unit in units if unit.exact}
            found = {
                name: bundle
                for name, bundle in found.items()
                if places.get(name) or bundle.dropped or name not in again
            }
        kept = {name for name, bundle in found.items() if places.get(name) or not bundle.dropped}
        if len(kept) < len(found):  # what was dropped counts, unless something is to be made of it
            every = {unit.unit_id: unit for unit in units}
            left = ledger.missing(every, dict.fromkeys(kept), found)
            found = {
                name: bundle for name, bundle in found.items() if name in kept or name not in left
            }
        return cls(request, units, found, places)

    def away(self, here: stores.Here) -> Counter[str]:
        """Return the stores, in words, that alone have recorded units but can't be found here."""
        return Counter(
            here.where_is(bundle)
            for name, bundle in self.found.items()
            if bundle.copies
            and not (self.places[name] or bundle.dropped)  # what none has claimed is not looked for
        )

    @property
    def missing(self) -> list[work.UnitPlan]:
        return [unit for unit in self.units if unit.unit_id not in self.found]

    @property
    def counts(self) -> dict[str, tuple[int, int]]:
        return ledger.progress(self.units, self.found)


def _one(
    row: dict[str, Any],
    called: list[str],
    known: _Known,
    described: dict[str, Any],
    failures: dict[str, str],
    runs: dict[str, dict[str, Any]],
    here: stores.Here,
) -> dict[str, Any]:
    missing, found = known.missing, known.found
    failing = [unit for unit in missing if unit.unit_id in failures]
    named = {row["request_id"]: called[-1]} if called else {}
    names = unit_names(((unit.process, unit.key) for unit in failing), named)
    errors = {name: failures[unit.unit_id] for name, unit in zip(names, failing, strict=True)}
    made_in = [runs[name] for name in {bundle.run_id for bundle in found.values()}]
    last = max(made_in or [row], key=itemgetter("run_started"))
    for unit in known.units:
        if unit.unit_id in found and unit.key.keys() == {"request_id"}:
            bundle = found[unit.unit_id]
            seen = known.places.get(unit.unit_id) or here.candidates(bundle)
            _as_seen(described, holdings.urls(bundle, seen))
    state = "complete" if not missing else "failed" if errors else "missing"
    units = {name: {"recorded": done, "total": n} for name, (done, n) in known.counts.items()}
    return {
        "request": row["request_id"],
        "names": called,
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


def left_out(asked: dict[str, str] | None = None) -> list[dict[str, Any]]:
    """Return which requests can't be shown here: `workflow`, `requests` (their number), `why`.

    Of a workflow that can be used, a single one that can't be recalled: also its id, as `request`.
    `asked` are the requests that are asked about, each with its workflow: all, if none are given.
    """
    if asked is None:
        asked = {row["request_id"]: row["workflow"] for row in Request.proj("workflow").to_dicts()}
    by_workflow: dict[str, list[str]] = defaultdict(list)
    for request, name in asked.items():
        by_workflow[name].append(request)
    left = installed.left_out(by_workflow)
    told = [
        {"workflow": name, "requests": len(by_workflow[name]), "why": why}
        for name, why in left.items()
    ]
    for name in sorted(by_workflow.keys() - left.keys()):
        lacking = given.not_recalled(registry.load(name), by_workflow[name])
        told += [
            {"workflow": name, "requests": 1, "why": why, "request": request}
            for request, why in lacking.items()
        ]
    return told


def failures(units: Iterable[str], since: datetime = datetime.min) -> dict[str, str]:
    """Return unit id to the error of the latest run in which it failed, for those that did.

    Runs that began before `since` (UTC) do not count.
    """
    query = (
        f"SELECT f.unit_id, f.error, r.run_started FROM {Run.Failure.full_table_name} f "
        f"JOIN {Run.full_table_name} r ON r.run_id = f.run_id WHERE f.unit_id IN %s"
    )
    rows: list[Any] = []
    for some in database.pieces(units):
        rows += database.connection().query(query, (tuple(some),)).fetchall()
    return {unit: error for unit, error, at in sorted(rows, key=itemgetter(2)) if at >= since}


def _runs(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return name and start of runs, by id."""
    rows: list[dict[str, Any]] = []
    for some in database.pieces(names):
        these = Run.proj("run_name", "run_started") & [{"run_id": name} for name in some]
        rows += these.to_dicts()
    return {row["run_id"]: row for row in rows}
