"""How the pipeline is run from here: which Nextflow, with what environment, and how it ends."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from ..kit.system import ending_in_order
from .pipeline import OWN

QUICKLY = "report.enabled = false\ntimeline.enabled = false\ndag.enabled = false\n"
"""What Nextflow is told beside where nobody looks at a chart of a run."""

END_SECONDS = 20
"""How long Nextflow may take to end its tasks, once it is told to."""


def found() -> dict[str, str]:
    """Return the variables by which programs are found beside this Python, and this package."""
    own = str(Path(sys.executable).parent), str(Path(__file__).parents[2])
    names = ("PATH", os.defpath), ("PYTHONPATH", "")
    return {
        name: os.pathsep.join(filter(None, [first, os.environ.get(name, default)]))
        for first, (name, default) in zip(own, names, strict=True)
    }


def nextflow() -> str:
    """Return the path of Nextflow.

    Raises
    ------
    ValueError
        If there is none.
    """
    path = shutil.which("nextflow", path=found()["PATH"])
    if path is None:
        raise ValueError("there is no nextflow on PATH: `. .venv/bin/activate`, or run ./set-up.sh")
    return path


def run(words: Sequence[str]) -> int:
    """Run the pipeline from the working directory with these words; return its exit code."""
    command = [nextflow(), "run", str(OWN), *words]
    with ending_in_order():
        return ended(command, Path.cwd(), os.environ | found())


def ended(
    command: list[str],
    directory: Path,
    environment: dict[str, str],
    log: IO[bytes] | None = None,
) -> int:
    """Run Nextflow, and return its exit code; if we have to end, it ends its tasks first.

    What it says goes to `log`, else to where this program's does.
    """
    process = subprocess.Popen(
        command,
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT if log else None,
    )
    try:
        return process.wait()
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(END_SECONDS)
        process.kill()
        process.wait()
