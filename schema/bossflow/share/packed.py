"""A crate as it is written: the workflow, the data, and last what describes them."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .. import __version__
from ..kit.texts import many
from . import calls, crate, files, readme
from .means import WORKFLOW

_MAIN = Path(__file__).resolve().parents[3] / WORKFLOW


class Crate:
    """What is written of a request.

    Parameters
    ----------
    told : dict
        As `look.lineage.lineage` returns it.
    request : str
        Its id.
    licence : str
    with_data : bool
        Copy the files of the request's own units.

    Raises
    ------
    ValueError
        If the workflow or files that are to be copied are not here.
    """

    def __init__(self, told: dict[str, Any], request: str, licence: str, with_data: bool) -> None:
        self._told, self._request, self._licence = told, request, licence
        if not _MAIN.is_file():
            raise ValueError(
                f"a crate holds the workflow's {WORKFLOW}, which is not beside this installation: "
                "call bossflow from a clone of its repository"
            )
        self._data = files.listed(told, request) if with_data else []
        self._files: list[crate.File] = []

    def write(self, directory: Path, progress: Callable[[int, int], None]) -> list[str]:
        """Copy workflow and data; return sentences on what is there."""
        shutil.copyfile(_MAIN, directory / WORKFLOW)
        about = f"The pipeline as bossflow {__version__} has it, which wrote this crate"
        self._files = [files.of(directory, WORKFLOW, about)]
        whole = files.size(self._data)
        copied = [*files.copied(self._data, directory, lambda size: progress(size, whole))]
        self._files += copied
        holds = [
            "ro-crate-metadata.json: where it came from, unit by unit (Provenance Run Crate 0.5); "
            "the sha256 of a unit's output is the digest of its content in bossflow's records",
            f"{WORKFLOW}: the pipeline",
        ]
        if self._data:
            said = calls.write(self._told, directory)
            self._files += [files.of(directory, calls.FILE, one) for one in said]
            holds += said
            holds.append(
                f"data/: {many(len(copied), 'file')} of the result, {whole:,} bytes, as "
                "they lay in the store"
            )
        else:
            holds.append("no data: outputs are named by where they lay when they were recorded")
        return holds

    def finish(self, directory: Path) -> None:
        """Write what describes it all."""
        self._files.append(files.of(directory, "README.md"))
        title = readme.title(self._told, self._request)
        description = (
            f"Request {self._request} of bossflow, with the {len(self._told['executions']):,} "
            "recorded units that it was made by, back to the boxes of archives"
        )
        about = crate.About(self._request, title, description, self._licence, self._files)
        crate.write(self._told, about, directory / "ro-crate-metadata.json")
