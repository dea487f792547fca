"""The rows that a finished bundle becomes."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pyarrow.parquet as pq

from .. import database
from ..database.insert import insert_absent, insert_all
from ..database.insert_parquet import insert_parquet
from ..kit import digests, locations, store_ids
from ..kit.bundles import Finished
from . import ledger
from .checks import part_files, part_rows
from .score_tables import Metric
from .tables import Environment, Execution, Reading, Run, Store


def insert(table: Any, new: list[Finished], run_id: str) -> None:
    """Insert bundles that are not recorded yet, with their parts and executions."""
    if not new:
        return
    lineage = ledger.execution_attribute(table)
    _insert_environments(new)
    known_runs = _known_runs(new)
    made, rows, readings, metrics = [], [], [], []
    for bundle, execution_id in executions(new):
        manifest = bundle.manifest
        made.append(_execution(bundle, execution_id, known_runs, run_id))
        urls = {name: locations.url(bundle.at(path)) for name, path in manifest["urls"].items()}
        rows.append(manifest["key"] | manifest["attributes"] | urls | {lineage: execution_id})
        if read := manifest.get("reading"):
            names = {"reading_version": read["version"], "files_seen": read["seen"]}
            readings.append({"execution_id": execution_id} | names)
        for name, value in manifest.get("metrics", {}).items():
            number = {"metric": name, "metric_value": float(value)}
            metrics.append({"execution_id": execution_id} | number)
    # rows deleted by hand leave their execution: the same id is the same bundle
    insert_absent(Execution(), made)
    insert_absent(Reading(), readings)
    insert_absent(Metric(), metrics)
    add_copies(executions(new))
    insert_all(table, rows)
    for bundle in new:
        for name in bundle.manifest["parts"]:
            limit = part_rows(bundle).get(name)
            insert_parquet(getattr(table, name)(), bundle.key, part_files(bundle, name), limit)
    sources = [bundle.key | row for bundle in new for row in bundle.manifest.get("sources", ())]
    if sources:
        insert_all(table.Source(), sources)
    for part, process in parts_of_inputs(table):
        insert_absent(part(), [one.key for one in new if process in _processes(one)])


def parts_of_inputs(table: Any) -> list[tuple[Any, str]]:
    """Return the parts that RECORD fills where units have an input of a process, and which."""
    parts = vars(table).values()
    return [(part, part.made_from.process) for part in parts if hasattr(part, "made_from")]


def _processes(bundle: Finished) -> set[str]:
    return {given["process"] for given in bundle.manifest["inputs"]}


def executions(new: list[Finished]) -> list[tuple[Finished, str]]:
    """Return bundles with the ids of the executions that they are recorded as."""
    return [(bundle, bundle.manifest_sha256[:32]) for bundle in new]


def add_made(
    tables: dict[str, Any], told: dict[str, Any], made: Iterable[tuple[Finished, str]]
) -> None:
    """Insert what bundles of executions make beside their own rows, where that is not there yet.

    Parameters
    ----------
    tables : dict
        By process, the table of what its units make (`Makes.table`).
    told : dict
        By unit, what receipts say that it makes: an older version's bundle does not.
    made : iterable of (Finished, str)
        Bundles, and the executions that they are recorded as.
    """
    rows: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for bundle, execution_id in made:
        manifest = bundle.manifest
        keys = manifest.get("makes") or told.get(manifest["unit_id"], ())
        for key in keys:
            table = tables[manifest["process"]]
            made_by = {ledger.execution_attribute(table): execution_id}
            sha256 = manifest.get("made_sha256", bundle.content_sha256)
            rows[table].append(key | {"made_sha256": sha256} | made_by)
    for table, some in rows.items():
        insert_absent(table(), some)


def add_rows(table: Any, bundle: Finished, wanted: dict[str, dict[str, int]]) -> bool:
    """Add rows of a recorded bundle's parts, where more of them are wanted than are there."""
    longer = False
    for name, number in wanted.get(bundle.manifest["unit_id"], {}).items():
        column, files = table.first_rows[name], part_files(bundle, name)
        number = min(number, sum(pq.read_metadata(file).num_rows for file in files))
        recorded = bundle.manifest["attributes"][column]
        if recorded < number:  # than it was made with: others may have added some
            recorded = int((table & bundle.key).fetch1(column))
        if recorded < number:
            part = getattr(table, name)()
            insert_parquet(part, bundle.key, files, number, recorded)
            table.update1(bundle.key | {column: number})
            longer = True
    return longer


def add_copies(made: list[tuple[Finished, str]]) -> list[dict[str, str]]:
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


def record_failures(run_id: str, failed: list[dict[str, Any]]) -> None:
    """Note what a run could not make, and why."""
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


def record_attempts(run_id: str, lines: list[dict[str, Any]]) -> None:
    """Note how each attempt at running somebody else's tool ended, whatever came of it."""
    rows = [
        {"run_id": run_id, "attempted_unit": line["unit_id"]} | attempt
        for line in lines
        for attempt in line.get("attempts", ())
    ]
    if rows:
        database.connection()
        insert_all(Run.Attempt(), rows, skip_duplicates=True)
