"""Functions of a notebook: the module that is made of one, and what no module can say."""

import ast
import functools
import itertools
import linecache
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ROOT
from functions.calling import load
from functions.identity import identify
from functions.notebook import module_of
from functions.signature import refuse_generic

_cells = itertools.count()


class Notebook(dict[str, Any]):
    """The names of a notebook, whose cells are run one by one."""

    def __init__(self, *cells: str) -> None:
        super().__init__(__name__="__main__")
        for cell in cells:
            self.run(cell)

    def run(self, cell: str) -> None:
        name = f"<cell {next(_cells)}>"
        linecache.cache[name] = len(cell), None, cell.splitlines(keepends=True), name
        exec(compile(cell, name, "exec", dont_inherit=True), self)

    def made(self, project: Path, name: str = "f") -> tuple[str, str]:
        return module_of(self[name], project)


IMPORTS = """
import numpy as np
import os.path
import scipy.ndimage
from pathlib import Path as P
"""
CELL = """
@functools.lru_cache(maxsize=SIZE)
def f(x: int, path: P | None = None, scale=1.5) -> float:
    \"\"\"Say how much.
      Indented.\"\"\"
    total = sum(g(i) for i in range(x)) if x else LIMITS["low"][0]
    return scale * total + np.random.default_rng(0).integers(1) + LIMITS["high"]
"""
BESIDE = """
def g(i):
    return f(0) + scipy.ndimage.sum_labels(np.array([i])) + len(os.path.join("a", "b"))
"""
CONSTANTS = "import functools\nLIMITS = {'low': (1,), 'high': float('inf'), 'no': None}\nSIZE = 8\n"


OPENS = "def f(n):\n    with open(0, closefd=False) as stream:\n        return stream.readable()\n"
"""A notebook has an `open` of its own around Python's."""


def called(spec: str, text: str, folder: Path) -> Callable[..., Any]:
    module, name = spec.split(":")
    folder.mkdir(exist_ok=True)
    (folder / f"{module}.py").write_text(text, "utf-8")
    return load(folder, module, name)


@pytest.fixture
def python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test load snapshots, which changes Python's path for good."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


def test_a_module_is_made_that_does_the_same(tmp_path: Path, python: None) -> None:
    notebook = Notebook(IMPORTS, CONSTANTS, CELL, BESIDE)
    notebook["LIMITS"]["high"] = 2
    spec, text = notebook.made(tmp_path)
    assert called(spec, text, tmp_path / "snapshot")(3) == notebook["f"](3)
    found = identify(spec, tmp_path, {f"{spec[:-2]}.py": text})
    assert [one.type for one in found.parameters] == ["int", "Path?", "json"]
    assert found.versions.keys() == {"numpy", "scipy"}
    assert "import scipy.ndimage\n" in text and "LIMITS = {'low': (1,), 'high': 2, " in text


