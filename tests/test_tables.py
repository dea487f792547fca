"""The tables: their ids, their keys, what they share, and the lock.

The same file runs on MySQL from test_mysql.py.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import bossflow
import pytest
from kit import bundles, locations, store_ids
from pipeline import Pipeline, bossflow_says, bundle_of, rows
from pipeline import files as files
from pipeline import pipeline as pipeline
from pipeline import toy as toy


@pytest.fixture
def twins(toy: Any) -> Iterator[list[str]]:
    """Yield the ids of two channels, which only their last digits tell apart."""
    columns = bossflow.Channel().heading.attributes.values()
    channel = {one.name: "a" if one.string else 1 for one in columns if not one.nullable}
    ids = [f"{'ab' * 7}a{last}" for last in "01"]
    bossflow.Channel.insert([channel | {"channel_id": name} for name in ids])
    yield ids
    (bossflow.Channel & [{"channel_id": name} for name in ids]).delete_quick()


def test_an_id_is_named_by_its_start(twins: list[str]) -> None:
    from bossflow.core import ledger

    one, start = twins[0], twins[0][:-1]
    assert ledger.named(bossflow.Channel, one) == one
    with pytest.raises(ValueError, match=f"2 channels have ids starting with '{start}': see"):
        ledger.named(bossflow.Channel, start)
    mistyped = [f"{start}2", f"{one}0", one.upper(), f" {one}", f"{one}\n", ""]
    for given in [*mistyped, "%", f"{start}_", f"{start}%", "\\", f"{start}\\", "' OR '1'='1"]:
        with pytest.raises(ValueError) as refused:
            ledger.named(bossflow.Channel, given)
        assert f"no channel has an id starting with {given!r}: see" in str(refused.value)


def test_a_mistyped_id_changes_nothing(
    pipeline: Pipeline, files: list[Path], twins: list[str]
) -> None:
    """It would be an empty choice, that nothing needs to be done for."""
    (request,) = pipeline.run(files)["plan"]["requests"]
    store = store_ids.store_id(pipeline.store)
    assert store is not None
    number, there = rows(bossflow.Execution), set(locations.every(pipeline.store, "*"))
    commands = [("verify",), ("verify", "--retire"), ("invalidate", "--yes")]
    commands += [("invalidate", "--yes", "--lost")]
    named = {"request": request, "channel": twins[0], "store": store}
    for name, known in named.items():
        for command in [*commands, *[("components",)] * (name == "request")]:
            option = [f"--{name}"] * (command != ("components",))
            code, text = bossflow_says(*command, *option, f"{known[:-1]}x")
            assert (code, f"no {name} has an id starting with" in text) == (1, True), text
            if option:
                code, text = bossflow_says(*command, "--request", request, *option, "")
                assert (code, f"'--{name}': is empty" in text) == (2, True), text
    code, text = bossflow_says("invalidate", "--yes", "--channel", twins[0][:-1])
    assert (code, "2 channels have ids starting with" in text) == (1, True), text
    assert (number, there) == (rows(bossflow.Execution), set(locations.every(pipeline.store, "*")))
    assert bossflow_says("verify", "--channel", twins[0])[0] == 0
    code, text = bossflow_says("invalidate", "--yes", "--request", request[:-1])
    assert (code, "forgot 1 row of stages" in text) == (0, True), text
    code, text = bossflow_says("invalidate", "--yes", "--store", store[:-1])
    assert (code, "forgot 5 rows of stages" in text) == (0, True), text


def test_recorded_keys_are_found_whatever_they_share(
    pipeline: Pipeline, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import datajoint as dj
    from bossflow import database
    from bossflow.core import ledger

    done = pipeline.run(files[:1])
    made = bundles.read(bundle_of(done["receipts"], "COUNT_WORDS"))
    execution = {"execution_id": made.manifest_sha256[:32]}
    conn, Execution = database.connection(), bossflow.Execution
    schema = dj.Schema(f"{database.schema_name()}_keys", {"Execution": Execution}, connection=conn)

    @schema
    class Keyed(dj.Manual):
        definition = """
        group : varchar(16)
        place : int64
        ---
        -> Execution
        """

    keys = [{"group": name, "place": n} for name in ("x", "it's 5%", "\\") for n in range(7)]
    there = keys[::2]
    Keyed.insert([key | execution for key in there])
    monkeypatch.setattr(database.limits, "PIECE", 4)
    for asked in (keys, keys[:7], keys[7:14], keys[::7], keys[:1], keys[1:2], []):
        found = ledger.recorded(Keyed, asked)
        assert sorted(found) == sorted(tuple(key.values()) for key in there if key in asked)
        assert {one.content_sha256 for one in found.values()} <= {made.content_sha256}
    schema.drop(prompt=False)
    conn.dependencies.load(force=True)  # which cascades go by


def test_tables_share_only_attributes_that_are_foreign_keys(toy: Any) -> None:
    """Every pair of tables joins, and only on what is the same attribute in both."""
    tables = []
    for cls, _ in bossflow.schema.tables:
        tables += [cls, *(getattr(cls, name) for name in dir(cls) if name[0].isupper())]
    tables = [cls for cls in tables if hasattr(cls, "full_table_name")]
    assert len(tables) > 15
    headings = {cls: cls().heading for cls in tables}
    for one, other in combinations(tables, 2):
        first, second = headings[one], headings[other]
        for name in set(first.names) & set(second.names):
            lineages = first[name].lineage, second[name].lineage
            assert lineages[0] == lineages[1] is not None, (one, other, name)
        plain = set(first.secondary_attributes) & set(second.secondary_attributes)
        plain -= {name for name in plain if first[name].lineage}
        assert not plain, (one, other, plain)
        len((one() & False) * other())  # of no rows: those of others' tests may be many


def test_headings_are_told_at_once_as_datajoint_reads_each(
    toy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bossflow import database
    from bossflow.core import migrations, tables
    from bossflow.database.catalog import Catalog
    from datajoint.connection import Connection
    from datajoint.heading import Heading

    asked = []
    query = Connection.query
    monkeypatch.setattr(
        Connection, "query", lambda self, *a, **k: asked.append(a) or query(self, *a, **k)
    )
    conn, name = database.connection(), database.schema_name()
    catalog = Catalog(conn, name)

    def told(by: Any, table: str) -> Any:
        place = {"conn": by, "database": name, "table_name": table, "context": {}}
        heading = Heading(table_info=place)
        columns = [one._asdict() for one in heading.attributes.values()]
        return columns, heading.indexes, heading.table_status["comment"]

    every = [part.table_name for cls, _ in tables.schema.tables for part in migrations.parts(cls)]
    known = {table: told(catalog, table) for table in every}
    assert len(asked) == 4 + len(every)  # lineage is asked for by itself
    again = {table: told(catalog, table) for table in every}  # as after a change: of the database
    each = {table: told(conn, table) for table in every}
    assert known == again == each
    with pytest.raises(Exception, match="is not defined"):
        told(catalog, "no_such_table")
    nothing = Catalog(conn, "no_such_schema")  # as of tables that were made since
    assert told(nothing, every[0]) == each[every[0]]


def test_make_names_the_command(toy: Any) -> None:
    for name in ("PulledBlock", "BlockLabels", "BlockLinks", "Segmentation", "SegmentationBlock"):
        table = getattr(bossflow, name)
        with pytest.raises(NotImplementedError, match="nextflow run"):
            table().make({"request_id": "x"})
        if name != "Segmentation":
            with pytest.raises(NotImplementedError, match="bossflow status"):
                table.progress()
    asked = len(bossflow.LabelRequest())
    missing = asked - len(bossflow.Segmentation())  # other tests', if any
    assert bossflow.Segmentation.progress(display=False) == (missing, asked)


def test_the_lock_keeps_a_second_process_out(toy: Any, home: Path) -> None:
    from bossflow import database

    program = (
        "import bossflow.database as d; d.limits.LOCK_SECONDS = 1; conn = d.connection()\n"
        "try:\n"
        "    with d.lock(conn): print('in')\n"
        "except d.DatabaseError: print('out')"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}

    def other() -> str:
        command = [sys.executable, "-W", "ignore", "-c", program]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True
        ).stdout.strip()

    with database.lock(database.connection()):
        assert other() == "out"
    assert other() == "in"
