"""What an app for a dataset takes: a unit for each view, one for the group, and the dataset."""

from collections.abc import Iterable
from typing import Any

from ... import __version__
from ...core.work import GIB, Asks, Request, UnitPlan
from .requests import VALIDATION, view_key

SETTINGS: dict[str, Any] = {
    "engine": "none",
    "image": "",
    "cores": 1,
    "memory": 2 * GIB,
    "seconds": 0,
    "disk": 0,
    "licence_file": "",
    "paths": [],
    "bids_dir": "",
}
"""What stands for how it is run where it is recorded."""


def units(request: Request) -> list[UnitPlan]:
    """Return the runs of an app, that of the group if one is asked for, and the dataset.

    Of a validation, the one unit.
    """
    if request.paramset.method == VALIDATION:
        return [_validation(request)]
    (paramset,) = request.stage_paramsets
    settings = SETTINGS | request.settings
    files = settings.pop("files", {})
    codes, expected = settings.pop("success_codes", [0]), settings.pop("expected", [])
    of_group = settings.pop("group_expected", [])
    own = settings | {"success_codes": codes, "app": paramset.paramset_id}
    asks = Asks(
        settings["cores"],
        settings["memory"],
        settings["seconds"] or None,
        disk=settings["disk"],
    )
    runs = tuple(
        UnitPlan(
            "RUN_APP",
            view_key(*view) | {"app_paramset_id": paramset.paramset_id},
            paramset.parameters | dict(zip(("participant", "session"), view[:2], strict=True)),
            settings=own | {"expected": expected, "files": files.get(view[2], [])},
            asks=asks,
            name=view_key(*view)["bids_view"],
            amount=1,
            amount_unit="runs",
            exact=False,
        )
        for view in request.subject
    )
    sources = tuple(run.key for run in runs)
    key = {"request_id": request.request_id}
    every = [*runs]
    if command := request.paramset.parameters["group"]:
        group = UnitPlan(
            "RUN_GROUP",
            key,
            paramset.parameters | {"command": command},
            runs,
            settings=own | {"expected": of_group, "files": whole(files.values())},
            asks=asks,
            name="group",
            amount=1,
            amount_unit="runs",
            exact=False,
            sources=sources,
        )
        every.append(group)
    given = {name: request.given[name] for name in ("app_name", "dataset")}
    given["dataset"] = {name: given["dataset"][name] for name in ("name", "version")}
    tool = {
        "app": paramset.parameters["command"][:1],
        "image": settings["image"],
        "version": __version__,
    }
    dataset = UnitPlan(
        "GATHER_RUNS",
        key,
        given | {"tool_version": paramset.parameters["tool"]["version"]},
        tuple(every),
        settings=tool,
        asks=Asks(seconds=1 + 0.01 * len(runs)),
        name="derivatives",
        exact=False,
        sources=sources,
    )
    return [*every, dataset]


def _validation(request: Request) -> UnitPlan:
    key = {"request_id": request.request_id}
    asks = Asks(seconds=1 + 0.1 * len(request.subject))
    settings = {"bids_dir": request.settings.get("bids_dir", "")}
    return UnitPlan("VALIDATE_DATASET", key, {}, settings=settings, asks=asks, exact=False)


def whole(views: Iterable[list[list[Any]]]) -> list[list[Any]]:
    """Return the files of all views: path, bytes, sha256; of tables cut to rows, the path."""
    found: dict[str, list[Any]] = {}
    for name, *about in (file for files in views for file in files):
        found[name] = about if found.get(name, about) == about else [None, None]
    return [[name, *found[name]] for name in sorted(found)]


def seconds(unit: UnitPlan) -> float:
    """Return what is asked for, else a minute: enough for each run to have a task of its own."""
    return unit.asks.seconds or 60.0
