"""SUMMARY: what a run asked for, found recorded, made, and left missing."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from .. import database
from ..kit import digests, locations
from ..kit.texts import many, one_line, unit_names
from . import installed, ledger, registry, results, states, stores, work
from .tables import Run


class Told(NamedTuple):
    """What a run came to.

    Attributes
    ----------
    asked : list of dict
        Its requests, as `states.requests` gives them.
    became : list of tuple of 2 str
        What became of their units: a word for it, and numbers.
    missing : str, optional
        What is missing, in a sentence.
    """

    asked: list[dict[str, Any]]
    became: list[tuple[str, str]]
    missing: str | None


def sum_up(
    plan: dict[str, Any],
    batches: Iterable[dict[str, Any]],
    directory: Path,
    planned: ledger.Planned | None = None,
    found: dict[str, ledger.Recorded] | None = None,
    here: stores.Here | None = None,
) -> Told:
    """Write `summary.txt`, `requests.csv` and `verdict.json`, and note that the run has ended.

    The verdict is `missing`: null when every request of the run is complete, else one sentence.

    Parameters
    ----------
    plan : dict
        The run's `plan.json`.
    batches : iterable of dict
        What each RECORD said.
    directory : Path
        Where the files go.
    planned, found, here : optional
        What PLAN knows of the requests, and where their bundles are.

    Returns
    -------
    Told
    """
    workflow = registry.load(plan["workflow"])

    def ask() -> list[dict[str, Any]]:
        installed.open_schema([workflow])
        seen = here or stores.Here(locations.local(plan["store"]))
        told = states.requests(plan["requests"], planned, found, seen)
        complete = [request for request in told if request["state"] == "complete"]
        _note_end(plan["run_id"], len(plan["requests"]) - len(complete))
        return told

    asked, batches = database.again(ask, reached=True), list(batches)
    order = {name: number for number, name in enumerate(plan["requests"])}
    asked.sort(key=lambda request: order[request["request"]])
    urls = dict.fromkeys(name for one in registry.with_used([workflow]) for name in one.results)
    results.write(asked, plan["names"], urls, directory / "requests.csv")
    missing = _missing(plan, asked) or _rows_missing(batches) or _gone(plan, asked)
    became = _became(plan, batches, asked, missing or "")
    lines = _lines(plan, asked, workflow, urls, became)
    (directory / "summary.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (directory / "verdict.json").write_text(json.dumps({"missing": missing}), encoding="utf-8")
    return Told(asked, became, missing)


def _note_end(run_id: str, missing: int) -> None:
    """Note that nothing more comes of a run: `bossflow status --watch` waits for the others.

    And of how many of its requests something is missing.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    ended = {"ended": now, "missing": missing}
    for run in (Run.proj("run_parameters") & {"run_id": run_id}).to_dicts():
        Run.update1(run | {"run_parameters": run["run_parameters"] | ended})


def _lines(
    plan: dict[str, Any],
    asked: list[dict[str, Any]],
    workflow: work.Workflow,
    urls: Iterable[str],
    became: list[tuple[str, str]],
) -> list[str]:
    complete = [request for request in asked if request["state"] == "complete"]
    lines = []
    if not plan["planned"]:
        words = workflow.in_words(plan["found"])
        lines += [f"note: {note}" for note in plan["notes"]]
        lines.append(f"nothing to compute: {words} recorded already ({_made_by(asked)})")
    else:
        lines += [f"{word:11} {text}" for word, text in became]
    for request in complete[:20]:
        name = plan["names"].get(request["request"])
        url = next((request[one] for one in urls if request.get(one)), None)
        told = [request["request"], name and one_line(name), request["outcome"], url]
        lines.append("  ".join(filter(None, told)))
        if request.get("note"):
            lines.append(f"            {request['note']}")
    if len(complete) > 20:
        lines.append(f"... and {len(complete) - 20} more in requests.csv")
    lines.append(f"database    {database.server().told}")
    return lines


def _called(asked: list[dict[str, Any]]) -> dict[str, str]:
    """Return what requests were called last, by id."""
    return {request["request"]: request["names"][-1] for request in asked if request["names"]}


def in_numbers(asked: list[dict[str, Any]], units: Mapping[str, int]) -> str:
    """Return what was asked for: requests, all of their units, and how many are complete."""
    complete = sum(request["state"] == "complete" for request in asked)
    return f"{many(len(asked), 'request')} ({work.numbers(units)}): {complete} complete"


