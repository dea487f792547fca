"""Look up what is recorded, alone in its database and beside other channels of the same grid.

    python benchmarks/lookups.py [--units 15000] [--others 20]

A sheet of two channels is asked for. Label's tables are filled directly, in two embedded databases,
and a store has the manifests that PLAN looks for, which are empty: nothing is computed. Measured,
by turns, are the look-ups of all units, and PLAN of a run for which all is recorded, both without
the start of a process.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import absent  # noqa: F401
import common
import reports
from common import ROOT, Measured
from insert import placeholder

BLOCK = 16
CHANNELS = 2  # of a sheet
WAYS = ("look-ups", "PLAN")


class Filled:
    """A database, and how it is asked: all in a process of its own, as DataJoint has one of each.

    Parameters
    ----------
    home : Path
        Where the embedded database goes.
    found : dict
        What DESCRIBE finds of the channels that are asked for; each block has four units.
    others : int
        Other channels with the same blocks, whose rows are there as well.
    """

    def __init__(self, home: Path, found: dict[str, Any], others: int = 0) -> None:
        from bossflow.core import installed, registry
        from bossflow.workflows.label import workflow

        self.home, self.plans = home, 0
        schema = json.loads((ROOT / "nextflow_schema.json").read_text())["$defs"].values()
        defaults = {name: one for group in schema for name, one in group["properties"].items()}
        params = {name: one.get("default") for name, one in defaults.items()}
        self.params = params | {"store": str(home / "store"), "stage": True}
        self.described = found
        installed.open_schema([workflow])
        planned = self.plan()  # which registers what is asked for
        self.requests, _ = workflow.expand(self.params, self.described)
        self.tables = registry.stage_tables([workflow])
        units = (unit for request in self.requests for unit in workflow.units(request))
        self.units = [*{unit.unit_id: unit for unit in units}.values()]
        record(self.tables, self.units, home / "store", planned["run_id"])
        if others:
            multiply(others // CHANNELS)
        analyze()

    def plan(self) -> dict[str, Any]:
        """Plan a run."""
        from bossflow.core.plan import plan

        self.plans += 1
        directory = self.home / f"plan{self.plans}"
        directory.mkdir()
        run = {"name": directory.name, "session": str(self.home), "nextflow": "25.04.0"}
        run |= {"start": datetime.now(UTC).isoformat(), "launch_dir": str(self.home)}
        plan(
            {"workflow": "label", "params": self.params, "run": run},
            self.described,
            "0" * 16,
            directory,
        )
        found: dict[str, Any] = json.loads((directory / "plan.json").read_text())
        if found["problem"]:
            raise SystemExit(found["problem"])
        return found

    def ask(self, way: str) -> Measured:
        """Measure how it is asked in one way."""
        from bossflow.core import ledger

        before = common.server_seconds(str(self.home))
        wall, cpu = time.perf_counter(), time.process_time()
        if way == "PLAN":
            found = self.plan()["planned"] == {}
        else:
            found = len(ledger.recorded_units(self.tables, self.units)) == len(self.units)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        if not found:
            raise SystemExit("not all is recorded, so the figures mean nothing")
        served = common.server_seconds(str(self.home)) - before
        return Measured(wall, cpu + served, server_s=served)


def layer(blocks: int) -> tuple[int, int, int]:
    """Return how many blocks a layer of so many has along ZYX."""
    row = max(n for n in range(1, round(blocks**0.5) + 1) if blocks % n == 0)
    return 1, row, blocks // row


def described(blocks: tuple[int, int, int], channels: int = CHANNELS) -> dict[str, Any]:
    """Return what DESCRIBE finds of volumes of so many blocks along ZYX each."""
    metadata = {
        "kind": "annotation",
        "dtype": "uint8",
        "offset_zyx": [0, 0, 0],
        "shape_zyx": [BLOCK * number for number in blocks],
        "voxel_size_nm_zyx": [30.0, 8.0, 8.0],
    }
    method = {"connectivity": 26, "component_of": "segment", "foreground_above": 0}
    asked = method | {"min_voxels": 0, "block_shape": [BLOCK] * 3, "where": "the sheet"}
    asked |= {f"{axis}_range": None for axis in "xyz"}
    channel = {"archive": "file", "host": "", "files": None, "unreachable": None}
    names = [{"source": f"zarr:///volume{n}", "resolution": 0} for n in range(channels)]
    return {
        "problem": None,
        "rows": [asked | name for name in names],
        "channels": [channel | name | {"metadata": metadata} for name in names],
    }


def database() -> Any:
    """Return the module, which reads settings when it is first used."""
    from bossflow import database

    return database


def every_table() -> list[Any]:
    """Return all tables with their parts, parents first."""
    from bossflow.core import migrations
    from bossflow.core.tables import schema

    return [part for table, _ in schema.tables for part in migrations.parts(table)]


def record(tables: dict[str, Any], units: list[Any], store: Path, run_id: str) -> None:
    """Fill label's tables with units that nobody made, of which the store has empty manifests."""
    from bossflow.core import ledger
    from bossflow.core.tables import Environment, Execution, Reading
    from bossflow.database.insert import insert_absent
    from bossflow.kit import locations, store_ids
    from bossflow.volumes.tables import MadeBlock
    from bossflow.workflows.label import BlockLabels, BlockLinks, Segmentation

    Environment.insert1(placeholder(Environment), skip_duplicates=True)
    execution = placeholder(Execution) | {"run_id": run_id}
    rows: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    links: dict[Any, str] = {}
    for unit in units:
        place = locations.place(store, unit.process, unit.unit_id)
        place.mkdir(parents=True)
        (place / locations.MANIFEST).touch()
        own = {"execution_id": unit.unit_id}
        how = {"process": unit.process, "bundle_url": locations.url(place)}
        rows[Execution].append(execution | own | how)
        copy = {"store_id": store_ids.store_id(store), "copy_sha256": "0" * 64}
        path = place.relative_to(store).as_posix()
        rows[Execution.Copy].append(own | copy | {"copy_path": path})
        if unit.reads:
            rows[Reading].append(own | {"reading_version": unit.reads.version})
        block = unit.key.get("channel_id"), unit.key.get("block")
        if unit.process == "LABEL_BLOCK":
            rows[BlockLabels.Pulled].append(unit.key)
        elif unit.process == "LINK_BLOCK":
            links[block] = unit.key["neighbourhood"]
            around = (other.key["block"] for other in unit.inputs[1:])
            rows[BlockLinks.Neighbour] += [unit.key | {"neighbour_block": n} for n in around]
        elif unit.process == "RELABEL_BLOCK":
            rows[Segmentation.Source].append(unit.key | {"neighbourhood": links[block]})
        table = tables[unit.process]
        lineage = {ledger.execution_attribute(table): unit.unit_id}
        rows[table].append(placeholder(table) | unit.key | lineage)
        made = placeholder(MadeBlock) | {"made_by": unit.unit_id}
        rows[MadeBlock] += [made | key for key in unit.makes]
    with database().connection().transaction:
        for part in every_table():
            insert_absent(part(), rows[part])


