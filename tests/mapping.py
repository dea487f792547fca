"""Workflow map a step at a time in the process of a test: what Nextflow does, in a second."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from call_function import call
from functions.caller import Caller
from pipeline import NUMBERS
from stage_function import stage
from steps import Cutouts

HELPER = "def double(x):\n    return 2 * x\n"
MODULE = """
import os
import signal
import sys
from pathlib import Path

import numpy as np
from helper import double


def twice(x: int, how: str = "", file: Path | None = None):
    print("said by a user's function")
    if how == "change":
        file.write_text("changed")
    if file is not None:
        return file.read_text() * x
    if how == "raise":
        raise ValueError(f"no {x}")
    if how == "exit":
        sys.exit(3)
    if how == "die":
        os.kill(os.getpid(), signal.SIGSEGV)
    if how == "array":
        return np.arange(double(x), dtype="u1")
    if how == "file":
        Path("receipts.jsonl").write_text("x" * x)
        return Path("receipts.jsonl")
    if how == "long":
        return ["y" * 5000]
    return {"": double(x), "none": None, "nan": float("nan"), "path": os.path.realpath}.get(how)
"""


class Mapping(Cutouts):
    """What Nextflow does with a function of a project."""

    workflow = "map"

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch, caller: Caller) -> None:
        super().__init__(directory, monkeypatch)
        self.volume = directory
        self.programs = {"STAGE_FUNCTION": stage, "CALL_FUNCTION": partial(call, caller)}
        (directory / "helper.py").write_text(HELPER)
        self.module = f"ours{next(NUMBERS)}"  # the database is that of all tests
        (directory / f"{self.module}.py").write_text(MODULE)

    def map(self, *rows: dict[str, Any], **params: Any) -> dict[str, Any]:
        """Run it all; return what `run` does."""
        file = self.directory / "rows.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return self.run([], **self.asked(file) | params)

    def asked(self, rows: Path) -> dict[str, str]:
        """Return the parameters that ask for the function."""
        return {"function": f"{self.module}:twice", "rows": str(rows)}

    def problem(self, *rows: dict[str, Any], **params: Any) -> str:
        """Return with which sentences a map is refused."""
        from bossflow.core.tables import Request

        before = len(Request())
        said = self.map(*rows, **params)["plan"]["problem"]
        assert said and len(Request()) == before and not self.store.exists()
        return str(said)

    def calls(self, done: dict[str, Any]) -> list[str]:
        """Return the ids of a run's calls."""
        from bossflow.core.tables import Request

        (request,) = done["plan"]["requests"]
        given = (Request.Given() & {"request_id": request}).fetch1("given")
        return [name for name, _ in json.loads(given["canonical"])["given"]["calls"]]

    def results(self, done: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Return what is recorded of a run's calls, by the JSON text of their arguments."""
        from bossflow.workflows.map import FunctionCall, MapRequest

        (request,) = done["plan"]["requests"]
        (name,) = (MapRequest & {"request_id": request}).to_arrays("function_id")
        rows = (FunctionCall & {"function_id": str(name)}).to_dicts()
        return {json.dumps(row["call_arguments"], sort_keys=True): row for row in rows}


@pytest.fixture
def mapping(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mapping]:
    from bossflow.core import installed
    from bossflow.workflows import map as module

    installed.open_schema([module.workflow])
    caller = Caller()
    yield Mapping(tmp_path, monkeypatch, caller)
    caller.close()
