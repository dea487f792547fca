"""Calls of a function as a table: with what they were called, and what they returned."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..core import holdings, ledger
from ..workflows.map import FunctionCall

FILE = "calls.parquet"
_TEXT = pa.string()
COLUMNS = pa.schema(
    [
        ("call_id", _TEXT),
        ("arguments", _TEXT),
        ("kind", _TEXT),
        ("result", _TEXT),
        ("file", _TEXT),
        ("seconds", pa.float64()),
    ]
)


def write(told: dict[str, Any], directory: Path) -> list[str]:
    """Write `calls.parquet`, if there are calls among what was made; say what it is.

    Parameters
    ----------
    told : dict
        As `look.lineage.lineage` returns it.
    directory : Path

    Raises
    ------
    ValueError
        If a result that is too long for its row is not here.
    """
    made = [told["executions"][name] for name in told["made_by"]]
    keys = [one["key"] for one in made if one["process"] == FunctionCall.process]
    if not keys:
        return []
    names = {key["call_id"] for key in keys}
    rows = ledger.among(FunctionCall(), "call_id", names)
    texts = _long(row for row in rows if row["result_json"] is None)
    rows = [_row(row, texts) for row in rows]
    pq.write_table(pa.Table.from_pylist(rows, COLUMNS), directory / FILE)
    return [
        f"{FILE}: a row for each call; arguments and result are JSON, in which objects such as "
        '{"$float": "nan"} stand for what JSON lacks; file is where the store holds a result'
    ]


def _long(rows: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Return results that are too long for their rows, by call."""
    names = FunctionCall().primary_key
    at = names.index("call_id")
    recorded = ledger.recorded(FunctionCall, [{name: row[name] for name in names} for row in rows])
    return {
        str(key[at]): holdings.bundle_here(one).file("result.json").read_text("utf-8")
        for key, one in recorded.items()
    }


def _row(row: dict[str, Any], texts: dict[str, str]) -> dict[str, Any]:
    return {
        "call_id": row["call_id"],
        "arguments": json.dumps(row["call_arguments"], ensure_ascii=False),
        "kind": row["result_kind"],
        "result": texts.get(row["call_id"], row["result_json"]),
        "file": row["result_url"],
        "seconds": row["call_seconds"],
    }
