"""Where a result came from, and what would be affected if it were wrong."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from ..core import dependents, installed, ledger, states
from ..core.tables import Environment, Execution, ParamSet, Reading, Request, Run
from ..kit.system import keeping_all
from ..volumes.citations import citations
from ..volumes.tables import Channel, MadeChannel, PulledBlock
from .asked import Asked, asked_for
from .traced import Place, Row, Trace, Traced

_OF_EXECUTION = (
    "process",
    "run_id",
    "environment_id",
    "task",
    "executed",
    "execution_seconds",
    "bundle_url",
    "bundle_bytes",
    "content_sha256",
)


@keeping_all()
def lineage(what: str) -> dict[str, Any]:
    """Return what something was made from, back to the boxes of archives.

    Parameters
    ----------
    what : str
        A request (its id, the start of it, or its name), `REQUEST#COMPONENT`, `REQUEST@x,y,z` or
        `REQUEST@x0-x1_y0-y1_z0-z1` (voxels of the channel that was asked for), the same of a
        channel (its URI as recorded, or its id), an execution's id, or a file in a store.

    Returns
    -------
    dict
        JSON values. `what`, `kind`, and `about` it; `made_by`, ids of the executions that made it;
        and by their ids `executions` (each with what it was `made_of`, the box that it `reads` of a
        channel, and what there is to tell `about` it, such as arguments of a call), `runs`,
        `environments`, `parameter_sets`, `requests` (`subject`: what they are of, such as names and
        digests of files; None where that was not kept), `channels` (with `citations`: how each is
        cited, by the archive or by the user).

    Raises
    ------
    ValueError
        If there is no such thing, or it is not recorded.
    """
    trace = Trace()
    asked = asked_for(what, trace)
    traced = trace.back(asked.rows, asked.within)
    names = traced.executions
    executions = _executions(trace, traced)
    channels = _channels({one["reads"]["channel"] for one in executions.values() if one["reads"]})
    of = {one["request"] for one in executions.values()} | {asked.about.get("request")}
    requests = _requests({name for name in of if name})
    sets = {name for one in executions.values() for name in one["parameter_sets"]}
    sets |= {one["parameter_set"] for one in requests.values()}
    return {
        "what": what,
        "kind": asked.kind,
        "about": asked.about,
        "made_by": sorted(names[row] for row in traced.first),
        "executions": executions,
        "runs": {
            row["run_id"]: {
                "name": row["run_name"],
                "started": row["run_started"].isoformat(),
                "user": row["run_user"],
                "revision": row["revision"],
                "nextflow": row["nextflow_version"],
                "profile": row["profile"],
            }
            for row in _by_id(Run, {one["run"] for one in executions.values()})
        },
        "environments": {
            row["environment_id"]: {name: row[name] for name in ("container", "code", "software")}
            for row in _by_id(Environment, {one["environment"] for one in executions.values()})
        },
        "parameter_sets": {
            row["paramset_id"]: {
                "method": row["method"],
                "version": row["method_version"],
                "parameters": row["parameters"],
            }
            for row in _by_id(ParamSet, sets)
        },
        "requests": requests,
        "channels": channels,
    }


def affected(what: str) -> dict[str, Any]:
    """Return what would be affected if something were wrong: all that was made of it.

    Parameters
    ----------
    what : str
        As of `lineage`.

    Returns
    -------
    dict
        JSON values: `what`, `kind`, `about`, `units` (process to the number of its units),
        `executions` (their ids) and `requests` (by id, those whose results were).

    Raises
    ------
    ValueError
        If there is no such thing, or it is not recorded.
    """
    trace = Trace()
    asked = asked_for(what, trace)
    rows = {(table, key) for table, keys in asked.rows.items() for key in keys}
    names = sorted(dependents.dependents(trace.executions(rows).values()))
    keys = [{"execution_id": name} for name in names]
    units = Counter(process for _, process in ledger.look_up(Execution, keys, ["t.process"]))
    return {
        **_told(what, asked),
        "units": dict(sorted(units.items())),
        "executions": names,
        "requests": _requests(set(dependents.requests_of(names))),
    }


def _told(what: str, asked: Asked) -> dict[str, Any]:
    return {"what": what, "kind": asked.kind, "about": asked.about}


def _by_id(table: Any, names: Iterable[str]) -> list[dict[str, Any]]:
    (attribute,) = table().primary_key
    return sorted(ledger.among(table(), attribute, names), key=lambda row: str(row[attribute]))


def _executions(trace: Trace, traced: Traced) -> dict[str, dict[str, Any]]:
    """Return executions by id, with what they were made of."""
    names = traced.executions
    keys = [{"execution_id": name} for name in names.values()]
    columns = [*(f"t.{name}" for name in _OF_EXECUTION), "r.files_seen"]
    seen = f"LEFT JOIN {Reading.full_table_name} r ON r.execution_id = t.execution_id"
    of = {name: about for name, *about in ledger.look_up(Execution, keys, columns, seen)}
    reads = {row: place for row in traced.rows if (place := _read(trace, traced, row))}
    digests = _pulled(trace, reads)
    told = {}
    for row, name in sorted(names.items(), key=lambda item: item[1]):
        key = trace.key(row)
        process, run, environment, task, executed, seconds, url, size, digest, files = of[name]
        told[name] = {
            "process": process,
            "key": key,
            "request": key.get("request_id"),
            "parameter_sets": sorted(traced.paramsets[row]),
            "made_of": sorted([names[other] for other in traced.made_of[row]]),
            "reads": None,
            "about": {},
            "run": run,
            "environment": environment,
            "task": task,
            "executed": executed.isoformat(),
            "seconds": seconds,
            "bundle": url,
            "bytes": size,
            "content_sha256": digest,
        }
        if row in reads:
            channel, box = reads[row]
            told[name]["reads"] = {
                "channel": channel,
                "box": box,
                "voxels_sha256": digests.get(row),
                "files_seen": files,
            }
    _add_about(told)
    return told


def _add_about(told: dict[str, dict[str, Any]]) -> None:
    """Add what workflows tell of units."""
    of: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in told.values():
        of[one["process"]].append(one)
    for workflow in installed.known_workflows():
        for process in of.keys() & {table.process for table in workflow.tables}:
            keys = [one["key"] for one in of[process]]
            for one, about in zip(of[process], workflow.traced(process, keys), strict=True):
                one["about"] = about


def _read(trace: Trace, traced: Traced, row: Row) -> Place | None:
    """Return the block that a row's unit read outside of the stores, if it did."""
    blocks = traced.blocks.get(row, set())
    if len(blocks) != 1 or any(map(trace.place, traced.made_of[row])):
        return None
    (place,) = blocks
    return place


