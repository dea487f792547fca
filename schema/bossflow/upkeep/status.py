"""`bossflow status`: requests, runs, and how many of each."""

from collections import Counter, defaultdict
from operator import itemgetter
from typing import Any

import datajoint as dj

from ..core import installed, ledger, registry, results, states
from ..core.tables import Execution, Run
from ..kit.system import keeping_all
from ..kit.texts import many, one_line

ABOUT_MAX = 80
"""Characters of what a workflow says that a request is about."""


def what(described: dict[str, Any]) -> str:
    """Return what a request is about, in few words: its names, and of what it is."""
    about = str(described["workflow"]).rpartition(".")[2]
    if "source" in described:
        source = described.get("source_name") or described["source"]
        words = source, results.chosen(described), described["box"]
        about = " ".join(filter(None, words))
    elif described.get("about"):
        about = one_line(described["about"])
        about = about if len(about) <= ABOUT_MAX else f"{about[: ABOUT_MAX - 1]}…"
    called = ", ".join(map(one_line, described.get("names", ())))
    return f"{called}: {about}" if called else about


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
    counts = dj.U("run_id").aggr(rows, n="count(*)").to_dicts()
    return {row["run_id"]: int(row["n"]) for row in counts}


def outcome(run: dict[str, Any]) -> str:
    """Return in a word or two what became of a run."""
    if run["ended"] is None:
        return "goes on, or was killed"
    if run["missing"]:
        return f"{many(run['missing'], 'request')} not complete"
    return "ended" if run["missing"] is None else "complete"


def _runs_of(request_ids: list[str]) -> set[str]:
    """Return ids of the runs that first asked for requests, made some of it, or failed to."""
    ids: set[str] = set()
    by_workflow: dict[str, list[str]] = defaultdict(list)
    for row in states.rows_of(request_ids):
        ids.add(row["first_run_id"])
        by_workflow[row["workflow"]].append(row["request_id"])
    for name, asked in by_workflow.items():
        workflow = installed.opened(name)
        for group in ledger.with_units(workflow, asked):
            units = [unit for _, some in group for unit in some]
            recorded = ledger.recorded_units(registry.stage_tables([workflow]), units)
            ids |= {one.run_id for one in recorded.values()}
            failed = ledger.among(Run.Failure.proj(), "unit_id", (one.unit_id for one in units))
            ids |= {row["run_id"] for row in failed}
    return ids


@keeping_all()
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
        asked = [row["request_id"] for row in states.rows_of(only)[-last:]]
    shown = states.requests(asked)
    known = runs(None if only is None else _runs_of(only))
    if failed:
        shown = [one for one in shown if one["state"] == "failed"]
        known = [one for one in known if one["failed"]]
    if last is not None:
        shown, known = shown[-last:], known[-last:]
    counts = Counter(request["state"] for request in shown)
    made = dj.U().aggr(Execution, n="count(*)", size="sum(bundle_bytes)").fetch1()
    totals = {
        "requests": len(shown),
        **{state: counts[state] for state in ("complete", "missing", "failed")},
        "runs": len(known),
        "units_recorded": int(made["n"]),
        "bytes": int(made["size"] or 0),
    }
    return {"requests": shown, "left_out": states.left_out(), "runs": known, "totals": totals}
