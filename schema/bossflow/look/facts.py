"""What is known of a request or a run that another one may be compared by, in sections."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from operator import itemgetter
from typing import Any, NamedTuple

import datajoint as dj

from ..core import installed, ledger, registry, results, states, work
from ..core.tables import Environment, Execution, Request, Run
from ..upkeep import status
from . import called

Facts = dict[str, dict[str, Any]]
"""By section and name, JSON values."""

Contents = dict[str, dict[str, str]]
"""By process, the content digest of each unit, by what two requests may both have a unit of."""

Environments = dict[str, dict[str, Any]]
"""Rows of `Environment`, by id."""

_OF_RUN = {"ended", "missing"}
"""What a run's parameters hold that nobody gave."""


class Took(NamedTuple):
    """What units of a process in one environment took, in one run."""

    process: str
    environment: str
    run: str
    seconds: float
    size: int
    units: int = 1


def of_requests(names: Iterable[str]) -> dict[str, tuple[Facts, Contents, called.Calls]]:
    """Return what is known of requests, the digests of what their units made, and their calls.

    Parameters
    ----------
    names : iterable of str
        Whole ids.

    Raises
    ------
    ValueError
        If one can't be recalled, or its workflow can't be used here.
    """
    ids = [*dict.fromkeys(names)]
    planned: ledger.Planned = {}
    recorded: dict[str, ledger.Recorded] = {}
    by_workflow: dict[str, list[str]] = defaultdict(list)
    for row in ledger.among(Request.proj("workflow"), "request_id", ids):
        by_workflow[row["workflow"]].append(row["request_id"])
    for name, asked in by_workflow.items():
        workflow = installed.opened(name)
        for group in ledger.with_units(workflow, asked):
            planned |= {request.request_id: (request, units) for request, units in group}
            every = {unit.unit_id: unit for _, units in group for unit in units}
            tables = registry.stage_tables([workflow])
            recorded |= ledger.recorded_units(tables, every.values())
    told = {}
    for state in states.requests(ids, planned, recorded):
        request, units = planned[state["request"]]
        took = [
            Took(
                unit.process,
                one.environment_id,
                one.run_id,
                one.execution_seconds,
                one.bundle_bytes,
            )
            for unit in units
            if (one := recorded.get(unit.unit_id))
        ]
        told[state["request"]] = (
            _of_request(request, state, took),
            _contents([unit for unit in units if "call_id" not in unit.key], recorded),
            called.of(units, recorded),
        )
    return told


def _of_request(request: work.Request, state: dict[str, Any], took: list[Took]) -> Facts:
    whole = request.paramset
    stages = {stage.method: stage.version for stage in request.stage_paramsets}
    environments = _environments(took)
    counted = {
        name[2:].replace("_", " "): value for name, value in state.items() if name.startswith("n_")
    }
    return {
        "method": {"workflow": state["workflow"], "method": whole.method, "version": whole.version}
        | {f"version of {name}": version for name, version in stages.items()},
        "parameters": flat(whole.parameters),
        "source": _source(request),
        "function": _function(request.given.get("function")),
        **_software(took, environments),
        "code": _revisions({one.run for one in took}) | _code(took, environments),
        "counts": counted | _counts(took),
        "outcome": {"state": state["state"], "outcome": state["outcome"]},
    }


def _source(request: work.Request) -> dict[str, Any]:
    """Return what a request is of."""
    given = request.given
    if "calls" in given:  # they are compared one by one
        return {}
    if "channel" not in given:
        return flat({"subject": request.subject})
    channel = given["channel"]
    extent = [f"{channel[f'channel_{axis}0']}-{channel[f'channel_{axis}1']}" for axis in "xyz"]
    return {
        **{name: channel[name] for name in ("uri", "archive", "resolution", "kind", "dtype")},
        "voxel size x, y, z (nm)": [channel[f"voxel_size_{axis}"] for axis in "xyz"],
        "extent (voxels)": "_".join(extent),
        "middle of voxel 0, z, y, x (voxels)": given.get("middle_zyx"),
        "chosen": results.chosen(given) or None,
        "box (voxels)": given.get("cutout"),
    }


def _function(function: dict[str, Any] | None) -> dict[str, Any]:
    """Return what a request's function is known by, if it has one."""
    if function is None:
        return {}
    files = {f"source {name}": digest[:12] for name, digest in function["files"].items()}
    versions = {f"version of {name}": one for name, one in function["versions"].items()}
    name = f"{function['module']}:{function['name']}"
    return {"function": name, "Python": function["python"], **files, **versions}


