"""Command lines for the blocks of a volume: what is asked for, and the files they are handed."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kit.faults import Faults

from . import asked

VOXELS = ("npy", "nrrd", "nii", "nii.gz", "tif")
"""Endings of files of voxels."""

ROWS = ("csv", "jsonl", "parquet")
"""Endings of files of rows."""

UNHELD = ("bool", "float16")
"""Dtypes that only .npy and .tif hold."""

ABOUT = "inputs/block.json"

OF_COMMANDS = ("entrypoint", "tool_version", "cores", "time_limit")
OF_FUNCTIONS = ("arguments", "project_dir", "requirements")

_STANDS = re.compile(r"\{(block|result)(?:\.([^{}]*))?\}")


def described(
    params: Mapping[str, Any],
    rows: Iterable[dict[str, Any]],
    tool: Mapping[str, Any] | None,
    faults: Faults,
) -> bool:
    """Fill rows with the `tool` that is applied to their blocks; return whether there is one.

    Parameters
    ----------
    params : mapping
        Of the run of workflow `apply`.
    rows : iterable of dict
        As `kit.rows` gives them. Each gets `tool`, as `asked.described` gives it.
    tool : mapping, optional
        As `asked.described` takes it.
    faults : Faults
        Is told of rows that are wrong.

    Raises
    ------
    ValueError
        If the command can't be run, or something is only for one.
    """
    if not params["command"]:
        names = [name for name in OF_COMMANDS if params[name] not in (None, 1)]  # 1: of cores
        if names:
            raise ValueError(f"{names[0]} is for a command: give command, too, or leave it out")
        return False
    line = {name: params[name] for name in ("command", "entrypoint", "tool_version", "time_limit")}
    line |= {"inputs": None, "outputs": None, "exact": False, "memory": "1 MB", "name": None}
    line |= {"cores": params["cores"], "where": "the parameters"}
    (command,) = asked.described([line], tool, "/")
    for row in rows:
        with faults.of(row["where"]):
            if row["function"]:
                raise ValueError(f"give function or command, and not both (in {row['where']})")
            for name in OF_FUNCTIONS:
                if row.get(name, params.get(name)):
                    raise ValueError(
                        f"{name} is for a function: leave it out with a command (in {row['where']})"
                    )
            try:
                files(params["command"], row["dtype"])
            except ValueError as error:
                raise ValueError(f"{error} (in {row['where']})") from None
            row["tool"] = command
    return True


def files(words: Sequence[str], dtype: str | None) -> dict[str, str]:
    """Return the paths that names stand for in a command line, where it runs.

    Parameters
    ----------
    words : sequence of str
        The command line: `{block}` or `{block.ENDING}`, `{result}` or `{result.ENDING}`, `{about}`.
    dtype : str, optional
        Of the voxels that it makes; else it makes rows.

    Raises
    ------
    ValueError
        If it has no file of the block or none for its result, or these are of other formats.
    """
    found = {"about": ABOUT}
    endings: dict[str, set[str]] = {"block": set(), "result": set()}
    for name, ending in _STANDS.findall(" ".join(words)):
        known = ROWS if name == "result" and not dtype else VOXELS
        kept = ending or VOXELS[0]
        if kept not in known:
            raise ValueError(_not_of(name, ending, dtype, known))
        if dtype in UNHELD and name == "result" and kept not in ("npy", "tif"):
            raise ValueError(
                f"command has results of .{kept}, which hold no {dtype}: write {{result}}"
            )
        endings[name].add(kept)
        directory = "inputs" if name == "block" else "outputs"
        found[f"{name}.{ending}" if ending else name] = f"{directory}/{name}.{kept}"
    for name, meaning in (("block", "the file of a block"), ("result", "the file that it writes")):
        if not endings[name]:
            example = f"{{{name}}}" if name == "block" or dtype else "{result.csv}"
            raise ValueError(f"command names no {name}: write {example} where it takes {meaning}")
    if len(endings["result"]) > 1:
        raise ValueError(f"command has results of {' and '.join(sorted(endings['result']))}: one")
    return found


def _not_of(name: str, ending: str, dtype: str | None, known: Sequence[str]) -> str:
    given = f"{{{name}.{ending}}}" if ending else f"{{{name}}}"
    if name == "result" and not dtype and ending in ("", *VOXELS):
        return (
            f"command has {given}, a file of voxels, and no dtype is given: give dtype, or for "
            "rows write {result.csv}"
        )
    if name == "result" and dtype and ending in ROWS:
        return (
            f"command has {given}, a file of rows, and dtype {dtype} is given: leave that out, or "
            "for voxels write {result}"
        )
    *others, last = (f"{{{name}.{one}}}" for one in known)
    return f"command has {given}: write {', '.join(others)} or {last}"
