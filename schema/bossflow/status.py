"""What was asked for and how far it is: `bossflow status`, and what SUMMARY says of a run."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from . import ledger, stores, work
from .kit.texts import unit_names
from .tables import Execution, Request, Run

Planned = dict[str, tuple[work.Request, list[work.UnitPlan]]]
"""By id, requests with their units, for whoever has them already."""


def requests(
    only: list[str] | None = None,
    planned: Planned | None = None,
    recorded: dict[str, ledger.Recorded] | None = None,
    store: Path | None = None,
) -> list[dict[str, Any]]:
    """Return every request, oldest first, with its state; but those `left_out`.

    Parameters
    ----------
    only : list of str, optional
        Ids of the requests that are wanted.
    planned, recorded : dict, optional
        What is known of these: their units, and which of them are recorded.
    store : Path, optional
        The store of a run, for which nothing counts that is in stores that are away.

    Returns
    -------
    list of dict
        `request`, `state` (`complete`, `failed` or `missing`), `units` (process to recorded and
        all), `run` and `run_day` (the last run that made something of it, else the one that
        first asked), and what its workflow describes.
    """
    found = Request() * Run.proj("run_started", first_run_id="run_id")
    if only is not None:
        found = found & [{"request_id": name} for name in only]
    rows = found.to_dicts(order_by=("run_started", "request_id"))
    left = {one["workflow"] for one in left_out(rows)}
    rows = [row for row in rows if row["workflow"] not in left]
    failures = _failures()
    known = {row["run_id"]: row for row in Run.proj("run_name", "run_started").to_dicts()}
    here = stores.Here(store)
    return [_one(row, failures, known, planned or {}, recorded, here) for row in rows]


def _one(
    row: dict[str, Any],
    failures: dict[str, str],
    known: dict[str, dict[str, Any]],
    planned: Planned,
    recorded: dict[str, ledger.Recorded] | None,
    here: stores.Here,
) -> dict[str, Any]:
    workflow = work.load(row["workflow"])
    if row["request_id"] in planned:
        request, units = planned[row["request_id"]]
    else:
        request = work.recalled(workflow, row["request_id"])
        units = workflow.units(request)
    if recorded is None:
        found = ledger.recorded_units(work.stage_tables([workflow]), units)
    else:
        found = {unit.unit_id: recorded[unit.unit_id] for unit in units if unit.unit_id in recorded}
    places = stores.in_one_store(
        {unit.unit_id: unit for unit in units},
        {name: here.candidates(one) for name, one in found.items() if here.given or one.copies},
        here.given,
    )
    if here.given is not None:
        found = {name: one for name, one in found.items() if places.get(name)}
    counts = ledger.progress(units, found)
    missing = [unit for unit in units if unit.unit_id not in found]
    failing = [unit for unit in missing if unit.unit_id in failures]
    names = unit_names((unit.process, unit.key) for unit in failing)
    errors = {name: failures[unit.unit_id] for name, unit in zip(names, failing, strict=True)}
    made_in = [known[name] for name in {one.run_id for one in found.values()}]
    last = max(made_in or [known[row["first_run_id"]]], key=lambda run: run["run_started"])
    described = workflow.describe(request, counts)
    for unit in units:
        if unit.unit_id in found and unit.key.keys() == {"request_id"}:
            one = found[unit.unit_id]
            seen = places.get(unit.unit_id) or here.candidates(one)
            _as_seen(described, stores.urls(one, seen))
    state = "complete" if not missing else "failed" if errors else "missing"
    return {
        "request": row["request_id"],
        "workflow": row["workflow"].rpartition(".")[2],
        "state": state,
        **described,
        "units": {name: {"recorded": done, "total": n} for name, (done, n) in counts.items()},
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


def left_out(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return of which workflows requests can't be shown here: `workflow`, `requests`, `why`."""
    counts = Counter(row["workflow"] for row in rows)
    left = ledger.left_out(counts)
    return [{"workflow": name, "requests": counts[name], "why": left[name]} for name in left]


def what(described: dict[str, Any]) -> str:
    """Return what a request is about, in few words."""
    if "source" in described:
        return f"{described['source']} {described['box']}"
    return str(described["workflow"]).rpartition(".")[2]


def _failures() -> dict[str, str]:
    """Return unit id to the error of the latest run in which it failed."""
    rows = (Run.Failure * Run.proj("run_started")).to_dicts(order_by="run_started")
    return {row["unit_id"]: row["error"] for row in rows}


def runs() -> list[dict[str, Any]]:
    """Return every run, oldest first, with how many units it made and how many failed."""
    made = Counter(Execution.to_arrays("run_id"))
    failed = Counter(Run.Failure.to_arrays("run_id"))
    return [
        {
            "run": row["run_name"],
            "run_id": row["run_id"],
            "started": f"{row['run_started']:%Y-%m-%dT%H:%M:%SZ}",
            "user": row["run_user"],
            "revision": row["revision"],
            "made": made[row["run_id"]],
            "failed": failed[row["run_id"]],
        }
        for row in Run.to_dicts(order_by=("run_started", "run_id"))
    ]


def report() -> dict[str, Any]:
    """Return what `bossflow status --json` prints: `requests`, `left_out`, `runs`, `totals`."""
    asked, known = requests(), runs()
    states = Counter(request["state"] for request in asked)
    totals = {
        "requests": len(asked),
        **{state: states[state] for state in ("complete", "missing", "failed")},
        "runs": len(known),
        "units_recorded": len(Execution()),
        "bytes": sum(int(size) for size in Execution.to_arrays("bundle_bytes")),
    }
    left = left_out(Request.proj("workflow").to_dicts())
    return {"requests": asked, "left_out": left, "runs": known, "totals": totals}
