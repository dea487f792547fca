"""A run of the pipeline that asks for the rows of a step."""

import json
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from secrets import token_hex

from ..kit.digests import digest
from ..upkeep import launching
from . import points, sheets
from .steps import Row, Step

Asked = Sequence[tuple[str, Row]]
"""Rows with what they are called."""


def run(
    step: Step, asked: Asked, directory: Path, begin: str, what: str, options: Iterable[str]
) -> None:
    """Run the pipeline, whatever becomes of its units.

    Parameters
    ----------
    step : Step
    asked : sequence
        The rows, with their names.
    directory : Path
        Where it leaves what it leaves; sheet and parameters go beside it.
    begin : str
        How its name begins: by this it is found in the database.
    what : str
        What messages call it.
    options : iterable of str
        What `nextflow run` is told beside.

    Raises
    ------
    ValueError
        If it did not begin, or did not come to its end.
    """
    text = sheets.sheet(asked, step.parameters)
    sheet = directory.parent / f"{step.name}-{digest(text)[:8]}.csv"
    name = f"{begin}-{token_hex(4)}"
    params = _params(step, sheet, text) | {"outdir": str(directory)}
    words = ["-params-file", _file(sheet, params), "-name", name, *options]
    code = launching.run(words)
    ended = points.ended(name)
    if ended is None:
        raise ValueError(f"{what} did not begin: Nextflow ended with {code}, as it says above")
    if not ended:
        raise ValueError(
            f"{what} ended early, with {code}: run it again, which goes on with the same points"
        )


def dry(step: Step, asked: Asked, options: Iterable[str]) -> int:
    """Have the pipeline say what it would do, and return its exit code; nothing is left."""
    with tempfile.TemporaryDirectory(prefix="bossflow-sweep-") as directory:
        sheet = Path(directory) / "sheet.csv"
        params = _params(step, sheet, sheets.sheet(asked, step.parameters))
        params |= {"dry_run": True, "outdir": str(Path(directory) / "results")}
        return launching.run(["-params-file", _file(sheet, params), *options])


def _params(step: Step, sheet: Path, text: str) -> dict[str, object]:
    """Return the parameters of a run, whose sheet is written."""
    sheet.parent.mkdir(parents=True, exist_ok=True)
    _write(sheet, text)
    return step.settings | {"workflow": step.workflow, "input": str(sheet)}


def _file(sheet: Path, params: dict[str, object]) -> str:
    file = sheet.with_suffix(".json")
    _write(file, json.dumps(params, indent=1, ensure_ascii=False))
    return str(file)


def _write(path: Path, text: str) -> None:
    """Write a file whole: another runner of the round may read it."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_text(text, "utf-8")
    aside.replace(path)
