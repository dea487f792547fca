"""Scores as rows: written once, with what they depend on, and read again."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from .. import database
from ..core import installed, ledger, work
from ..core import score_tables as tables
from ..core.made_for import last_made_for
from ..core.tables import Execution, ParamSet, Request
from ..database.insert import insert_absent, insert_all
from ..database.insert_parquet import insert_parquet
from .sides import Result, Truth


def key_of(found: Result, truth: Truth, how: work.ParamSet) -> dict[str, str]:
    """Return the primary key of a score."""
    return {
        "request_id": found.request.request_id,
        "truth_id": truth.row["truth_id"],
        "score_paramset_id": how.paramset_id,
    }


def key_of_seen(found: Result, seen: str, how: work.ParamSet) -> dict[str, str] | None:
    """Return the primary key of a score with a volume that looks as it did; None if none did."""
    names = (tables.Truth.Seen() & {"truth_seen": seen}).to_arrays("truth_id").tolist()
    if len(names) != 1:
        return None
    return {
        "request_id": found.request.request_id,
        "truth_id": str(names[0]),
        "score_paramset_id": how.paramset_id,
    }


def recorded(key: dict[str, str]) -> dict[str, float] | None:
    """Return the numbers of a score; None if it is not recorded."""
    rows = (tables.Score() & key).to_dicts()
    return _numbers(rows[0]) if rows else None


def _numbers(row: dict[str, Any]) -> dict[str, float]:
    left = {"request_id", "truth_id", "score_paramset_id", "scored"}
    return {
        name: float(value) for name, value in row.items() if name not in left and value is not None
    }


def record(
    found: Result,
    truth: Truth,
    how: work.ParamSet,
    numbers: Mapping[str, Any],
    pairs: Mapping[str, NDArray[Any]],
) -> None:
    """Record a score with what made either side, unless it is recorded.

    Raises
    ------
    ValueError
        If a side was invalidated meanwhile.
    """
    conn, key = database.connection(), key_of(found, truth, how)
    made_by = found.executions | truth.executions
    now = datetime.now(UTC).replace(tzinfo=None)
    columns = tables.Score().heading.secondary_attributes
    row = key | dict.fromkeys(columns) | dict(numbers) | {"scored": now}
    with database.lock(conn), conn.transaction:
        insert_absent(tables.Truth(), [truth.row])
        if truth.seen is not None:
            seen = {"truth_id": key["truth_id"], "truth_seen": truth.seen}
            insert_absent(tables.Truth.Seen(), [seen])
        if recorded(key) is not None:
            return
        there = ledger.among(Execution.proj(), "execution_id", made_by)
        if len(there) < len(made_by):
            raise ValueError(
                f"what request {key['request_id']} is compared with, or its own result, was "
                "invalidated meanwhile: score it again"
            )
        insert_all(ParamSet(), [how.row], skip_duplicates=True)
        tables.Score.insert1(row)
        insert_absent(tables.Score.Source(), [key | one for one in there])
        if pairs:
            with TemporaryDirectory() as directory:
                path = Path(directory, "pairs.parquet")
                pq.write_table(pa.table(dict(pairs)), path)
                insert_parquet(tables.Score.Match(), key, [path])


def numbers_of(request_ids: Iterable[str]) -> dict[str, dict[str, float]]:
    """Return by request all numbers that are recorded of it, by name.

    Those of its scores, and the metrics of the units that made its result. Of several scores the
    one that was recorded last counts, and more than a metric; a metric that several units of a
    request gave, each another number, is none of the request.
    """
    names = [*dict.fromkeys(request_ids)]
    numbers: dict[str, dict[str, float]] = {name: {} for name in names}
    for name, metrics in _metrics(names).items():
        numbers[name] |= metrics
    rows = ledger.among(tables.Score(), "request_id", names)
    for row in sorted(rows, key=itemgetter("scored")):
        numbers[row["request_id"]] |= _numbers(row)
    return numbers


def _metrics(names: list[str]) -> dict[str, dict[str, float]]:
    """Return by request the metrics of what made its own result."""
    made: dict[str, set[str]] = defaultdict(set)  # requests, by execution
    by_workflow: dict[str, list[str]] = defaultdict(list)
    for row in ledger.among(Request.proj("workflow"), "request_id", names):
        by_workflow[row["workflow"]].append(row["request_id"])
    for workflow, own in by_workflow.items():
        stages = installed.opened(workflow).tables
        of_requests = [table for table in stages if "request_id" in table().primary_key]
        for table in of_requests:
            made_by = ledger.execution_attribute(table)
            for row in ledger.among(table.proj(made_by), "request_id", own):
                made[row[made_by]].add(row["request_id"])
        for name in [] if of_requests else own:
            for execution in last_made_for(name):
                made[execution].add(name)
    given: dict[str, dict[str, set[float]]] = defaultdict(lambda: defaultdict(set))
    for row in ledger.among(tables.Metric(), "execution_id", made):
        for name in made[row["execution_id"]]:
            given[name][row["metric"]].add(float(row["metric_value"]))
    return {
        name: {metric: values.pop() for metric, values in some.items() if len(values) == 1}
        for name, some in given.items()
    }
