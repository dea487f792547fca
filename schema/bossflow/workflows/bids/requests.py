"""What is asked for: an app, and what it is shown of each participant or session."""

import dataclasses
from typing import Any

from ...core import ledger, work
from .tables import AppRun, BidsRequest, BidsView

NAME = "bossflow.workflows.bids"  # is hashed into ids, wherever this module is
VALIDATION = "bids_validation"
VERSION = "1"  # raised when the same app would be given, or keep, something else

_RUN = ("engine", "image", "cores", "memory", "seconds")
"""What only says how it is run."""

_OF_RUNS = ("expected", "group_expected", "success_codes", "licence_file", "disk")


def expand(
    params: dict[str, Any], described: dict[str, Any]
) -> tuple[list[work.Request], list[str]]:
    """Return the request for an app and a dataset, and one for its validation if that is asked for.

    If at least `min_participants` runs are recorded, and not all, also one for these, whose group
    need not wait.
    """
    (row,) = described["rows"]
    requests = [_request(row, row["views"], row["name"])]
    if row["min_participants"]:
        key = {"app_paramset_id": requests[0].stage_paramsets[0].paramset_id}
        keys = [key | view_key(*_of(view)) for view in row["views"]]
        known = {view_id for _, view_id, _ in ledger.look_up(AppRun, keys)}
        there = [view for view in row["views"] if view["view_id"] in known]
        if row["min_participants"] <= len(there) < len(row["views"]):
            name = f"{row['name'] or row['app_name']} {len(there)} of {len(row['views'])}"[-64:]
            requests.append(_request(row, there, name))
    return requests + [_validation(row)] * row["validate"], []


def _validation(row: dict[str, Any]) -> work.Request:
    """Return the request for what the validator finds in a dataset, as it is now."""
    dataset, name = row["dataset"], f"{row['name'] or row['app_name']} validation"[-64:]
    request = work.Request(
        workflow=NAME,
        paramset=work.ParamSet(VALIDATION, VERSION, {}),
        subject=[view["view_id"] for view in row["views"]],
        given={"dataset": dataset, "level": "validation", "app_name": "validation"},
        name=name,
        where=row["where"],
        settings={"bids_dir": dataset["path"]},
    )
    return _registered(request, row, len(row["views"]))


def _request(row: dict[str, Any], shown: list[dict[str, Any]], name: str | None) -> work.Request:
    """Return the request for an app and some views of a dataset."""
    app, group = row["app"], row["group"]
    views = [_of(view) for view in shown]
    paramset = work.ParamSet("bids_app", VERSION, _asked(app))
    of_request = {"app": paramset.parameters, "group": group["command"] if group else None}
    settings: dict[str, Any] = {name: app[name] for name in _RUN}
    settings |= {name: row[name] for name in _OF_RUNS}
    settings["files"] = {view["view_id"]: view["files"] for view in shown}
    settings["bids_dir"] = row["dataset"]["path"]
    settings["paths"] = [one["path"] for one in app["inputs"]]
    request = work.Request(
        workflow=NAME,
        paramset=work.ParamSet("bids", VERSION, of_request),
        subject=views,
        given={name: row[name] for name in ("dataset", "level", "app_name")},
        stage_paramsets=(paramset,),
        name=name,
        where=row["where"],
        settings=settings,
        notes=tuple(row["notes"]),
    )
    return _registered(request, row, len(views), (BidsView, [*map(_view, shown)]))


def _registered(
    request: work.Request, row: dict[str, Any], number: int, *before: tuple[Any, list[Any]]
) -> work.Request:
    """Return a request with the rows that register it, behind those of what it refers to."""
    of_dataset = {
        "request_id": request.request_id,
        "bids_dir": row["dataset"]["path"],
        "bids_name": row["dataset"]["name"][:255],
        "bids_level": request.given["level"],
        "n_bids_views": number,
    }
    return dataclasses.replace(request, rows=(*before, (BidsRequest, [of_dataset])))


def _asked(app: dict[str, Any]) -> dict[str, Any]:
    """Return what of a command line decides what is made."""
    inputs = [{name: one[name] for name in ("name", "sha256")} for one in app["inputs"]]
    return {name: app[name] for name in ("command", "entrypoint", "tool")} | {"inputs": inputs}


def _of(view: dict[str, Any]) -> list[str]:
    return [view[name] for name in ("participant", "session", "view_id")]


def view_key(participant: str, session: str, view_id: str) -> dict[str, str]:
    """Return the key of a view: what users call it, and its id."""
    labels = ("sub", participant), ("ses", session)
    name = " ".join(f"{kind}-{label}" for kind, label in labels if label)
    return {"bids_view": name or "all", "view_id": view_id}


def _view(view: dict[str, Any]) -> dict[str, Any]:
    """Return the row that says what a view is."""
    return view_key(*_of(view)) | {
        "participant": view["participant"],
        "bids_session": view["session"],
        "n_view_files": len(view["files"]),
        "view_bytes": sum(size for _, size, _ in view["files"]),
    }
