"""RECORD: the only writer of results. Bundles in, rows out; it knows no workflow."""

import contextlib
import json
import math
import re
import shlex
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache, partial
from importlib import resources
from pathlib import Path
from typing import Any

import fastjsonschema
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .. import database
from ..database.insert import insert_absent, insert_all
from ..database.insert_parquet import insert_parquet
from ..kit import (
    bundles,
    committing,
    digests,
    fetched,
    locations,
    recorded_marks,
    retiring,
    store_ids,
    verification,
)
from ..kit.bundles import Finished
from ..kit.texts import json_lines, one_line, sentence, shortened, unit_name
from . import ledger, stores, work
from .tables import Environment, Execution, Reading, Run, Store


class BundleError(ValueError):
    """One sentence about a bundle that can't be recorded."""


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
    workflow = work.load(plan["workflow"])
    again = partial(database.again, reached=True)
    again(lambda: ledger.open_schema([workflow]))
    tables = work.stage_tables([workflow])
    lines = [line for path in receipts for line in json_lines(path)]
    failed = [line for line in lines if line["state"] == "failed"]
    blocked = [line for line in lines if line["state"] == "blocked"]
    ready: dict[str, list[Finished]] = defaultdict(list)
    add_rows = {line["unit_id"]: line["add_rows"] for line in lines if "add_rows" in line}
    longer = {line["unit_id"] for line in lines if "recorded" in line}
    write = partial(_write, tables=tables, run_id=plan["run_id"], add_rows=add_rows, longer=longer)
    made = [line for line in lines if "url" in line]
    for line, opened in zip(made, _opened_each(made), strict=True):
        try:
            if isinstance(opened, Exception):
                raise opened
            _check_columns(opened, tables, line.get("add_rows"))
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
        for process in tables:
            for bundle in list(ready[process]):
                alone = defaultdict(list, {process: [bundle]})
                try:
                    one = again(partial(write, alone))
                except database.DatabaseError:
                    raise
                except Exception as problem:
                    said = database.said(problem)
                    failed.append(_failure(bundle, f"it can't be recorded: {said}"))
                else:
                    recorded, known, copied = recorded + one[0], known + one[1], copied + one[2]
                    failed += one[3]
    fetched.drop_all()  # Parquet files, which are rows now
    named = {line["unit_id"] for line in made}
    every = [bundle.manifest for some in ready.values() for bundle in some]
    for line in failed:
        line["error"] = shortened(one_line(line["error"]), line.get("log"))
    again(lambda: _record_failures(plan["run_id"], failed))
    return {
        "recorded": dict(recorded),
        "taken": Counter(one["process"] for one in every if one["unit_id"] not in named),
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
    run_id: str,
    add_rows: dict[str, dict[str, int]],
    longer: set[str],
) -> tuple[Counter[str], Counter[str], Counter[str], list[dict[str, Any]]]:
    """Insert bundles in one transaction.

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
        _add_inputs(ready, tables)
        for store in {bundle.store for some in ready.values() for bundle in some}:
            stores.set_aside(store_ids.found_store(store), store)
        for process, table in tables.items():
            new, old, others = _new_bundles(table, ready[process], tables, failed)
            _insert(table, new, run_id)
            for bundle in [*new, *old]:
                if bundle.manifest["unit_id"] not in longer:  # they may lie where we may not write
                    marked[bundle.store].append(bundle.manifest["unit_id"])
            for bundle in new:
                _add_rows(table, bundle, add_rows)
            grown = {one.directory for one in old if _add_rows(table, one, add_rows)}
            known[process] += len(old) - len(grown)
            copied[process] += len({one.directory for one in others} - grown)
            recorded[process] += len(new) + len(grown)
        for store, names in marked.items():
            recorded_marks.leave(store, names)
    return +recorded, +known, +copied, failed


def _failure(bundle: Finished, error: str) -> dict[str, Any]:
    unit = {name: bundle.manifest[name] for name in ("unit_id", "process", "key")}
    return unit | {"error": error}


@cache
def _validator() -> Any:
    text = resources.files("bossflow").joinpath("bundle.schema.json").read_text("utf-8")
    return fastjsonschema.compile(json.loads(text))


def _opened_each(receipts: list[dict[str, Any]]) -> Iterable[Finished | Exception]:
    """Open the receipts' bundles and check their files; an error stands for one that failed."""
    if not receipts:
        return []

    def opened(receipt: dict[str, Any]) -> Finished | Exception:
        try:
            return _opened(receipt)
        except (ValueError, OSError) as error:
            return error

    return locations.each(opened, receipts, locations.local(receipts[0]["url"]))


