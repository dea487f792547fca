"""A new workflow on an unchanged core: the toy of docs/new-workflow.md under real Nextflow."""

import difflib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bossflow.command import shared
from conftest import ROOT
from stage import NO_REPORTS

pytestmark = pytest.mark.nextflow

PIPELINE = (
    "bin",
    "conf",
    "modules",
    "workflows",
    "main.nf",
    "nextflow.config",
    "nextflow_schema.json",
)


TOY = ROOT / "tests" / "toy"

SHARED = {
    "nextflow_schema.json": lambda text: shared.with_group(
        text, "toy", json.loads((TOY / "parameters.json").read_text())
    ),
    "main.nf": lambda text: shared.with_workflow(text, "toy", "TOY"),
    "conf/processes.config": lambda text: shared.with_processes(
        text, {"COUNT_WORDS": "cc3d", "ADD_WORDS": "cc3d"}
    ),
}
"""What a workflow needs a line in, beside its own files."""


def wire(project: Path) -> None:
    """Give the toy its place in the files that all workflows share."""
    for name, insert in SHARED.items():
        before = (project / name).read_text()
        (project / name).write_text(insert(before))
        assert hunks(before, insert(before)) == 1, name


def hunks(before: str, after: str) -> int:
    """Return in how many places a file was changed, as git shows it."""
    diff = difflib.unified_diff(before.splitlines(), after.splitlines(), n=3)
    return sum(line.startswith("@@") for line in diff)


def test_its_files_are_few() -> None:
    files = [path for path in TOY.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert 4 <= len(files) <= 8 and len(SHARED) <= 3


def test_a_new_workflow_needs_no_change_of_the_core(tmp_path: Path) -> None:
    project, launch = tmp_path / "project", tmp_path / "launch"
    for name in PIPELINE:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        project.mkdir(exist_ok=True)
        copy(source, project / name)
    shutil.copytree(TOY, project, dirs_exist_ok=True)
    wire(project)
    launch.mkdir()
    files = []
    for number, text in enumerate(("a b c", "a a", "broken")):
        files.append(launch / f"{number}.txt")
        files[-1].write_text(text)
    environment = os.environ | {
        "BOSSFLOW_HOME": str(tmp_path / "home"),
        "NXF_ANSI_LOG": "false",
        "NXF_SYNTAX_PARSER": "v2",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join([str(project), str(ROOT / "schema")]),
    }

    def run(chosen: list[Path]) -> subprocess.CompletedProcess[str]:
        params = {"workflow": "toy", "store": str(launch / "store")}
        params["files"] = [str(path) for path in chosen]
        (launch / "params.json").write_text(json.dumps(params))
        command = ["nextflow", "run", str(project)]
        return subprocess.run(
            [*command, *NO_REPORTS, "-params-file", "params.json"],
            cwd=launch,
            env=environment,
            capture_output=True,
            text=True,
        )

    command = ["nextflow", "lint", "-output", "concise", "main.nf", "workflows", "modules", "conf"]
    lint = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    assert lint.returncode == 0, lint.stdout + lint.stderr
    try:
        first = run(files[:2])
        assert first.returncode == 0, first.stdout + first.stderr
        assert "recorded    2 COUNT_WORDS, 1 ADD_WORDS" in first.stdout
        again = run(files[:2])
        assert "nothing to compute: 2 files recorded already" in again.stdout
        none = run([Path("nix.txt")])
        assert none.returncode != 0
        assert 'files "nix.txt" is not there: give the path of a file' in none.stdout
        broken = run(files)
        assert broken.returncode != 0
        assert "2.txt is broken" in broken.stdout + broken.stderr
        query = (
            "import bossflow, toy; bossflow.core.installed.open_schema([toy.workflow]);"
            "print(sorted(toy.WordTotal.to_arrays('total').tolist()))"
        )
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", f"import bossflow.core.installed; {query}"],
            env=environment,
            cwd=launch,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == "[5]"
    finally:
        stop = "from bossflow import database; database.stop_embedded()"
        subprocess.run([sys.executable, "-W", "ignore", "-c", stop], env=environment, check=True)
