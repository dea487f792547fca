"""PLAN: check what is asked, register it, subtract what is recorded, write the rest as tasks."""

import getpass
import json
import os
import random
import shlex
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable
from datetime import UTC, datetime
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any

from .. import __version__, database
from ..database import settings
from ..database.insert import ROWS, insert_absent, insert_all
from ..kit import buckets, bundles, digests, locations, recorded_marks
from ..kit.texts import unit_name
from ..upkeep import invalidate
from . import changes, dry_run, ledger, stores, summary, work
from .dry_run import START_SECONDS, numbers
from .ledger import Recorded
from .tables import ParamSet, Request, Run
from .work import UnitPlan


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
        `params` and `run`, as the pipeline writes them; `workflow` names the module.
    described : dict
        What DESCRIBE found: `rows` that are asked for, `channels` of the archive.
    code : str
        Fingerprint of the programs.
    directory : Path
        Where the files go.
    compared : dict, optional
        By unit, the receipts of the tasks that an earlier plan of this run had compare what is
        recorded with what is there now.
    """
    run = asked["run"]
    result: dict[str, Any] = {
        "problem": described.get("problem"),
        "notes": [],
        "dry_run": bool(asked["params"].get("dry_run")),
        "text": "",
        "run_id": digests.digest([run["session"], run["name"], run["start"]])[:16],
        "run_name": run["name"],
        "workflow": asked.get("workflow", "bossflow.workflows.label"),
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
    workflow = work.load(result["workflow"])
    ledger.open_schema([workflow])
    requests, unreached = workflow.expand(params, described)
    tables = work.stage_tables([workflow])
    by_request = [workflow.units(request) for request in requests]
    units = {unit.unit_id: unit for group in by_request for unit in group}
    store = _store(params.get("store"), Path(asked["run"]["launch_dir"]))
    here = stores.Here(store)
    here.check()
    mode = params.get("source_changes") or "compare"
    now = changes.seen(units.values(), mode)
    recorded = ledger.recorded_units(tables, units.values())
    found, away = _found(recorded, units, here)
    # what is away as well, if it can be compared: RECORD takes nothing else for it
    known = {name: one for name, one in recorded.items() if name in found or one.reading_version}
    missing = ledger.missing(units, found, recorded)
    if unreached and any(workflow.pulled_bytes(unit) for unit in missing.values()):
        raise ValueError(unreached[0])
    again = {name for name in missing if name not in found and name in recorded}
    again = {name for name in again if recorded[name].dropped}
    known |= {name: recorded[name] for name in again}
    judged = changes.judge(mode, units, known, now, compared, found, again)
    result["notes"] = [
        f"{sentence}: what is asked of it is recorded, so it is not needed"
        for sentence in unreached
    ] + [*settings.notes(), *_notes(away, here), *judged.notes]
    result["notes"] += filter(None, (one.get("note") for one in described.get("channels", ())))
    if not params.get("store"):
        result["notes"] += _of_default_store(here)
    given = int(params["blocks_per_task"]) if params.get("blocks_per_task") else None
    header = {"run_id": result["run_id"], "store": locations.url(store), "code": code}
    result |= {
        "store": locations.shown(store),
        "requests": [request.request_id for request in requests],
        "names": {request.request_id: request.name for request in requests if request.name},
        **_told(workflow, units, found, missing, recorded),
    }
    result["notes"] += _of_others(judged.wrong, result["requests"])
    doubtful = {name: units[name] for name in judged.compare}
    if result["dry_run"]:
        gone = _gone(units, recorded, judged.wrong)
        found = {name: path for name, path in found.items() if name not in gone}
        recorded = {name: one for name, one in recorded.items() if name not in gone}
        missing = ledger.missing(units, found, recorded)
        result |= _told(workflow, units, found, missing, recorded)
        result["notes"] += _of_rows(found, missing)
        made = _made(requests, by_request, missing, store)
        stages = [
            _tasks(units.values(), some, lambda _: {}, workflow.seconds, given, apart)
            for some, apart in ((doubtful, ()), (missing, made))
        ]
        most = _gone(units, recorded, {known[name].execution_id for name in doubtful})
        asked_for = _asked(workflow, units)
        result["text"] = dry_run.in_words(
            workflow, units, asked_for, result, missing, doubtful, most, stages
        )
        return
    _refuse_unwritable(store)
    here.open()
    if doubtful:
        line = partial(_line, found={}, recorded={}, now=now, keep=again)
        tasks = _tasks(doubtful.values(), doubtful, line, workflow.seconds, given)
        header |= {"compare": True, "marks": _marks(store) if again else []}
        _write_tasks(tasks, header, store, directory)
        asks = _asks(tasks, doubtful.values())
        result |= {"compare": True, "text": "", "tasks": tasks, "asks": asks}
        return
    if judged.wrong:
        invalidate.invalidate(invalidate.with_pulled(judged.wrong))
        recorded = ledger.recorded_units(tables, units.values())
        found, _ = _found(recorded, units, here)
        missing = ledger.missing(units, found, recorded)
    marks: list[str] = []
    if missing:
        marks = _marks(store)
        later = ledger.recorded_units(tables, missing.values())
        recorded |= later
        found, _ = _found(later, units, here, found)
        missing = ledger.missing(units, found, recorded)
    result |= _told(workflow, units, found, missing, recorded)
    versions = {
        there.execution_id: reads.version
        for name, there in known.items()
        if (reads := units[name].reads)
    }
    result["notes"] += _of_rows(found, missing)
    made = _made(requests, by_request, missing, store)
    _register(asked, requests, result["run_id"], here, store, judged.remember, versions)
    if not missing:
        planned = {
            request.request_id: (request, units)
            for request, units in zip(requests, by_request, strict=True)
        }
        summary.sum_up(result, [], directory, planned, recorded, here)
        return
    line = partial(_line, found=found, recorded=recorded, now=now)
    tasks = _tasks(units.values(), missing, line, workflow.seconds, given, made)
    _write_tasks(tasks, header | {"marks": marks}, store, directory)
    result |= {"tasks": tasks, "asks": _asks(tasks, missing.values())}


def _marks(store: Path) -> list[str]:
    """Return what was recorded before: what others record from here on is marked."""
    with database.lock(database.connection()):
        recorded_marks.forget(store)
        return recorded_marks.names(store)


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
    found: dict[str, Path],
    missing: dict[str, UnitPlan],
    recorded: dict[str, Recorded],
) -> dict[str, Any]:
    there = found.keys() | {name for name, one in recorded.items() if one.dropped}
    there -= missing.keys()
    reused = Counter(unit.process for name, unit in units.items() if name in there)
    todo = Counter(unit.process for unit in missing.values())
    made = f"to make: {numbers(todo)}; recorded already: {numbers(reused)}"
    text = f"{_asked(workflow, units)}; {made}" if missing else ""
    return {"found": reused, "planned": todo, "text": text}


def _made(
    requests: list[work.Request],
    by_request: list[list[UnitPlan]],
    missing: dict[str, UnitPlan],
    store: Path,
) -> set[str]:
    """Return the missing units that an earlier run of these requests made, and did not record.

    What killed a task is still to be made, and may kill the next one: these must not be in it.
    """
    names = [request.request_id for request in requests]
    before = {row["request_id"] for row in ledger.among(Request.proj(), "request_id", names)}
    asked = [units for name, units in zip(names, by_request, strict=True) if name in before]
    left = {one.unit_id: one for units in asked for one in units if one.unit_id in missing}
    places = [locations.place(store, unit.process, unit.unit_id) for unit in left.values()]
    there = locations.each(bundles.there, places, store)
    return {name for name, is_there in zip(left, there, strict=True) if is_there}


def _write_tasks(
    tasks: list[dict[str, Any]], header: dict[str, Any], store: Path, directory: Path
) -> None:
    random.Random(header["run_id"]).shuffle(tasks)  # two runs at once take different ways
    (directory / "tasks").mkdir()
    for task in tasks:
        if buckets.holds(store):  # where nobody sees what another run is making
            random.Random(f"{header['run_id']} {task['task']}").shuffle(task["lines"])
        lines = [header | {"process": task["process"]}, *task.pop("lines")]
        text = "".join(digests.canonical(line) + "\n" for line in lines)
        (directory / "tasks" / f"{task['task']}.jsonl").write_text(text, encoding="utf-8")


def _asks(tasks: list[dict[str, Any]], units: Iterable[UnitPlan]) -> dict[str, dict[str, float]]:
    """Return what a task of each process may take: `memory` in bytes, `seconds` on one core.

    All tasks of a process ask for what the largest one needs, as a scheduler's array of jobs does.
    """
    asks: dict[str, dict[str, float]] = defaultdict(lambda: {"memory": 0, "seconds": 0})
    for unit in units:
        ask = asks[unit.process]
        ask["memory"] = max(ask["memory"], unit.memory)
    for task in tasks:
        ask = asks[task["process"]]
        ask["seconds"] = max(ask["seconds"], task["seconds"])
    return asks


def _found(
    recorded: dict[str, Recorded],
    units: dict[str, UnitPlan],
    here: stores.Here,
    known: dict[str, Path] | None = None,
) -> tuple[dict[str, Path], dict[str, Recorded]]:
    """Return where the bundles of recorded units are here, and the units that are away.

    `known` are those that were found before.

    Raises
    ------
    ValueError
        If bundles are gone from stores that are here.
    """
    places = {name: here.candidates(bundle) for name, bundle in recorded.items()}
    gone, closed = ledger.lost(path for paths in places.values() for path in paths)
    candidates = {
        name: [path for path in paths if path not in closed] for name, paths in places.items()
    }
    left = {name: [path] for name, path in (known or {}).items()}
    for name, paths in candidates.items():
        left[name] = [path for path in paths if path not in gone]
    lost = [name for name, paths in candidates.items() if paths and not left[name]]
    if lost:
        first, where = units[lost[0]], candidates[lost[0]][0]
        name = shlex.quote(locations.shown(where.parents[2]))
        raise ValueError(
            f"{len(lost)} recorded bundles are not in the store any more (first: "
            f"{unit_name(first.process, first.key)} in {locations.shown(where)}): bring the store "
            f"back, or run `bossflow invalidate --lost --store {name}` so that they are made again"
        )
    found = stores.in_one_store(units, left, here.given)
    away = {name: one for name, one in recorded.items() if not (candidates[name] or one.dropped)}
    return {name: paths[0] for name, paths in found.items() if paths}, away


def _notes(away: dict[str, Recorded], here: stores.Here) -> list[str]:
    """Say which stores hold results of this request that can't be reached from here."""
    numbers = Counter(here.where_is(bundle) for bundle in away.values())
    return [
        f"{number:,} units of this are recorded in store {where}, which is away: they are made "
        "again here, unless you mount it, or give credentials"
        for where, number in numbers.items()
    ]


