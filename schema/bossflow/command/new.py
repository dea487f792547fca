"""`bossflow new`: write a workflow that works, to be made into another one."""

import importlib.util
import keyword
import os
import re
import shlex
import sys
from collections.abc import Callable
from functools import partial
from importlib import metadata, resources
from pathlib import Path
from string import Template

import click

from . import shared

NAME = re.compile("[a-z][a-z0-9_]{1,23}")

PROGRAMS = ("functions", "kit", "tools", "voxels")
"""Packages of programs, which a module of that name would hide."""

TWICE = {
    *("begin", "end"),
    *("bin", "conf", "containers", "results", "tests", "work"),
}
"""What is there by that name: in main.nf, as a directory of a project."""

INSIDE = {
    "schema/bossflow/workflows/{name}/__init__.py": "workflow",
    "schema/bossflow/workflows/{name}/tables.py": "tables",
    "schema/bossflow/workflows/{name}/requests.py": "requests",
    "schema/bossflow/workflows/{name}/units.py": "units",
    "bin/make_{name}.py": "program",
    "workflows/{name}.nf": "wiring",
    "tests/test_{name}.py": "test",
    "docs/{name}.md": "page",
}
"""What is written in a checkout of bossflow, and by which template."""

OUTSIDE = {
    "{name}/__init__.py": "workflow",
    "{name}/tables.py": "tables",
    "{name}/requests.py": "requests",
    "{name}/units.py": "units",
    "bin/make_{name}.py": "program",
    "main.nf": "main",
    "nextflow.config": "config",
    "pyproject.toml": "pyproject",
    "tests/test_{name}.py": "test",
    "README.md": "page",
    ".gitignore": "gitignore",
}
"""What is written of a project of its own, beside its parameters."""

CHECKOUT = Path(__file__).resolve().parents[3]
"""Where this package lies, unless it is installed elsewhere."""

LINKS = ("conf", "containers")
"""Of bossflow's checkout, what its configuration looks for in the project that is run."""


@click.command("new")
@click.argument("name")
@click.option(
    "--outside",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write a project of its own into this directory, instead of into a checkout of bossflow.",
)
@click.option(
    "--pipeline",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Where bossflow's checkout is, for --outside. Default: the one that is installed.",
)
@click.option(
    "--cwl",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="Write parameters of workflow command for this CommandLineTool instead: NAME.yml.",
)
def new_command(name: str, outside: Path | None, pipeline: Path | None, cwl: Path | None) -> None:
    """Write a workflow called NAME that works: tables, units, program, wiring, test and page.

    It is written into the checkout of bossflow that you are in, or with --outside elsewhere.
    """
    if cwl:
        from .cwl import parameters

        if outside or pipeline:
            raise click.UsageError("--cwl writes a file of parameters here: leave the others out")
        if not re.fullmatch(r"[\w-][\w.-]*", name):
            raise ValueError(f"{name!r} can't be a file's name: give letters, digits, _ and -")
        text = parameters(cwl)
        _write({Path(f"{name}.yml"): text})
        first = "put the paths of your files there, then " if text.startswith("# the paths") else ""
        where = shlex.quote(str(CHECKOUT)) if _is_checkout(CHECKOUT) else "PIPELINE"
        click.echo(f"wrote {name}.yml: {first}nextflow run {where} -params-file {name}.yml")
        return
    check_name(name, bool(outside))
    if outside:
        root = write_outside(name, outside, _pipeline(pipeline))
        click.echo(f"wrote {root}: README.md there says how to run it")
        return
    if pipeline:
        raise click.UsageError("--pipeline is for --outside")
    root = Path.cwd()
    if not _is_checkout(root):
        raise ValueError(
            f"{root} is no checkout of bossflow: go to one, or give --outside DIRECTORY"
        )
    for path in write_inside(name, root):
        click.echo(path.relative_to(root))
    click.echo(
        "The last three were there, and have a line or a group more. To try it: "
        f"python -m pytest tests/test_{name}.py; docs/{name}.md says how it is run",
        err=True,
    )


def check_name(name: str, outside: bool = False) -> None:
    """Refuse what can't be the name of a module, a process, a table and a column.

    A project of its own may be installed already, and be written anew beside.

    Raises
    ------
    ValueError
        With one sentence.
    """
    if not NAME.fullmatch(name) or name.endswith("_") or "__" in name:
        raise ValueError(
            f"{name!r} can't name a workflow: give 2 to 24 small letters, digits and single _, "
            "with a letter first"
        )
    taken = {*keyword.kwlist, *sys.stdlib_module_names, *PROGRAMS}
    own = outside and metadata.entry_points(group="bossflow.workflows", name=name)
    if name in taken or (not own and importlib.util.find_spec(name)):
        raise ValueError(f"{name} is the name of something else in Python: give another one")
    if name in TWICE:
        raise ValueError(f"{name} is the name of something that every run has: give another one")
    table = _words(name)["table"]
    if not own and not {table, f"{table}Request"}.isdisjoint(_tables()):
        raise ValueError(f"bossflow has a table {table} or {table}Request: give another name")


