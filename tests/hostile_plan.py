"""Plans hostile requests in a deployed schema, and asks for them by `bossflow`'s commands.

A program of test_hostile_runs.py, run as the administrator, who could drop what is there:

    python - TESTS DIRECTORY CANARY NUMBER SEED
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

tests, directory, canary, number, chosen_seed = sys.argv[1:]
sys.path[:0] = [tests, str(Path(tests).parent / "bin")]

import hostile
from bossflow import connect, database
from bossflow.command.main import main
from bossflow.core.plan import plan
from bossflow.core.tables import ParamSet, Request, Run
from bossflow.volumes.tables import Channel, Cutout
from click.testing import CliRunner
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

HERE = Path(directory)
TEXTS = st.one_of(
    st.sampled_from([*hostile.commands(Path(canary)), *hostile.TEXTS]), st.text(max_size=40)
)
TABLES = (Channel, Cutout, ParamSet, Request, Run)
counts = {
    "hostile requests planned": 0,
    "hostile requests refused": 0,
    "hostile commands": 0,
    "rows compared": 0,
}
conn = database.connection()
schema = conn.adapter.quote_identifier(database.schema_name())
conn.query(f"CREATE TABLE {schema}.canary (a int)", None)
conn.query(f"INSERT INTO {schema}.canary VALUES (1)", None)


def tables() -> list[str]:
    listed = conn.query(conn.adapter.list_tables_sql(database.schema_name()), None).fetchall()
    return sorted(row[0] for row in listed)


def rows() -> list[int]:
    return [len(table()) for table in TABLES]


def files() -> set[str]:
    return {path.relative_to(HERE).as_posix() for path in HERE.rglob("*")}


def check_sentence(text: str) -> None:
    assert hostile.is_a_sentence(text), text[:2000]


@seed(int(chosen_seed))
@settings(
    max_examples=int(number), database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
@given(
    archive=TEXTS,
    source=TEXTS,
    store=TEXTS,
    user=TEXTS,
    dry=st.booleans(),
    offset=st.one_of(st.just(0), st.sampled_from([2**53, -(2**53), 10**9, 10**12])),
    dtype=st.sampled_from(["uint8", "uint64"]),
)
def plans(
    archive: str, source: str, store: str, user: str, dry: bool, offset: int, dtype: str
) -> None:
    work = HERE / "work"
    work.mkdir(exist_ok=True)
    for path in sorted(work.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    before, there = rows(), files()
    uri = f"zarr://file://{source}"
    row: dict[str, Any] = {"source": uri, "resolution": 0, "connectivity": 26, "min_voxels": 0}
    row |= {"component_of": "segment", "foreground_above": 0, "where": "the parameters"}
    row |= dict.fromkeys(("x_range", "y_range", "z_range", "block_shape"))
    metadata = {"kind": "image", "dtype": dtype, "chunk_zyx": [8, 8, 8], "shape_zyx": [4, 4, 4]}
    metadata |= {"offset_zyx": [offset] * 3, "voxel_size_nm_zyx": [1e12, 1e-6, 4.0]}
    channel = {"source": uri, "resolution": 0, "archive": archive, "host": "", "unreachable": None}
    params = {"archive": archive, "store": f"./{store}", "bossdb_host": "", "dry_run": dry}
    run = {"name": "a", "session": "b", "start": "2026-01-01T00:00:00Z", "nextflow": "25.04.0"}
    run |= {"start": f"2026-01-01T00:00:{sum(counts.values()) % 60:02}Z", "session": str(counts)}
    run |= {"user": user[:40], "profile": "standard", "launch_dir": str(HERE / "launch")}
    asked = {"workflow": "label", "params": params | {"max_component_rows": 1}, "run": run}
    described = {"problem": None, "rows": [row], "channels": [channel | {"metadata": metadata}]}
    plan(asked, described, "0" * 16, work)
    made = json.loads((work / "plan.json").read_text())
    assert tables() == names
    if made["problem"]:
        counts["hostile requests refused"] += 1
        check_sentence(made["problem"])
        assert rows() == before
        assert not made["tasks"] and not (work / "tasks").exists()
        return
    counts["hostile requests planned"] += 1
    new = files() - there
    if dry:
        assert rows() == before
        return
    inside = HERE / "launch"
    named = (inside / params["store"]).resolve()  # `..` may be asked for
    allowed = {named, named / "store.json"}
    own = {
        name
        for name in new
        if not (HERE / name).is_relative_to(inside) and HERE / name not in allowed
    }
    files_of_plan = r"(plan|verdict)\.json|summary\.txt|requests\.csv|tasks(/[A-Z_]+-\d+\.jsonl)?"
    assert all(re.fullmatch(f"work(/({files_of_plan}))?", name) for name in own), own
    assert re.fullmatch("[0-9a-f]{16}", made["requests"][0])
    # Compared here: with a backslash in it, DataJoint finds no text on PostgreSQL.
    (recorded,) = (
        row for row in Channel().to_dicts() if (row["uri"], row["archive"]) == (uri, archive)
    )
    counts["rows compared"] += 1
    assert re.fullmatch("[0-9a-f]{16}", recorded["channel_id"])
    (kept,) = (Run() & {"run_id": made["run_id"]}).to_dicts()
    assert kept["run_parameters"]["archive"] == archive


COMMANDS = (
    ["components"],
    ["components", "--format", "csv"],
    ["invalidate", "--yes", "--request"],
    ["invalidate", "--yes", "--channel"],
    ["invalidate", "--yes", "--block"],
)


@seed(int(chosen_seed))
@settings(
    max_examples=int(number), database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
@given(command=st.sampled_from(COMMANDS), given=TEXTS.filter(lambda text: text[:1] != "-"))
def asks(command: list[str], given: str) -> None:
    counts["hostile commands"] += 1
    before = rows()
    done = CliRunner().invoke(main, [*command, given])
    assert done.exit_code in (0, 1, 2), (given, done.exit_code)
    assert done.exception is None or isinstance(done.exception, SystemExit), (given, done.exception)
    if done.exit_code:
        check_sentence(done.output.strip().splitlines()[-1])
    assert (rows(), tables()) == (before, names)


(HERE / "launch").mkdir()
connect()
names = tables()
plans()
asks()
assert conn.query(f"SELECT a FROM {schema}.canary", None).fetchall()[0][0] == 1
conn.query(f"DROP TABLE {schema}.canary", None)
print(json.dumps(counts))