def _of_others(wrong: set[str], asked: list[str]) -> list[str]:
    """Say which results of others go with what does not hold."""
    if not wrong:
        return []
    going = invalidate.requests(invalidate.dependents(invalidate.with_pulled(wrong)))
    others = [name for name in going if name not in asked]
    named = ", ".join(others[:10]) + (f" and {len(others) - 10:,} more" * (len(others) > 10))
    return [f"results of other requests go with them: {named}"] * bool(others)


def _of_rows(found: dict[str, Path], missing: dict[str, UnitPlan]) -> list[str]:
    """Say of how many results that stay as they are more rows are wanted."""
    more = sum(name in found for name in missing)
    words = f"rows are added to recorded results ({more:,}): nothing of them is computed"
    return [words] if more else []


def _of_default_store(here: stores.Here) -> list[str]:
    """Say that the default store is this machine's own, where others use the database as well.

    Raises
    ------
    ValueError
        If nothing is in it yet.
    """
    if database.server().embedded or database.named_store():
        return []
    advice = (
        "give `store` a directory or bucket that all who use the database can reach, or name it "
        'for good in datajoint.json: "stores": {"bossflow": {"protocol": "file", "location": …}}'
    )
    if here.is_used():
        return [f"store {here.given} is in a home directory of this machine: {advice}"]
    raise ValueError(
        f"no store is given, and {here.given} is in a home directory of this machine, while others "
        f"use database {database.server().told} too: {advice}"
    )


