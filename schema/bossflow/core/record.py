"""RECORD: the only writer of results. Bundles in, rows out; it knows no workflow."""

import shlex
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from .. import database
from ..kit import (
    bundles,
    fetched,
    locations,
    recorded_marks,
    retiring,
    store_ids,
    verification,
)
from ..kit.bundles import Finished
from ..kit.texts import json_lines, one_line, sentence, shortened, unit_name
from . import insertion, installed, ledger, lineage, registry, stores
from .checks import check_columns, opened_each, where_is
from .tables import Execution


def record(plan: dict[str, Any], receipts: Iterable[Path]) -> dict[str, Any]:
    """Record a batch of receipts: rows of finished bundles, and what failed.

    Every file is checked against its bundle first. All rows of the batch go in by one
    transaction, under the schema's lock, which is taken before the transaction begins: what
    another run recorded meanwhile is then visible and is not recorded again. So all of it can be
    tried again, also after a commit that was not confirmed.

    Parameters
    ----------
    plan : dict
        The run's `plan.json`.
    receipts : iterable of Path
        Receipt files of tasks.

    Returns
    -------
    dict
        `recorded` (process to number), `taken` (those of them that no receipt here names), `known`
        (recorded before: by another run meanwhile, or taken by another batch), `copied` (those of
        them that are recorded as another copy of the same rows), `failed` (list of process, key,
        error, and `recorded` of what stays recorded with fewer rows than are asked for) and
        `blocked` (process to number).

    Raises
    ------
    DatabaseError
        If the database can't be used for two minutes; all that was not recorded before is left
        for the next run.
    """
    workflows = [registry.load(name) for name in (plan["workflow"], *plan.get("sources", ()))]
    again = partial(database.again, reached=True)
    again(lambda: installed.open_schema(workflows))
    tables = registry.stage_tables(workflows)
    lines = [line for path in receipts for line in json_lines(path)]
    failed = [line for line in lines if line["state"] == "failed"]
    blocked = [line for line in lines if line["state"] == "blocked"]
    ready: dict[str, list[Finished]] = defaultdict(list)
    add_rows = {line["unit_id"]: line["add_rows"] for line in lines if "add_rows" in line}
    longer = {line["unit_id"] for line in lines if "recorded" in line}
    superseded: list[Finished] = []
    makes = {line["unit_id"]: line["makes"] for line in lines if "makes" in line}
    write = partial(
        _write,
        tables=tables,
        add_made=partial(insertion.add_made, registry.made_by_process(workflows), makes),
        run_id=plan["run_id"],
        add_rows=add_rows,
        longer=longer,
        superseded=superseded,
    )
    made = [line for line in lines if "url" in line]
    for line, opened in zip(made, opened_each(made), strict=True):
        try:
            if isinstance(opened, Exception):
                raise opened
            check_columns(opened, tables, line.get("add_rows"))
        except verification.Damaged as error:
            failed.append(line | {"error": f"{error}; {_set_aside(line)}"})
        except FileNotFoundError:
            where = locations.shown(locations.local(line["url"]))
            then = "run" if "recorded" in line else "the next run makes it"
            failed.append(line | {"error": f"{where} was deleted meanwhile: {then} again"})
        except (ValueError, OSError) as error:
            failed.append(line | {"error": sentence(error)})
        else:
            ready[line["process"]].append(opened)
    try:
        recorded, known, copied, refused = again(partial(write, ready))
        failed += refused
    except database.DatabaseError:
        raise
    except Exception as error:  # each driver has its own: one bundle must not hold back the rest
        print(f"the batch can't be recorded at once: {error}", file=sys.stderr)
        recorded, known, copied = Counter(), Counter(), Counter()
        for process, some in list(lineage.inputs_first(ready, tables)):
            for bundle in some:
                alone = defaultdict(list, {process: [bundle]})
                try:
                    new, old, copies, refused = again(partial(write, alone))
                except database.DatabaseError:
                    raise
                except Exception as problem:
                    said = database.said(problem)
                    failed.append(_failure(bundle, f"it can't be recorded: {said}"))
                else:
                    recorded, known, copied = recorded + new, known + old, copied + copies
                    failed += refused
    fetched.drop_all()  # Parquet files, which are rows now
    for bundle in superseded:
        try:
            retiring.retire(bundle.store, [bundle.directory])
        except OSError as problem:  # what is recorded is; no row tells of this one
            print(f"note: {bundle.directory} can't be set aside: {problem}", file=sys.stderr)
    named = {line["unit_id"] for line in made}
    every = [bundle.manifest for some in ready.values() for bundle in some]
    for line in failed:
        line["error"] = shortened(one_line(line["error"]), line.get("log"))
    again(lambda: insertion.record_failures(plan["run_id"], failed))
    again(lambda: insertion.record_attempts(plan["run_id"], lines))
    return {
        "recorded": dict(recorded),
        "taken": Counter(
            manifest["process"] for manifest in every if manifest["unit_id"] not in named
        ),
        "known": dict(known),
        "copied": dict(copied),
        "failed": [
            {name: line[name] for name in ("process", "key", "error")}
            | ({"recorded": True} if line["unit_id"] in longer else {})
            for line in failed
        ],
        "blocked": Counter(line["process"] for line in blocked),
    }


def _set_aside(receipt: dict[str, Any]) -> str:
    """Set the damaged bundle of a receipt aside, unless it is recorded; say what is next."""
    directory = locations.local(receipt["url"])
    if "recorded" in receipt:
        store = shlex.quote(locations.shown(directory.parents[2]))
        return f"as it is recorded, `bossflow verify --retire --store {store}` has it made again"
    try:
        retiring.retire(directory.parents[2], [directory])
    except OSError as error:
        return f"it can't be set aside: {sentence(error)}"
    return "set aside, the next run makes it again"


