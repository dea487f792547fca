"""What is asked for: a command line, the image it runs in, and the files it is given."""

import dataclasses
from pathlib import PurePath
from typing import Any

from ...core import work
from ...core.ledger import among
from ...core.tables import ParamSet, Request
from .tables import CommandRequest

NAME = "bossflow.workflows.command"  # is hashed into ids, wherever this module is
VERSION = "1"  # raised when the same command would be given, or keep, something else
SETTINGS = {"cores": 1, "memory": 2 * work.GIB, "seconds": 0}
"""What a recorded command line would ask for if it were run again."""


def expand(
    params: dict[str, Any], described: dict[str, Any]
) -> tuple[list[work.Request], list[str]]:
    """Return one request for each command line.

    Raises
    ------
    ValueError
        If two rows ask for the same.
    """
    requests: dict[str, tuple[work.Request, str]] = {}
    for row in described["rows"]:
        asked = {name: row[name] for name in ("command", "entrypoint", "outputs", "tool")}
        settings = {name: row[name] for name in (*SETTINGS, "engine", "image")}
        request = _request(asked, row["inputs"], settings)
        if request.request_id in requests:
            where = requests[request.request_id][1]
            raise ValueError(f"{row['where']} asks for the same as {where}: remove one")
        request = dataclasses.replace(request, name=row.get("name"))
        requests[request.request_id] = request, row["where"]
    return [request for request, _ in requests.values()], []


def _request(
    asked: dict[str, Any], inputs: list[dict[str, Any]], settings: dict[str, Any]
) -> work.Request:
    contents = [{"name": one["name"], "sha256": one["sha256"]} for one in inputs]
    request = work.Request(
        workflow=NAME,
        paramset=work.ParamSet("command", VERSION, asked),
        subject=contents,
        given={"inputs": inputs, "settings": settings},
    )
    row = {"request_id": request.request_id, "command_inputs": inputs}
    return dataclasses.replace(request, rows=((CommandRequest, [row]),))


def units(request: work.Request) -> list[work.UnitPlan]:
    """Return the one unit of a command line."""
    inputs = request.given["inputs"]
    contents = [{"name": one["name"], "sha256": one["sha256"]} for one in inputs]
    settings = request.given["settings"] | {"paths": [one["path"] for one in inputs]}
    return [
        work.UnitPlan(
            "COMMAND",
            {"request_id": request.request_id},
            request.paramset.parameters | {"inputs": contents},
            settings=settings,
            asks=work.Asks(settings["cores"], settings["memory"], settings["seconds"] or None),
        )
    ]


def recall(request_ids: list[str]) -> dict[str, work.Request]:
    """Return recorded command lines by id."""
    found = {}
    for row in among(CommandRequest() * Request() * ParamSet(), "request_id", request_ids):
        settings = SETTINGS | {"engine": "none", "image": ""}
        found[row["request_id"]] = _request(row["parameters"], row["command_inputs"], settings)
    return found


def describe(
    requests: list[work.Request], counts: list[dict[str, tuple[int, int]]]
) -> list[dict[str, Any]]:
    """Return command, image and inputs of each."""
    return [
        {
            "command": request.paramset.parameters["command"],
            "tool": request.paramset.parameters["tool"],
            "inputs": [str(PurePath(one["path"])) for one in request.given["inputs"]],
        }
        for request in requests
    ]


def in_words(counts: dict[str, int]) -> str:
    """Return how many command lines."""
    number = counts.get("COMMAND", 0)
    return f"{number} command line{'s' * (number != 1)}"


def pulled_bytes(unit: work.UnitPlan) -> int:
    """Return 0: nothing comes from an archive."""
    return 0


def seconds(unit: work.UnitPlan) -> float:
    """Return a minute, or the limit that is asked for: each has a task of its own."""
    return float(unit.settings["seconds"] or 60)