def analyze() -> None:
    """Have the server look at how many rows there are."""
    conn = database().connection()
    word = "ANALYZE" if conn.adapter.backend == "postgresql" else "ANALYZE TABLE"
    for table in {part.full_table_name for part in every_table()}:
        conn.query(f"{word} {table}")


def multiply(times: int, requests: bool = True) -> None:
    """Have all rows so many times again, for other channels whose ids lie among these.

    Requests and their own results may be left out: their ids are not by what they ask for.
    """
    from bossflow.core.tables import Execution

    numbers = " UNION ALL ".join(f"SELECT {number} AS n" for number in range(100, 100 + times))
    for part in every_table():
        heading = part().heading
        own = {"channel_id", "execution_id", *["request_id"][:requests]} & set(heading.names)
        for name, link in part().parents(foreign_key_info=True):
            if name == Execution.full_table_name and part.__name__ != "Channel":
                own |= set(link["attr_map"])
        if own & set(part().primary_key) and (requests or "request_id" not in part().primary_key):
            values = [
                f"concat(left({name}, {int(heading[name].type[5:-1]) - 4}), 'x', n)"
                if name in own
                else name
                for name in heading.names
            ]
            database().connection().query(
                f"INSERT INTO {part.full_table_name} ({', '.join(heading.names)}) "
                f"SELECT {', '.join(values)} FROM {part.full_table_name}, ({numbers}) numbers"
            )


_filled: Filled  # this process's


def fill(home: Path, blocks: int, others: int) -> None:
    """Fill this process's database."""
    global _filled
    os.environ["BOSSFLOW_HOME"] = str(home)
    _filled = Filled(home, described(layer(blocks)), others)


def ask(way: str) -> Measured:
    """Measure how this process's database is asked."""
    return _filled.ask(way)


def stop() -> None:
    """Stop this process's database."""
    database().stop_embedded()


def there(pool: ProcessPoolExecutor, function: Callable[..., Any], *args: Any) -> Any:
    """Call a function in the process of a pool."""
    return pool.submit(function, *args).result()


def main() -> None:
    """Fill both databases, ask them by turns, and report."""
    parser = common.parser(__doc__, rounds=7)
    parser.add_argument("--units", type=int, default=15_000, help="recorded (15000)")
    parser.add_argument("--others", type=int, default=20, help="other channels (20)")
    options = parser.parse_args()
    blocks = max(1, -(-options.units // (4 * CHANNELS)))
    runs: dict[str, Callable[[], Measured]] = {}
    with (
        tempfile.TemporaryDirectory(prefix="bossflow-lookups-") as scratch,
        ExitStack() as stack,
    ):
        for number in (0, options.others):
            home = Path(scratch) / f"home{number}"
            home.mkdir()
            pool = stack.enter_context(ProcessPoolExecutor(1, get_context("spawn")))
            stack.callback(there, pool, stop)
            there(pool, fill, home, blocks, number)
            for way in WAYS:
                runs[f"{way}, {number} others"] = partial(there, pool, ask, way)
        figures = reports.medians(reports.alternate(options.rounds, runs))
    ways = {
        way: reports.ratios(figures, f"{way}, 0 others", f"{way}, {options.others} others")
        for way in WAYS
    }
    most = {name: max(way[name] for way in ways.values()) for name in ("wall", "cpu")}
    title = f"{CHANNELS * (4 * blocks + 1):,} recorded units looked up; beside others over alone"
    reports.report(options, title, figures, most, ways=ways)


if __name__ == "__main__":
    main()
