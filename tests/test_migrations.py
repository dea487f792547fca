"""A database that the first version filled: refused, migrated with every row, and used on."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from bossflow import __version__
from bossflow.core import migrations
from lab import Lab
from team import PASSWORD, Team, a_schema, each_server, environment

DATA = Path(__file__).parent / "data"
CHANNEL = "SELECT DISTINCT channel_id FROM {schema}._pulled_block"


@pytest.fixture(scope="module", params=each_server())
def team(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Team]:
    yield from request.param(tmp_path_factory)


@pytest.fixture
def first(team: Team, tmp_path: Path) -> Iterator[str]:
    """Return a schema of version 1, with the rows of two requests."""
    with a_schema(team) as name:
        team.load_first(name, tmp_path / "store")
        yield name


def test_older_tables_are_refused_and_then_migrated_with_every_row(team: Team, first: str) -> None:
    before = team.rows(first)
    assert len(before["execution"]) == 38
    lost = ["invalidate", "--lost", "--request", "67"]
    for command in (["status"], ["components", "67"], lost, ["db", "deploy"]):
        code, text = team.bossflow(*command, schema=first)
        assert code == 1
        assert (
            f"is of version 1, but bossflow {__version__} works with version {migrations.VERSION}"
            in text
        )
        assert "bossflow db migrate" in text
    state = json.loads(team.bossflow("db", "status", "--json", schema=first)[1])
    assert (state["version"], state["known"]) == (1, migrations.VERSION)
    assert state["rows"]["execution"] == 38
    code, text = team.bossflow("db", "migrate", schema=first)
    assert (code, f"is now of version {migrations.VERSION}" in text) == (0, True), text
    assert "was already of version" in team.bossflow("db", "migrate", schema=first)[1]
    after = team.rows(first)
    assert len(after.pop("schema_version")) == len(migrations.STEPS)
    lineage = set(after.pop("~lineage")) - set(before.pop("~lineage"))
    new = {name for name in after if name not in before}
    assert all("schema_version" in row or any(name in row for name in new) for row in lineage)
    told = [json.loads(row)["request_id"] for row in after["request__given"]]
    assert sorted(told) == sorted(json.loads(row)["request_id"] for row in before["request"])
    made = {"request__given", "made_channel", "__made_block", "__block_labels__pulled"}
    assert not any(after.pop(name) for name in new - made)
    made_is_told(before, after)
    assert after == before


def made_is_told(before: dict[str, list[str]], after: dict[str, list[str]]) -> None:
    """Take out of `after` what migration adds of volumes, and out of `before` what it drops."""
    assert all(json.loads(row)["written_by"] is None for row in before["channel"])
    before["channel"] = [
        json.dumps({name: value for name, value in json.loads(row).items() if name != "written_by"})
        for row in before["channel"]
    ]
    copies = {json.loads(row)["block"] for row in before["_pulled_block"]}
    assert {json.loads(row)["block"] for row in after.pop("__block_labels__pulled")} == copies
    channels = {json.loads(row)["channel_id"] for row in after["made_channel"]}
    made = sorted(json.loads(row)["made_by"] for row in after.pop("__made_block"))
    wrote = [json.loads(row)["relabelled_by"] for row in before["__segmentation_block"]]
    assert made == sorted(wrote) and made
    asked = [json.loads(row)["request_id"] for row in after.pop("made_channel")]
    assert sorted(asked) == [json.loads(row)["request_id"] for row in after.pop("request__given")]
    for name in ("block", "channel"):
        after[name] = [row for row in after[name] if json.loads(row)["channel_id"] not in channels]


def test_a_run_goes_on_where_the_first_version_was(team: Team, first: str, tmp_path: Path) -> None:
    """As the run-time user, whom the administrator who migrated forgot nothing for."""
    user = f"late_{first[-12:]}"
    assert team.bossflow("db", "migrate", schema=first)[0] == 0
    team.grant(user, first)
    lab = Lab(tmp_path, np.random.default_rng(1).integers(0, 3, (8, 12, 12), np.uint64), (0, 0, 0))
    lab.voxel_size_nm_zyx = (1.0, 1.0, 1.0)
    lab.own = team.settings(first, user)
    (tmp_path / "store").mkdir()
    asked = {"block_shape": [4, 8, 8], "store": str(tmp_path / "store"), "min_voxels": 2}
    try:
        with lab.serving():
            # its bundles were not kept: no store has them, so they are made again, and said to be
            again = lab.run(**asked)
            assert "33 units of this are recorded in store" in again.text
            assert "which is away: they are made again here" in again.text
            assert "has other content than what is recorded" in again.text, "by another program"
            lost = ["invalidate", "--lost", "--store", str(tmp_path / "store"), "--yes"]
            code, text = team.bossflow(*lost, schema=first, user=user)
            assert (code, "nothing to invalidate" in text) == (0, True), text
            (channel,) = json.loads(team.query(CHANNEL.format(schema=first), schema=first)[0])
            forget = ["invalidate", "--channel", *channel, "--yes"]
            code, text = team.bossflow(*forget, schema=first, user=user)
            assert (code, "forgot 38 rows of stages" in text) == (0, True), text
            assert re.search(r"1 request \(.*\): 1 complete", lab.run(**asked).ok().text)
            assert "nothing to compute" in lab.run(**asked).text
    finally:
        team.drop_user(user, first)
    assert PASSWORD not in "".join(
        path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file()
    )


def test_newer_tables_are_refused(team: Team) -> None:
    with a_schema(team) as name:
        assert team.bossflow("db", "deploy", schema=name)[0] == 0
        newer = migrations.VERSION + 1
        row = f"INSERT INTO {name}.schema_version VALUES ({newer}, '2030-01-01', '9.9')"
        assert team.query(row, schema=name) == ["[]"]
        for command in (["status"], ["db", "migrate"], ["db", "deploy"]):
            code, text = team.bossflow(*command, schema=name)
            assert (code, "update bossflow" in text) == (1, True), text


def test_a_killed_migration_is_taken_up_again(team: Team, first: str) -> None:
    """A step of a later version, killed between its statements and before it was noted."""
    program = """
