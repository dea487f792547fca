"""A lab in which programs and servers are killed, and what is left is compared with what should be.

Kills, reruns, and what was compared are counted in `COUNTS`.
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from commands import said
from conftest import COUNTS, ROOT, SEED
from kit import bundles, digests, locations, recorded_marks, store_ids
from stage import NO_REPORTS, tell_why
from steps import defaults
from team import environment, own_mysql
from test_core import run_of

COMPUTE = ("PULL_BLOCK", "LABEL_BLOCK", "LINK_BLOCK", "STITCH", "RELABEL_BLOCK")

Point = tuple[str, str, int]
"""Event, pattern that is found in it, and its number: see killed.py."""

MEASURED = ("run_id", "task", "started", "seconds", "peak_memory_bytes")
"""What `bundle.json` tells of one making."""

NOT_COMPARED = {
    "execution": (
        "execution_id",
        "run_id",
        "task",
        "executed",
        "execution_seconds",
        "peak_memory_bytes",
        "manifest_sha256",
    ),
    "execution__copy": ("store_id", "copy_sha256"),
    "store": ("store_id",),
    "store__place": ("store_id",),
    "request": ("first_run_id",),
    "schema_version": ("deployed",),
}
"""Times, runs, measured values and what is drawn; by table."""


@dataclass(repr=False)  # it may hold a password
class Server:
    """A database server: how programs reach it, how the tests do, and its main process."""

    environment: dict[str, str]
    connect: Callable[[], Any]
    pid: Callable[[], int]

    def query(self, *statements: str) -> list[list[dict[str, Any]]]:
        """Execute statements in one transaction; return the rows of each."""
        answers = []
        with closing(self.connect()) as connection, closing(connection.cursor()) as cursor:
            for statement in statements:
                cursor.execute(statement)
                names = [column[0] for column in cursor.description or ()]
                rows = cursor.fetchall() if names else []
                answers.append([dict(zip(names, row, strict=True)) for row in rows])
            connection.commit()
        return answers

    def kill(self, orphans: bool = False) -> None:
        """Kill it, with or without the processes that it has started."""
        process = psutil.Process(self.pid())
        with suppress(psutil.NoSuchProcess):
            victims = [process, *([] if orphans else process.children(recursive=True))]
            for one in victims:
                with suppress(psutil.NoSuchProcess):
                    one.kill()
            process.wait(10)
        COUNTS["kills"] += 1

    def wait(self) -> None:
        """Wait for a server that someone else starts again; the embedded one, programs start."""
        if "DJ_HOST" not in self.environment:
            return
        end = time.monotonic() + 90
        while True:
            try:
                self.query("SELECT 1")
                return
            except Exception:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)


def embedded(home: Path) -> Server:
    """Return the embedded PostgreSQL of a home, which programs start."""
    import psycopg2

    file = home / "database" / "postmaster.pid"

    def connect() -> Any:
        return psycopg2.connect(
            host=str(file.parent),
            user="postgres",
            dbname="postgres",
            options="-c session_replication_role=replica",  # foreign keys are not looked at
        )

    return Server(
        environment(BOSSFLOW_HOME=str(home)),
        connect,
        lambda: int(file.read_text().splitlines()[0]),
    )


@contextmanager
def mysql(directory: Path) -> Iterator[Server]:
    """Start a MySQL server in Docker, which starts it again when it is dead."""
    import pymysql

    def connect() -> Any:
        return pymysql.connect(
            host=team.environment["DJ_HOST"],
            port=int(team.environment["DJ_PORT"]),
            user="root",
            password=team.environment["DJ_PASS"],
            init_command="SET foreign_key_checks = 0, sql_mode = 'ANSI_QUOTES'",
        )

    with own_mysql(directory) as (team, container):
        settings = team.environment | {"BOSSFLOW_HOME": str(directory / "home")}
        state = ("docker", "inspect", "--format", "{{.State.Pid}}", container)
        yield Server(settings, connect, lambda: int(said(*state)))


class Lab:
    """A launch directory with a store, a schema on a server, and states to come back to."""

    def __init__(self, directory: Path, server: Server, given: dict[str, Any]) -> None:
        self.directory, self.server = directory, server
        self.schema = f"bossflow_{directory.name}_{os.getpid()}"
        self.environment = server.environment | {"BOSSFLOW_SCHEMA": self.schema}
        self.environment |= {"OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
        self.store = directory / "store"
        self.states: list[str] = []
        self.at: dict[str, Path] = {}
        self.events: dict[str, list[str]] = {}
        self.runs = 0
        self.expected: tuple[Any, Any] = ({}, {})
        described = json.loads((ROOT / "nextflow_schema.json").read_text())
        self.params = defaults(described) | given | {"store": str(self.store)}
        self.work = directory
        """Where the last plan is."""

    # ---- programs, as Nextflow starts them ----

    @contextmanager
    def started(self) -> Iterator["Lab"]:
        """Have programs started by a process that has imported what they need."""
        command = [sys.executable, str(ROOT / "tests" / "killed.py"), str(ROOT / "bin")]
        pipe = subprocess.PIPE
        self.starter = subprocess.Popen(
            command, cwd=self.directory, env=self.environment, stdin=pipe, stdout=pipe, text=True
        )
        try:
            yield self
        finally:
            for process in psutil.Process(self.starter.pid).children():
                process.kill()  # one that was stopped, where a test has failed
            self.starter.communicate()

    def _ask(self, asked: dict[str, Any]) -> dict[str, int]:
        assert self.starter.stdin and self.starter.stdout
        print(json.dumps(asked), file=self.starter.stdin, flush=True)
        answer: dict[str, int] = json.loads(self.starter.stdout.readline())
        return answer

    def program(
        self,
        *argv: str,
        directory: Path | None = None,
        end_at: Point | None = None,
        by: signal.Signals = signal.SIGKILL,
        note: Path | None = None,
    ) -> dict[str, int]:
        """Run a program; it must reach the point where it is to be ended, if there is one."""
        program, *rest = argv
        path = program if program == "bossflow" else str(ROOT / "bin" / program)
        directory = directory or self.work
        answer = self._ask(
            {
                "argv": [path, *rest],
                "directory": str(directory),
                "said": str(directory / "said.txt"),
                "lab": str(self.directory),
                "end_at": end_at,
                "signal": by,
                "note": note and str(note),
            }
        )
        self.text = (directory / "said.txt").read_text()
        self.answer = answer
        if end_at and by == signal.SIGKILL:
            COUNTS["kills"] += 1
            assert answer == {"status": -signal.SIGKILL}, (answer, end_at, SEED, self.text)
        elif end_at:
            assert "stopped" in answer, (answer, end_at, self.text)
        return answer

    def go_on(self, stopped: dict[str, int]) -> int:
        """Continue a program that was stopped; return its exit code."""
        return self._ask({"goes_on": stopped["stopped"]})["status"]

    def ok(self, *argv: str, **how: Any) -> None:
        answer = self.program(*argv, **how)
        assert answer == {"status": 0}, (answer, argv, self.text)

    def begin(self) -> None:
        """Go to the work directory of a run of its own."""
        self.runs += 1
        self.work = self.directory / "runs" / str(self.runs)
        self.work.mkdir(parents=True)
        run = run_of(self.runs, self.directory)
        (self.work / "run.json").write_text(json.dumps({"params": self.params, "run": run}))
        described = self.directory / "described.json"
        if not described.exists():
            self.ok("describe.py", "run.json", str(ROOT / "nextflow_schema.json"))
            (self.work / "described.json").rename(described)
        shutil.copy(described, self.work)

    def plan(self, **how: Any) -> dict[str, Any]:
        """Begin a run with its plan."""
        self.begin()
        self.program("plan.py", "run.json", "described.json", **how)
        file = self.work / "plan.json"
        plan: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
        return plan

    def tasks(self, process: str) -> list[Path]:
        return sorted((self.work / "tasks").glob(f"{process}-*.jsonl"))

    def compute(self, process: str, **how: Any) -> None:
        """Run the tasks of a process, as the last plan has them."""
        for task in self.tasks(process):
            directory = self.work / task.stem
            directory.mkdir(exist_ok=True)
            program = f"{process.lower()}.py"
            self.program(program, str(task), directory=directory, **how)

    @property
    def receipts(self) -> list[str]:
        return sorted(map(str, self.work.glob("*/receipts.jsonl")))

    def record(self, **how: Any) -> dict[str, Any]:
        self.program("record.py", "plan.json", *self.receipts, **how)
        file = self.work / "recorded.json"
        recorded: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
        return recorded

    # ---- states ----

    def save(self, state: str) -> None:
        """Remember database and store."""
        schema, copy = self.schema, f"{self.schema}_{state}"
        tables = self._tables()
        same = (f'CREATE TABLE "{copy}"."{t}" AS SELECT * FROM "{schema}"."{t}"' for t in tables)
        self.server.query(f'CREATE SCHEMA "{copy}"', *same)
        self.store.mkdir(exist_ok=True)
        shutil.copytree(self.store, self.directory / "states" / state)
        self.states.append(state)

    def restore(self, state: str) -> None:
        """Have database and store as they were."""
        schema, copy = self.schema, f"{self.schema}_{state}"
        changes = []
        for table in self._tables():
            changes.append(f'DELETE FROM "{schema}"."{table}"')
            changes.append(f'INSERT INTO "{schema}"."{table}" SELECT * FROM "{copy}"."{table}"')
        self.server.query(*changes)
        shutil.rmtree(self.store)
        shutil.copytree(self.directory / "states" / state, self.store)

    def drop(self, *states: str) -> None:
        """Drop the schema, or its copies."""
        cascade = "" if "DJ_HOST" in self.environment else "CASCADE"
        for copy in (f"_{state}" for state in states) if states else ("",):
            self.server.query(f'DROP SCHEMA IF EXISTS "{self.schema}{copy}" {cascade}')

    def _tables(self) -> list[str]:
        query = (
            "SELECT table_name AS name FROM information_schema.tables "
            f"WHERE table_schema = '{self.schema}'"
        )
        (found,) = self.server.query(query)
        return sorted(row["name"] for row in found if not row["name"].startswith("~"))

    # ---- what is there ----

    def rows(self) -> dict[str, list[str]]:
        """Return all tables' rows but times, runs and measured values, an execution by its content.

        Of the runs nothing is left to compare; failures are of runs.
        """
        tables = [table for table in self._tables() if not table.startswith("run")]
        queries = (f'SELECT * FROM "{self.schema}"."{table}"' for table in tables)
        found = dict(zip(tables, self.server.query(*queries), strict=True))
        content = {
            row["execution_id"]: f"{row['process']} {row['content_sha256']}"
            for row in found["execution"]
        }
        return {
            table: sorted(
                repr(
                    {
                        name: content.get(value, value) if isinstance(value, str) else value
                        for name, value in row.items()
                        if name not in NOT_COMPARED.get(table, ())
                    }
                )
                for row in rows
            )
            for table, rows in found.items()
        }

    def files(self) -> dict[str, str]:
        """Return the store's files with their checksums, `bundle.json` without measured values.

        Left out is what nobody reads: what was retired, and what killed programs left; also the
        store's id, and the word that RECORD leaves.
        """
        found = {}
        for path in digests.files_below(self.store):
            name = path.relative_to(self.store).as_posix()
            if name.startswith(
                (".retired/", ".tmp-", f"{recorded_marks.DIRECTORY}/", store_ids.STORE_FILE)
            ):
                continue
            content = path.read_bytes()
            if path.name == locations.MANIFEST:
                manifest = json.loads(content)
                for measured in MEASURED:
                    del manifest[measured]
                content = digests.canonical(manifest).encode()
            found[name] = hashlib.sha256(content).hexdigest()
        return found

    def made(self) -> dict[str, tuple[Any, ...]]:
        """Return what tells each bundle in the store from one that was made again."""
        return {
            path.relative_to(self.store).as_posix(): (*bundles.stamp(path), path.stat().st_ino)
            for process in COMPUTE
            for path in locations.every(self.store, process)
        }

    def in_flight(self) -> set[str]:
        """Return the units that were begun and not finished."""
        return {path.name.split("-")[1] for path in self.store.glob(".tmp-*")}

    def same(self) -> None:
        """Compare database and store with those of an undisturbed run."""
        rows, files = self.rows(), self.files()
        assert rows == self.expected[0], f"seed {SEED}"
        assert files == self.expected[1], f"seed {SEED}"
        COUNTS["rows compared"] += sum(map(len, rows.values()))
        COUNTS["files compared"] += len(files)

    @contextmanager
    def rerunning(self) -> Iterator[None]:
        """Check that a rerun completes what is there, and makes no bundle that is there again."""
        before, begun = self.made(), self.in_flight()
        yield
        after = self.made()
        assert before.items() <= after.items(), f"seed {SEED}"
        again = {Path(name).name for name in after.keys() - before.keys()}
        COUNTS["reruns"] += 1
        COUNTS["units kept"] += len(before)
        COUNTS["units begun and not finished, made in the rerun"] += len(again & begun)
        COUNTS["units not begun, made in the rerun"] += len(again - begun)
        self.same()

    def rerun(self) -> None:
        """Run it plainly, a program after the other, and compare."""
        with self.rerunning():
            self.complete()

    def complete(self) -> None:
        """Run it, a program after the other; nothing may be missing then."""
        plan = self.plan()
        assert plan["problem"] is None
        if plan["tasks"]:
            for process in COMPUTE:
                self.compute(process)
            recorded = self.record()
            assert not recorded["failed"] and not recorded["blocked"], recorded
        verdict = json.loads((self.work / "verdict.json").read_text())
        assert verdict == {"missing": None}

    # ---- whole runs ----

    def nextflow(self) -> "subprocess.Popen[bytes]":
        """Start a run."""
        given = {name: value for name, value in self.params.items() if value is not None}
        file = self.directory / "params.json"
        file.write_text(json.dumps(given))
        paths = [str(Path(sys.executable).parent), os.environ["PATH"]]
        own = {"PATH": os.pathsep.join(paths), "NXF_ANSI_LOG": "false"}
        self.runs += 1
        with (self.directory / "said.txt").open("w") as said:
            return subprocess.Popen(
                ["nextflow", "run", str(ROOT), "-params-file", str(file), *NO_REPORTS],
                cwd=self.directory,
                env=self.environment | own,
                stdout=said,
                stderr=subprocess.STDOUT,
            )

    def finish(self, run: "subprocess.Popen[bytes]") -> int:
        """Wait for a run, and for the tasks that an earlier one left behind; return its code."""
        code = run.wait(300)
        while any(self.at_work()):
            time.sleep(0.05)
        self.text = (self.directory / "said.txt").read_text()
        tell_why(code, self.directory)
        return code

    def at_work(self) -> Iterator[psutil.Process]:
        """Yield the tasks' processes, whoever started them."""
        work = self.directory / "work"
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.status() != psutil.STATUS_ZOMBIE and work in Path(process.cwd()).parents:
                    yield process
