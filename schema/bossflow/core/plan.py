"""PLAN: check what is asked, register it, subtract what is recorded, write the rest as tasks."""

import json
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

from .. import __version__, database
from ..database import settings
from ..kit import digests, locations
from . import (
    changes,
    dry_run,
    holdings,
    installed,
    ledger,
    registry,
    removal,
    run_store,
    sources,
    stores,
    summary,
    tasks,
    work,
)
from .dependents import dependents, requests_of, with_pulled
from .ledger import Recorded
from .registration import distinct, register
from .work import UnitPlan, numbers


def plan(
    asked: dict[str, Any],
    described: dict[str, Any],
    code: str,
    directory: Path,
    compared: dict[str, dict[str, Any]] | None = None,
) -> None:
    """Write `plan.json` and `tasks/*.jsonl` for what is asked and not recorded.

    If all of it is recorded, there is nothing to come that could be summed up: the summary's
    files are written at once.

    A user's mistake becomes the plan's `problem`: one sentence, with nothing written in
    database or store.

    Parameters
    ----------
    asked : dict
        `workflow` (its name, or that of its module), `params` and `run`, as the pipeline writes
        them; where DESCRIBE has checked parameters, these count.
    described : dict
        What DESCRIBE found: `rows` that are asked for, `channels` of the archive. `expand` gets
        the URL of the run's `store` with it.
    code : str
        Fingerprint of the programs.
    directory : Path
        Where the files go.
    compared : dict, optional
        By unit, the receipts of the tasks that an earlier plan of this run had compare what is
        recorded with what is there now.
    """
    asked = asked | {"params": asked["params"] | described.get("params", {})}
    run = asked["run"]
    result: dict[str, Any] = {
        "problem": described.get("problem"),
        "notes": [],
        "dry_run": bool(asked["params"].get("dry_run")),
        "page": bool(asked["params"].get("page")),
        "text": "",
        "run_id": digests.digest([run["session"], run["name"], run["start"]])[:16],
        "run_name": run["name"],
        "workflow": asked["workflow"],
        "launch_dir": run["launch_dir"],
        "asks": {},
        "compare": False,
        "tasks": [],
    }
    if not result["problem"]:
        try:
            database.again(lambda: _plan(asked, described, code, directory, result, compared))
        except (ValueError, OSError, database.DatabaseError) as error:
            result |= {"problem": str(error), "tasks": []}
        except database.REFUSALS as error:
            sentence = f"database {database.server().told} refuses: {database.said(error)}"
            result |= {"problem": sentence, "tasks": []}
    text = json.dumps(result, indent=1)
    (directory / "plan.json").write_text(text, encoding="utf-8")


