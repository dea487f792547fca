"""What the page of a run tells, from the database."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from operator import itemgetter
from pathlib import Path
from typing import Any

import datajoint as dj

from .. import database
from ..core import installed, ledger, registry, states, work
from ..core.summary import in_numbers
from ..core.tables import Execution, Request, Run
from ..kit.texts import unit_names

FAILURES, LOG_LINES, LOG_BYTES = 20, 20, 4000
"""How many failures are told, and how much of the end of their logs."""


def run_named(name: str | None) -> dict[str, Any]:
    """Return the run that is named by its id, the start of it, or its name; without one the last.

    As of requests, a name is not guessed where another's id starts so, and a whole id is that one.

    Raises
    ------
    ValueError
        If there is none, or there are several.
    """
    every = Run.proj("run_name", "run_started").to_dicts()
    if name is None:
        found = sorted(every, key=itemgetter("run_started", "run_id"))[-1:]
    else:
        found = [one for one in every if one["run_id"] == name] or [
            one
            for one in every
            if name and (one["run_id"].startswith(name) or one["run_name"] == name)
        ]
    if len(found) != 1:
        said = f"{len(found)} runs have" if found else "no run has"
        which = f"an id or name {name!r}" if name is not None else "been recorded"
        more = "give more of the id, " if found else ""
        raise ValueError(f"{said} {which}: {more}see `bossflow status --json`")
    return of_id(found[0]["run_id"])


def of_id(run_id: str) -> dict[str, Any]:
    """Return the row of a run."""
    row: dict[str, Any] = (Run() & {"run_id": run_id}).fetch1()
    return row


def reports_of(run: dict[str, Any]) -> Path | None:
    """Return the directory with Nextflow's reports of a run; None where others are, or none."""
    directory = Path(str(run["run_parameters"].get("outdir") or ""), "reports")
    try:
        text = (directory / "report.html").read_text("utf-8", "replace")
    except OSError:
        return None
    return directory if f"[{run['run_name']}]" in text else None


def requests_of(run_id: str) -> list[dict[str, Any]]:
    """Return the requests of a run that the database connects with it, as `states.requests` does.

    Those that it first asked for, named, or of which it made a result: what it found whole and did
    not name was no news.
    """
    run = {"run_id": run_id}
    ids = set((Request() & {"first_run_id": run_id}).to_arrays("request_id").tolist())
    ids |= set((Request.Name() & {"naming_run_id": run_id}).to_arrays("request_id").tolist())
    names = set(Request().to_arrays("workflow").tolist())
    for name in sorted(names - installed.left_out(names).keys()):
        for table in installed.opened(name).tables:
            if "request_id" in table().primary_key:
                made_by = Execution.proj(
                    "run_id", **{ledger.execution_attribute(table): "execution_id"}
                )
                made = dj.U("request_id") & (table * made_by & run)
                ids |= set(made.to_arrays("request_id").tolist())
    return states.requests(sorted(ids)) if ids else []


