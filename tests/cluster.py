"""A Slurm cluster of two nodes, both on this machine, and labs whose runs are on it."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from conftest import ROOT

BOSSFLOW = str(Path(sys.executable).with_name("bossflow"))
TOKEN = "swordfish-of-the-archive"
PASSWORD = "swordfish-of-the-database"
CELLS = "bossdb://lab/cells/labels"
NOISE = "bossdb://lab/noise/labels"

# As conf/slurm.config, but in a hurry.
HURRY = """
executor.$slurm.pollInterval = '1 sec'
executor.$slurm.queueStatInterval = '1 sec'
executor.$slurm.exitReadTimeout = '3 sec'
trace.fields = 'name,attempt,status,exit,memory'
trace.raw = true
report.enabled = false
timeline.enabled = false
dag.enabled = false
"""


def free_ports(number: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def until(true: Callable[[], Any], what: str, seconds: float = 120) -> Any:
    """Wait until something is true, and return it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := true():
            return found
        time.sleep(0.2)
    pytest.fail(f"never: {what}")


class Cluster:
    """A slurmctld with nodes n1 and n2 of two cores each, in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.daemons: list[subprocess.Popen[bytes]] = []
        self.environment = os.environ | {
            "SLURM_CONF": str(directory / "slurm.conf"),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin:/sbin",
        }

    def start(self) -> None:
        control, *nodes = free_ports(3)
        host = socket.gethostname().split(".")[0]
        munge = self.directory / "munge"
        for folder in (munge, self.directory / "state"):
            folder.mkdir(mode=0o755)
        (munge / "key").write_bytes(os.urandom(1024))
        (munge / "key").chmod(0o600)
        (self.directory / "cgroup.conf").write_text("ConstrainRAMSpace=yes\nIgnoreSystemd=yes\n")
        (self.directory / "slurm.conf").write_text(f"""
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={control}
SlurmUser=root
AuthInfo=socket={munge}/socket
StateSaveLocation={self.directory}/state
SlurmdSpoolDir={self.directory}/%n
SlurmctldPidFile={self.directory}/slurmctld.pid
SlurmdPidFile={self.directory}/%n.pid
ProctrackType=proctrack/cgroup
TaskPlugin=task/cgroup
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=1
KillWait=2
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={nodes[0]} CPUs=2 RealMemory=4000
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={nodes[1]} CPUs=2 RealMemory=4000
PartitionName=normal Nodes=n1,n2 Default=YES State=UP
""")
        files = [f"--{name}-file={munge}/{name}" for name in ("key", "pid", "log", "seed")]
        self.run("munged", "-F", "-f", f"--socket={munge}/socket", *files)
        until((munge / "socket").exists, "munged listens")
        self.run("slurmctld", "-D", "-c")
        for node in ("n1", "n2"):
            self.run("slurmd", "-D", "-N", node)
        until(lambda: self.ask("sinfo", "-h", "-o", "%D %t") == "2 idle", "two idle nodes")

    def run(self, *command: str) -> None:
        log = (self.directory / f"{command[0]}{len(self.daemons)}.out").open("wb")
        self.daemons.append(subprocess.Popen(command, env=self.environment, stdout=log, stderr=log))

    def stop(self) -> None:
        if self.daemons:
            self.ask("scancel", "-u", "root")
        for daemon in reversed(self.daemons):
            daemon.terminate()
            daemon.wait(30)
        for node in Path("/sys/fs/cgroup").glob("*/slurm_n[12]"):
            for folder in [*sorted(node.glob("**/"), reverse=True)]:
                with contextlib.suppress(OSError):
                    folder.rmdir()

    def ask(self, *command: str) -> str:
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        return done.stdout.strip()

    def jobs(self, state: str, *more: str) -> list[str]:
        """Return `id name node` of each job, each task of an array for itself."""
        listed = self.ask("squeue", "-h", "-r", "-t", state, "-o", "%i %j %N", *more)
        return listed.splitlines()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="slurm-") as directory:  # sockets need short paths
        Path(directory).chmod(0o755)
        one = Cluster(Path(directory))
        try:
            one.start()
            yield one
        finally:
            one.stop()


class Archive(NamedTuple):
    host: str
    process: subprocess.Popen[bytes]


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    """Serve a volume of cells and one of noise, to those who have the token."""
    random = np.random.default_rng(0)
    small = random.integers(0, 4, (16, 16, 16), np.uint32)
    np.save(tmp_path / "cells.npy", small.repeat(4, 0).repeat(4, 1).repeat(4, 2))
    np.save(tmp_path / "noise.npy", random.integers(1, 2**31, (128, 128, 96), np.uint32))
    ready = tmp_path / "ready.json"
    volumes = [f"--volume={tmp_path}/cells.npy", f"--uri={CELLS}"]
    volumes += [f"--volume={tmp_path}/noise.npy", f"--uri={NOISE}"]
    (port,) = free_ports(1)
    command = [BOSSFLOW, "serve-archive", *volumes]
    process = subprocess.Popen(
        [*command, f"--port={port}", f"--ready-file={ready}", "--voxel-size-nm=8,8,30"],
        env=os.environ | {"BOSSFLOW_ARCHIVE_TOKEN": TOKEN, "PYTHONPATH": str(ROOT / "schema")},
        stdout=subprocess.DEVNULL,
    )
    try:
        until(ready.exists, "the archive is ready")
        yield Archive(f"http://127.0.0.1:{port}", process)
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(30)


class Lab:
    """A launch directory with database and store of its own; runs on the cluster, or here."""

    def __init__(self, directory: Path, cluster: Cluster, host: str) -> None:
        self.directory, self.host = directory, host
        self.launch = directory / "launch"
        self.launch.mkdir(parents=True)
        (self.launch / "hurry.config").write_text(HURRY)
        self.environment = {
            name: value
            for name, value in cluster.environment.items()
            if not name.startswith(("DJ_", "BOSSDB_"))
        } | {
            "BOSSFLOW_HOME": str(directory / "home"),
            "BOSSDB_TOKEN": TOKEN,
            "DJ_PASS": PASSWORD,
            "NXF_ANSI_LOG": "false",
            "PYTHONPATH": str(ROOT / "schema"),
        }

    def start(self, source: str, *arguments: str, profile: str = "slurm") -> subprocess.Popen[str]:
        command = ["nextflow", "-c", "hurry.config", "run", str(ROOT), "-profile", profile]
        command += ["--source", source, "--bossdb_host", self.host, *arguments]
        return subprocess.Popen(
            [argument for argument in command if argument],
            cwd=self.launch,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, source: str, *arguments: str, profile: str = "slurm") -> tuple[int, str]:
        return self.end(self.start(source, *arguments, profile=profile))

    def end(self, run: subprocess.Popen[str]) -> tuple[int, str]:
        said, _ = run.communicate(timeout=300)
        return run.returncode, said

    def bossflow(self, *arguments: str) -> str:
        return subprocess.run(
            [BOSSFLOW, *arguments],
            cwd=self.launch,
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def components(self, said: str) -> str:
        (request,) = re.findall(r"^([0-9a-f]{16})  [\d,]+ components", said, re.MULTILINE)
        return self.bossflow("components", request, "--format", "csv")

    def trace(self) -> list[dict[str, str]]:
        text = (self.launch / "results" / "reports" / "trace.txt").read_text()
        names, *lines = [line.split("\t") for line in text.splitlines()]
        return [dict(zip(names, line, strict=True)) for line in lines]


@pytest.fixture
def lab(tmp_path: Path, cluster: Cluster, archive: Archive) -> Iterator[Callable[[str], Lab]]:
    labs: list[Lab] = []

    def make(name: str) -> Lab:
        labs.append(Lab(tmp_path / name, cluster, archive.host))
        return labs[-1]

    yield make
    for one in labs:
        one.bossflow("db", "stop")


CUT = ("--block_shape", "32,32,64", "--blocks_per_task", "1")  # four blocks


@contextlib.contextmanager
def held(cluster: Cluster, archive: Archive, lab: Lab) -> Iterator[Any]:
    """Start a run; its four PULL_BLOCK are running, and wait for an archive that stands still."""
    cluster.ask("scontrol", "update", "partitionname=normal", "state=down")
    run = lab.start(CELLS, *CUT)
    try:
        until(lambda: len(cluster.jobs("PD")) == 4 or run.poll() is not None, "four jobs wait")
        archive.process.send_signal(signal.SIGSTOP)
        cluster.ask("scontrol", "update", "partitionname=normal", "state=up")
        until(lambda: len(cluster.jobs("R")) == 4, "four jobs run")
        yield run
    finally:
        cluster.ask("scontrol", "update", "partitionname=normal", "state=up")
        archive.process.send_signal(signal.SIGCONT)
        if run.poll() is None and sys.exc_info()[0]:
            run.terminate()