def _opened(receipt: dict[str, Any]) -> Finished:
    """Open a receipt's bundle and check it as far as it goes without tables."""
    directory = locations.local(receipt["url"])
    where = locations.shown(directory)
    bundle = bundles.read(directory)
    try:
        _validator()(bundle.manifest)
    except fastjsonschema.JsonSchemaValueException as error:
        entry = "/".join(error.path[1:]) or "its top level"
        problem = error.message.removeprefix(f"{error.name} ")
        raise BundleError(f"{where}/bundle.json is not valid: {entry} {problem}") from None
    manifest = bundle.manifest
    if (manifest["process"], manifest["key"]) != (receipt["process"], receipt["key"]):
        raise BundleError(f"{where} is the bundle of another unit than its receipt says")
    verification.verify(bundle, bundle.store)
    bundles.fetch([bundle], *manifest["parts"].values())
    return bundle


def _where(bundle: Finished) -> str:
    return locations.shown(bundle.directory)


def _check_columns(
    bundle: Finished, tables: dict[str, Any], add_rows: dict[str, int] | None = None
) -> None:
    manifest = bundle.manifest
    if manifest["process"] not in tables:
        raise BundleError(f"{_where(bundle)}: no table is filled by process {manifest['process']}")
    table = tables[manifest["process"]]
    heading = table().heading
    given = {*manifest["key"], *manifest["attributes"], *manifest["urls"]}
    wanted = set(heading.names) - {ledger.execution_attribute(table)}
    _same_columns(given, wanted, _where(bundle), table.__name__)
    if set(manifest["key"]) != set(heading.primary_key):
        raise BundleError(
            f"{_where(bundle)}: its key has {sorted(manifest['key'])}, table {table.__name__} "
            f"has {sorted(heading.primary_key)}"
        )
    for name, value in manifest["attributes"].items():
        _check_value(name, value, heading[name], _where(bundle))
        if table().connection.adapter.backend == "postgresql" and _holds_nul(value):
            raise BundleError(
                f"{_where(bundle)}: {name} holds a NUL character, which PostgreSQL takes in no text"
            )
    for part_name in manifest["parts"]:
        part = getattr(table, part_name, None)
        if part is None:
            raise BundleError(f"{_where(bundle)}: {table.__name__} has no part {part_name}")
        wanted = set(part().heading.names) - set(manifest["key"])
        limit = _part_rows(bundle).get(part_name, math.inf)
        _check_part(bundle, part_name, wanted, max(limit, (add_rows or {}).get(part_name, 0)))
    for part_name in set(_part_rows(bundle)) - set(manifest["parts"]):
        raise BundleError(f"{_where(bundle)}: part_rows names {part_name}, which is no part")


