"""Command lines as they are asked for: what of them is known by content is looked at here."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from kit.texts import one_line

from .files import content, sha256
from .words import filled

OUTPUTS = ["outputs"]
"""What is kept where nothing is said."""


def described(row: Mapping[str, Any], tool: Mapping[str, Any], launch_dir: str) -> dict[str, Any]:
    """Return what is asked for in one row, with the contents of its files.

    Parameters
    ----------
    row : mapping
        `command`, `inputs` and `outputs` (lists of str, the last two None where absent),
        `entrypoint` and `tool_version` (str or None), `cores` (int), `memory` (bytes),
        `time_limit` (seconds; 0 for none), `name`, and `where` it is asked for.
    tool : mapping
        `engine` (`docker`, `apptainer` or `none`), `image` as the engine is told, and its `digest`.
    launch_dir : str
        Where paths start that are relative.

    Returns
    -------
    dict
        `command`, `entrypoint`, `outputs`, `tool` (`sha256` and `version` of a program, or the
        image's), `inputs` (of each `name`, `path`, `sha256`, `bytes`, `n_files`); `engine`,
        `image`, `cores`, `memory`, `seconds`; `name` and `where`.

    Raises
    ------
    ValueError
        With one sentence, if something is not there or can't be used.
    """
    where = row["where"]
    inputs = []
    for given in row["inputs"] or []:
        path = Path(os.path.abspath(Path(launch_dir) / Path(given).expanduser()))
        if not path.exists():
            raise ValueError(f"{where}: input {one_line(given)} is not there")
        inputs.append({"name": path.name, "path": str(path)})
    names = [one["name"] for one in inputs]
    if again := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f"{where}: two inputs are called {one_line(again)}: put one elsewhere")
    outputs = list(row["outputs"] or OUTPUTS)
    for pattern in outputs:
        parts = PurePosixPath(pattern).parts
        if not parts or parts[0] == "/" or ".." in parts:
            raise ValueError(
                f"{where}: output {one_line(pattern)} must be a path in the directory where the "
                "command runs, such as outputs/*.nii"
            )
    words = filled(row["command"], [f"inputs/{name}" for name in names], 1, 0)
    if tool["engine"] == "none":
        if row["entrypoint"]:
            raise ValueError(f"{where}: entrypoint is an image's: give image, too, or leave it out")
        identity = {"sha256": _program(words[0], where), "version": row["tool_version"] or ""}
    else:
        identity = {"sha256": tool["digest"], "version": row["tool_version"] or ""}
    for one in inputs:
        one.update(content(Path(one["path"])))
    return {
        "command": list(row["command"]),
        "entrypoint": row["entrypoint"] or "",
        "outputs": outputs,
        "tool": identity,
        "inputs": inputs,
        "engine": tool["engine"],
        "image": tool["image"],
        "cores": row["cores"],
        "memory": row["memory"],
        "seconds": row["time_limit"],
        "exact": row["exact"],
        "name": row["name"],
        "where": where,
    }


def _program(word: str, where: str) -> str:
    """Return the digest of the program that a word names; none of one that is an input."""
    if word.startswith("inputs/"):
        return ""
    found = shutil.which(word)
    if not found or not os.path.isabs(found):
        raise ValueError(
            f"{where}: there is no program {one_line(word)} on PATH: install it, or give an image"
        )
    return sha256(Path(found))
