"""Rows as Parquet: components, and the units that a request was made by."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..core import holdings, installed, ledger
from ..kit.bundles import Finished
from ..look import components
from ..workflows.label.requests import NAME
from . import calls

_TEXT = pa.string()
UNITS = pa.schema(
    [
        ("execution", _TEXT),
        ("process", _TEXT),
        ("key", _TEXT),
        ("request", _TEXT),
        ("parameter_sets", pa.list_(_TEXT)),
        ("made_of", pa.list_(_TEXT)),
        ("channel", _TEXT),
        ("box", _TEXT),
        ("voxels_sha256", _TEXT),
        ("files_seen", _TEXT),
        ("run", _TEXT),
        ("environment", _TEXT),
        ("task", _TEXT),
        ("executed", pa.timestamp("ms", "UTC")),
        ("seconds", pa.float64()),
        ("bundle", _TEXT),
        ("bytes", pa.int64()),
        ("content_sha256", _TEXT),
    ]
)
"""Columns of `units.parquet`; `key` is JSON, `box` is x0-x1_y0-y1_z0-z1 (voxels, half-open)."""


def write(
    told: dict[str, Any], request: str, directory: Path, progress: Callable[[int, int], None]
) -> list[str]:
    """Write `units.parquet`, and the tables of a result, of which each is one file.

    Of label that is `components.parquet`, of others what they have as directories of Parquet files.
    Returns what they are.

    Parameters
    ----------
    told : dict
        As `look.lineage.lineage` returns it.
    request : str
        Its id.
    directory : Path
    progress : callable
        Not called: it takes no long.
    """
    with pq.ParquetWriter(directory / "units.parquet", UNITS) as writer:
        rows = [_row(name, one) for name, one in told["executions"].items()]
        writer.write_table(pa.Table.from_pylist(rows, UNITS))
    holds = [
        "units.parquet: a row for each recorded unit that it was made by; key is JSON, box is "
        "x0-x1_y0-y1_z0-z1 in voxels, half-open"
    ]
    if told["requests"][request]["workflow"] == NAME.rpartition(".")[2]:
        components.write(request, "parquet", str(directory / "components.parquet"))
        holds.append(
            "components.parquet: a row for each component; coordinates in voxels of its channel, "
            "segment_id is a decimal, since no signed type of 64 bits holds all"
        )
        return holds
    holds += calls.write(told, directory)
    return holds + [
        f"{name}.parquet: {number:,} rows, as the workflow's page in docs/ says"
        for name, number in _tables(request, told["requests"][request]["workflow"], directory)
    ]


def _tables(request: str, workflow: str, directory: Path) -> Iterator[tuple[str, int]]:
    """Write each table that a result has in Parquet files; yield name and rows."""
    of = next(one for one in installed.known_workflows() if one.name.endswith(f".{workflow}"))
    key = {"request_id": request}
    for table in of.tables:
        if table().primary_key != [*key] or not hasattr(table, "first_rows"):
            continue
        for recorded in ledger.recorded(table, [key]).values():  # some requests have none of it
            bundle = holdings.bundle_here(recorded)
            for name, folder in bundle.manifest["urls"].items():
                if not _is_table(bundle, folder):
                    continue
                pieces, number = holdings.row_groups(bundle, folder), 0
                first = next(pieces)
                with pq.ParquetWriter(directory / f"{name}.parquet", first.schema) as writer:
                    for piece in chain([first], pieces):
                        writer.write_table(piece)
                        number += piece.num_rows
                yield name, number


def _is_table(bundle: Finished, folder: str) -> bool:
    """Say whether a directory of a bundle is of Parquet files, or it is such a file."""
    place = (bundle.directory / folder).relative_to(bundle.store).as_posix()
    paths = [entry["path"] for entry in bundle.manifest["files"]]
    return any(f"{path}/".startswith(f"{place}/") and path.endswith(".parquet") for path in paths)


def _row(name: str, one: dict[str, Any]) -> dict[str, Any]:
    read = one["reads"] or {}
    row = {"execution": name, **one, "key": json.dumps(one["key"], sort_keys=True)}
    row |= {part: read.get(part) for part in ("channel", "box", "voxels_sha256", "files_seen")}
    return row | {"executed": datetime.fromisoformat(one["executed"]).replace(tzinfo=UTC)}
