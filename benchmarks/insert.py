"""Insert component rows from Parquet, as RECORD does, against DataJoint's own `insert`.

    python benchmarks/insert.py [--rows 1000000]

Into the real table, in one transaction, on the embedded PostgreSQL, and on the MySQL server whose
datajoint.json is in the directory that BOSSFLOW_TEST_MYSQL names. DataJoint inserts a tenth of the
rows; all seconds are per million rows, CPU seconds the client's.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import absent  # noqa: F401
import common
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import reports
from common import Measured

CHUNK = 10_000  # rows of one `insert`; more exceed MySQL's packet
WAYS = ("ours", "dicts", "DataFrame")


def write_components(path: Path, rows: int, ends: tuple[int, ...] = (10**5,) * 3) -> None:
    """Write a component table: whole numbers, ids over all of uint64, a tenth null, and floats.

    Boxes begin below `ends` (XYZ), and have a 200th of it at most.
    """
    random = np.random.default_rng(0)
    ids = random.integers(0, 2**64, rows, np.uint64)
    columns: dict[str, Any] = {
        "component_id": np.arange(1, rows + 1),
        "segment_id": pa.array(ids, mask=random.random(rows) < 0.1),
        "voxel_count": random.integers(1, 10**6, rows),
    }
    for axis, end in zip("xyz", ends, strict=True):
        low = random.integers(0, end, rows)
        high = low + random.integers(1, max(2, end // 200), rows)
        columns |= {f"bbox_{axis}0": low, f"bbox_{axis}1": high}
    for unit in ("", "_nm"):
        columns |= {
            f"centroid_{axis}{unit}": random.random(rows) * end
            for axis, end in zip("xyz", ends, strict=True)
        }
    pq.write_table(pa.table(columns), path)


def placeholder(table: Any) -> dict[str, Any]:
    """Return a row of a table; the same values in all tables, so that foreign keys hold."""
    day = datetime(2026, 1, 1)
    values = {"int": 0, "float": 0.0, "json": {}, "varchar": "x", "datetime": day, "timestamp": day}
    row = {}
    for name, attribute in table().heading.attributes.items():
        kind, size = re.findall(r"[a-z]+|\d+", f"{attribute.original_type or attribute.type} 0")[:2]
        row[name] = "0" * int(size) if kind == "char" else values[kind]
    return row


def insert(way: str, file: Path) -> None:
    """Insert the file's rows in one way, in this process; prints seconds and CPU seconds."""
    from bossflow import database
    from bossflow.core import migrations, tables
    from bossflow.database.insert_parquet import insert_parquet
    from bossflow.volumes import tables as places
    from bossflow.workflows import label

    conn = database.connection()
    migrations.deploy()
    parents = (tables.Run, tables.Environment, tables.ParamSet, tables.Execution, tables.Request)
    for table in (*parents, places.Channel, places.Cutout, label.LabelRequest):
        table.insert1(placeholder(table), skip_duplicates=True)
    direct = {"allow_direct_insert": True}
    label.Segmentation.insert1(placeholder(label.Segmentation), skip_duplicates=True, **direct)
    part, key = label.Segmentation.Component(), {"request_id": "0" * 16}
    conn.query(f"TRUNCATE TABLE {part.full_table_name}")
    wall, cpu = time.perf_counter(), time.process_time()
    with conn.transaction:
        if way == "ours":
            insert_parquet(part, key, [file])
        else:
            for batch in pq.ParquetFile(file).iter_batches(batch_size=CHUNK):
                if way == "dicts":
                    part.insert([key | row for row in batch.to_pylist()], **direct)
                else:
                    part.insert(batch.to_pandas(integer_object_nulls=True).assign(**key), **direct)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    per_million = 1e6 / pq.ParquetFile(file).metadata.num_rows
    assert len(part) == round(1e6 / per_million)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([wall * per_million, cpu * per_million, peak]))


def measured(way: str, file: Path, place: Path, env: dict[str, str]) -> Measured:
    """Insert in a process of its own: DataJoint has one connection."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", __file__, "--way", way, file],
        cwd=place,
        env=os.environ | env,
        stdout=subprocess.PIPE,
        check=True,
    )
    return Measured(*json.loads(done.stdout))


def administrator(mysql: str) -> dict[str, str]:
    """Return who may create schemas at the MySQL server that the files of a directory name."""
    given = (Path(mysql) / ".env").read_text()
    (password,) = re.findall(r"^MYSQL_ROOT_PASSWORD=(.+)$", given, re.M)
    return {"DJ_USER": "root", "DJ_PASS": password}


def bossflow(words: str, place: Path, env: dict[str, str]) -> None:
    """Run a line of Python where the database is the one to be measured."""
    command = [sys.executable, "-W", "ignore", "-c", words]
    subprocess.run(command, cwd=place, env=os.environ | env, check=True)


def main() -> None:
    """Measure every way on every backend and report."""
    parser = common.parser(__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows to insert (1000000)")
    parser.add_argument("--way", nargs=2, metavar=("WAY", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        insert(options.way[0], Path(options.way[1]))
        return
    mysql = os.environ.get("BOSSFLOW_TEST_MYSQL")
    if not mysql:
        common.console.print("BOSSFLOW_TEST_MYSQL names no MySQL server: PostgreSQL only")
    figures, ratios = {}, {}
    with tempfile.TemporaryDirectory(prefix="bossflow-insert-") as scratch:
        files = {way: Path(scratch) / f"{way}.parquet" for way in WAYS}
        for way, file in files.items():
            write_components(file, options.rows if way == "ours" else options.rows // 10)
        env = {
            "BOSSFLOW_HOME": f"{scratch}/home",
            "BOSSFLOW_SCHEMA": f"bossflow_benchmark_{os.getpid()}",
            "PYTHONPATH": str(common.ROOT / "schema"),
        }
        for backend, place in {"PostgreSQL": Path(scratch), "MySQL": mysql and Path(mysql)}.items():
            if not place:
                continue
            if backend == "MySQL":
                env |= administrator(str(place))
            runs: dict[str, Callable[[], Measured]] = {
                f"{way}, {backend}": functools.partial(measured, way, files[way], place, env)
                for way in WAYS
            }
            found = reports.medians(reports.alternate(options.rounds, runs))
            for row in found.values():
                row["rows_per_s"] = 1e6 / row["wall_s"]
            figures |= found
            ours, *peers = runs
            best = min(peers, key=lambda peer: found[peer]["wall_s"])
            ratios[backend] = reports.ratios(found, ours, best)
            bossflow("import bossflow; bossflow.schema.drop(prompt=False)", place, env)
        embedded = {"BOSSFLOW_HOME": env["BOSSFLOW_HOME"]}
        bossflow("from bossflow import database as d; d.stop_embedded()", Path(scratch), embedded)
    least = {name: min(case[name] for case in ratios.values()) for name in ("wall", "cpu")}
    title = f"{options.rows:,} component rows from Parquet, ours against DataJoint's insert"
    reports.report(options, title, figures, least, backends=ratios)


if __name__ == "__main__":
    main()
