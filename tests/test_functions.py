"""Functions by name: what they are known by, and what can't be followed."""

import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from call_function import check_edited
from conftest import ROOT
from functions import following
from functions.identity import Function, Parameter, identify

SOURCES = {
    "lab/__init__.py": "",
    "lab/cells.py": (
        "from pathlib import Path\n"
        "import numpy as np\n"
        "from . import shapes\n"
        "def count(path: Path, radius: int = 3) -> int:\n"
        "    from lab.inner.rules import grow\n"
        "    return grow(shapes.area(radius))\n"
    ),
    "lab/shapes.py": "import lab.cells\nfrom tables import WIDE\ndef area(r): return r * WIDE\n",
    "lab/inner/rules.py": "from ..shapes import area\ndef grow(x):\n    return x + 1\n",
    "lab/other.py": "import nothing_like_it\n",
    "tables.py": "WIDE = 2\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in SOURCES.items():
        write(tmp_path, name, text)
    return tmp_path


def write(project: Path, name: str, text: str) -> None:
    path = project / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def of(project: Path, source: str, name: str = "f", **files: str) -> Function:
    """Return what the function of a module is known by."""
    write(project, "m.py", source)
    for file, text in files.items():
        write(project, f"{file}.py", text)
    return identify(f"m:{name}", project)


def wrong(project: Path, source: str, name: str = "f") -> str:
    with pytest.raises(ValueError) as said:
        of(project, source, name)
    return str(said.value)


def test_a_function_is_known_by_all_that_it_takes(project: Path) -> None:
    found = identify("lab.cells:count", project)
    assert list(found.files) == [
        *("lab/__init__.py", "lab/cells.py", "lab/inner/rules.py", "lab/shapes.py", "tables.py")
    ]
    assert found.versions == {"numpy": metadata.version("numpy")}
    assert found.python == ".".join(map(str, sys.version_info[:2]))
    assert found.parameters == (
        Parameter("path", "Path", True, None),
        Parameter("radius", "int", False, 3),
    )
    assert found.returns == "int"
    assert not {"lab.cells", "lab.shapes", "tables"} & sys.modules.keys()  # another lab may be


@pytest.mark.parametrize("changed", ["lab/shapes.py", "lab/inner/rules.py", "lab/__init__.py"])
def test_what_is_called_counts(project: Path, changed: str) -> None:
    before = identify("lab.cells:count", project).digest()
    write(project, changed, SOURCES[changed] + "\n# and more\n")
    assert identify("lab.cells:count", project).digest() != before


def test_what_is_not_taken_does_not_count(project: Path) -> None:
    before = identify("lab.cells:count", project).digest()
    write(project, "lab/other.py", "# another")
    write(project, "lab/data.csv", "1")
    assert identify("lab.cells:count", project).digest() == before
    write(project, "lab/inner/__init__.py", "")  # is on the way
    assert identify("lab.cells:count", project).digest() != before


def test_versions_and_python_count(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = identify("lab.cells:count", project)
    others = [
        found._replace(python="3.99"),
        found._replace(versions={"numpy": "0"}),
        found._replace(name="other"),
    ]
    assert len({one.digest() for one in (found, *others)}) == 4
    assert found._replace(parameters=(), returns="").digest() == found.digest()


def test_the_place_of_a_project_does_not_count(project: Path, tmp_path: Path) -> None:
    before = identify("lab.cells:count", project).digest()
    moved = tmp_path / "moved"
    for name, text in SOURCES.items():
        write(moved, name, text)
    assert identify("lab.cells:count", moved).digest() == before


def test_what_may_be_absent_or_never_runs_need_not_be_there(project: Path) -> None:
    found = of(
        project,
        "import contextlib\n"
        "from typing import TYPE_CHECKING\n"
        "try:\n    import not_there\nexcept ImportError:\n    not_there = None\n"
        "if sys.version_info < (3, 11):\n    import neither\nelse:\n    import tomllib\n"
        "with contextlib.suppress(ImportError):\n    import nor_there\n"
        "if TYPE_CHECKING:\n    import lab.other\n"
        "if __name__ == '__main__':\n    import lab.other\n"
        "else:\n    import tables\n"
        "def f(): ...\n",
    )
    assert list(found.files) == ["m.py", "tables.py"]


def test_star_takes_what_a_package_lists(project: Path) -> None:
    write(project, "lab/__init__.py", "__all__ = ['shapes', 'a_name']\na_name = 1\n")
    assert "lab/shapes.py" in of(project, "from lab import *\ndef f(): ...").files


def test_a_folder_without_init_gives_way_to_what_is_installed(project: Path) -> None:
    write(project, "numpy/notes.py", "")
    found = of(project, "import numpy\nimport lab.inner\ndef f(): ...")
    assert found.versions and list(found.files) == ["lab/__init__.py", "m.py"]


@pytest.mark.parametrize("how", ["editable", "copied"])
def test_sources_that_were_installed_from_a_folder_count(
    project: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Nobody raises the version of what is being written; other files of it are not called."""
    site = project / "site"
    info = f"{site}/mine_x-1.0.dist-info"
    write(project, f"{info}/METADATA", "Name: mine_x\nVersion: 1.0\n")
    write(project, f"{info}/direct_url.json", json.dumps({"dir_info": {how: True}}))
    monkeypatch.syspath_prepend(str(site))
    found = []
    for number in range(2):
        write(site, "minex/__init__.py", f"A = {number}\n")
        recorded = f"minex/__init__.py,sha256=a{number},6\n../../bin/x,sha256=b{number},1\n"
        write(project, f"{info}/RECORD", recorded if how == "copied" else "minex/__init__.py,,\n")
        following._distributions.cache_clear()
        found.append(of(project, "import minex\ndef f(): ...").versions["mine-x"])
        write(project, f"{info}/RECORD", recorded.replace("sha256=b", "sha256=c"))
        assert of(project, "import minex\ndef f(): ...").versions["mine-x"] == found[-1]
    check_edited(project, "m", (("mine-x", found[1]), ("numpy", "0")))
    with pytest.raises(ValueError, match="asked for with other files of mine-x than are where it"):
        check_edited(project, "m", (("mine-x", found[0]),))
    following._distributions.cache_clear()
    assert found[0].startswith("1.0 ") and found[0] != found[1]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import no_such\ndef f(): ...", "m.py:1 imports no_such, which is neither in"),
        ("def f():\n    import lab.none", "m.py:2 imports lab.none, which the project lacks"),
        ("from lab.inner import none\ndef f(): ...", "m.py:1 imports lab.inner.none, which the"),
        ("from . import x\ndef f(): ...", "m.py:1 imports from above the project"),
        ("from importlib import import_module as i, import_module\nX = import_module(a)", "comput"),
        ("import random\ndef f(): ...", "m.py:1 imports random, which Python has, too"),
        ("def f(:", "m.py:1 is no Python"),
        ("f = 1\0", "m.py"),
        ("f = lambda: 1", "m:f is no function of a `def` at the module's top"),
        ("def f(): ...\nf = print(f)", "m:f is no function of a `def`"),
        ("if 1:\n    def f(): ...", "m:f is no function of a `def`"),
        ("class f: ...", "m:f is a class"),
        ("from lab.inner.rules import grow as f", "from lab.inner.rules: name that module"),
        ("async def f(): ...", "m:f is a coroutine function"),
        ("def f():\n    for x in (): yield x", "m:f is a generator"),
        ("def g(): ...", "m has no function f: it has g"),
        ("def f(a, /): ...", "takes a by its place alone"),
        ("def f(*a): ...", r"takes *a"),
        ("def f(**a): ...", r"takes **a"),
        ("import numpy\ndef f(a: numpy.ndarray): ...", "a is annotated numpy.ndarray: give int"),
        ("def f(a: list[Path]): ...", "a is annotated list[Path]"),
        ("def f(a: int | str): ...", "a is annotated int | str"),
        ("def f(a: 'in t'): ...", "a is annotated 'in t'"),
        ("def f(a: tuple): ...", "a is annotated tuple"),
    ],
)
def test_what_can_not_be_followed_or_called_is_refused(
    project: Path, source: str, words: str
) -> None:
    write(project, "random.py", "")
    if "import_module" in source:
        source += "\ndef f(): ..."
    assert words in wrong(project, source)


@pytest.mark.parametrize("spec", ["m", "m:", ":f", "m:a.b", "m f:g", "m:f()", "../m:f", "no:f"])
def test_a_spec_is_module_and_name(project: Path, spec: str) -> None:
    write(project, "m.py", "class a:\n    def b(self): ...\ndef f(): ...\n")
    with pytest.raises(ValueError, match="is no function: give module:name|there is no module no"):
        identify(spec, project)


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        ("int", "int"),
        ("float | None", "float?"),
        ("None | str", "str?"),
        ("Optional[bool]", "bool?"),
        ("typing.Union[int, None]", "int?"),
        ("'pathlib.Path | None'", "Path?"),
        ("P", "Path"),
        ("Annotated[int, 'micrometres']", "int"),
        ("dict[str, list[int | None]]", "json"),
        ("Any", "json"),
        ("list | None", "json"),
        ("None", "json"),
    ],
)
def test_annotations_say_the_type(project: Path, annotation: str, kind: str) -> None:
    source = f"from pathlib import Path as P\ndef f(a: {annotation}): ..."
    assert of(project, source).parameters == (Parameter("a", kind, True, None),)


def test_defaults_are_shown(project: Path) -> None:
    found = of(project, "K = 2\ndef f(a=None, b=(1,), c=K, *, d, e=1e999, g=[1]): ...")
    assert [one.default for one in found.parameters] == [None, "(1,)", "K", None, "1e309", [1]]
    assert [one.required for one in found.parameters] == [False, False, False, True, False, False]


def test_a_comprehension_takes_no_name_away(project: Path) -> None:
    assert of(project, "def f(): ...\nX = [f for f in ()]\nY = lambda: (f := 1)").name == "f"


def test_links_and_compiled_modules_are_refused(project: Path, tmp_path: Path) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}_outside.py"
    outside.write_text("")
    os.symlink(outside, project / "linked.py")
    os.symlink(project / "tables.py", project / "inside.py")
    assert "linked.py is a link that leads out" in wrong(project, "import linked\ndef f(): ...")
    assert "inside.py" in of(project, "import inside\ndef f(): ...").files
    write(project, "fast.abi3.so", "")
    assert "fast.abi3.so is compiled" in wrong(project, "import fast\ndef f(): ...")


def test_nothing_runs_before_it_is_loaded(project: Path) -> None:
    write(project, "m.py", "raise SystemExit('it ran')\ndef f(): ...\n")
    assert identify("m:f", project).name == "f"


CALLER = """
import os, sys
sys.path.insert(0, sys.argv[1])
import functions.results, kit.units
from functions.calling import load
for number, folder in enumerate(("first", "second")):
    called = load(folder, "user", "f")
    assert called() == (number, number), called()
    assert load(folder, "user", "f") is called
for module, name in (("tables", "WIDE"), ("user", "g")):
    try:
        load("second", module, name)
    except ImportError as error:
        print(error)
"""


def test_a_snapshot_is_what_runs(project: Path) -> None:
    """Not what programs have by the same names, nor the project, nor what ran before."""
    for number, folder in enumerate((project / "first", project / "second")):
        write(folder, "functions/__init__.py", f"NUMBER = {number}\n")
        write(folder, "kit/made.py", f"NUMBER = {number}\n")
        write(
            folder,
            "user.py",
            "import functions, kit.made\ndef f(): return functions.NUMBER, kit.made.NUMBER\n",
        )
    done = subprocess.run(
        [sys.executable, "-c", CALLER, str(ROOT / "bin")],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project), "PYTHONDONTWRITEBYTECODE": ""},
        capture_output=True,
        text=True,
    )
    assert not done.returncode, done.stderr
    assert done.stdout == "No module named 'tables'\nuser has no function g\n"
    assert not [*project.rglob("__pycache__")]