def test_the_same_text_is_the_same_module_in_any_notebook(tmp_path: Path) -> None:
    first = Notebook(IMPORTS, CONSTANTS, CELL, BESIDE).made(tmp_path)
    other = Notebook("unused = 1\n", BESIDE, IMPORTS + CONSTANTS, "def h(): ...\n" + CELL + "\n\n")
    assert other.made(tmp_path) == first
    program = f"{IMPORTS}{CONSTANTS}{BESIDE}{CELL}\n" + (
        "if __name__ == '__main__':\n"
        "    import sys\n    sys.path.insert(0, sys.argv[1])\n"
        "    from pathlib import Path\n    from functions.notebook import module_of\n"
        "    print(module_of(f, Path('.'))[0])\n"
    )
    (tmp_path / "program.py").write_text(program)
    command = [sys.executable, "program.py", str(ROOT / "bin")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == f"{first[0]}\n", done.stderr


@pytest.mark.parametrize(
    "cell",
    [
        "SIZE = 9",
        "LIMITS = {'low': (1,), 'high': float('inf'), 'no': 0}",
        "LIMITS = {'low': [1], 'high': float('inf'), 'no': None}",
        "import numpy.linalg as np",
        BESIDE.replace("+", "-"),
        BESIDE.replace("return", "# why\n    return"),
    ],
)
def test_what_it_uses_makes_another(tmp_path: Path, cell: str) -> None:
    notebook = Notebook(IMPORTS, CONSTANTS, CELL, BESIDE)
    before = notebook.made(tmp_path)
    notebook.run(cell)
    assert notebook.made(tmp_path)[0] != before[0]


def test_what_it_does_not_use_makes_no_other(tmp_path: Path) -> None:
    notebook = Notebook("def f(x):\n    return [K for K in x]\n")
    before = notebook.made(tmp_path)
    notebook.run("K = 1\ndef h(): ...\nx = open\n")
    assert notebook.made(tmp_path) == before


def test_imports_name_what_is_public_and_the_same_everywhere(tmp_path: Path) -> None:
    notebook = Notebook("import os.path as files\nfrom json import JSONDecoder as D\n")
    notebook.run("def f():\n    return D, files.join\n")
    lines = ["import os.path as files", "from json import JSONDecoder as D"]
    assert notebook.made(tmp_path)[1].splitlines()[:2] == lines


@pytest.mark.parametrize(
    ("cells", "result"),
    [
        (["def f(n):\n    return n * f(n - 1) if n else 1\n"], 6),
        (["def f(n):\n    return g(n - 1) if n else 7\ndef g(n):\n    return f(n)\n"], 7),
        (["K = 4\n", "def f(n, k=K):\n    return n + k\n"], 7),
        (
            [
                "from functools import wraps\n",
                "def z(of):\n    @wraps(of)\n    def inner(n):\n        return -of(n)\n"
                "    return inner\n",
                "@z\ndef f(n):\n    return n\n",
            ],
            -3,
        ),
        (["def b(): return 5\n", "def f(n, k=b()):\n    return n + k\n"], 8),
        (["if True:\n    def f(n):\n        return n * 2\n"], 6),
        (
            [
                "from __future__ import annotations\nN = 2\n"
                "def f(n: no.such = N) -> nothing:\n    return n\n"
            ],
            3,
        ),
        (["from math import sqrt as root\n", "def f(n):\n    return root(n * 12)\n"], 6.0),
        (["from numpy import sin\n", "def f(n):\n    return float(sin(n))\n"], math.sin(3)),
        (["import xml\ndef f(n):\n    return len(xml.dom.minidom.__name__) - n\n"], 12),
        (
            ["X = (float('nan'), -0.0, b'\\0', '\\ud800', 2**80)\ndef f(n):\n    return X[4]\n"],
            2**80,
        ),
        (["import functools\nopen = functools.wraps(open)(lambda *a: 1)\n", OPENS], True),
        (["def f(n):\n    return (lambda a: a * n)(max(1, 2))\n"], 6),
        (["def f(n):\n    class C:\n        k = n\n    return C.k\n"], 3),
    ],
)
def test_a_module_of_each_kind_of_names(
    tmp_path: Path, python: None, cells: list[str], result: object
) -> None:
    assert called(*Notebook(*cells).made(tmp_path), tmp_path / "snapshot")(3) == result


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (["f = lambda: 1\n"], "a lambda has no name"),
        (["def o(k):\n    def g(): return k\n    return g\nf = o(1)\n"], "g is a closure, over k"),
        (["def o():\n    def g(): return 1\n    return g\nf = o()\n"], "is within a function"),
        (["class C:\n    def m(self): ...\nf = C().m\n"], "C.m is a method"),
        (["class C:\n    def m(self): ...\nf = C.m\n"], "C.m is within a function or class"),
        (["class f: ...\n"], "f is a class"),
        (["import functools\nf = functools.partial(print, 1)\n"], "a partial has no source"),
        (["f = len\n"], "len is a builtin"),
        (["f = 3\n"], "is no function"),
        (["import numpy as np\nA = np.ones(3)\ndef f(): return A\n"], "f uses A, which is a numpy"),
        (["import os\nT = open(os.devnull)\ndef f(): return T\n"], "f uses T, which is a _io.Text"),
        (["def f(): return no\n"], "f uses no, which is not defined"),
        (["def f(): return __file__\n"], "f uses __file__, which is not"),
        (["def f(): return __name__\n"], "f uses __name__, which is not the same elsewhere"),
        (["_1 = 5\n", "def f(): return _1\n"], "f uses _1, which is not the same elsewhere"),
        (["Out = {}\n", "def f(): return Out\n"], "f uses Out, which is not the same elsewhere"),
        (["S = {1}\ndef f(): return S\n"], "f uses S, which is a set"),
        (["class C: ...\ndef f(): return C()\n"], "f uses C, which is a class of the notebook"),
        (["class C: ...\nc = C()\ndef f(): return c\n"], "f uses c, which is a __main__.C"),
        (["import numpy as np\nk = np.float64(1)\ndef f(): return k\n"], "numpy.float64"),
        (["from pathlib import Path\np = Path('a')\ndef f(): return p\n"], "p, which is a path"),
        (["x = []\nx.append(x)\ndef f(): return x\n"], "f uses x, which holds itself"),
        (["x = 'a' * 200_000\ndef f(): return x\n"], "f uses x, which has 200,002 letters"),
        (["h = lambda: 1\ndef f(): return h()\n"], "f uses h: a lambda has no name"),
        (["def a(): ...\nh = a\ndef f(): return h()\n"], "h, which is the function a: call"),
        (["def f():\n    global k\n    k = 1\n"], "f sets the global k"),
        (["def g(): return no\ndef f(): return g()\n"], "g uses no, which is not defined"),
        (["import functools\ndef g(): ...\nf = functools.cache(g)\n"], "g is not what its `def`"),
        (
            ["import functools\n@functools.cache\ndef g(): ...\nf = g.__wrapped__\n"],
            "g is not what its `def` made",
        ),
        (["K = 1\ndef f(k=K): ...\n", "K = 2\n"], "a default of f is not what K is now"),
    ],
)
def test_what_no_module_can_say_is_refused_by_name(
    tmp_path: Path, cells: list[str], words: str
) -> None:
    with pytest.raises(ValueError) as said:
        Notebook(*cells).made(tmp_path)
    assert words in str(said.value)


