"""Whole runs that are killed at random moments: a plain run completes them. See test_crashes.py."""

import contextlib
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from conftest import COUNTS, ROOT, SEED, sample
from crashes import Lab
from killable import Server
from kills import ASKED, BLOCKS, KILLS, VOXELS, on_one
from kills import server as server
from kills import told as told
from lab import CHANNEL

pytestmark = pytest.mark.faults


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
