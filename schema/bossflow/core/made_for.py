"""What is recorded of the units of a request."""

from collections.abc import Iterable

from . import given, installed, ledger, registry
from .tables import Request
from .units import UnitPlan
from .work import Workflow


def made_for(request_id: str) -> set[str]:
    """Return the executions of a request's units: its own results, and what they were made of."""
    workflow, units = _units(request_id)
    return _executions(workflow, units)


def last_made_for(request_id: str) -> set[str]:
    """Return the executions of those of a request's units that nothing of it is made of.

    None where its workflow has a table with rows of requests: these are the results then.
    """
    (name,) = (Request() & {"request_id": request_id}).to_arrays("workflow")
    tables = installed.opened(str(name)).tables
    if any("request_id" in table().primary_key for table in tables):
        return set()
    workflow, units = _units(request_id)
    inputs = {one.unit_id for unit in units for one in unit.inputs}
    return _executions(workflow, [unit for unit in units if unit.unit_id not in inputs])


def _units(request_id: str) -> tuple[Workflow, list[UnitPlan]]:
    row = (Request() & {"request_id": request_id}).fetch1()
    workflow = installed.opened(row["workflow"])
    (request,) = given.recalled(workflow, [request_id])
    return workflow, workflow.units(request)


def _executions(workflow: Workflow, units: Iterable[UnitPlan]) -> set[str]:
    recorded = ledger.recorded_units(registry.stage_tables([workflow]), units)
    return {bundle.execution_id for bundle in recorded.values()}