def became(run_id: str, asked: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return what became of a run, in the words of its summary: of units, those of requests."""
    units: dict[str, tuple[str, bool]] = {}
    made_here: Counter[str] = Counter()
    by_workflow: dict[str, list[str]] = {}
    for row in ledger.among(
        Request.proj("workflow"), "request_id", [one["request"] for one in asked]
    ):
        by_workflow.setdefault(row["workflow"], []).append(row["request_id"])
    for name, some in by_workflow.items():
        workflow = installed.opened(name)
        for group in ledger.with_units(workflow, some):
            every = {unit.unit_id: unit for _, plans in group for unit in plans}
            recorded = ledger.recorded_units(registry.stage_tables([workflow]), every.values())
            for unit_id, unit in every.items():
                if unit_id not in units:
                    made_here[unit.process] += (
                        unit_id in recorded and recorded[unit_id].run_id == run_id
                    )
                units[unit_id] = unit.process, unit_id in recorded
    all_of_them = Counter(process for process, _ in units.values())
    done = Counter(process for process, is_there in units.values() if is_there)
    failed: Counter[str] = Counter(
        (Run.Failure() & {"run_id": run_id}).to_arrays("failed_process").tolist()
    )
    told = [
        ("asked for", in_numbers(asked, all_of_them)),
        ("found", work.numbers(done - made_here)),
        ("recorded", work.numbers(+made_here)),
    ]
    told += [("missing", work.numbers(all_of_them - done))] if all_of_them - done else []
    return told + ([("failed", work.numbers(failed))] if failed else [])


def processes(run_id: str) -> list[dict[str, Any]]:
    """Return what the programs of a run took, by process: what they computed, not what they found.

    Returns
    -------
    list of dict
        `process`, `units`, `seconds` (of all, wall time), `longest` (of one), `memory` (bytes, at
        most), `bytes` (of files); of somebody else's tools the CPU time as `seconds`, if it is
        known, and attempts as `units`.
    """
    run = {"run_id": run_id}
    took = dj.U("process").aggr(
        Execution() & run,
        units="count(*)",
        seconds="sum(execution_seconds)",
        longest="max(execution_seconds)",
        memory="max(peak_memory_bytes)",
        size="sum(bundle_bytes)",
    )
    rows = sorted(took.to_dicts(), key=itemgetter("process"))
    tools = (Run.Attempt() & run).to_dicts()
    if tools:
        seconds = [one["attempt_cpu_seconds"] or one["attempt_seconds"] for one in tools]
        rows.append(
            {
                "process": "command lines",
                "units": len(tools),
                "seconds": sum(seconds),
                "longest": max(one["attempt_seconds"] for one in tools),
                "memory": max(one["attempt_peak_bytes"] or 0 for one in tools),
                "size": 0,
            }
        )
    kinds = {"units": int, "seconds": float, "longest": float, "memory": int, "size": int}
    return [
        {"process": row["process"]} | {name: kind(row[name]) for name, kind in kinds.items()}
        for row in rows
    ]


def failures(run_id: str, called: dict[str, str]) -> tuple[list[dict[str, str]], int]:
    """Return the first failures of a run, with the end of their logs, and how many there are.

    Parameters
    ----------
    run_id : str
    called : dict
        What requests are called, by id.

    Returns
    -------
    list of dict
        `unit`, `error`, `log` (empty where there is none here).
    int
    """
    rows = (Run.Failure() & {"run_id": run_id}).to_dicts(order_by=("failed_process", "unit_id"))
    shown = rows[:FAILURES]
    ends = {
        row["attempted_unit"]: row["log_end"]
        for row in (Run.Attempt() & {"run_id": run_id}).to_dicts(order_by="attempt")
    }
    names = unit_names(((row["failed_process"], row["failed_key"]) for row in shown), called)
    told = [
        {"unit": name, "error": row["error"], "log": ends.get(row["unit_id"]) or _log(row["error"])}
        for name, row in zip(names, shown, strict=True)
    ]
    return told, len(rows)


def _log(error: str) -> str:
    """Return the end of the log that an error names, if it is here."""
    named = re.search(r"\(log: (/.*/\.command\.log)\)$", error)
    try:
        with Path(named[1] if named else "").open("rb") as stream:
            stream.seek(max(0, stream.seek(0, 2) - LOG_BYTES))
            text = stream.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-LOG_LINES:])


def about(run: dict[str, Any]) -> dict[str, Any]:
    """Return what is told of a run itself: JSON values."""
    given = run["run_parameters"]
    return {
        "name": run["run_name"],
        "id": run["run_id"],
        "workflow": given.get("workflow") or "",
        "started": f"{run['run_started']:%Y-%m-%d %H:%M:%S} UTC",
        "ended": given.get("ended"),
        "user": run["run_user"],
        "revision": run["revision"],
        "nextflow": run["nextflow_version"],
        "profile": run["profile"],
        "database": database.server().told,
        "store": given.get("store"),
        "outdir": given.get("outdir"),
        "parameters": {
            name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            for name, value in sorted(given.items())
            if value is not None and name not in ("ended", "missing")
        },
    }


def called(asked: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Return what requests were called last, by id."""
    return {one["request"]: one["names"][-1] for one in asked if one["names"]}
