"""The rooms of the package: imports run down only, so that each is read without those above it."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import bossflow
import pytest
from bossflow.core import registry

PACKAGE = Path(bossflow.__file__).parent
FLOORS = {
    **{"functions": 0, "kit": 0, "voxels": 0},  # of the programs in bin/, which know no package
    **{"database": 1, "core": 2, "volumes": 3, "upkeep": 4},
    **{"workflows": 5, "look": 5, "share": 6},
    **{"scores": 6, "sweeps": 7},
    **{"archive_server": 1, "command": 8},
}
ALONE = {"archive_server": {"kit", "voxels"}}
"""Rooms that import nothing of the package but these, whatever floor they are on."""

OF_ALL = {"__version__"}
"""What the package's own `__init__` gives to every room; its tables are for users."""


def imported(source: str, package: tuple[str, ...] = ()) -> Iterator[tuple[int, list[str]]]:
    """Yield line and path of what a module of a package imports, also within functions."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for one in node.names:
                yield node.lineno, one.name.split(".")
        elif isinstance(node, ast.ImportFrom):
            start = [*package[: len(package) - node.level + 1]] if node.level else []
            for one in node.names:
                yield node.lineno, [*start, *filter(None, (node.module or "").split(".")), one.name]


def wrong(room: str, source: str, package: tuple[str, ...]) -> list[tuple[int, str]]:
    """Return lines on which a module imports what is not below its room, and what."""
    below = {name for name, floor in FLOORS.items() if floor < FLOORS[room]}
    below = ALONE.get(room, below) | OF_ALL | {room}
    if room == "command":
        below |= {"connect"}
    return [
        (line, ".".join(path))
        for line, path in imported(source, package)
        if path[0] == "bossflow" and not below.intersection(path[1:2])
    ]


def test_imports_run_down_only() -> None:
    found, read = [], set()
    for path in sorted(PACKAGE.rglob("*.py")):
        inside = path.relative_to(PACKAGE)
        room, package = inside.parts[0], ("bossflow", *inside.parts[:-1])
        if path.parent == PACKAGE or room in ("functions", "kit", "voxels"):
            continue
        read.add(room)
        lines = wrong(room, path.read_text("utf-8"), package)
        found += [f"{inside}:{line} imports {name}" for line, name in lines]
    assert not found, "\n".join(found)
    assert read >= FLOORS.keys() - {"functions", "kit", "voxels"}


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("core", "from ..upkeep import status"),
        ("core", "def f():\n    from .. import upkeep"),
        ("database", "from ..core.tables import Run"),
        ("core", "import bossflow.workflows.label"),
        ("upkeep", "from bossflow.command.main import main"),
        ("upkeep", "from .. import connect"),
        ("archive_server", "from .. import database"),
        ("volumes", "import bossflow"),
        ("volumes", "from .. import look"),
        ("look", "from ..workflows.label import tables"),
        ("upkeep", "from ..look import shown"),
    ],
)
def test_an_import_that_runs_up_is_seen(room: str, source: str) -> None:
    assert wrong(room, source, ("bossflow", room))


def test_programs_know_nothing_of_the_package() -> None:
    """But PLAN, RECORD and SUMMARY, which are the package's own: of bin/ they import nothing."""
    programs = PACKAGE.parents[1] / "bin"
    heads = set()
    for path in sorted(programs.rglob("*.py")):
        names = {name[0] for _, name in imported(path.read_text("utf-8"), ("bin",))}
        if "bossflow" in names:
            assert not names & {"functions", "kit", "voxels"}, path
            heads.add(path.relative_to(programs).as_posix())
    assert heads == {"plan.py", "record.py", "summary.py"}


def test_tables_are_attributes_of_the_package_and_are_loaded_when_asked_for() -> None:
    program = (
        "import sys, bossflow\n"
        "assert 'datajoint' not in sys.modules\n"
        "assert not hasattr(bossflow, 'nothing') and 'datajoint' not in sys.modules\n"
        "assert not hasattr(bossflow, 'Nothing')\n"
        "print(*dir(bossflow))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    tables = {cls.__name__ for workflow in registry.load_all() for cls in workflow.tables}
    assert tables and tables | {"Run", "Channel", "U"} <= set(done.stdout.split())


def test_the_core_names_no_workflow() -> None:
    """Nor does any room below: neither modules nor processes nor tables of workflows."""
    names = set()
    for workflow in registry.load_all():
        names |= {workflow.module, f'"{workflow.module.rpartition(".")[2]}"'}
        for table in workflow.tables:
            if table.__module__.startswith(registry.PACKAGE):
                names |= {table.process, table.__name__}
    assert {"STITCH", "Segmentation", "COMMAND", '"label"'} <= names
    named = re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in sorted(names)))
    found = [
        f"{path.relative_to(PACKAGE)}: {match[0]}"
        for room in ("core", "database", "upkeep", "volumes")
        for path in sorted((PACKAGE / room).rglob("*.py"))
        for match in named.finditer(path.read_text("utf-8"))
    ]
    found += [
        f"{path.relative_to(PACKAGE)}: a process of volumes"
        for room in ("core", "database")
        for path in sorted((PACKAGE / room).rglob("*.py"))
        if "PULL_BLOCK" in path.read_text("utf-8")
    ]
    assert not found, "\n".join(found)