def _check_part(bundle: Finished, name: str, wanted: set[str], left: float) -> None:
    """Check the columns of a part's files, and that the rows to be recorded are finite numbers.

    NaN and infinity: one backend takes them for defaults, the other stores them.
    """
    files = _part_files(bundle, name)
    if not files:
        raise BundleError(
            f"{_where(bundle)}/{bundle.manifest['parts'][name]} of part {name} is neither a "
            "file nor a directory of .parquet files that the bundle lists"
        )
    first = pq.read_schema(files[0])
    _same_columns(set(first.names), wanted, locations.shown(files[0]), name)
    floats = [field.name for field in first if pa.types.is_floating(field.type)]
    for file in files:
        source = pq.ParquetFile(file)
        if not source.schema_arrow.equals(first):
            raise BundleError(
                f"{locations.shown(file)} has other columns or types than "
                f"{locations.shown(files[0])}"
            )
        if left > 0 and floats:
            for batch in source.iter_batches(columns=floats):
                for column_name, column in zip(floats, batch.columns, strict=True):
                    if not pc.all(pc.is_finite(column), min_count=0).as_py():
                        where = locations.shown(file)
                        raise BundleError(
                            f"{where}: {column_name} holds a value that is not finite"
                        )
        left -= source.metadata.num_rows


def _part_files(bundle: Finished, name: str) -> list[Path]:
    """Return the Parquet files of a part, in order: only those that are listed were verified."""
    target = bundle.at(bundle.manifest["parts"][name])
    listed = [bundle.store / bundle.actual(entry["path"]) for entry in bundle.manifest["files"]]
    inside = [path for path in listed if path.parent == target and path.suffix == ".parquet"]
    return [path for path in listed if path == target] or sorted(inside)


def _part_rows(bundle: Finished) -> dict[str, int]:
    rows: dict[str, int] = bundle.manifest.get("part_rows", {})
    return rows


def _same_columns(given: set[str], wanted: set[str], where: str, table: str) -> None:
    if given != wanted:
        problem = [f"lacks {name}" for name in sorted(wanted - given)]
        problem += [f"has {name}, which the table has not" for name in sorted(given - wanted)]
        raise BundleError(f"{where} does not fit table {table}: it {', '.join(problem)}")


def _holds_nul(value: Any) -> bool:
    # as JSON writes it, and not a backslash that is followed by the same
    return bool(re.search(r"(?<!\\)(\\\\)*\\u0000", digests.canonical(value)))


def _check_value(name: str, value: Any, attribute: Any, where: str) -> None:
    kind = attribute.original_type or attribute.type
    if kind.startswith("int"):
        fits = isinstance(value, int) and not isinstance(value, bool)
    elif kind.startswith("float"):
        fits = isinstance(value, (int, float)) and math.isfinite(value)
    elif kind.startswith(("char", "varchar")):
        size = int(kind[kind.index("(") + 1 : kind.index(")")])
        fits = isinstance(value, str) and len(value) <= size
    else:
        fits = True
    if not (fits or (value is None and attribute.nullable)):
        raise BundleError(f"{where}: {name} is {value!r}, but its column is {kind}")


def _add_inputs(ready: dict[str, list[Finished]], tables: dict[str, Any]) -> None:
    """Take in what the batch was made from and is in the store but not recorded yet.

    Batches may come in any order after a retry, and a store may outlive its database.
    """
    there = {bundle.directory for batch in ready.values() for bundle in batch}
    for process in reversed(tables):
        wanted = {
            (given["unit_id"], given["content_sha256"]): (given, bundle.store)
            for bundle in ready[process]
            for given in bundle.manifest["inputs"]
        }
        for given in _unrecorded([given for given, _ in wanted.values()], tables):
            store = wanted[given["unit_id"], given["content_sha256"]][1]
            directory = locations.place(store, given["process"], given["unit_id"])
            if directory in there:
                continue
            with contextlib.suppress(ValueError, OSError):  # then its lineage is refused
                taken = _opened(given | {"url": locations.url(directory)})
                _check_columns(taken, tables)
                committing.flush(taken)  # of no program do we know that it did
                ready[given["process"]].append(taken)
                there.add(directory)


