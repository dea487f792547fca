"""A new workflow on an unchanged core: the toy of docs/new-workflow.md under real Nextflow."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
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


def wire(project: Path) -> None:
    """Add the toy to the files that all workflows share: its parameters and its two lines."""
    schema = json.loads((project / "nextflow_schema.json").read_text())
    schema["$defs"]["toy"] = json.loads((project / "parameters.json").read_text())
    (project / "nextflow_schema.json").write_text(json.dumps(schema))
    run = "        if (values.workflow == 'label') "
    ours = run.replace("label", "toy") + "{ done_ch = WORDS(BEGIN.out.task_ch) }\n"
    main = (project / "main.nf").read_text()
    assert main.count(run) == 1
    main = main.replace(run, ours + run) + "include { WORDS } from './workflows/words'\n"
    (project / "main.nf").write_text(main)


def test_a_new_workflow_needs_no_change_of_the_core(tmp_path: Path) -> None:
    project, launch = tmp_path / "project", tmp_path / "launch"
    for name in PIPELINE:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        project.mkdir(exist_ok=True)
        copy(source, project / name)
    shutil.copytree(ROOT / "tests" / "toy", project, dirs_exist_ok=True)
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
        assert "nothing to compute: 2 files are recorded" in again.stdout
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
