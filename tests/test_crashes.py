"""Whatever is killed, and whenever: a plain run completes it, and no finished unit is made again.

`BOSSFLOW_SEED` repeats the kills of a run that printed it. `--soak` tries every point on every
database, and at random as often as `BOSSFLOW_SOAK` says (20).
"""

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
import tensorstore as ts
from conftest import COUNTS, ROOT, SEED, sample
from crashes import COMPUTE, Lab, Point, Server, embedded, mysql
from kit import locations
from lab import CHANNEL, make_voxels

pytestmark = pytest.mark.faults

VOXELS = make_voxels((36, 70, 90), 1)
ASKED = {"block_shape": [32, 64, 64], "connectivity": 18, "min_voxels": 3}  # 8 blocks
BLOCKS = 8

KILLS = int(os.environ.get("BOSSFLOW_SOAK") or 20)
SERVERS = [
    pytest.param("postgresql", id="postgresql"),
    pytest.param("mysql", id="mysql", marks=pytest.mark.docker),
]
# What is no matter of the database is tried on one, and in a soak on both.
IN_SOAK = pytest.param("mysql", id="mysql", marks=[pytest.mark.docker, pytest.mark.soak])
on_one = pytest.mark.parametrize("server", [SERVERS[0], IN_SOAK], indirect=True)