STORE_URL_MAX = 800
"""Characters of a store's URL: those of what lies in it must fit the columns of 1024."""


def _store(given: str | None, launch_dir: Path) -> Path:
    if not given:
        store = database.default_store()
    elif "://" in given or given.startswith("~"):
        store = locations.local(given)
    else:
        store = locations.local(str(launch_dir / given))
    if len(locations.url(store)) > STORE_URL_MAX:
        raise ValueError(
            f"store {locations.shown(store)[:60]}... can't be used: as a URL its path has more "
            f"than {STORE_URL_MAX} characters"
        )
    return store


def _refuse_unwritable(store: Path) -> None:
    if buckets.holds(store):
        buckets.refuse_unwritable(store)
        return
    try:
        store.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=store):
            pass
    except OSError as error:
        raise ValueError(
            f"store {store} can't be written: {error.strerror}; give `store` a directory "
            "that you may write to"
        ) from None


TASK_SECONDS = 10
"""What a task should take, so that its start costs little."""

TASKS_MAX = 10_000
"""Tasks of a run, at most: beyond, Nextflow and schedulers become slow."""


def _tasks(
    units: Iterable[UnitPlan],
    missing: dict[str, UnitPlan],
    line: Callable[[UnitPlan], dict[str, Any]],
    seconds: Callable[[UnitPlan], float],
    units_per_task: int | None,
    made: Container[str] = (),
) -> list[dict[str, Any]]:
    """Group missing units into tasks; a task names the tasks that it comes after.

    A task has units of one process and depth, of whatever requests they are: none of them waits
    for another, and no tasks wait for each other. Those that are `made` have tasks of their own.
    """
    depths: dict[str, int] = {}
    groups: dict[tuple[int, str, bool], list[UnitPlan]] = defaultdict(list)
    for unit in units:  # inputs before what is made of them
        given = (depths.get(one.unit_id, 0) for one in unit.inputs)
        depths[unit.unit_id] = depth = 1 + max(given, default=0)
        if unit.unit_id in missing:
            groups[depth, unit.process, unit.unit_id in made].append(unit)
    # each group has one smaller task at most; in a long chain, each unit is a group
    fewest = units_per_task or -(-len(missing) // max(1, TASKS_MAX - len(groups)))
    tasks: list[dict[str, Any]] = []
    task_of: dict[str, str] = {}
    numbers: Counter[str] = Counter()
    for (_, process, _), group in sorted(groups.items(), key=lambda item: item[0][0]):
        least = 0.0 if units_per_task else _seconds_per_task(group, seconds)
        for some in _cut(group, seconds, fewest, least):
            name = f"{process}-{numbers[process]:05}"
            numbers[process] += 1
            task_of |= {unit.unit_id: name for unit in some}
            inputs = {given.unit_id for unit in some for given in unit.inputs}
            task: dict[str, Any] = {"task": name, "process": process}
            task["after"] = sorted({task_of[given] for given in inputs if given in task_of})
            task["blocks"] = [unit.key["block"] for unit in some if "block" in unit.key]
            task["units"] = len(some)
            task["seconds"] = round(sum(map(seconds, some)), 3)
            task["voxels"] = sum(unit.voxels for unit in some)
            tasks.append(task | {"lines": [*map(line, some)]})
    return tasks


def _seconds_per_task(units: list[UnitPlan], seconds: Callable[[UnitPlan], float]) -> float:
    """Return how long a task is worth its start; every core has one if that pays."""
    share = sum(map(seconds, units)) / (os.cpu_count() or 1)
    return max(START_SECONDS, min(share, TASK_SECONDS))


def _cut(
    units: list[UnitPlan], seconds: Callable[[UnitPlan], float], fewest: int, least: float
) -> Iterable[list[UnitPlan]]:
    """Cut units, in their order, into tasks of at least so many units and seconds."""
    start, taken = 0, 0.0
    for stop, unit in enumerate(units, 1):
        taken += seconds(unit)
        if (stop - start >= fewest and taken > least - 1e-6) or stop == len(units):
            yield units[start:stop]
            start, taken = stop, 0.0


def _line(
    unit: UnitPlan,
    found: dict[str, Path],
    recorded: dict[str, Recorded],
    now: dict[str, str],
    keep: Container[str] = (),
) -> dict[str, Any]:
    settings = unit.settings
    if unit.settings_again and unit.unit_id in recorded:
        settings = settings | unit.settings_again
    if unit.reads:
        read = {"version": unit.reads.version, "seen": now.get(unit.unit_id)}
        settings = settings | {"reading": read}
    line: dict[str, Any] = {
        "unit_id": unit.unit_id,
        "process": unit.process,
        "key": unit.key,
        "arguments": unit.arguments,
        "settings": settings,
        "inputs": [
            {
                "unit_id": given.unit_id,
                "process": given.process,
                "key": given.key,
                # null: in this run's store, where this run's tasks put it
                "url": locations.url(found[given.unit_id]) if given.unit_id in found else None,
            }
            for given in unit.inputs
        ],
    }
    if unit.unit_id in keep:
        line["keep"] = True
    if unit.settings_again and unit.unit_id in recorded:
        line["content_sha256"] = recorded[unit.unit_id].content_sha256
    if unit.add_rows:
        line["add_rows"] = unit.add_rows
        if unit.unit_id in found:
            line["recorded"] = locations.url(found[unit.unit_id])
    return line


def _register(
    asked: dict[str, Any],
    requests: list[work.Request],
    run_id: str,
    here: stores.Here,
    store: Path,
    looks: dict[str, str],
    versions: dict[str, str],
) -> None:
    run = asked["run"]
    row = {
        "run_id": run_id,
        "run_name": run["name"],
        "run_started": datetime.fromisoformat(run["start"]).astimezone(UTC).replace(tzinfo=None),
        "run_user": run.get("user") or getpass.getuser(),
        "revision": " ".join(filter(None, [__version__, run.get("commit"), run.get("revision")]))[
            :100
        ],
        "nextflow_version": run["nextflow"],
        "profile": run.get("profile") or "standard",
        "run_parameters": asked["params"] | {"store": locations.shown(store)},
    }
    conn = database.connection()
    with database.lock(conn), conn.transaction:
        here.register()
        changes.remember(looks, versions)
        Run.insert1(row, skip_duplicates=True)  # another attempt, its commit not confirmed
        sets = [one for request in requests for one in (request.paramset, *request.stage_paramsets)]
        rows = {one.paramset_id: one.row for one in sets}
        insert_all(ParamSet(), rows.values(), skip_duplicates=True)
        asked_for = [
            {
                "request_id": request.request_id,
                "workflow": request.workflow,
                "paramset_id": request.paramset.paramset_id,
                "first_run_id": run_id,
            }
            for request in requests
        ]
        insert_absent(Request(), asked_for)
        named = [
            {"request_id": one.request_id, "request_name": one.name, "naming_run_id": run_id}
            for one in requests
            if one.name
        ]
        insert_absent(Request.Name(), named)
        for table in dict.fromkeys(table for request in requests for table, _ in request.rows):
            _insert_rows(
                table, [rows for one in requests for name, rows in one.rows if name is table]
            )


def _insert_rows(table: Any, by_request: list[list[dict[str, Any]]]) -> None:
    """Register rows of requests: where one has several, those that are there stay as they are.

    A single one that is there with other values is a channel that is not used yet.
    """
    key = itemgetter(*table().primary_key)
    several = {key(row): row for rows in by_request if len(rows) > 1 for row in rows}
    insert_absent(table(), list(several.values()))
    single = {key(row): row for rows in by_request if len(rows) == 1 for row in rows}
    for some in database.pieces(single.values(), ROWS):
        keys = [{name: row[name] for name in table().primary_key} for row in some]
        known = {key(row): row for row in (table() & keys).to_dicts()}
        table.insert([row for row in some if key(row) not in known])
        for row in some:
            there = known.get(key(row), row)
            if any(there[name] != value for name, value in row.items()):
                table.update1(row)


def _asked(workflow: work.Workflow, units: dict[str, UnitPlan]) -> str:
    counts = Counter(unit.process for unit in units.values())
    return f"asked for: {workflow.in_words(counts)}"
