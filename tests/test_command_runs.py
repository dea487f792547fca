"""Command lines under real Nextflow: each kind of end, in one run, and tools in images."""

import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cluster import HURRY, Cluster, cluster  # noqa: F401
from conftest import ROOT
from engines import need
from stage import NO_REPORTS
from tool_images import BUSYBOX, as_sif, imported, said

pytestmark = pytest.mark.nextflow

SECRETS = {"BOSSDB_TOKEN": "swordfish", "AWS_SECRET_ACCESS_KEY": "swordfish"}
CODE = """
import bossflow, json
from bossflow.core import installed
from bossflow.workflows import command
installed.open_schema([command.workflow])
tables = (bossflow.Run.Attempt, bossflow.Run.Failure, command.CommandResult.Output)
tables += (bossflow.Environment, bossflow.Request.Name)
print(json.dumps({table.__name__: table().to_dicts() for table in tables}, default=str))
"""
# ends its own task as a node would that is lost: what runs it has no word
LOST = """
pid=$$ all=
while [ "$pid" -gt 1 ] && read -r _ _ _ pid _ <"/proc/$pid/stat"; do
    if grep -q run_command.sh "/proc/$pid/cmdline"; then all="$pid $all"; fi
done
kill -KILL $all
"""


class Lab:
    """A launch directory with database and store of its own."""

    workflow = "command"

    def __init__(self, directory: Path, environment: dict[str, str] | None = None) -> None:
        self.directory = directory
        own = environment or dict(os.environ)
        self.environment = {name: own[name] for name in own if not name.startswith("DJ_")} | {
            **SECRETS,
            "BOSSFLOW_HOME": str(directory / "home"),
            "NXF_ANSI_LOG": "false",
            "PATH": f"{Path(sys.executable).parent}:{own['PATH']}",
            "PYTHONPATH": str(ROOT / "schema"),
        }

    def run(self, *arguments: str, **params: Any) -> str:
        """Return what a run of the workflow says, with its exit code at the end."""
        (self.directory / "params.json").write_text(json.dumps(params | {"store": "store"}))
        command = ["nextflow", "run", str(ROOT), "--workflow", self.workflow, *arguments]
        done = subprocess.run(
            [*command, "-params-file", "params.json"],
            cwd=self.directory,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=500,
        )
        return f"{done.stdout}\nexit code {done.returncode}"

    def close(self) -> None:
        """Stop the database."""
        stop = "from bossflow import database; database.stop_embedded()"
        said(sys.executable, "-W", "ignore", "-c", stop, env=self.environment)

    def recorded(self) -> dict[str, list[dict[str, Any]]]:
        """Return the rows of some tables, by name."""
        command = [sys.executable, "-W", "ignore", "-c", CODE]
        shown = said(*command, cwd=str(self.directory), env=self.environment)
        return dict(json.loads(shown.splitlines()[-1]))


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    (tmp_path / "in put.txt").write_text("given")
    one = Lab(tmp_path)
    yield one
    one.close()


def test_each_kind_of_end_in_one_run(lab: Lab) -> None:
    """What fails, or dies with its task, holds nothing else up; all attempts are recorded."""
    once = 'mkdir "$1" && kill -KILL $$; cat "$2" >outputs/x; env >>outputs/x'
    commands = {
        "fine": ["sh", "-c", 'cat "$1" >outputs/x', "sh", "{input1}"],
        "killed once": ["bash", "-c", once, "once", str(lab.directory / "once"), "{input1}"],
        "killed": ["bash", "-c", "kill -KILL $$"],
        "fails": ["sh", "-c", "echo gone wrong; exit 3"],
        "lost": ["bash", "-c", LOST],
    }
    with (lab.directory / "sheet.csv").open("w", newline="") as stream:
        rows = [[name, json.dumps(words), "in put.txt"] for name, words in commands.items()]
        csv.writer(stream).writerows([["name", "command", "inputs"], *rows])
    text = lab.run(*NO_REPORTS, input="sheet.csv", memory="1 GB")
    assert text.endswith("exit code 1"), text
    for words in (
        "recorded    2 COMMAND",
        "it was killed, as if for taking more than its 2048 MiB of memory: give more",
        "it failed with exit code 3; its log ends: gone wrong",
        "its task ended before it could tell how",
    ):
        assert words in text, text
    found = lab.recorded()
    codes = sorted((row["attempt"], row["exit_code"]) for row in found["Attempt"])
    assert codes == [(1, 0), (1, 3), (1, 137), (1, 137), (2, 0), (2, 137)]
    memory = {(row["attempt"], row["attempt_memory_bytes"]) for row in found["Attempt"]}
    assert memory == {(1, 2**30), (2, 2**31)}
    assert len(found["Failure"]) == 3 and len(found["Output"]) == 2
    for left in (lab.directory / "store" / "COMMAND").glob("*/*/files/outputs/x"):
        assert "given" in left.read_text() and "swordfish" not in left.read_text()
    again = lab.run(*NO_REPORTS, input="sheet.csv", memory="1 GB")
    assert "recorded already: 2 COMMAND" in again, "and these are not run again"