def _became(
    plan: dict[str, Any],
    batches: list[dict[str, Any]],
    asked: list[dict[str, Any]],
    missing: str,
) -> list[tuple[str, str]]:
    """Return what became of the units that were asked for, by the word for it: each counts once.

    Failures follow, without a word. One that `missing` tells, the sentence that the run ends with,
    is not told twice.
    """
    every = [failure for batch in batches for failure in batch["failed"]]
    failed = list({digests.unit_id(one["process"], one["key"]): one for one in every}.values())
    fails = Counter(one["process"] for one in failed)
    recorded, taken, known, copied, blocked = (
        sum((Counter(batch[name]) for batch in batches), Counter())
        for name in ("recorded", "taken", "known", "copied", "blocked")
    )
    left = Counter(plan["planned"]) - recorded - copied - fails - blocked
    # a batch may record inputs of its units, which a later batch finds known
    meanwhile = left & (known - copied - taken)
    every_unit = Counter(plan["found"]) + Counter(plan["planned"])
    told: list[tuple[str, Counter[str], str]] = [
        ("copies", copied, ", recorded as another copy of the same rows"),
        ("meanwhile", meanwhile, ", recorded by another run"),
        ("blocked", blocked, ", whose inputs are missing"),
        ("not made", left - meanwhile, ", whose tasks ended early or never began"),
        ("failed", fails, ""),
    ]
    lines = [("asked for", in_numbers(asked, every_unit)), ("found", work.numbers(plan["found"]))]
    if recorded or not copied:
        lines.append(("recorded", work.numbers(recorded)))
    lines += [(word, f"{work.numbers(counts)}{why}") for word, counts, why in told if counts]
    names = unit_names(((one["process"], one["key"]) for one in failed), _called(asked))
    errors = [(name, one["error"]) for name, one in zip(names, failed, strict=True)]
    more = [
        ("", f"{name}: {error}")
        for name, error in errors
        if f" {name} ({error})" not in f" {missing}"  # a name may end like another
    ]
    if len(more) > 10:
        more[10:] = [("", f"... and {len(more) - 10} more: bossflow status")]
    return lines + more


def _made_by(asked: list[dict[str, Any]]) -> str:
    """Return the run that last made something of these requests, and its day."""
    last = max(asked, key=lambda request: request["run_day"])
    return f"run {last['run']}, {last['run_day']}"


def _missing(plan: dict[str, Any], asked: list[dict[str, Any]]) -> str | None:
    left = [request for request in asked if request["state"] != "complete"]
    if not left:
        return None
    names = []
    for request in left:
        if request["errors"]:
            names += [f"{unit} ({error})" for unit, error in request["errors"].items()]
        else:
            open_units = {
                name: units["total"] - units["recorded"]
                for name, units in request["units"].items()
                if units["total"] > units["recorded"]
            }
            name = _called([request]).get(request["request"], request["request"])
            names.append(f"request {one_line(name)}: {work.numbers(Counter(open_units))}")
    names = list(dict.fromkeys(names))  # requests share blocks
    shown = "; ".join(names[:3]) + (f"; and {len(names) - 3} more" if len(names) > 3 else "")
    return (
        f"{len(left)} of {len(asked)} requests not complete: {shown}. What was finished is "
        "recorded, and `bossflow status` shows what is missing."
    )


def _gone(plan: dict[str, Any], asked: list[dict[str, Any]]) -> str | None:
    """Return what to say of requests that are not recorded any more."""
    gone = set(plan["requests"]) - {request["request"] for request in asked}
    if not gone:
        return None
    were = "was" if len(gone) == 1 else "were"
    return f"request {', '.join(sorted(gone))} {were} forgotten meanwhile: run again"


def _rows_missing(batches: list[dict[str, Any]]) -> str | None:
    """Return what to say of recorded results that have fewer rows than are asked for."""
    left = [one for batch in batches for one in batch["failed"] if "recorded" in one]
    if not left:
        return None
    (name,) = unit_names([(left[0]["process"], left[0]["key"])])
    return (
        f"all requests are complete, but to {len(left)} of them rows could not be added: {name} "
        f"({left[0]['error']})"
    )
