"""What a mapped function takes: a copy of its sources, and a unit for each call."""

from typing import Any

from ...core.work import Asks, Request, UnitPlan
from .requests import function_id


def units(request: Request) -> list[UnitPlan]:
    """Return the copy of the function's sources, and its calls.

    What a call returns may differ from one time to the next, so what was recorded first holds.
    What is known to take long comes first, and the rest by id, so that calls of neighbouring rows,
    which may take long alike, are in different tasks.
    """
    settings, staged = request.settings, staging(request)
    key = staged.key
    paths, made_by = request.given.get("paths", {}), settings.get("sources", {})
    usual, long = settings.get("seconds"), settings.get("long", {})
    calls = request.given["calls"]
    return [staged] + [
        UnitPlan(
            "CALL_FUNCTION",
            key | {"call_id": name},
            {"arguments": arguments},
            (staged,),
            settings={"paths": paths.get(name, {})},
            asks=Asks(seconds=long.get(name, usual), unknown=settings.get("unknown", False)),
            name=name,
            amount=1,
            amount_unit="calls",
            exact=False,
            sources=_sources(paths.get(name, {}), made_by),
        )
        for name, arguments in sorted(calls, key=lambda call: (-long.get(call[0], 0), call[0]))
    ]


def _sources(paths: dict[str, str], made_by: dict[str, str]) -> tuple[dict[str, str], ...]:
    """Return rows of what made the files of a call."""
    names = sorted({made_by[path] for path in paths.values() if path in made_by})
    return tuple({"file_made_by": name} for name in names)


def staging(request: Request) -> UnitPlan:
    """Return the copy of the sources of a request's function."""
    function = request.given["function"]
    key = {"function_id": function_id(function)}
    given = request.settings
    own: dict[str, Any] = {"project": given.get("project", "")}
    own |= {name: given[name] for name in ("requirements",) if name in given}
    return UnitPlan("STAGE_FUNCTION", key, function, settings=own)


def seconds(unit: UnitPlan) -> float:
    """Return roughly how long a unit takes on one core, where nothing is known."""
    return 0.1 if unit.process == "STAGE_FUNCTION" else 1.0
