"""Recorded calls, asked for again: with the sources and the arguments as they were recorded."""

import hashlib
import json
from pathlib import Path
from typing import Any

from ...core import holdings, ledger
from ...core.work import Request
from ...functions.spelling import unspelled
from ...kit.texts import many
from .requests import function_id
from .tables import StagedFunction
from .units import units

LOCK = "requirements.txt"
"""The file that a function's distributions are pinned by, beside its sources."""


def unpack(request: Request, directory: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Write the sources and the rows of a request's calls into a new directory.

    Returns
    -------
    dict, dict
        The parameters that name these, and by the ids of units that can't be made again, why: their
        files are not where they were last asked for with, or hold something else; or there is no
        call besides.

    Raises
    ------
    ValueError
        If the sources are not here.
    """
    function, lost = request.given["function"], dict[str, str]()
    rows: list[dict[str, Any]] = []
    for name, arguments in request.given["calls"]:
        paths = request.given.get("paths", {}).get(name, {})
        if gone := lost_file(arguments, paths):
            lost[name] = gone
        else:
            rows.append(as_given(function, arguments, paths))
    params = unpack_function(request, directory)
    params["rows"] = str(directory / "rows.jsonl")
    Path(params["rows"]).write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return params, _left(request, lost, bool(rows))


def unpack_function(request: Request, directory: Path) -> dict[str, Any]:
    """Write the recorded sources of a request's function into a new directory; return parameters.

    With its lock file, if it has one; its image is named.

    Raises
    ------
    ValueError
        If they are not here, or are not what was recorded.
    """
    from ...functions.locks import IMAGE, REQUIREMENTS  # whoever loads the workflow needs none

    function, sources = request.given["function"], directory / "sources"
    key = {"function_id": function_id(function)}
    for recorded in ledger.recorded(StagedFunction, [key]).values():
        bundle = holdings.bundle_here(recorded)
        break
    else:
        raise ValueError(f"the sources of {function['module']} are not recorded: map it again")
    for name, sha256 in function["files"].items():
        content = bundle.file(f"sources/{name}").read_bytes()
        if hashlib.sha256(content).hexdigest() != sha256:
            raise ValueError(
                f"{bundle.at(f'sources/{name}')} is not what was recorded: `bossflow verify` tells "
                "more"
            )
        copy = sources / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(content)
    params = {"function": f"{function['module']}:{function['name']}", "project_dir": str(sources)}
    if REQUIREMENTS in function["versions"]:
        params["requirements"] = str(directory / LOCK)
        (directory / LOCK).write_bytes(bundle.file(LOCK).read_bytes())
    if IMAGE in function["versions"]:
        params["image"] = function["versions"][IMAGE]
    return params


def as_given(
    function: dict[str, Any], arguments: dict[str, Any], paths: dict[str, str]
) -> dict[str, Any]:
    """Return recorded arguments as who asks gives them: of a file its path, else the value."""
    kinds = {name: kind for name, kind, _ in function["parameters"]}
    values = {
        name: value if kinds[name].startswith("Path") else unspelled(value)
        for name, value in arguments.items()
    }
    return values | paths


def lost_file(arguments: dict[str, Any], paths: dict[str, str]) -> str | None:
    """Return the first file of arguments that is not where it was, or holds something else now."""
    lost = (path for name, path in paths.items() if not _holds(path, arguments[name]))
    return next(lost, None)


def why(path: str) -> str:
    """Return why units of such a file can't be made again."""
    return f"called with files that are not where they were, or were changed (such as {path})"


def _holds(path: str, recorded: dict[str, Any]) -> bool:
    """Say whether a file has the content that it had."""
    try:
        with open(path, "rb") as stream:
            return bool(hashlib.file_digest(stream, "sha256").hexdigest() == recorded["sha256"])
    except OSError:
        return False


def _left(request: Request, lost: dict[str, str], some: bool) -> dict[str, str]:
    """Return why units can't be made again, by their ids."""
    if not lost:
        return {}
    because, left = why(next(iter(lost.values()))), {}
    for unit in units(request):
        if unit.key.get("call_id") in lost:
            left[unit.unit_id] = because
        elif not some:
            left[unit.unit_id] = (
                f"of a function all {many(len(lost), 'call')} of which are {because}"
            )
    return left
