"""What is asked for: a command line, the image it runs in, and the files it is given."""

import dataclasses
from typing import Any

from ...core import work
from .tables import CommandRequest

NAME = "bossflow.workflows.command"  # is hashed into ids, wherever this module is
VERSION = "1"  # raised when the same command would be given, or keep, something else
SETTINGS: dict[str, Any] = {
    "engine": "none",
    "image": "",
    "cores": 1,
    "memory": 2 * work.GIB,
    "seconds": 0,
}
"""What only says how it is run, and what stands for it where it is recorded."""


def expand(
    params: dict[str, Any], described: dict[str, Any]
) -> tuple[list[work.Request], list[str]]:
    """Return one request for each command line."""
    requests: list[work.Request] = []
    for row in described["rows"]:
        asked = {name: row[name] for name in ("command", "entrypoint", "outputs", "tool")}
        asked |= {name: row[name] for name in ("score_format",) if row.get(name)}
        given = {name: row[name] for name in ("inputs", "exact", "image")}
        settings = {name: row[name] for name in SETTINGS}
        request = _request(asked, given, settings)
        requests.append(dataclasses.replace(request, name=row.get("name"), where=row["where"]))
    return requests, []


def _request(
    asked: dict[str, Any], given: dict[str, Any], settings: dict[str, Any]
) -> work.Request:
    request = work.Request(
        workflow=NAME,
        paramset=work.ParamSet("command", VERSION, asked),
        subject=contents(given["inputs"]),
        given=given,
        settings=settings,
    )
    row = {"request_id": request.request_id, "command_inputs": given["inputs"]}
    return dataclasses.replace(request, rows=((CommandRequest, [row]),))


def again(request: work.Request, params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that ask for a recorded request."""
    asked, given = request.paramset.parameters, request.given
    told = {
        "command": asked["command"],
        "inputs": [one["path"] for one in given["inputs"]],
        "outputs": asked["outputs"],
        "entrypoint": asked["entrypoint"],
        "score_format": asked.get("score_format"),
        "tool_version": asked["tool"]["version"],
        "exact": given["exact"],
        "image": given["image"],
        **{name: params.get(name) for name in ("engine", "cores", "memory", "time_limit")},
    }
    return {name: value for name, value in told.items() if value}


def contents(inputs: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Return what of inputs decides what is made: names and digests."""
    return [{name: one[name] for name in ("name", "sha256")} for one in inputs]
