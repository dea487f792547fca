"""Thousands of results: no statement grows with them, and what goes with what is found in each.

The same file runs on MySQL from test_mysql.py.
"""

import random
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import bossflow
import conftest
import datajoint as dj
import pytest
import suites
import watched
from bossflow import database
from bossflow.core import cascade, dependents, installed, ledger, migrations, registry, removal
from bossflow.core.tables import schema
from bossflow.database import insert
from bossflow.kit import locations, store_ids
from pipeline import Pipeline, bossflow_says
from steps import Cutouts, write_volume
from test_invalidate import channel_of

PACKET = 2**13
"""Bytes; the statements of DataJoint's own that read the schema take half of it."""


@pytest.fixture
def cutouts(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cutouts:
    import toy

    installed.open_schema([*registry.load_all(), toy.workflow])
    return Cutouts(tmp_path, monkeypatch)


def recorded(cutouts: Cutouts, shape: tuple[int, int, int], *asked: dict[str, Any]) -> list[str]:
    """Record all units of cutouts of a volume, in blocks of 8^3 voxels; return their executions.

    There are no bundles: all that the database knows of is lost.
    """
    from bossflow.workflows.label import workflow

    cutouts.volume = write_volume(cutouts.directory / "volume.zarr", shape)
    plans = [cutouts.plan(block_shape=[8, 8, 8], **params)[0] for params in asked or ({},)]
    environment = {"environment_id": "", "code": "", "software": {}}
    bossflow.Environment.insert1(environment, skip_duplicates=True)
    made = []
    for plan in plans:
        (request,) = plan["requests"]
        ((_, units),) = next(ledger.with_units(workflow, [request]))
        made += [unit.unit_id for unit in units]
        executions, copies = [], []
        for unit in units:
            place = locations.place(cutouts.store, unit.process, unit.unit_id)
            name = {"execution_id": unit.unit_id}
            about = {
                "process": unit.process,
                "run_id": plan["run_id"],
                "bundle_url": place.as_uri(),
            }
            executions.append(name | about | {"executed": datetime(2026, 1, 1)})
            path = {"copy_path": place.relative_to(cutouts.store).as_posix()}
            copies.append(name | path | {"store_id": store_ids.store_id(cutouts.store)})
        insert_rows(bossflow.Execution, executions)
        insert_rows(bossflow.Execution.Copy, copies)
        links = [unit for unit in units if unit.process == "LINK_BLOCK"]
        around = [
            (one.key, {"neighbour_block": o.key["block"]}) for one in links for o in one.inputs[1:]
        ]
        parts = {
            bossflow.BlockLinks.Neighbour: [key | other for key, other in around],
            bossflow.Segmentation.Source: [one.key | {"request_id": request} for one in links],
            bossflow.Segmentation.Component: [{"request_id": request, "component_id": 1}],
        }
        for table in workflow.tables:
            own = [unit for unit in units if unit.process == table.process]
            made_by = ledger.execution_attribute(table)
            insert_rows(table, [unit.key | {made_by: unit.unit_id} for unit in own])
            for part in migrations.parts(table)[1:]:
                if part in parts:
                    insert_rows(part, parts[part])
        blocks = [key | {"made_by": unit.unit_id} for unit in units for key in unit.makes]
        insert_rows(bossflow.MadeBlock, blocks)
    return list(dict.fromkeys(made))


def insert_rows(table: Any, rows: list[dict[str, Any]]) -> None:
    """Insert rows, with something in the columns that they lack."""
    heading = table().heading
    lacking = {name: heading[name].type for name in heading.names if name not in rows[0]}
    rest = {name: "" if "char" in kind else 0 for name, kind in lacking.items()}
    insert.insert_absent(table(), [rest | row for row in rows])


COMMANDS = {
    "a channel": ("invalidate", "--yes", "--channel"),
    "a store": ("invalidate", "--yes", "--store"),
    "lost": ("invalidate", "--yes", "--lost", "--store"),
    "damaged": ("verify", "--retire", "--store"),
}


@pytest.mark.parametrize("what", conftest.sample(list(COMMANDS), 2))
def test_no_statement_grows_with_what_is_forgotten(
    cutouts: Cutouts, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    units = recorded(cutouts, (40, 40, 32))
    monkeypatch.setattr(database.limits, "PACKET_BYTES", PACKET)
    channel, store = channel_of(cutouts), store_ids.store_id(cutouts.store)
    with watched.noting() as noted:
        code, text = bossflow_says(*COMMANDS[what], channel if what == "a channel" else store)
    assert (code, f"forgot {len(units)} rows of stages" in text) == (0, True), text
    assert not len(bossflow.Execution & [{"execution_id": name} for name in units])
    assert not len(bossflow.BlockLabels & {"channel_id": channel})
    assert max(event.get("length", 0) for event in noted) < PACKET


@pytest.mark.soak
def test_twenty_thousand_results_are_forgotten_in_a_minute(cutouts: Cutouts) -> None:
    units = recorded(cutouts, (128, 128, 160))
    assert len(units) > 20_000
    began = time.monotonic()
    with watched.noting() as noted:
        assert removal.forget(set(units)) == (len(units), 0)
    assert time.monotonic() - began < 60 * suites.pace()
    assert max(event.get("length", 0) for event in noted) < database.limits.PACKET_BYTES / 4


Keys = dict[str, set[tuple[Any, ...]]]


def keys(tables: Iterable[Any]) -> Keys:
    """Return the primary keys in each table."""
    return {
        table.full_table_name: {tuple(row.values()) for row in table.proj().to_dicts()}
        for table in tables
    }


def with_datajoint(executions: Iterable[str]) -> Keys:
    """Return what goes with executions, as DataJoint's own cascade finds it."""
    stages = registry.stage_tables(installed.known_workflows()).values()
    tables = {part.full_table_name: one for one in stages for part in migrations.parts(one)}
    seen: set[str] = set()
    new = set(executions)
    while not new <= seen:
        seen |= new
        start = bossflow.Execution() & [{"execution_id": name} for name in seen]
        going = list(dj.Diagram.cascade(start, part_integrity="cascade"))
        for rows in going:
            if table := tables.get(rows.full_table_name):
                made = (table() & rows.proj()).to_arrays(ledger.execution_attribute(table))
                new |= set(made)
    return keys(going)


@contextmanager
def undone(conn: Any) -> Iterator[None]:
    conn.start_transaction()
    try:
        yield
    finally:
        conn.cancel_transaction()


def test_the_rows_that_go_are_those_of_datajoints_own_cascade(
    cutouts: Cutouts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two cutouts that share blocks, and of two requests that share files."""
    units = recorded(cutouts, (24, 8, 16), {"z_range": [0, 16]}, {})
    (tmp_path / "toy").mkdir()
    pipeline, files = Pipeline(tmp_path / "toy", monkeypatch), []
    for number in range(5):
        files.append(tmp_path / f"{number}.txt")
        files[-1].write_text(f"a b {number}")
    for some in (files[:3], files[2:]):
        pipeline.run(some)
    made = bossflow.Execution & f"bundle_url LIKE '{locations.url(pipeline.store)}/%'"
    units += made.to_arrays("execution_id").tolist()
    conn, drawn = database.connection(), random.Random(conftest.SEED)
    monkeypatch.setattr(database.limits, "PACKET_BYTES", 512)  # three keys at a time
    every = [part() for table, _ in schema.tables for part in migrations.parts(table)]
    before = keys(every)
    for _ in range(20 if conftest.SOAK else 3):
        chosen = set(drawn.sample(units, drawn.choice([1, 1, 2, 5])))
        going, rows = dependents.going_with(chosen)
        with undone(conn):
            going.delete(rows)
            left = keys(every)
        gone = {name: some - left[name] for name, some in before.items() if some != left[name]}
        assert gone == {name: some for name, some in with_datajoint(chosen).items() if some}


def test_parts_of_parts_and_renamed_keys(home: Path) -> None:
    """A part may refer to its master through another part, and to one of another master."""
    conn = database.connection()
    schema = dj.Schema(f"{database.schema_name()}_keys", connection=conn)

    @schema
    class Source(dj.Manual):
        definition = """
        source : int32
        """

    @schema
    class Frame(dj.Manual):
        definition = """
        frame : int32
        ---
        -> [nullable] Source
        """

        class Cell(dj.Part):
            definition = """
            -> master
            cell : int32
            """

        class Touch(dj.Part):
            definition = """
            -> Frame.Cell.proj(other_frame='frame', other_cell='cell')
            -> Frame.Cell
            """

    @schema
    class Note(dj.Manual):
        definition = """
        -> Frame.Cell
        """

    def names(table: Any) -> str:
        return str(table.full_table_name)

    try:
        Source.insert([[number] for number in range(1, 5)])
        Frame.insert([{"frame": number, "source": number} for number in range(1, 5)])
        Frame.insert1({"frame": 5})
        Frame.Cell.insert({"frame": n, "cell": c} for n in range(1, 6) for c in (1, 2))
        touching = [((1, 1), (2, 1)), ((2, 2), (3, 1)), ((4, 1), (5, 1))]
        columns = ("frame", "cell", "other_frame", "other_cell")
        Frame.Touch.insert(dict(zip(columns, (*a, *b), strict=True)) for a, b in touching)
        Note.insert([{"frame": 3, "cell": 2}, {"frame": 4, "cell": 1}])
        conn.dependencies.load(force=True)
        going = cascade.Cascade(conn, {})
        rows = going.reached(names(Source), {(3,)})
        cells = {(cell, frame) for cell in (1, 2) for frame in (1, 2, 3)}
        expected = {Source: {(3,)}, Frame: {(1,), (2,), (3,)}, Frame.Cell: cells, Note: {(2, 3)}}
        assert rows == {names(table): keys for table, keys in expected.items()}
        with conn.transaction:
            going.delete(rows)
        assert [*map(len, (Source(), Frame(), Frame.Cell(), Frame.Touch(), Note()))] == [
            3,
            2,
            4,
            1,
            1,
        ]
    finally:
        schema.drop(prompt=False)
        conn.dependencies.load(force=True)