def _unrecorded(inputs: list[dict[str, Any]], tables: dict[str, Any]) -> list[dict[str, Any]]:
    """Return those inputs that are not recorded with the content that is named."""
    by_process: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for given in inputs:
        by_process[given["process"]].append(given)
    missing = []
    for process, group in by_process.items():
        table = tables[process]
        names = table().primary_key
        there = ledger.recorded(table, [given["key"] for given in group])
        for given in group:
            known = there.get(tuple(given["key"][name] for name in names))
            if known is None or known.content_sha256 != given["content_sha256"]:
                missing.append(given)
    return missing


def _new_bundles(
    table: Any, ready: list[Finished], tables: dict[str, Any], failed: list[dict[str, Any]]
) -> tuple[list[Finished], list[Finished], list[Finished]]:
    """Return the bundles to record, and those whose units are recorded with the same content.

    Of these come last, once more, those that their store was not known to have.

    Another content than what is recorded is a failure, and so is an input that is not recorded
    as the bundle says: lineage must hold.
    """
    names = table().primary_key
    there = ledger.recorded(table, [bundle.key for bundle in ready])
    every_input = [given for bundle in ready for given in bundle.manifest["inputs"]]
    unrecorded = {
        (given["unit_id"], given["content_sha256"]) for given in _unrecorded(every_input, tables)
    }
    new: dict[tuple[Any, ...], Finished] = {}
    old: list[tuple[Finished, ledger.Recorded]] = []
    # checked before, but only now is the lock held
    in_place = locations.each(bundles.in_place, ready, ready[0].directory) if ready else []
    for bundle, is_in_place in zip(ready, in_place, strict=True):
        key = tuple(bundle.key[name] for name in names)
        known = there.get(key)
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
            error = f"{_where(bundle)} was set aside meanwhile"
        elif known is not None and _seen(manifest) != known.files_seen:
            error = (
                f"what {_where(bundle)} was made of has changed since it was recorded from "
                f"{known.bundle_url}: run again, with source_changes compare"
            )
        elif known is not None:
            error = (
                f"{_where(bundle)} has other content than what is recorded from "
                f"{known.bundle_url}: if the recorded one is wrong, `bossflow invalidate` it"
            )
        elif lost:
            name = unit_name(lost[0]["process"], lost[0]["key"])
            error = f"{_where(bundle)} was made from {name} with a content that is not recorded"
        else:
            new.setdefault(key, bundle)
            continue
        failed.append(_failure(bundle, error))
    rows = _add_copies([(bundle, known.execution_id) for bundle, known in old])
    back = [row for (_, known), row in zip(old, rows, strict=True) if known.dropped]
    for some in database.pieces((row["execution_id"], row["store_id"]) for row in back):
        keys = [{"execution_id": name, "store_id": store} for name, store in some]
        (Execution.Dropped() & keys).delete_quick()
    others = [
        bundle
        for (bundle, known), row in zip(old, rows, strict=True)
        if row["store_id"] not in dict(known.copies)
    ]
    return list(new.values()), [bundle for bundle, _ in old], others


def _seen(manifest: dict[str, Any]) -> str | None:
    seen: str | None = manifest.get("reading", {}).get("seen")
    return seen


def _insert(table: Any, new: list[Finished], run_id: str) -> None:
    if not new:
        return
    lineage = ledger.execution_attribute(table)
    _insert_environments(new)
    known_runs = _known_runs(new)
    executions, rows, copies, readings = [], [], [], []
    for bundle in new:
        manifest = bundle.manifest
        execution_id = bundle.manifest_sha256[:32]
        executions.append(_execution(bundle, execution_id, known_runs, run_id))
        urls = {name: locations.url(bundle.at(path)) for name, path in manifest["urls"].items()}
        rows.append(manifest["key"] | manifest["attributes"] | urls | {lineage: execution_id})
        copies.append((bundle, execution_id))
        if read := manifest.get("reading"):
            names = {"reading_version": read["version"], "files_seen": read["seen"]}
            readings.append({"execution_id": execution_id} | names)
    # rows deleted by hand leave their execution: the same id is the same bundle
    insert_absent(Execution(), executions)
    insert_absent(Reading(), readings)
    _add_copies(copies)
    insert_all(table, rows)
    for bundle in new:
        for name in bundle.manifest["parts"]:
            limit = _part_rows(bundle).get(name)
            insert_parquet(getattr(table, name)(), bundle.key, _part_files(bundle, name), limit)


