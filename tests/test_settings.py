"""Which database the settings name, and what a user is told of it; no server is needed."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import warm
from conftest import ROOT

COMMAND = "from bossflow.command.main import main; main()"
PASSWORD = "hushed-word"
HOST = {"database": {"host": "127.0.0.1", "port": 1, "user": "u", "password": PASSWORD}}


def says(where: Path, *arguments: str, **settings: str) -> tuple[int, str]:
    """Run `bossflow` in a directory, with no settings in the environment but these."""
    plain = {name: text for name, text in os.environ.items() if not name.startswith("DJ_")}
    own = {"BOSSFLOW_HOME": str(where / "home"), "PYTHONPATH": str(ROOT / "schema")}
    done = warm.run("-c", COMMAND, *arguments, cwd=where, env=plain | own | settings)
    assert PASSWORD not in done.stdout + done.stderr
    return done.returncode, done.stdout + done.stderr


def looked(where: Path, **settings: str) -> dict[str, Any]:
    code, text = says(where, "db", "status", "--json", **settings)
    assert code == 0, text
    found: dict[str, Any] = json.loads(text)
    return found


def write(path: Path, settings: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(settings if isinstance(settings, str) else json.dumps(settings))
    path.chmod(0o600)
    return path


@pytest.mark.parametrize(
    "settings", [{}, {"display": {"limit": 5}}, {"stores": {}}, {"database": {"reconnect": True}}]
)
def test_settings_that_name_no_host_leave_the_embedded_database(
    tmp_path: Path, settings: object
) -> None:
    write(tmp_path / "datajoint.json", settings)
    found = looked(tmp_path)
    assert (found["embedded"], found["named_by"], found["notes"]) == (True, None, [])
    assert looked(tmp_path, DJ_PASS="left", DJ_PORT="3306", DJ_USER="")["embedded"]


@pytest.mark.parametrize("flat", [False, True])
def test_an_error_says_which_database_and_which_file_names_it(tmp_path: Path, flat: bool) -> None:
    settings: dict[str, Any] = HOST
    if flat:
        settings = {f"database.{name}": one for name, one in HOST["database"].items()}
    file = write(tmp_path / "datajoint.json", settings)
    below = tmp_path / "below"
    below.mkdir()
    code, text = says(below, "status")
    assert code == 1
    assert f"Error: database mysql://127.0.0.1:1 (named by {file}) can't be used: " in text
    code, text = says(below, "status", DJ_HOST="127.0.0.2")
    assert (code, "mysql://127.0.0.2:1 (named by DJ_HOST) can't be used: " in text) == (1, True)
    assert looked(below, DJ_IGNORE_CONFIG_FILE="true")["embedded"]


def test_a_backend_of_postgresql_has_its_own_port(tmp_path: Path) -> None:
    own = {"host": "127.0.0.9", "backend": "postgresql", "user": "u"}
    write(tmp_path / "datajoint.json", {"database": own})
    assert "database postgresql://127.0.0.9:5432 (" in says(tmp_path, "status")[1]
    write(tmp_path / "datajoint.json", {"database": own | {"port": 3306}})
    assert "database postgresql://127.0.0.9:3306 (" in says(tmp_path, "status")[1]


@pytest.mark.parametrize(
    ("settings", "variables", "said"),
    [
        ({"database": {"user": "me", "port": 3306}}, {}, "names the user and port of a database"),
        ({"database.user": "me"}, {}, "names the user of a database, and no host: add"),
        ({}, {"DJ_USER": "me"}, "DJ_USER is set, and no database host is: set DJ_HOST too"),
        ("{", {}, "datajoint.json can't be read as settings: Expecting"),
        ("[]", {}, "datajoint.json can't be read as settings: it is no JSON object"),
        ({"database": {"host": "h", "port": PASSWORD}}, {}, "DataJoint does not take port"),
    ],
)
def test_half_of_the_settings_are_refused(
    tmp_path: Path, settings: object, variables: dict[str, str], said: str
) -> None:
    write(tmp_path / "datajoint.json", settings)
    code, text = says(tmp_path, "status", **variables)
    assert (code, len(text.strip().splitlines())) == (1, 1), text
    assert said in text
    assert not (tmp_path / "home").exists()


def test_settings_of_an_older_datajoint_are_told(tmp_path: Path) -> None:
    old = {f"database.{name}": one for name, one in HOST["database"].items()}
    file = write(tmp_path / "dj_local_conf.json", old)
    below = tmp_path / "below"
    below.mkdir()
    found = looked(below)
    new = {"database": {"host": "127.0.0.1", "port": 1, "user": "u"}}
    (note,) = found["notes"]
    assert found["embedded"] and note.startswith(f"{file} is of DataJoint before 2")
    assert f"write {json.dumps(new)} into {tmp_path / 'datajoint.json'}" in note
    write(tmp_path / "dj_local_conf.json", {"display.limit": 5})
    assert looked(below)["notes"] == []


def test_settings_above_a_repository_are_told(tmp_path: Path) -> None:
    file = write(tmp_path / "datajoint.json", HOST)
    repository = tmp_path / "repository"
    (repository / ".git").mkdir(parents=True)
    (repository / "below").mkdir()
    found = looked(repository / "below")
    (note,) = found["notes"]
    assert found["embedded"]
    assert note.startswith(f"{file} is not read, as DataJoint looks no further up than")
    assert f"the repository {repository}: copy it there" in note
    write(file, {"display.limit": 5})
    assert looked(repository / "below")["notes"] == []


def test_pandas_is_imported_when_a_frame_is_asked_for() -> None:
    program = """