def _pulled(trace: Trace, reads: dict[Row, Place]) -> dict[Row, str]:
    """Return the digests of the voxels that were pulled."""
    pulled = PulledBlock.full_table_name
    rows = {row: trace.key(row) for row in reads if row[0] == pulled}
    found = ledger.look_up(PulledBlock, rows.values(), ["t.voxels_sha256"])
    of = ledger.values_of(PulledBlock().primary_key)
    digests = {tuple(key): str(digest) for *key, digest in found}
    return {row: digests[of(key)] for row, key in rows.items()}


def _channels(names: set[str]) -> dict[str, dict[str, Any]]:
    """Return what channels are, by id."""
    chosen: dict[str, dict[str, int]] = defaultdict(dict)
    for row in ledger.among(Channel.Choice(), "channel_id", names):
        chosen[row["channel_id"]][row["chosen_axis"]] = row["chosen_index"]
    made = {row["channel_id"]: row for row in ledger.among(MadeChannel(), "channel_id", names)}
    cited = citations(names)
    return {
        row["channel_id"]: {
            "archive": row["archive"],
            "uri": row["uri"],
            "resolution": row["resolution"],
            "chosen": chosen.get(row["channel_id"]),
            "request": made.get(row["channel_id"], {}).get("request_id"),
            "citations": cited.get(row["channel_id"], []),
        }
        for row in _by_id(Channel, names)
    }


def _requests(names: set[str]) -> dict[str, dict[str, Any]]:
    """Return what requests are, by id."""
    called = states.names(names)
    given = {row["request_id"]: row["given"] for row in _by_id(Request.Given, names)}
    return {
        row["request_id"]: {
            "names": called.get(row["request_id"], []),
            "workflow": row["workflow"].rpartition(".")[2],
            "subject": _subject(given.get(row["request_id"])),
            "parameter_set": row["paramset_id"],
        }
        for row in _by_id(Request, names)
    }


def _subject(given: dict[str, str] | None) -> Any:
    """Return what a request was of, such as a box of a channel, or names and digests of files."""
    return json.loads(given["canonical"])["subject"] if given else None
