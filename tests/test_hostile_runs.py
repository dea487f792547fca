"""Hostile names and values in a database and in whole runs: no SQL, no secret, nothing written."""

import csv
import json
import os
import secrets
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import conftest
import hostile
import numpy as np
import psycopg2
import pytest
import zarr
from bossflow import database
from bossflow.archive_server.app import app
from bossflow.archive_server.served import volume_of
from bossflow.archive_server.server import serving
from canary import CANARY, SOURCE
from canary import never_a_shell as never_a_shell
from conftest import COUNTS, ROOT, SEED, examples, sample
from hostile import DESCRIBED, is_a_sentence
from stage import NO_REPORTS, nextflow, said
from team import Team, a_schema, each_server, password_file

pytestmark = pytest.mark.faults


# ---- databases ----


@pytest.fixture(scope="module", params=each_server())
def team(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Team]:
    yield from request.param(tmp_path_factory)


def test_nothing_that_is_asked_is_sql_or_a_path_elsewhere(team: Team, tmp_path: Path) -> None:
    program = (ROOT / "tests/hostile_plan.py").read_text()
    arguments = (str(ROOT / "tests"), str(tmp_path), str(CANARY), str(examples(600)), str(SEED))
    with a_schema(team) as schema:
        code, text = team.bossflow("db", "deploy", schema=schema)
        assert code == 0, text
        done = team.python(program, *arguments, schema=schema)
    assert done.returncode == 0, done.stderr[-3000:]
    counts = json.loads(done.stdout.splitlines()[-1])
    COUNTS.update(counts)
    assert min(counts.values()) > examples(600) / 30, counts


def test_what_a_server_repeats_is_shown_without_its_controls() -> None:
    repeated = psycopg2.DataError("unsupported escape\nLINE 1: 'a\x1b[31m\u202e\0'")
    assert database.said(repeated) == "unsupported escape LINE 1: 'a\\x1b[31m\\u202e\\x00'"


# ---- whole runs ----

NASTY = "-a b'c\"d$e(f)é日&;$(touch canary)`touch canary`"


class Launch:
    """A directory from which Nextflow is run, and what anyone may see of that."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.work = directory.parent / "work"
        self.said = self.processes = ""
        directory.mkdir(parents=True)

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the pipeline; the work directory has a name that Nextflow's scripts can have."""
        done = threading.Event()

        def watch() -> None:
            while not done.wait(0.2):
                self.processes += subprocess.run(
                    ["ps", "axww", "-o", "args"], capture_output=True, text=True
                ).stdout

        COUNTS["hostile whole runs"] += 1
        watching = threading.Thread(target=watch)
        watching.start()
        try:
            own = {"BOSSFLOW_HOME": str(self.directory.parent / "home")} | environment
            command = ("run", str(ROOT), *NO_REPORTS, "-w", str(self.work), *arguments)
            run = nextflow(*command, cwd=self.directory, env=own)
        finally:
            done.set()
            watching.join()
        self.said += run.stdout + run.stderr
        return run

    def holders(self, secret: str) -> list[str]:
        """Return the files below that hold a text."""
        files = [path for path in self.directory.parent.rglob("*") if path.is_file()]
        held = [path for path in files if secret.encode() in path.read_bytes()]
        return [path.relative_to(self.directory.parent).as_posix() for path in held]