def test_the_example_runs_as_it_stands(lab: Lab) -> None:
    """In README and commands.md, pasted as a newcomer does."""
    pages = [(ROOT / page).read_text() for page in ("README.md", "docs/commands.md")]
    blocks = [block for page in pages for block in re.findall(r"```\w+\n(.*?)```", page, re.DOTALL)]
    example, other = (one for one in blocks if "nextflow run . --workflow command" in one)
    assert example == other
    script = example.replace("nextflow run .", f"nextflow run {ROOT}")
    text = said("bash", "-ec", script, cwd=str(lab.directory), env=lab.environment)
    assert text.endswith("\napple\npear"), text
    with (lab.directory / "results" / "requests.csv").open() as stream:
        (row,) = csv.DictReader(stream)
    assert (row["state"], row["name"], row["directory"]) == ("complete", "sorted", "sorted")


@pytest.mark.docker
def test_a_tag_is_the_image_that_it_stands_for_now(lab: Lab) -> None:
    """Of docker, without anything of ours in containers."""
    image = imported(BUSYBOX, '["/bin/busybox", "sh", "-c"]')
    other = imported(BUSYBOX, '["/bin/busybox", "sh", "-c"]', "LABEL version=2")
    tag = f"bossflow-test-{os.getpid()}:1"
    words = ["echo $(cat inputs/*) >outputs/x"]
    asked = {"command": words, "inputs": "in put.txt", "image": tag}
    try:
        said("docker", "tag", image, tag)
        first = lab.run(*NO_REPORTS, **asked)
        assert "1 complete" in first and first.endswith("exit code 0"), first
        assert lab.run(*NO_REPORTS, **asked).count("nothing to compute") == 1
        said("docker", "tag", other, tag)
        assert "to make    1 COMMAND" in lab.run(*NO_REPORTS, **asked, dry_run=True)
        refused = lab.run(*NO_REPORTS, **asked | {"image": "nope/nope:1"})
        assert "image nope/nope:1 can't be used" in refused
    finally:
        said("docker", "rmi", "--force", image, other)
    (environment,) = lab.recorded()["Environment"]
    assert environment["container"] == image


@pytest.mark.slurm
@pytest.mark.docker
def test_on_a_cluster_by_apptainer(tmp_path: Path, cluster: Cluster) -> None:  # noqa: F811
    """A job for each command line; one that its job kills for memory is run with twice as much."""
    need("apptainer")
    image = imported(BUSYBOX, '["/bin/busybox", "sh", "-c"]')
    lab = Lab(tmp_path, cluster.environment)
    (tmp_path / "in put.txt").write_text("given")
    (tmp_path / "hurry.config").write_text(HURRY)
    try:
        sif = as_sif(image, tmp_path / "tool.sif")
        asked = {"inputs": "in put.txt", "image": sif.name, "memory": "200 MB"}
        # 300 MB at once: too much for the first job, and not for the second
        script = "dd if=/dev/zero of=/dev/null bs=300M count=1 && echo done >outputs/n"
        text = lab.run("-profile", "slurm", "-c", "hurry.config", **asked, command=[script])
        assert "1 complete" in text and text.endswith("exit code 0"), text
        tries = lab.recorded()["Attempt"]
        assert [row["exit_code"] for row in tries] == [137, 0]
        (left,) = (tmp_path / "store" / "COMMAND").glob("*/*/files/outputs/n")
        assert left.read_text() == "done\n"
    finally:
        said("docker", "rmi", "--force", image)
        lab.close()