@pytest.fixture(scope="module", params=SERVERS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    if request.param == "mysql":
        with mysql(tmp_path_factory.mktemp("mysql")) as started:
            yield started
        return
    home = tmp_path_factory.mktemp("home")
    yield embedded(home)
    stop = "from bossflow.command.main import main; main()"
    own = os.environ | {"BOSSFLOW_HOME": str(home), "PYTHONPATH": str(ROOT / "schema")}
    subprocess.run([sys.executable, "-W", "ignore", "-c", stop, "db", "stop"], env=own, check=True)


@pytest.fixture(autouse=True)
def told() -> None:
    print(f"BOSSFLOW_SEED={SEED}")


def write_volume(directory: Path, voxels: np.ndarray) -> None:
    spec = {
        "driver": "neuroglancer_precomputed",
        "kvstore": {"driver": "file", "path": str(directory)},
        "multiscale_metadata": {"data_type": "uint64", "num_channels": 1, "type": "segmentation"},
        "scale_metadata": {
            "resolution": [8, 8, 30],
            "encoding": "raw",
            "size": voxels.shape[::-1],
            "chunk_size": [32, 32, 16],
        },
    }
    made = ts.open(spec, create=True, delete_existing=True).result()
    made[..., 0].write(voxels.T).result()


# ---- programs, killed at chosen points ----


@pytest.fixture(scope="module")
def lab(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Return a lab that has been through an undisturbed run, each state of which it remembers.

    `lab.at` tells the work directory of each state, `lab.events` how many points the program has
    that comes next.
    """
    directory = tmp_path_factory.mktemp("programs")
    write_volume(directory / "volume", VOXELS)
    given = ASKED | {"source": "precomputed://volume", "stage": True, "blocks_per_task": 100}
    with Lab(directory, server, given).started() as lab:
        lab.begin()
        lab.ok("bossflow", "db", "deploy")
        lab.save("nothing")
        events: dict[str, Path] = {}

        def note(state: str) -> Path:
            events[state] = directory / f"{state}.json"
            return events[state]

        lab.plan(note=note("nothing"))
        for process in COMPUTE:
            lab.save(process)
            lab.at[process] = lab.work
            lab.compute(process, note=note(process))
            if process in COMPUTE[:3]:
                lab.record()
                lab.plan()
        lab.save("made")
        lab.at["made"] = lab.work
        assert lab.record(note=note("made"))["recorded"] == {"STITCH": 1, "RELABEL_BLOCK": BLOCKS}
        lab.save("done")
        lab.expected = lab.rows(), lab.files()
        lab.events = {state: json.loads(file.read_text()) for state, file in events.items()}
        yield lab
        lab.drop()
        lab.drop(*lab.states)


def kill_next(lab: Lab, state: str, end_at: Point, by: signal.Signals = signal.SIGKILL) -> None:
    """Start the program that comes next in a state, and end it at a point."""
    lab.restore(state)
    if state == "nothing":
        lab.plan(end_at=end_at, by=by)
        return
    lab.work = lab.at[state]
    if state == "made":
        lab.record(end_at=end_at, by=by)
    else:
        lab.compute(state, end_at=end_at, by=by)


IN_DATABASE = {
    "PLAN before its request": ("nothing", ("sql", r"INSERT.*\brequest\b", 1)),
    "PLAN before it commits": ("nothing", ("sql", "^COMMIT", 1)),
    "PLAN after it committed": ("nothing", ("sql done", "^COMMIT", 1)),
    "RECORD before the executions": ("made", ("sql", r"INSERT.*\bexecution\b", 1)),
    "RECORD between a row and its parts": ("made", ("sql done", r"INSERT.*\b__segmentation\b", 1)),
    "RECORD between two processes": ("made", ("sql", r"INSERT.*\b__segmentation_block\b", 1)),
    "RECORD before its word is on disk": ("made", ("os.fsync", r"\.recorded$", 1)),
    "RECORD before it commits": ("made", ("sql", "^COMMIT", 1)),
    "RECORD after it committed": ("made", ("sql done", "^COMMIT", 1)),
    "RECORD before it says so": ("made", ("open", "recorded.json", 1)),
}
IN_STORE = {
    "PLAN between two task files": ("nothing", ("open", "tasks/LINK_BLOCK", 1)),
    "PULL_BLOCK before bundle.json": ("PULL_BLOCK", ("open", "bundle.json", 2)),
    "LABEL_BLOCK before bundle.json": ("LABEL_BLOCK", ("open", "bundle.json", 3)),
    "LABEL_BLOCK before a file is on disk": ("LABEL_BLOCK", ("os.fsync", "planes.arrow", 2)),
    "LABEL_BLOCK before a bundle's rename": ("LABEL_BLOCK", ("os.rename", "LABEL_BLOCK", 8)),
    "LABEL_BLOCK before a bundle's name is on disk": ("LABEL_BLOCK", ("os.fsync", "/..$", 5)),
    "LABEL_BLOCK after a bundle's rename": ("LABEL_BLOCK", ("shutil.rmtree", r"\.tmp", 4)),
    "LINK_BLOCK before a bundle's rename": ("LINK_BLOCK", ("os.rename", "LINK_BLOCK", 1)),
    "STITCH before the look-up table": ("STITCH", ("open", "lookup.npy", 1)),
    "STITCH before the volume": ("STITCH", ("open", "segmentation/info", 1)),
    "STITCH before the components": ("STITCH", ("os.mkdir", "components", 1)),
    "STITCH before bundle.json": ("STITCH", ("open", "bundle.json", 1)),
    "STITCH after its rename": ("STITCH", ("shutil.rmtree", r"\.tmp", 1)),
    "RELABEL_BLOCK before a chunk is on disk": ("RELABEL_BLOCK", ("os.fsync", r"tmp.*/8_8_30", 3)),
    "RELABEL_BLOCK between two chunks": ("RELABEL_BLOCK", ("os.rename", "8_8_30", 5)),
    "RELABEL_BLOCK before bundle.json": ("RELABEL_BLOCK", ("open", "bundle.json", 4)),
    "RELABEL_BLOCK before a bundle's rename": ("RELABEL_BLOCK", ("os.rename", "RELABEL", 8)),
    "RELABEL_BLOCK after all": ("RELABEL_BLOCK", ("shutil.rmtree", r"\.tmp-\w+-\w+ ", 8)),
}


@pytest.mark.parametrize("point", sample(list(IN_DATABASE), 4))
def test_what_a_kill_leaves_in_the_database_is_completed(lab: Lab, point: str) -> None:
    kill_next(lab, *IN_DATABASE[point])
    lab.rerun()


@pytest.mark.parametrize("server", SERVERS[:1], indirect=True)
@pytest.mark.parametrize("point", sample(list(IN_STORE), 5))
def test_what_a_kill_leaves_in_the_store_is_completed(lab: Lab, point: str) -> None:
    kill_next(lab, *IN_STORE[point])
    lab.rerun()


@on_one
@pytest.mark.parametrize("number", sample(list(range(KILLS)), 3))
def test_a_program_may_be_killed_anywhere(lab: Lab, number: int) -> None:
    chosen = random.Random(f"{SEED} {number}")
    state = chosen.choice(["nothing", *COMPUTE, "made"])
    kill_next(lab, state, ("any", "", chosen.randint(1, len(lab.events[state]))))
    lab.rerun()


DEPLOYING = {
    "after the schema": ("sql done", "CREATE (SCHEMA|DATABASE)", 1),
    "before a part": ("sql", r"CREATE TABLE.*\brun__failure\b", 1),
    "within a table": ("sql done", r"CREATE TABLE.*\brequest\b", 1),
    "before the version": ("sql", r"INSERT.*schema_version", 1),
}


@pytest.mark.parametrize("point", sample(list(DEPLOYING), 2))
def test_a_deployment_that_was_killed_is_completed(lab: Lab, point: str) -> None:
    lab.begin()
    lab.drop()
    lab.program("bossflow", "db", "deploy", end_at=DEPLOYING[point])
    lab.ok("bossflow", "db", "deploy")
    lab.restore("nothing")
    lab.rerun()


FORGETTING = {
    "between bundles": ("os.rename", r"\.retired", 5),
    "before they are gone from the disk": ("os.fsync", r"\.retired", 1),
    "before rows": ("sql", "^DELETE", 1),
    "before the end": ("sql", "^COMMIT", 1),
}


@on_one
@pytest.mark.parametrize("point", sample(list(FORGETTING), 1))
def test_an_invalidation_that_was_killed_is_named_and_completed(lab: Lab, point: str) -> None:
    lab.restore("done")
    lab.begin()
    lab.program(
        "bossflow", "invalidate", "--block", "0-1_0-1_0-1", "--yes", end_at=FORGETTING[point]
    )
    problem = lab.plan()["problem"]
    assert "recorded bundles are not in the store" in problem
    assert "bossflow invalidate --lost" in problem
    lab.ok("bossflow", "invalidate", "--lost", "--store", str(lab.store), "--yes")
    lab.rerun()


@on_one
@pytest.mark.parametrize("process", sample(list(COMPUTE), 1))
def test_a_bundle_that_is_lost_is_made_again_with_all_that_came_of_it(
    lab: Lab, process: str
) -> None:
    lab.restore("done")
    lab.begin()
    shutil.rmtree(next(locations.every(lab.store, process)))
    lab.ok("bossflow", "invalidate", "--lost", "--store", str(lab.store), "--yes")
    lab.rerun()


@pytest.mark.parametrize("orphans", sample([False, True], 1))
@pytest.mark.parametrize("point", ["PLAN before it commits", "RECORD before it commits"])
def test_the_server_may_be_killed_in_a_transaction(lab: Lab, point: str, orphans: bool) -> None:
    kill_next(lab, *IN_DATABASE[point], by=signal.SIGSTOP)
    lab.server.kill(orphans)
    assert lab.go_on(lab.answer) == 0, lab.text  # it waits, or starts the server itself
    lab.server.wait()
    lab.rerun()


@pytest.mark.parametrize("server", SERVERS[:1], indirect=True)
def test_a_program_that_slept_writes_into_no_volume_that_was_made_anew(lab: Lab) -> None:
    """Its blocks are corrected, forgotten and made again while RELABEL_BLOCK is suspended."""
    kill_next(lab, "RELABEL_BLOCK", ("os.rename", "8_8_30", 2), by=signal.SIGSTOP)
    asleep, where = lab.answer, lab.work
    write_volume(lab.directory / "volume", np.ascontiguousarray(VOXELS[::-1]))
    try:
        lab.ok("bossflow", "invalidate", "--block", "0-100_0-100_0-100", "--yes")
        lab.complete()
        made = lab.files(), lab.rows()
        assert lab.go_on(asleep) == 0
    finally:
        write_volume(lab.directory / "volume", VOXELS)
    assert (lab.files(), lab.rows()) == made
    (receipts,) = where.glob("RELABEL_BLOCK-*/receipts.jsonl")
    before, slept, *after = map(json.loads, receipts.read_text().splitlines())
    assert "was set aside after it was read" in slept["error"]
    assert [one["state"] for one in (before, slept, *after)] == ["made", "failed", *["reused"] * 6]


# ---- whole runs, killed at random moments ----


class Archive:
    """`bossflow serve-archive`, in a process that may be killed, on a port that stays."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        np.save(directory / "volume.npy", VOXELS)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.start()

    def start(self) -> None:
        ready = self.directory / "ready"
        ready.unlink(missing_ok=True)
        serve = "from bossflow.command.main import main; main()"
        options = {
            "--volume": self.directory / "volume.npy",
            "--uri": CHANNEL,
            "--port": self.port,
            "--voxel-size-nm": "8,8,30",
            "--ready-file": ready,
        }
        command = [sys.executable, "-W", "ignore", "-c", serve, "serve-archive"]
        self.process = subprocess.Popen(
            [*command, *(str(word) for option in options.items() for word in option)],
            env=os.environ | {"PYTHONPATH": str(ROOT / "schema")},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while not ready.exists():
            assert self.process.poll() is None
            time.sleep(0.02)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    started = Archive(tmp_path_factory.mktemp("archive"))
    yield started
    started.kill()


@pytest.fixture(scope="module")
def run_lab(
    server: Server, archive: Archive, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lab]:
    """Return a lab that has been through an undisturbed `nextflow run`."""
    host = f"http://127.0.0.1:{archive.port}"
    given = ASKED | {"source": CHANNEL, "bossdb_host": host, "archive": "lab", "blocks_per_task": 4}
    with Lab(tmp_path_factory.mktemp("runs"), server, given).started() as lab:
        lab.ok("bossflow", "db", "deploy")
        lab.save("nothing")
        assert lab.finish(lab.nextflow()) == 0, lab.text
        lab.expected = lab.rows(), lab.files()
        yield lab
        lab.drop()
        lab.drop(*lab.states)


def until(lab: Lab, run: "subprocess.Popen[bytes]", chosen: random.Random) -> None:
    """Wait for a random moment of a run: so many bundles made, and a bit more."""
    number = chosen.randint(0, 4 * BLOCKS)
    while len(lab.made()) < number and run.poll() is None:
        time.sleep(0.02)
    time.sleep(chosen.uniform(0, 1.5 if number else 3))
    assert run.poll() is None, f"the run was over: {lab.finish(run)}"


def kill_task(lab: Lab, run: "subprocess.Popen[bytes]", chosen: random.Random) -> None:
    """Kill all processes of one of a run's tasks."""
    head = psutil.Process(run.pid)
    while not (tasks := {process.cwd() for process in lab.at_work()}):
        assert head.is_running()
        time.sleep(0.01)
    task = chosen.choice(sorted(tasks))
    for process in lab.at_work():
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.cwd() == task:
                process.kill()


@on_one
@pytest.mark.parametrize("number", [0, *sample(list(range(1, KILLS // 10)), 0)])
@pytest.mark.parametrize("what", sample(["head", "task", "server", "archive"], 1))
def test_a_run_may_be_killed_at_any_moment(
    run_lab: Lab, archive: Archive, what: str, number: int
) -> None:
    lab, chosen = run_lab, random.Random(f"{SEED} {what} {number}")
    lab.restore("nothing")
    run = lab.nextflow()
    until(lab, run, chosen)
    if what == "server":
        lab.server.kill(orphans=chosen.random() < 0.5)
    else:
        COUNTS["kills"] += 1
    if what == "head":
        run.kill()  # and run again at once, while its tasks still work
        run.wait()
    elif what == "task":
        kill_task(lab, run, chosen)
    elif what == "archive":
        archive.kill()
        time.sleep(chosen.uniform(0, 0.5))
        archive.start()
    if what != "head":
        lab.finish(run)
    lab.server.wait()
    with lab.rerunning():
        assert lab.finish(lab.nextflow()) == 0, (SEED, lab.text)
