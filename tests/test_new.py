"""What `bossflow new` writes: few files, one place in each shared one, and all of it works."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from commands import said, tool
from conftest import ROOT
from test_toy import hunks

SHARED = ("nextflow_schema.json", "main.nf", "conf/processes.config")


def bossflow_new(*words: str) -> Result:
    from bossflow.command.main import main

    return CliRunner().invoke(main, ["new", *words])


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of this checkout's tracked files, and be there."""
    root = tmp_path / "checkout"
    root.mkdir()
    archive = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, check=True
    )
    for name in archive.stdout.decode().split("\0"):
        source = ROOT / name
        if name and not name.startswith(("docs/", "tests/data/")) and source.exists():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, root / name, follow_symlinks=False)
    monkeypatch.chdir(root)
    return root


def files_of(root: Path) -> dict[str, bytes]:
    paths = (path for path in root.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}


def lints(root: Path, *nextflow: str) -> None:
    formatted(root)
    said(tool("nextflow"), "lint", "-output", "concise", *(str(root / one) for one in nextflow))


def formatted(root: Path) -> None:
    for words in (("check",), ("format", "--check")):
        command = [sys.executable, "-m", "ruff", *words, "--no-cache"]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def own_test(root: Path, schema: Path, parser: str) -> None:
    """Run the test that was written, and see that none of it is left out."""
    (path,) = root.glob("tests/test_sheep_dip.py")
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", str(path)]
    told = os.environ | {"PYTHONPATH": str(schema), "NXF_SYNTAX_PARSER": parser}
    done = subprocess.run(command, cwd=root, env=told, capture_output=True, text=True)
    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_a_workflow_takes_eight_files_and_a_place_in_three(checkout: Path) -> None:
    before = files_of(checkout)
    done = bossflow_new("sheep_dip")
    assert done.exit_code == 0, done.output
    after = files_of(checkout)
    assert len(after.keys() - before.keys()) <= 8
    changed = {name for name in before if after[name] != before[name]}
    assert changed == set(SHARED)
    assert {hunks(before[name].decode(), after[name].decode()) for name in changed} == {1}
    assert set(done.stdout.split()) == changed | (after.keys() - before.keys())
    for name in after.keys() - before.keys():
        if name.endswith(".py"):
            ast.parse(after[name])
    text = after["nextflow_schema.json"].decode()
    assert text == json.dumps(json.loads(text), indent=2) + "\n"


@pytest.mark.nextflow
def test_what_is_written_here_passes_lint_and_its_test(checkout: Path) -> None:
    assert bossflow_new("sheep_dip").exit_code == 0
    lints(checkout, "main.nf", "workflows", "conf")
    own_test(checkout, checkout / "schema", "v2")


@pytest.mark.nextflow
def test_a_project_of_its_own_passes_lint_and_its_test(tmp_path: Path) -> None:
    """It includes this checkout, whose programs and kit are found from there."""
    root = tmp_path / "project"
    done = bossflow_new("sheep_dip", "--outside", str(root), "--pipeline", str(ROOT))
    assert done.exit_code == 0, done.output
    assert (root / "bossflow").resolve() == ROOT
    lints(root, "main.nf", "nextflow.config")
    own_test(root, ROOT / "schema", "v1")


@pytest.mark.parametrize("own", ["", "/own/modules"])
def test_a_task_of_a_project_finds_modules_whatever_is_set(tmp_path: Path, own: str) -> None:
    """Nextflow writes it into a script that ends where a variable is not set."""
    assert bossflow_new("sheep_dip", "--outside", str(tmp_path / "a")).exit_code == 0
    text = (tmp_path / "a" / "nextflow.config").read_text()
    (value,) = re.findall(r'^env\.PYTHONPATH = "(.*)"$', text, re.MULTILINE)
    value = value.replace("${projectDir}", "/project").replace("\\$", "$")
    script = f'export PYTHONPATH="{value}"; printf %s "$PYTHONPATH"'
    given = {"PYTHONPATH": own} if own else {}
    told = subprocess.run(["bash", "-uec", script], env=given, capture_output=True, text=True)
    assert told.stdout == "/project:/project/bossflow/bin" + (f":{own}" if own else "")


WRONG = ["Sheep", "1a", "a-b", "json", "numpy", "class", "a" * 25, "a__b", "a_", "../a", "", "kit"]
WRONG += ["begin", "request", "conf", "work", "run", "archive", "pyramid"]


@pytest.mark.parametrize("name", WRONG)
def test_a_name_that_would_break_something_is_refused(name: str, checkout: Path) -> None:
    before = files_of(checkout)
    done = bossflow_new(name)
    assert done.exit_code == 1 and done.output.count("\n") == 1, done.output
    assert files_of(checkout) == before


