"""What is recorded of the units of a request."""

from collections.abc import Iterable

from ..kit.digests import unit_id
from ..kit.texts import many
from . import given, installed, ledger, registry
from .tables import Request
from .units import UnitPlan
from .work import Request as Asked
from .work import Workflow


def made_for(request_id: str) -> set[str]:
    """Return the executions of a request's units: its own results, and what they were made of."""
    workflow, _, units = _units(request_id)
    return _executions(workflow, units)


def last_made_for(request_id: str) -> set[str]:
    """Return the executions of those of a request's units that nothing of it is made of.

    None where its workflow has a table with rows of requests: these are the results then.
    """
    (name,) = (Request() & {"request_id": request_id}).to_arrays("workflow")
    if _has_own_rows(installed.opened(str(name))):
        return set()
    workflow, _, units = _units(request_id)
    return _executions(workflow, _last(units))


def result_of(request_id: str) -> tuple[Workflow, Asked, dict[str, ledger.Recorded]]:
    """Return a complete request, its workflow, and what is recorded of its result.

    By the ids of those of its units that nothing of it is made of.

    Raises
    ------
    ValueError
        If it is not complete.
    """
    workflow, request, units = _units(request_id)
    recorded = ledger.recorded_units(registry.stage_tables([workflow]), units)
    if missing := sum(unit.unit_id not in recorded for unit in units):
        raise ValueError(
            f"request {request_id} is not complete: {missing:,} of {many(len(units), 'unit')} are "
            f"missing; `bossflow status --request {request_id}` tells more"
        )
    last = _last(units)
    return workflow, request, {unit.unit_id: recorded[unit.unit_id] for unit in last}


def made_for_no_other(request_ids: Iterable[str]) -> set[str]:
    """Return the executions of `last_made_for` of requests that no other request asks for."""
    chosen, found = {*request_ids}, set()
    for workflow in installed.known_workflows():
        rows = Request() & {"workflow": workflow.name}
        names = [str(name) for name in rows.to_arrays("request_id")]
        if chosen.isdisjoint(names) or _has_own_rows(workflow):
            continue
        lost = given.not_recalled(workflow, names)
        if lost.keys() - chosen:  # nobody knows what these ask for
            continue
        own: dict[str, UnitPlan] = {}
        others: set[str] = set()
        for group in ledger.with_units(workflow, [name for name in names if name not in lost]):
            for request, units in group:
                last = {unit.unit_id: unit for unit in _last(units)}
                if request.request_id in chosen:
                    own |= last
                else:
                    others |= last.keys()
        found |= _executions(workflow, [own[name] for name in own.keys() - others])
    return found


def requests_with(executions: Iterable[str]) -> set[str]:
    """Return the requests among whose `last_made_for` some executions are."""
    chosen, found = {*executions}, set()
    for workflow in installed.known_workflows():
        if _has_own_rows(workflow):
            continue
        made = set()
        for table in workflow.tables:
            made_by = ledger.execution_attribute(table)
            for row in ledger.among(table.proj(made_by), made_by, chosen):
                del row[made_by]
                made.add(unit_id(table.process, row))
        rows = Request() & {"workflow": workflow.name}
        names = [str(name) for name in rows.to_arrays("request_id")] if made else []
        lost = given.not_recalled(workflow, names)
        for group in ledger.with_units(workflow, [name for name in names if name not in lost]):
            for request, units in group:
                if any(unit.unit_id in made for unit in _last(units)):
                    found.add(request.request_id)
    return found


def _has_own_rows(workflow: Workflow) -> bool:
    """Say whether a workflow has a table with rows of requests."""
    return any("request_id" in table().primary_key for table in workflow.tables)


def _last(units: list[UnitPlan]) -> list[UnitPlan]:
    """Return those of a request's units that no other is made of."""
    inputs = {one.unit_id for unit in units for one in unit.inputs}
    return [unit for unit in units if unit.unit_id not in inputs]


def _units(request_id: str) -> tuple[Workflow, Asked, list[UnitPlan]]:
    row = (Request() & {"request_id": request_id}).fetch1()
    workflow = installed.opened(row["workflow"])
    (request,) = given.recalled(workflow, [request_id])
    return workflow, request, workflow.units(request)


def _executions(workflow: Workflow, units: Iterable[UnitPlan]) -> set[str]:
    recorded = ledger.recorded_units(registry.stage_tables([workflow]), units)
    return {bundle.execution_id for bundle in recorded.values()}