def _write(
    ready: dict[str, list[Finished]],
    tables: dict[str, Any],
    add_made: Callable[[Iterable[tuple[Finished, str]]], None],
    run_id: str,
    add_rows: dict[str, dict[str, int]],
    longer: set[str],
    superseded: list[Finished],
) -> tuple[Counter[str], Counter[str], Counter[str], list[dict[str, Any]]]:
    """Insert bundles in one transaction.

    Those that are `superseded` are to be set aside when it is committed: what was recorded before
    holds, of a unit that is made otherwise each time.

    Returns
    -------
    tuple
        Numbers recorded, known, and of these copied; what is refused.
    """
    conn = database.connection()
    recorded: Counter[str] = Counter()
    known: Counter[str] = Counter()
    copied: Counter[str] = Counter()
    failed: list[dict[str, Any]] = []
    marked: dict[Path, list[str]] = defaultdict(list)
    with database.lock(conn), conn.transaction:
        lineage.add_inputs(ready, tables)
        for store in {bundle.store for some in ready.values() for bundle in some}:
            stores.set_aside(store_ids.found_store(store), store)
        for process, some in lineage.inputs_first(ready, tables):
            table = tables[process]
            new, known_as, others, other = _new_bundles(table, some, tables, failed)
            old = [bundle for bundle, _ in known_as]
            superseded += [bundle for bundle in other if bundle not in superseded]
            insertion.insert(table, new, run_id)
            add_made([*insertion.executions(new), *known_as])
            for bundle in [*new, *old]:
                if bundle.manifest["unit_id"] not in longer:  # they may lie where we may not write
                    marked[bundle.store].append(bundle.manifest["unit_id"])
            for bundle in new:
                insertion.add_rows(table, bundle, add_rows)
            grown = {
                bundle.directory for bundle in old if insertion.add_rows(table, bundle, add_rows)
            }
            known[process] += len(old) + len(other) - len(grown)
            copied[process] += len({bundle.directory for bundle in others} - grown)
            recorded[process] += len(new) + len(grown)
        for store, names in marked.items():
            recorded_marks.leave(store, names)
    return +recorded, +known, +copied, failed


def _failure(bundle: Finished, error: str) -> dict[str, Any]:
    unit = {name: bundle.manifest[name] for name in ("unit_id", "process", "key")}
    return unit | {"error": error}


def _new_bundles(
    table: Any, ready: list[Finished], tables: dict[str, Any], failed: list[dict[str, Any]]
) -> tuple[list[Finished], list[tuple[Finished, str]], list[Finished], list[Finished]]:
    """Return the bundles to record, and those whose units are recorded with the same content.

    These with the executions that they are recorded as.

    Then, once more, those of these that their store was not known to have; and last those of units
    that are recorded with other content, which they may have, as it is another each time.

    Any other content than what is recorded is a failure, and so is an input that is not recorded
    as the bundle says: lineage must hold.
    """
    names = table().primary_key
    by_key = ledger.recorded(table, [bundle.key for bundle in ready])
    every_input = [given for bundle in ready for given in bundle.manifest["inputs"]]
    unrecorded = {
        (given["unit_id"], given["content_sha256"])
        for given in lineage.unrecorded(every_input, tables)
    }
    new: dict[tuple[Any, ...], Finished] = {}
    old: list[tuple[Finished, ledger.Recorded]] = []
    other: list[Finished] = []
    # checked before, but only now is the lock held
    in_place = locations.each(bundles.in_place, ready, ready[0].directory) if ready else []
    for bundle, is_in_place in zip(ready, in_place, strict=True):
        key = tuple(bundle.key[name] for name in names)
        known = by_key.get(key)
        manifest = bundle.manifest
        lost = [
            given
            for given in manifest["inputs"]
            if (given["unit_id"], given["content_sha256"]) in unrecorded
        ]
        if known is not None and known.content_sha256 == bundle.content_sha256 and is_in_place:
            old.append((bundle, known))
            continue
        if not is_in_place:
            error = f"{where_is(bundle)} was set aside meanwhile"
        elif known is not None and _seen(manifest) != known.files_seen:
            error = (
                f"what {where_is(bundle)} was made of has changed since it was recorded from "
                f"{known.bundle_url}: run again, with source_changes compare"
            )
        elif lost:
            name = unit_name(lost[0]["process"], lost[0]["key"])
            error = f"{where_is(bundle)} was made from {name} with a content that is not recorded"
        elif known is not None and not manifest.get("exact", True):
            other.append(bundle)
            continue
        elif known is not None:
            error = (
                f"{where_is(bundle)} has other content than what is recorded from "
                f"{known.bundle_url}: if the recorded one is wrong, `bossflow invalidate` it"
            )
        else:
            new.setdefault(key, bundle)
            continue
        failed.append(_failure(bundle, error))
    known_as = [(bundle, known.execution_id) for bundle, known in old]
    rows = insertion.add_copies(known_as)
    back = [row for (_, known), row in zip(old, rows, strict=True) if known.dropped]
    for some in database.pieces((row["execution_id"], row["store_id"]) for row in back):
        keys = [{"execution_id": name, "store_id": store} for name, store in some]
        (Execution.Dropped() & keys).delete_quick()
    others = [
        bundle
        for (bundle, known), row in zip(old, rows, strict=True)
        if row["store_id"] not in dict(known.copies)
    ]
    return list(new.values()), known_as, others, other


def _seen(manifest: dict[str, Any]) -> str | None:
    seen: str | None = manifest.get("reading", {}).get("seen")
    return seen
