"""Command lines as they are asked for: what of them is known by content is looked at here."""

import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from pathlib import Path, PurePosixPath
from string import ascii_letters
from typing import Any, TypeVar

from kit.faults import Faults
from kit.texts import one_line

from .files import content, sha256
from .registries import by_digest, resolved
from .told import pattern
from .words import filled

Known = TypeVar("Known")

OUTPUTS = ["outputs"]
"""What is kept where nothing is said."""

NONE = {"engine": "none", "image": "", "digest": ""}
"""What runs a command line without an image."""


def described(
    rows: Iterable[Mapping[str, Any]],
    tool: Mapping[str, Any] | None,
    launch_dir: str,
    faults: Faults | None = None,
) -> list[dict[str, Any]]:
    """Return the command lines that are asked for, with the contents of their files.

    Parameters
    ----------
    rows : iterable of mapping
        As `kit.rows` gives them, by the parameters of workflow `command`.
    tool : mapping
        `engine` (`docker`, `apptainer`, `singularity` or `none`), `image` as the engine is told,
        its `digest`, and `tag`, where its registry is to tell the digest.
    launch_dir : str
        Where paths start that are relative.
    faults : Faults, optional
        To be told of rows of which something is not there or can't be used; else it is raised.

    Returns
    -------
    list of dict
        Of each `command`, `entrypoint`, `outputs`, `tool` (`sha256` of the program or the image,
        `version`), `inputs` (of each `name`, `path`, `sha256`, `bytes`, `n_files`), `exact`;
        `engine`, `image`, `cores`, `memory` (bytes), `seconds` (0 is no limit); `name`, `where`;
        `score_format`, where one is given.

    Raises
    ------
    ValueError
        With one sentence, if something is not there or can't be used, or the image not be known.
    """
    runs = dict(tool or NONE)
    if runs.get("tag"):
        try:
            runs["digest"] = resolved(runs["tag"])
        except OSError as error:
            why = one_line(str(getattr(error, "reason", error)))
            raise ValueError(
                f"image {runs['tag']}: its registry can't be reached ({why}): give the image with "
                "its digest, NAME@sha256:…, or as a .sif file"
            ) from None
        runs["image"] = f"docker://{by_digest(runs['tag'], runs['digest'])}"
    known: dict[Path, dict[str, Any]] = {}
    found, faults = [], faults or Faults()
    for row in rows:
        with faults.of(row["where"]):
            found.append(_described(row, runs, launch_dir, known))
    return found


def _described(
    row: Mapping[str, Any],
    tool: Mapping[str, Any],
    launch_dir: str,
    known: dict[Path, dict[str, Any]],
) -> dict[str, Any]:
    where = row["where"]
    paths = [Path(launch_dir, given) for given in row["inputs"] or ()]
    names = [path.name for path in paths]
    if "" in names:
        raise ValueError(f"{where}: an input must have a name, which / has not")
    if again := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f"{where}: two inputs are called {one_line(again)}: put one elsewhere")
    outputs = list(row["outputs"] or OUTPUTS)
    for output in outputs:
        parts = PurePosixPath(output).parts
        if not parts or parts[0] == "/" or ".." in parts:
            raise ValueError(
                f"{where}: output {one_line(output)} must be a path in the directory where the "
                "command runs, such as outputs/*.nii"
            )
        try:
            list(Path(os.devnull, "none").glob(output))
        except (ValueError, NotImplementedError, IndexError) as error:
            raise ValueError(f"{where}: output {one_line(output)} is no glob: {error}") from None
    try:
        words = filled(row["command"], [f"inputs/{name}" for name in names], 1, 0)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    form = row.get("score_format")
    if form:
        try:
            pattern(form)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None
    if tool["engine"] == "none" and row["entrypoint"]:
        raise ValueError(f"{where}: entrypoint is an image's: give image, too, or leave it out")
    digest = _program(words[0], where) if tool["engine"] == "none" else tool["digest"]
    for path in paths:
        if path not in known:
            known[path] = _readable(content, path, where)
    return {
        "command": list(row["command"]),
        "entrypoint": row["entrypoint"] or "",
        **({"score_format": form} if form else {}),
        "outputs": outputs,
        "tool": {"sha256": digest, "version": row["tool_version"] or ""},
        "inputs": [{"name": path.name, "path": str(path)} | known[path] for path in paths],
        "exact": row["exact"],
        "engine": tool["engine"],
        "image": tool["image"],
        "cores": row["cores"],
        "memory": size(row["memory"]),
        "seconds": _number(row["time_limit"], _SECONDS) if row["time_limit"] else 0,
        "name": row["name"],
        "where": where,
    }


def size(text: str) -> int:
    """Return how many bytes `16 GB` is."""
    return _number(text, _BYTES)


_BYTES = {"MB": 2**20, "GB": 2**30, "TB": 2**40}  # as Nextflow counts them
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400}


def _number(text: str, units: Mapping[str, int]) -> int:
    """Return how much `16 GB` or `2h` is."""
    number = text.rstrip(f"{ascii_letters} ")
    return int(Decimal(number) * units[text.removeprefix(number).strip()])


def _program(word: str, where: str) -> str:
    """Return the digest of the program that a word names; none of one that is an input."""
    if word.startswith("inputs/"):
        return ""
    found = shutil.which(word)
    if not found or not os.path.isabs(found):
        raise ValueError(
            f"{where}: there is no program {one_line(word)} on PATH: install it, or give an image"
        )
    return _readable(sha256, Path(found), where)


def _readable(look: Callable[[Path], Known], path: Path, where: str) -> Known:
    try:
        return look(path)
    except OSError as error:
        named = one_line(str(error.filename or path))
        raise ValueError(f"{where}: {named} can't be read: {error.strerror or error}") from None
