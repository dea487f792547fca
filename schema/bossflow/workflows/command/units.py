"""What a command line takes: one unit, in a task of its own."""

from ...core.work import Asks, Request, UnitPlan
from .requests import SETTINGS, contents


def units(request: Request) -> list[UnitPlan]:
    """Return the one unit of a command line."""
    inputs, settings = request.given["inputs"], SETTINGS | request.settings
    return [
        UnitPlan(
            "COMMAND",
            {"request_id": request.request_id},
            request.paramset.parameters | {"inputs": contents(inputs)},
            settings=settings | {"paths": [one["path"] for one in inputs]},
            asks=Asks(settings["cores"], settings["memory"], settings["seconds"] or None),
            name=request.name,
            exact=request.given["exact"],
        )
    ]


def seconds(unit: UnitPlan) -> float:
    """Return what is asked for, else a minute: enough for each to have a task of its own."""
    return unit.asks.seconds or 60.0
