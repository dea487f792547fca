"""Command lines that are applied to blocks: what they are known by, and how they are run."""

from typing import Any

from ...core.work import Asks, Request

TOOL = ("command", "entrypoint", "tool")
"""What of a command line decides what it makes."""

RUN: dict[str, Any] = {"engine": "none", "image": "", "cores": 1, "limit": 0}
"""What only says how it is run, and what stands for it where it is recorded."""

SECONDS = 60.0
"""What a block takes where nothing is said: enough for each to have a task of its own."""


def identity(tool: dict[str, Any]) -> dict[str, Any]:
    """Return of a command line, as `tools.asked` describes it, what is in the parameter set."""
    return {name: tool[name] for name in TOOL}


def run(tool: dict[str, Any]) -> dict[str, Any]:
    """Return of a command line the settings of its request."""
    return {name: tool[name] for name in RUN if name in tool} | {"limit": tool["seconds"]}


def asks(settings: dict[str, Any], memory: int) -> Asks:
    """Return what a block asks for, with `RUN` among its settings."""
    return Asks(settings["cores"], memory, settings["limit"] or SECONDS, unknown=True)


def of_unit(settings: dict[str, Any], memory: int) -> dict[str, Any]:
    """Return how the command of a block is run, as STAGE_COMMAND takes it."""
    own = {name: settings[name] for name in ("engine", "image", "cores")}
    return own | {"memory": memory, "seconds": settings["limit"]}


def again(request: Request, params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that ask for a recorded request's command; of a function, none."""
    asked = request.paramset.parameters
    if "command" not in asked:
        return {}
    told = {
        "command": asked["command"],
        "entrypoint": asked["entrypoint"],
        "tool_version": asked["tool"]["version"],
        "image": request.given["image"],
        **{name: params.get(name) for name in ("engine", "cores", "time_limit")},
    }
    return {name: value for name, value in told.items() if value}