def test_nothing_is_written_over(checkout: Path) -> None:
    (checkout / "workflows/sheep_dip.nf").write_text("mine")
    before = files_of(checkout)
    done = bossflow_new("sheep_dip")
    assert done.exit_code == 1 and "workflows/sheep_dip.nf is there already" in done.output
    assert bossflow_new("command").exit_code == 1
    (checkout / "main.nf").write_text("workflow { }\n")
    assert "main.nf has no place for another workflow" in bossflow_new("another").output
    (checkout / "main.nf").write_bytes(before["main.nf"])
    assert files_of(checkout) == before
    for link in ("conf", "bossflow"):
        (checkout.parent / "other").mkdir(exist_ok=True)
        (checkout.parent / "other" / link).symlink_to("nowhere")
        done = bossflow_new("sheep_dip", "--outside", "../other", "--pipeline", str(ROOT))
        assert done.exit_code == 1 and "is there already" in done.output
        assert len([*(checkout.parent / "other").iterdir()]) == 1
        (checkout.parent / "other" / link).unlink()


def test_elsewhere_it_says_where_to_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = bossflow_new("sheep_dip")
    assert done.exit_code == 1 and "is no checkout of bossflow" in done.output
    done = bossflow_new("sheep_dip", "--outside", "x", "--pipeline", str(tmp_path))
    assert done.exit_code == 1 and "is no checkout of bossflow" in done.output
    assert [*tmp_path.iterdir()] == []


def test_a_project_of_its_own_is_known_where_it_is_installed(tmp_path: Path) -> None:
    """By the entry point that its pyproject.toml declares, as an installer writes it down."""
    root = tmp_path / "project"
    done = bossflow_new("sheep_dip", "--outside", str(root), "--pipeline", str(ROOT))
    assert done.exit_code == 0, done.output
    points = tomllib.loads((root / "pyproject.toml").read_text())["project"]["entry-points"]
    lines = [
        line
        for group, named in points.items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in named.items()))
    ]
    info = root / "sheep_dip-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sheep-dip\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    query = (
        "from bossflow.core import registry; flow = registry.load('sheep_dip');"
        "print(registry.names()[-1], flow.name, [table.process for table in flow.tables])"
    )
    told = os.environ | {"PYTHONPATH": os.pathsep.join([str(root), str(ROOT / "schema")])}
    command = [sys.executable, "-W", "ignore", "-c", query]
    said_of_it = subprocess.run(command, env=told, cwd=tmp_path, capture_output=True, text=True)
    assert said_of_it.stdout == "sheep_dip sheep_dip ['MAKE_SHEEP_DIP']\n", said_of_it.stderr


@pytest.mark.parametrize("name", ["ab", "a23456789_123456789_1234"])
def test_lines_fit_whatever_the_name(name: str, checkout: Path) -> None:
    assert bossflow_new(name).exit_code == 0
    formatted(checkout)
    project = checkout.parent / "project"
    assert bossflow_new(name, "--outside", str(project), "--pipeline", str(ROOT)).exit_code == 0
    formatted(project)


def test_images_are_those_of_the_pipeline(tmp_path: Path) -> None:
    project = tmp_path / "project"
    done = bossflow_new("sheep_dip", "--outside", str(project), "--pipeline", str(ROOT))
    assert done.exit_code == 0, done.output
    tags = [said("bash", str(root / "containers/tags")) for root in (ROOT, project)]
    assert tags[0] == tags[1] != ""


TAKEN = ["label", "run", "archive", "execution", "containers", "numpy", "param_set", "segmentation"]


@pytest.mark.parametrize("name", TAKEN)
def test_no_project_takes_a_name_that_bossflow_has(tmp_path: Path, name: str) -> None:
    done = bossflow_new(name, "--outside", str(tmp_path / "a"), "--pipeline", str(ROOT))
    assert done.exit_code == 1 and "give another" in done.output, done.output
    assert not (tmp_path / "a").exists()


def test_a_project_that_is_installed_can_be_written_anew(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = checkout.parent / "site"
    about = site / "sheep_dip-0.1.0.dist-info"
    about.mkdir(parents=True)
    (site / "sheep_dip.py").touch()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: sheep-dip\nVersion: 0.1.0\n")
    (about / "entry_points.txt").write_text("[bossflow.workflows]\nsheep_dip = sheep_dip\n")
    monkeypatch.syspath_prepend(site)
    assert "something else in Python" in bossflow_new("sheep_dip").output
    done = bossflow_new("sheep_dip", "--outside", "../beside", "--pipeline", str(ROOT))
    assert done.exit_code == 0, done.output


def test_what_is_recorded_tells_the_programs_of_a_project(tmp_path: Path) -> None:
    from plan import code_of

    ours = code_of(None)
    assert code_of(str(ROOT)) == code_of(str(tmp_path)) == ours
    (tmp_path / "bin").mkdir()
    codes = {ours}
    for text in ("one", "another"):
        (tmp_path / "bin" / "make_it.py").write_text(text)
        codes.add(code_of(str(tmp_path)))
    assert len(codes) == 3