import sys
import bossflow.core.plan
assert not {"pandas", "pyarrow"} & sys.modules.keys()
from datajoint import condition, table
assert not isinstance([{"a": 1}], table.pandas.DataFrame) and "pandas" not in sys.modules
made = table.pandas.DataFrame([{"a": 1}])
import pandas
assert type(made) is pandas.DataFrame and isinstance(made, condition.pandas.DataFrame)
assert not isinstance([], condition.pandas.DataFrame) and table.pandas.Series is pandas.Series
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True)


def test_what_datajoint_imports_is_imported_whole_when_it_is_asked_for() -> None:
    """What stands for networkx says of a graph what networkx does; everybody else has that one."""
    program = """
import sys
import bossflow.core.plan
later = {"networkx", "fsspec", "pymysql", "asyncio", "cryptography"}
assert not later & sys.modules.keys(), later & sys.modules.keys()
from datajoint import dependencies, objectref
graph = dependencies.Dependencies(None)
graph.add_edge("a", "b", key=("x",))
graph.add_edge("a", "b", key=("y",))
assert dependencies.nx.is_directed_acyclic_graph(graph) and "networkx" not in sys.modules
assert dependencies.topo_sort(graph) == ["a", "b"] and "networkx" in sys.modules
assert dependencies.nx.descendants(graph, "a") == {"b"}
import networkx
for edges in ([], [("b", "a")]):
    graph.add_edges_from(edges)
    told = [of.is_directed_acyclic_graph(graph) for of in (dependencies.nx, networkx)]
    assert told == [not edges] * 2
assert networkx.MultiDiGraph(graph).number_of_edges() == 3
assert networkx.algorithms.dag.ancestors(graph, "b") == {"a"}
files = objectref.fsspec.filesystem("memory")
import fsspec
assert isinstance(files, fsspec.AbstractFileSystem)
assert isinstance(files, objectref.fsspec.AbstractFileSystem)
assert type(objectref.fsspec.FSMap("/a", files)) is fsspec.FSMap
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True)


def test_workflows_are_known_without_what_their_programs_compute_with() -> None:
    program = """
import sys
from bossflow.core import registry
assert len(registry.load_all()) > 4
import bossflow.core.states
found = {"numba", "scipy", "pandas", "pyarrow"} & sys.modules.keys()
assert not found, found
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True)