def _tables() -> set[str]:
    """Return what tables of bossflow and of the workflows that are installed are called."""
    from ..core import registry, tables

    registry.load_all()
    return {table.__name__ for table, _ in tables.schema.tables}


def write_inside(name: str, root: Path) -> list[Path]:
    """Write a workflow into a checkout of bossflow; return what is new and what was changed.

    Raises
    ------
    ValueError
        If something is there already, or a shared file has no place for it.
    """
    words = _words(name) | {
        "core": "...core.",
        "core_package": "...core",
        "between": "",
        "after": "\n",
        "recorded": f"bossflow.workflows.{name}",
        "where": ".",
        "asking": "",
        "more": "",
        "root_import": "from conftest import ROOT\n",
    }
    process, workflow = words["process"], words["workflow"]
    files = {root / path.format(name=name): _rendered(of, words) for path, of in INSIDE.items()}
    change: dict[str, Callable[[str], str]] = {
        "nextflow_schema.json": partial(shared.with_group, name=name, new=shared.group(name)),
        "main.nf": partial(shared.with_workflow, name=name, workflow=workflow),
        "conf/processes.config": partial(shared.with_processes, processes={process: "cc3d"}),
    }
    changed = {root / path: do((root / path).read_text("utf-8")) for path, do in change.items()}
    _write(files, changed)
    return [*files, *changed]


def write_outside(name: str, directory: Path, pipeline: Path) -> Path:
    """Write a workflow as a project of its own that includes bossflow's checkout; return where.

    Raises
    ------
    ValueError
        If something is there already.
    """
    root = Path(os.path.abspath(directory))
    words = _words(name) | {
        "core": "bossflow.core.",
        "core_package": "bossflow.core",
        "between": "\n",
        "after": "",
        "recorded": name,
        "where": ".",
        "asking": "Once this project is installed beside bossflow (`pip install -e .`), ",
        "more": _rendered("project", {"name": name, "pipeline": str(pipeline)}),
        "root_import": (
            "\nROOT = Path(__file__).resolve().parents[1]\n"
            "for folder in (ROOT, ROOT / 'bin', ROOT / 'bossflow' / 'bin'):\n"
            "    sys.path.insert(0, str(folder))\n"
        ).replace("'", '"'),
    }
    files = {root / path.format(name=name): _rendered(of, words) for path, of in OUTSIDE.items()}
    text = (pipeline / "nextflow_schema.json").read_text("utf-8")
    files[root / "nextflow_schema.json"] = shared.alone(text, name, shared.group(name))
    links = {root / link: Path("bossflow") / link for link in LINKS} | {root / "bossflow": pipeline}
    for path in links:
        if os.path.lexists(path):
            raise ValueError(f"{path} is there already: give another name, or remove it")
    _write(files)
    for path, target in links.items():
        path.symlink_to(target)
    return root


def _words(name: str) -> dict[str, str]:
    return {
        "name": name,
        "title": name.replace("_", " ").capitalize(),
        "table": "".join(map(str.capitalize, name.split("_"))),
        "process": f"MAKE_{name.upper()}",
        "workflow": name.upper(),
        "project": name.replace("_", "-"),
    }


def _rendered(template: str, words: dict[str, str]) -> str:
    text = resources.files(__package__).joinpath(f"templates/{template}.txt").read_text("utf-8")
    return Template(text).substitute(words)


def _write(files: dict[Path, str], changed: dict[Path, str] | None = None) -> None:
    """Write new files, and then those that change; nothing if one of the new is there."""
    for path in files:
        if os.path.lexists(path):
            raise ValueError(f"{path} is there already: give another name, or remove it")
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        if path.parent.name == "bin":
            path.chmod(0o755)
    for path, text in (changed or {}).items():
        path.write_text(text, encoding="utf-8")


def _is_checkout(root: Path) -> bool:
    return (root / "conf/processes.config").is_file() and (root / "schema/bossflow").is_dir()


def _pipeline(given: Path | None) -> Path:
    root = (given or CHECKOUT).resolve()
    if not _is_checkout(root):
        raise ValueError(f"{root} is no checkout of bossflow: say by --pipeline where one is")
    return root