import os, sys
from bossflow import database
from bossflow.core import migrations
from bossflow.core import registry, work

def add_a_column(conn):
    name = database.schema_name()
    known = conn.query("SELECT 1 FROM information_schema.columns WHERE table_schema = %s AND "
                       "table_name = 'cutout' AND column_name = 'why'", (name,)).fetchone()
    if not known:
        conn.query(f"ALTER TABLE {name}.cutout ADD why varchar(9)")
    if sys.argv[1] == "after":
        os._exit(9)

def carry_a_version(conn):
    migrations._declare(conn, [migrations.SchemaVersion])
    if sys.argv[1] == "between":
        os._exit(9)

later = migrations.VERSION + 1
migrations.STEPS = [(2, carry_a_version), *migrations.STEPS[1:], (later, add_a_column)]
migrations.VERSION = later
registry.load_all()
print(migrations.migrate())
"""
    assert team.python(program, "between", schema=first).returncode == 9
    assert "is of version 1" in team.bossflow("status", schema=first)[1]
    assert team.python(program, "after", schema=first).returncode == 9
    done = team.python(program, "not at all", schema=first)
    assert done.stdout.strip() == f"[{migrations.VERSION + 1}]", done.stderr
    columns = f"SELECT cutout, why FROM {first}.cutout"
    assert len(json.loads(team.query(columns, schema=first)[0])) == 2


def test_the_embedded_database_is_migrated_by_itself(tmp_path: Path) -> None:
    team = Team(environment(BOSSFLOW_HOME=str(tmp_path / "home")), tmp_path)
    try:
        text = (DATA / "first_schema.postgresql.sql").read_text()
        assert team.bossflow("db", "start", schema="bossflow")[0] == 0
        team.load(text, "bossflow")
        code, text = team.bossflow("status", schema="bossflow")
        assert code == 0
        assert f"note: the embedded database is now of version {migrations.VERSION}" in text
        assert "2 requests" in text
        assert "note" not in team.bossflow("status", schema="bossflow")[1]
    finally:
        team.bossflow("db", "stop", schema="bossflow")
