"""A workflow that is not installed here, or not deployed: it holds up nothing else."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ROOT
from team import Team, a_schema, each_server

pytestmark = pytest.mark.faults

# Runs a request of the toy, and one of the label workflow where blocks are asked for, of which
# another outside workflow has made something too.
RUN = """
import json, sys
sys.path.insert(0, sys.argv[1])
import conftest
from pathlib import Path
import pytest
from steps import Cutouts, write_volume
from pipeline import Pipeline
here = Path(sys.argv[2])
(here / "toy").mkdir()
(here / "words.txt").write_text("a b c")
ran = Pipeline(here / "toy", pytest.MonkeyPatch()).run([here / "words.txt"])
assert ran["verdict"]["missing"] is None, ran
(here / "label").mkdir()
cutouts = Cutouts(here / "label", pytest.MonkeyPatch())
cutouts.volume = write_volume(here / "volume", (8, 8, 8))
ran = cutouts.label(block_shape=[8, 8, 8])
assert ran["verdict"]["missing"] is None, ran
"""

# Another workflow that does not come with bossflow: it reads blocks.
NOTES = """
import datajoint as dj
from bossflow.volumes.tables import Block
from bossflow.core import work
from bossflow.core.tables import Execution, schema

@schema
class BlockNote(dj.Computed):
    process = "NOTE_BLOCK"
    definition = '''
    -> Block
    ---
    -> Execution.proj(noted_by='execution_id')
    '''

workflow = work.Workflow("notes", (BlockNote,), expand=None, units=None)
"""

NOTE = """
import bossflow, notes
execution = bossflow.Execution.to_arrays("execution_id")[0]
for key in bossflow.Block.keys():
    notes.BlockNote.insert1(key | {"noted_by": execution}, allow_direct_insert=True)
"""

# A release that comes with one more workflow, whose tables nobody has deployed yet.
LATER = """
import sys
import toy
from bossflow.core import ledger, registry, work
registry.names = lambda: ["bossflow.workflows.label", "toy"]
from bossflow.command.main import main
main()
"""


@pytest.fixture(scope="module", params=each_server())
def team(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Team]:
    yield from request.param(tmp_path_factory)


@pytest.fixture
def schema(team: Team) -> Iterator[str]:
    with a_schema(team) as name:
        yield name


def without_toy(team: Team) -> Team:
    return replace(team, environment=team.environment | {"PYTHONPATH": str(ROOT / "schema")})


def test_a_workflow_that_is_not_installed_holds_up_nothing_else(
    team: Team, schema: str, tmp_path: Path
) -> None:
    (tmp_path / "notes.py").write_text(NOTES)
    both = f"{team.environment['PYTHONPATH']}:{tmp_path}"
    team = replace(team, environment=team.environment | {"PYTHONPATH": both})
    assert team.bossflow("db", "deploy", "--workflow", "toy", schema=schema)[0] == 0
    done = team.python(RUN, str(ROOT / "tests"), str(tmp_path), schema=schema)
    assert done.returncode == 0, done.stderr
    other = without_toy(team)

    # told of in a line
    code, text = other.bossflow("status", schema=schema)
    assert code == 0, text
    assert "1 request of workflow toy, which is not installed here\n" in text
    assert "1 request (1 complete, 0 missing, 0 failed)" in text
    said = json.loads(other.bossflow("status", "--json", schema=schema)[1])
    assert said["left_out"] == [{"workflow": "toy", "requests": 1, "why": "not installed"}]
    (label,) = said["requests"]
    code, text = other.bossflow("status", "--watch", schema=schema)
    assert (code, "workflow toy, which is not installed here\nnothing" in text) == (0, True), text
    both_known = json.loads(team.bossflow("status", "--json", schema=schema)[1])
    assert both_known["left_out"] == []
    (toys,) = {one["request"] for one in both_known["requests"]} - {label["request"]}

    # verified all the same
    code, text = other.bossflow("verify", schema=schema)
    assert (code, " bundles as recorded" in text) == (0, True), text
    (made,) = (tmp_path / "toy" / "store" / "COUNT_WORDS").glob("*/*/word.parquet")
    whole = made.read_bytes()
    made.write_bytes(b"damaged")
    code, text = other.bossflow("verify", schema=schema)
    assert code == 1
    assert "COUNT_WORDS: " in text
    assert "rows of table __word_count depend on what would go" in text
    assert "(toy is not installed here): put its module on PYTHONPATH" in text

    # not forgotten while nobody knows what else would go
    for command in (
        ["verify", "--retire", "--store", str(tmp_path / "toy/store")],
        ["verify", "--request", toys],
        ["invalidate", "--request", toys, "--yes"],
    ):
        code, text = other.bossflow(*command, schema=schema)
        assert (code, "toy is not installed here" in text) == (1, True), text
        assert len(text.strip().splitlines()) == 1
    assert made.exists()
    made.write_bytes(whole)

    # and what it has nothing to do with goes
    before = team.rows(schema)
    code, text = other.bossflow("invalidate", "--block", "0-8_0-8_0-8", "--yes", schema=schema)
    assert (code, "forgot" in text) == (0, True), text
    after = team.rows(schema)
    assert after["__block_labels"] == [] != before["__block_labels"]
    assert after["__word_count"] == before["__word_count"]

    # unless what it made of a block would stay
    assert team.bossflow("db", "deploy", "--workflow", "notes", schema=schema)[0] == 0
    done = team.python(NOTE, schema=schema)
    assert done.returncode == 0, done.stderr
    code, text = other.bossflow("invalidate", "--block", "0-8_0-8_0-8", "--yes", schema=schema)
    assert (code, "rows of table __block_note depend on" in text) == (1, True), text


def test_tables_of_another_workflow_may_be_missing(team: Team, schema: str) -> None:
    code, text = team.bossflow("db", "deploy", "--workflow", "toys", schema=schema)
    assert code == 1
    assert text == "Error: workflow toys is not installed here: put its module on PYTHONPATH\n"
    code, text = team.bossflow("status", schema=schema)
    assert (code, "run `bossflow db deploy` with" in text) == (1, True), text
    assert team.bossflow("db", "deploy", schema=schema)[0] == 0

    for command in (["status"], ["verify"], ["stores"], ["status", "--watch"]):
        done = team.python(LATER, *command, schema=schema)
        assert done.returncode == 0, done.stdout + done.stderr
    only = (
        "import toy; from bossflow.core import installed, registry; "
        "installed.open_schema([registry.load({!r})])"
    )
    done = team.python(only.format("bossflow.workflows.label"), schema=schema)
    assert done.returncode == 0, done.stderr
    done = team.python(only.format("toy"), schema=schema)
    assert "run `bossflow db deploy --workflow toy` with a user" in done.stderr
    assert f"workflow toy in schema {schema} is not deployed" in done.stderr


def test_an_outside_workflow_alone_may_be_deployed(team: Team, schema: str) -> None:
    deploy = (
        "import toy, bossflow.volumes.tables; from bossflow.core import migrations; "
        "migrations.deploy()"
    )
    assert team.python(deploy, schema=schema).returncode == 0
    for command in (["status"], ["verify"], ["stores"]):
        code, text = team.bossflow(*command, schema=schema)
        assert code == 0, text
    done = team.python("import bossflow; bossflow.Segmentation", schema=schema)
    assert f"workflow bossflow.workflows.label in schema {schema} is not deployed" in done.stderr
    assert "run `bossflow db deploy` with a user" in done.stderr
    opened = (
        "import toy; from bossflow.core import installed; installed.open_schema([toy.workflow])"
    )
    assert team.python(opened, schema=schema).returncode == 0