def test_a_source_that_is_another_is_refused(tmp_path: Path) -> None:
    notebook = Notebook("def f():\n    return 1\n")
    name = notebook["f"].__code__.co_filename
    text = "def f():\n    return 2\n"
    linecache.cache[name] = len(text), None, text.splitlines(keepends=True), name
    with pytest.raises(ValueError, match="the source of f is not what was defined"):
        notebook.made(tmp_path)
    del linecache.cache[name]
    with pytest.raises(ValueError, match="the source of f can't be read"):
        notebook.made(tmp_path)


def test_a_recursion_to_another_function_is_refused(tmp_path: Path) -> None:
    notebook = Notebook("def f(n): return f(n)\ng = f\n", "def f(n): ...\n")
    with pytest.raises(ValueError, match="f uses f, which now is another"):
        notebook.made(tmp_path, "g")


def test_a_function_of_the_project_is_imported_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "src/knots").mkdir(parents=True)
    (tmp_path / "src/knots/tied.py").write_text(
        "import functools\ndef tie(x): return x\nother = functools.wraps(tie)(lambda x: x)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path / "src"))
    import knots.tied  # type: ignore[import-not-found]

    try:
        tied = knots.tied
        assert module_of(tied.tie, tmp_path / "src") == ("knots.tied:tie", "")
        with pytest.raises(ValueError, match="as the project the directory that Python imports"):
            module_of(tied.tie, tmp_path)
        with pytest.raises(ValueError, match="tie is not what knots.tied has by that name"):
            module_of(tied.other, tmp_path / "src")
        notebook = Notebook("from knots.tied import tie\ndef f(x):\n    return tie(x)\n")
        spec, text = notebook.made(tmp_path / "src")
        found = identify(spec, tmp_path / "src", {f"{spec[:-2]}.py": text})
        assert "knots/tied.py" in found.files
        elsewhere = module_of(tied.tie, tmp_path / "another")[1]
        assert elsewhere == "def tie(x): return x\n"
    finally:
        del sys.modules["knots.tied"], sys.modules["knots"]


def test_a_function_that_is_installed_is_refused(tmp_path: Path) -> None:
    for function in (np.linspace, functools.reduce, functools.wraps):
        with pytest.raises(ValueError, match="write a function that"):
            module_of(function, tmp_path)


def test_type_parameters_are_refused_by_name() -> None:
    """As Python has them from 3.12 on; the tree of an older one has no place for them."""
    (node,) = ast.parse("def f(x: int): ...").body
    assert isinstance(node, ast.FunctionDef)
    refuse_generic(node, "m:f")
    node.type_params = [ast.Name("T")]  # type: ignore[attr-defined,unused-ignore]
    with pytest.raises(ValueError, match=r"m:f has type parameters, \[T\]: write it without them"):
        refuse_generic(node, "m:f")