@pytest.mark.parametrize("team", each_server()[:1], indirect=True)  # MySQL: test_docker.py
@pytest.mark.parametrize("how", sample(["environment", "files"], 1))
def test_no_secret_is_left_and_no_name_breaks_a_run(team: Team, tmp_path: Path, how: str) -> None:
    """Names that only a shell would read are names; secrets are where the user put them."""
    token, password, user = secrets.token_hex(20), secrets.token_hex(20), f"hushed_{os.getpid()}"
    launch = Launch(tmp_path / NASTY)
    voxels = (np.arange(4 * 5 * 6) % 3).astype("uint8").reshape(4, 5, 6)
    attributes = {"resolution": [30, 4, 8], "units": "nm"}
    name = "-v $(touch canary) 'q' \"d\" %41 é;&.zarr"
    zarr.create_array(launch.directory / name, data=voxels, attributes=attributes)
    volumes = {SOURCE: volume_of(voxels, (0, 0, 0), (30.0, 4.0, 8.0))}
    with (launch.directory / "-s $(touch canary)`touch canary`;'.csv").open("w") as sheet:
        sources = [SOURCE] if how == "files" else [f"zarr://{name}", SOURCE]
        csv.writer(sheet).writerows([["source"], *([one] for one in sources)])
    given = {name: one for name, one in team.environment.items() if name.startswith("DJ_")}
    given |= {"DJ_USER": user, "PYTHONPATH": str(ROOT / "schema")}
    if how == "environment":
        given |= {"DJ_PASS": password, "BOSSDB_TOKEN": token}
    else:
        del given["DJ_PASS"], given["DJ_USER"]
        (launch.directory / "datajoint.json").write_text(json.dumps({"database.user": user}))
        (launch.directory / ".secrets").mkdir()
        password_file(launch.directory / ".secrets/database.password", password)
        given["NXF_SECRETS_FILE"] = str(tmp_path / "secrets" / "store.json")
        nextflow("secrets", "set", "BOSSDB_TOKEN", token, cwd=tmp_path, env=given)
    with a_schema(team) as schema, serving(app(volumes, token)) as host:
        file = str(password_file(team.directory / "hushed", password))
        grant = ("db", "deploy", "--grant", user, "--password-file", file)
        assert team.bossflow(*grant, schema=schema)[0] == 0
        params = {"input": Path(sheet.name).name, "bossdb_host": host}
        params |= {"outdir": "-o $(touch canary)\"'*é", "store": "-st $(touch canary) `x` '\"%41 é"}
        (launch.directory / "-params.json").write_text(json.dumps(params))
        run = launch.run("-params-file", "-params.json", **given, BOSSFLOW_SCHEMA=schema)
        rows = team.rows(schema)
        team.drop_user(user, schema)
    assert run.returncode == 0, said(run)
    assert f"{len(sources)} complete" in launch.said
    assert (launch.directory / params["outdir"] / "requests.csv").exists()
    assert len(list((launch.directory / params["store"] / "STITCH").glob("*/*"))) == len(sources)
    assert rows["channel"] and rows["run"] and "describe.py" in launch.processes
    allowed = (f"{NASTY}/.secrets/", "secrets/")
    for secret in (token, password):
        assert secret not in launch.said + launch.processes + json.dumps(rows)
        held = launch.holders(secret)
        assert bool(held) == (how == "files")
        assert all(name.startswith(allowed) for name in held), held
    assert not list(tmp_path.rglob("canary"))


def test_hostile_runs_end_in_sentences_and_leave_nothing(tmp_path: Path) -> None:
    launch = Launch(tmp_path / "launch")
    texts = hostile.commands(launch.directory / "canary")
    names = [name for name in DESCRIBED if name not in ("help", "dry_run", "outdir")]
    bad = {name: texts[at % len(texts)] for at, name in enumerate(names)}
    file = launch.directory / "params.json"
    sheet = launch.directory / "sheet.csv"
    for params in (
        bad | {texts[0]: 1, hostile.HUGE[0]: hostile.HUGE[1]},
        {"input": "sheet.csv"},
    ):
        file.write_text(json.dumps(params))
        with sheet.open("w", newline="") as stream:
            csv.writer(stream).writerows([["source", "archive", texts[3]], *([x] for x in texts)])
        run = launch.run("-params-file", file.name)
        sentences = [line for line in said(run) if not line.startswith(PROGRESS)]
        assert run.returncode == 1
        assert sentences and all(map(is_a_sentence, sentences)), sentences
    for value in ("\n".join(texts), *(texts[:1] if conftest.SOAK else ())):
        run = launch.run("--source", value, "--x_range", value, "--bossdb_host", value)
        assert run.returncode == 1
        sentences = [line for line in said(run) if not line.startswith(PROGRESS)]
        assert len(sentences) >= 2 and all(map(is_a_sentence, sentences)), sentences
    assert not list(tmp_path.rglob("canary*"))
    made = {path.name for path in launch.directory.iterdir()}
    assert made - {".nextflow", "params.json", "sheet.csv", "results"} <= {
        name for name in made if name.startswith(".nextflow.log")
    }
    assert {path.name for path in (launch.directory / "results").iterdir()} <= {"reports"}
    assert not (tmp_path / "home").exists(), "neither database nor store"


PROGRESS = (" N E X T F L O W", "N E X T F L O W", "Launching", "[", "WARN: ")