def _contents(units: list[work.UnitPlan], recorded: dict[str, ledger.Recorded]) -> Contents:
    contents: Contents = defaultdict(dict)
    for unit in units:
        if unit.unit_id in recorded:
            of = unit.key.get("block") or _without_ids(unit.key)
            contents[unit.process][of] = recorded[unit.unit_id].content_sha256
    return contents


def _without_ids(key: dict[str, Any]) -> str:
    """Return what of a unit's key other requests may have as well."""
    ids = ("request_id", "channel_id", "paramset_id", "function_id")
    return json.dumps({name: one for name, one in key.items() if not name.endswith(ids)})


def of_run(row: dict[str, Any]) -> Facts:
    """Return what is known of a run, from its row."""
    own = {"run_id": row["run_id"]}
    units = dj.U("process", "environment_id").aggr(
        Execution() & own,
        units="count(*)",
        seconds="sum(execution_seconds)",
        size="sum(bundle_bytes)",
    )
    took = [
        Took(
            *(one["process"], one["environment_id"], row["run_id"]),
            *(float(one["seconds"]), int(one["size"]), int(one["units"])),
        )
        for one in units.to_dicts()
    ]
    environments = _environments(took)
    (about,) = status.runs({row["run_id"]})
    given = {name: one for name, one in row["run_parameters"].items() if name not in _OF_RUN}
    return {
        "run": {
            "started": about["started"],
            "user": row["run_user"],
            "profile": row["profile"],
        },
        "parameters": flat(given),
        "requests": _requests(row["run_id"]),
        **_software(took, environments),
        "code": _revisions({row["run_id"]}) | _code(took, environments),
        "counts": _counts(took) | {"units that failed": about["failed"]},
        "outcome": {"outcome": status.outcome(about)},
    }


def _requests(run_id: str) -> dict[str, Any]:
    """Return the requests that a run was first to ask for, or named, by name or id."""
    first = (Request() & {"first_run_id": run_id}).to_arrays("request_id").tolist()
    named = (Request.Name() & {"naming_run_id": run_id}).to_dicts()
    called = {row["request_name"]: row["request_id"] for row in named}
    return called | {name: name for name in first if name not in called.values()}


def _software(took: list[Took], environments: Environments) -> Facts:
    """Return the versions of software, and the containers, of each process."""
    versions: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    containers: dict[str, set[str]] = defaultdict(set)
    for one in took:
        environment = environments[one.environment]
        containers[one.process].add(environment["container"] or "none")
        for name, version in environment["software"].items():
            versions[name][one.process].add(version)
    software = {name: _together(versions[name]) for name in sorted(versions, key=str.lower)}
    return {"software": software, "containers": {"image": _together(containers)}}


def _code(took: list[Took], environments: Environments) -> dict[str, Any]:
    programs: dict[str, set[str]] = defaultdict(set)
    for one in took:
        programs[one.process].add(environments[one.environment]["code"])
    return {"programs": _together(programs)}


def _environments(took: list[Took]) -> Environments:
    names = {one.environment for one in took}
    rows = ledger.among(Environment(), "environment_id", names)
    return {row["environment_id"]: row for row in rows}


def _together(by_process: dict[str, set[str]]) -> Any:
    """Return one text where it is the same in all processes, else one for each."""
    told = {name: ", ".join(sorted(some)) for name, some in sorted(by_process.items())}
    return next(iter(told.values()), None) if len({*told.values()}) < 2 else told


def _revisions(runs: set[str]) -> dict[str, Any]:
    """Return the revisions of the pipeline, and versions of Nextflow, of runs."""
    rows = sorted(ledger.among(Run(), "run_id", runs), key=itemgetter("run_started"))
    columns = {"revision": "revision", "Nextflow": "nextflow_version"}
    return {
        name: ", ".join(dict.fromkeys(row[column] for row in rows)) or None
        for name, column in columns.items()
    }


def _counts(took: list[Took]) -> dict[str, Any]:
    units: Counter[str] = Counter()
    for one in took:
        units[one.process] += one.units
    return {
        **{f"units of {process}": number for process, number in sorted(units.items())},
        "bytes": sum(one.size for one in took),
        "seconds": round(sum(one.seconds for one in took), 3),
    }


def flat(value: dict[str, Any], above: str = "") -> dict[str, Any]:
    """Return values by their names, those within others as in `a.b`."""
    found: dict[str, Any] = {}
    for name, one in value.items():
        if isinstance(one, dict) and one:
            found |= flat(one, f"{above}{name}.")
        else:
            found[f"{above}{name}"] = one
    return found