def _plan(
    asked: dict[str, Any],
    described: dict[str, Any],
    code: str,
    directory: Path,
    result: dict[str, Any],
    compared: dict[str, dict[str, Any]] | None,
) -> None:
    params = asked["params"]
    if asked["run"].get("version", __version__) != __version__:
        raise ValueError(
            f"this pipeline is bossflow {asked['run']['version']}, but the installed package is "
            f"{__version__}: run ./set-up.sh of this version, or install it with pip"
        )
    workflow = registry.load(result["workflow"])
    installed.open_schema([workflow])
    store = run_store.place(params.get("store"), Path(asked["run"]["launch_dir"]))
    described = described | {"store": locations.url(store)}
    every_request, unreached = workflow.expand(params, described)
    requests = distinct(every_request)
    result["sources"] = sorted({name for request in requests for name in request.sources})
    tables = registry.stage_tables([workflow])
    by_request = [registry.load(request.workflow).units(request) for request in requests]
    units = {unit.unit_id: unit for group in by_request for unit in group}
    here = stores.Here(store)
    here.check()
    mode = params.get("source_changes") or "compare"
    now = changes.seen(units.values(), mode)
    recorded = ledger.recorded_units(tables, units.values())
    bundles_here, away = run_store.reachable(recorded, units, here)
    # what is away as well, if it can be compared: RECORD takes nothing else for it
    known = {
        name: bundle
        for name, bundle in recorded.items()
        if name in bundles_here or bundle.reading_version and _has_inputs(units[name], bundles_here)
    }
    missing = ledger.missing(units, bundles_here, recorded)
    if unreached and any(workflow.pulled_bytes_of(unit) for unit in missing.values()):
        raise ValueError(unreached[0])
    again = {name for name in missing if name not in bundles_here and name in recorded}
    again = {name for name in again if recorded[name].dropped}
    known |= {name: recorded[name] for name in again}
    judged = changes.judge(mode, units, known, now, compared, bundles_here, again)
    result["notes"] = [
        f"{sentence}: what is asked of it is recorded, so it is not needed"
        for sentence in unreached
    ] + [*settings.notes(), *run_store.notes_of(away, units, here), *judged.notes]
    result["notes"] += filter(None, (given.get("note") for given in described.get("channels", ())))
    result["notes"] += dict.fromkeys(note for request in requests for note in request.notes)
    if not params.get("store"):
        result["notes"] += run_store.of_default(here)
    given = int(params["blocks_per_task"]) if params.get("blocks_per_task") else None
    header = {"run_id": result["run_id"], "store": locations.url(store), "code": code}
    result |= {
        "store": locations.shown(store),
        "requests": [request.request_id for request in requests],
        "names": {request.request_id: request.name for request in requests if request.name},
    }
    result["notes"] += _of_others(judged.wrong, result["requests"])
    doubtful = {name: units[name] for name in judged.compare}
    if judged.wrong:
        gone = _gone(units, recorded, judged.wrong)
        bundles_here = {name: path for name, path in bundles_here.items() if name not in gone}
        recorded = {name: bundle for name, bundle in recorded.items() if name not in gone}
        missing = ledger.missing(units, bundles_here, recorded)
    result |= _told(workflow, units, bundles_here, missing, recorded)
    run_store.refuse_away(missing, bundles_here, recorded, here)
    sources.bundles_here(result, units, missing, here)
    if result["dry_run"]:
        result["notes"] += _of_rows(bundles_here, missing)
        made = run_store.made(requests, by_request, missing, store)
        stages = [
            tasks.cut_up(units.values(), some, lambda _: {}, workflow.seconds_of, given, apart)
            for some, apart in ((doubtful, ()), (missing, made))
        ]
        most = _gone(units, recorded, {known[name].execution_id for name in doubtful})
        asked_for = _asked(workflow, units)
        result["text"] = dry_run.in_words(
            workflow, units, asked_for, result, missing, doubtful, most, stages
        )
        return
    run_store.refuse_unwritable(store)
    here.open()
    if doubtful:
        line = partial(tasks.line, bundles_here=bundles_here, recorded={}, now=now, keep=again)
        todo = tasks.cut_up(doubtful.values(), doubtful, line, workflow.seconds_of, given)
        header |= {"compare": True, "marks": run_store.marks(store) if again else []}
        tasks.write(todo, header, store, directory)
        result |= {"compare": True, "text": "", "tasks": todo}
        result["asks"] = tasks.asks(todo, compare=True)
        return
    if judged.wrong:
        removal.forget(with_pulled(judged.wrong))
        recorded = ledger.recorded_units(tables, units.values())
        bundles_here, _ = run_store.reachable(recorded, units, here)
        missing = ledger.missing(units, bundles_here, recorded)
    marks: list[str] = []
    if missing:
        marks = run_store.marks(store)
        later = ledger.recorded_units(tables, missing.values())
        recorded |= later
        bundles_here, _ = run_store.reachable(later, units, here, bundles_here)
        missing = ledger.missing(units, bundles_here, recorded)
    result |= _told(workflow, units, bundles_here, missing, recorded)
    versions = {
        bundle.execution_id: reads.version
        for name, bundle in known.items()
        if (reads := units[name].reads)
    }
    result["notes"] += _of_rows(bundles_here, missing)
    made = run_store.made(requests, by_request, missing, store)
    of_others = sources.bundles_here(result, units, missing, here)
    register(asked, requests, by_request, result["run_id"], here, store, judged.remember, versions)
    if not missing:
        planned = {
            request.request_id: (request, units)
            for request, units in zip(requests, by_request, strict=True)
        }
        summary.sum_up(result, [], directory, planned, recorded, here)
        return
    bundles_here |= of_others
    held = {holdings.store_of(bundle) for bundle in bundles_here.values()}
    others = sorted({locations.url(Path(other)) for other in held} - {header["store"]})
    line = partial(tasks.line, bundles_here=bundles_here, recorded=recorded, now=now, others=others)
    todo = tasks.cut_up(units.values(), missing, line, workflow.seconds_of, given, made)
    tasks.write(todo, header | {"marks": marks}, store, directory)
    result |= {"tasks": todo, "asks": tasks.asks(todo)}


def _has_inputs(unit: UnitPlan, bundles_here: dict[str, str]) -> bool:
    """Say whether all is here that a unit is made from: else it can't be made to be compared."""
    return all(given.unit_id in bundles_here for given in unit.inputs)


def _gone(units: dict[str, UnitPlan], recorded: dict[str, Recorded], wrong: set[str]) -> set[str]:
    """Return the units that would go with executions that no longer hold."""
    gone: set[str] = set()
    for name, unit in units.items():  # inputs come before what is made of them
        holds = name not in recorded or recorded[name].execution_id not in wrong
        if not holds or any(given.unit_id in gone for given in unit.inputs):
            gone.add(name)
    return gone


def _told(
    workflow: work.Workflow,
    units: dict[str, UnitPlan],
    bundles_here: dict[str, str],
    missing: dict[str, UnitPlan],
    recorded: dict[str, Recorded],
) -> dict[str, Any]:
    done = bundles_here.keys() | {name for name, bundle in recorded.items() if bundle.dropped}
    done |= {name for name in recorded if not units[name].exact}
    done -= missing.keys()
    reused = Counter(unit.process for name, unit in units.items() if name in done)
    todo = Counter(unit.process for unit in missing.values())
    made = f"to make: {numbers(todo)}; recorded already: {numbers(reused)}"
    text = f"{_asked(workflow, units)}; {made}" if missing else ""
    return {"found": reused, "planned": todo, "text": text}


def _of_others(wrong: set[str], asked: list[str]) -> list[str]:
    """Say which results of others go with what does not hold."""
    if not wrong:
        return []
    going = requests_of(dependents(with_pulled(wrong)))
    others = [name for name in going if name not in asked]
    named = ", ".join(others[:10]) + (f" and {len(others) - 10:,} more" * (len(others) > 10))
    return [f"results of other requests go with them: {named}"] * bool(others)


def _of_rows(bundles_here: dict[str, str], missing: dict[str, UnitPlan]) -> list[str]:
    """Say of how many results that stay as they are more rows are wanted."""
    more = sum(name in bundles_here for name in missing)
    words = f"rows are added to recorded results ({more:,}): nothing of them is computed"
    return [words] if more else []


def _asked(workflow: work.Workflow, units: dict[str, UnitPlan]) -> str:
    counts = Counter(unit.process for unit in units.values())
    return f"asked for: {workflow.in_words(counts)}"