def _add_rows(table: Any, bundle: Finished, wanted: dict[str, dict[str, int]]) -> bool:
    """Add rows of a recorded bundle's parts, where more of them are wanted than are there."""
    longer = False
    for name, number in wanted.get(bundle.manifest["unit_id"], {}).items():
        column, files = table.first_rows[name], _part_files(bundle, name)
        number = min(number, sum(pq.read_metadata(file).num_rows for file in files))
        there = bundle.manifest["attributes"][column]
        if there < number:  # than it was made with: others may have added some
            there = int((table & bundle.key).fetch1(column))
        if there < number:
            part = getattr(table, name)()
            insert_parquet(part, bundle.key, files, number, there)
            table.update1(bundle.key | {column: number})
            longer = True
    return longer


def _add_copies(made: list[tuple[Finished, str]]) -> list[dict[str, str]]:
    """Note which stores have the bundles of executions, in `Execution.Copy`; return its rows."""
    ids = {store: store_ids.found_store(store) for store in {bundle.store for bundle, _ in made}}
    rows = [
        {
            "execution_id": execution_id,
            "store_id": ids[bundle.store],
            "copy_path": bundle.directory.relative_to(bundle.store).as_posix(),
            "copy_sha256": bundle.manifest_sha256,
        }
        for bundle, execution_id in made
    ]
    insert_absent(Store(), [{"store_id": name} for name in ids.values()])
    insert_absent(Execution.Copy(), rows)
    return rows


def _environment(bundle: Finished) -> dict[str, Any]:
    values = {name: bundle.manifest[name] for name in ("container", "code", "software")}
    return {"environment_id": digests.digest(values)[:16]} | values


def _insert_environments(new: list[Finished]) -> None:
    rows = {row["environment_id"]: row for row in map(_environment, new)}
    insert_all(Environment(), rows.values(), skip_duplicates=True)


def _known_runs(new: list[Finished]) -> set[str]:
    """Return which of the runs that made the bundles this database knows."""
    named = {bundle.manifest["run_id"] for bundle in new}
    return {row["run_id"] for row in ledger.among(Run.proj(), "run_id", named)}


def _execution(
    bundle: Finished, execution_id: str, known_runs: set[str], run_id: str
) -> dict[str, Any]:
    manifest = bundle.manifest
    started = datetime.fromisoformat(manifest["started"]).astimezone(UTC)
    return {
        "execution_id": execution_id,
        "process": manifest["process"],
        # a bundle kept from before the database was emptied: the run that found it stands in
        "run_id": manifest["run_id"] if manifest["run_id"] in known_runs else run_id,
        "environment_id": _environment(bundle)["environment_id"],
        "task": manifest["task"],
        "executed": started.replace(tzinfo=None),
        "execution_seconds": manifest["seconds"],
        "peak_memory_bytes": manifest["peak_memory_bytes"],
        "bundle_url": locations.url(bundle.directory),
        "bundle_bytes": sum(entry["bytes"] for entry in manifest["files"]),
        "manifest_sha256": bundle.manifest_sha256,
        "content_sha256": bundle.content_sha256,
    }


def _record_failures(run_id: str, failed: list[dict[str, Any]]) -> None:
    rows = {
        line["unit_id"]: {
            "run_id": run_id,
            "unit_id": line["unit_id"],
            "failed_process": line["process"],
            "failed_key": line["key"],
            "error": line["error"],
        }
        for line in failed
    }
    database.connection()
    insert_all(Run.Failure(), rows.values(), skip_duplicates=True)
