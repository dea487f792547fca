"""What recorded requests are asked for with, so that they can be asked for, and made, again."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..core import ledger, work
from ..core.tables import Request, Run
from ..kit import locations
from .pipeline import Pipeline


def parameters(
    workflow: work.Workflow,
    request: work.Request,
    recorded: Iterable[ledger.Recorded],
    pipeline: Pipeline,
) -> dict[str, Any]:
    """Return the parameters that ask for a recorded request alone, as a parameter file has them.

    Parameters
    ----------
    workflow : Workflow
    request : Request
        As it is recalled.
    recorded : iterable of Recorded
        What is recorded of its units: a run that made some knows the archive's address.
    pipeline : Pipeline

    Raises
    ------
    ValueError
        If it was asked for by a sheet, and its workflow can't tell what a row of it said.
    """
    (first,) = (Request() & {"request_id": request.request_id}).to_arrays("first_run_id")
    names = {str(first), *(bundle.run_id for bundle in recorded)}
    runs = {
        row["run_id"]: row
        for row in ledger.among(Run.proj("run_started", "run_parameters"), "run_id", names)
    }
    if workflow.again is not None:
        latest = max(runs.values(), key=lambda row: (row["run_started"], row["run_id"]))
        name = workflow.module.rpartition(".")[2]
        given = workflow.again(request, latest["run_parameters"])
    else:
        given = runs[str(first)]["run_parameters"]
        name = given.get("workflow") or workflow.module.rpartition(".")[2]
        if given.get("input"):
            raise ValueError(
                f"request {request.request_id} was asked for by a sheet, {given['input']}, and its "
                f"workflow {name} does not tell what a row of it said (`again` of its Workflow)"
            )
    return {"workflow": name} | pipeline.known(name, given)


def unpacked(
    workflow: work.Workflow, request: work.Request, params: dict[str, Any], directory: Path
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return `parameters` with what is written for them into a new directory, and what is left out.

    Returns
    -------
    dict, dict
        The parameters, and by the ids of units that can't be made again, why.
    """
    if workflow.unpack is None:
        return params, {}
    directory.mkdir(parents=True)
    try:
        more, left = workflow.unpack(request, directory)
    except ValueError as error:
        every = (unit.unit_id for unit in workflow.units(request))
        return params, dict.fromkeys(every, f"of which what they take is not here: {error}")
    return params | more, left


def planned(
    workflow: work.Workflow,
    request_id: str,
    described: dict[str, Any],
    store: Path,
    in_part: bool = False,
) -> work.Request:
    """Return a recorded request as PLAN would have it now, with its settings.

    Parameters
    ----------
    workflow : Workflow
    request_id : str
    described : dict
        What DESCRIBE found for its `parameters`.
    store : Path
        Where its units would be made.
    in_part : bool
        Whether they ask for some of its units only, which is another request.

    Raises
    ------
    ValueError
        If it can't be asked for any more, or the same parameters ask for another request.
    """
    given = described | {"store": locations.url(store)}
    requests, _ = workflow.expand(described["params"], given)
    for request in requests:
        if in_part or request.request_id == request_id:
            return request
    raise ValueError(
        f"the same parameters ask for another request here than {request_id}: it was recorded by "
        "other versions of methods, or of what it reads"
    )
