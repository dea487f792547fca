"""What units make beside their own rows, of requests that were recorded before that was told."""

from .. import database
from ..database.insert import insert_absent
from . import ledger, registry
from .registration import insert_rows
from .tables import Request
from .work import Workflow


def fill(workflow: Workflow) -> None:
    """Record what recorded requests of a workflow make, and what of it is there."""
    makes = workflow.makes
    if makes is None:
        return
    conn, tables = database.connection(), registry.stage_tables([workflow])
    made_by = ledger.execution_attribute(makes.table)
    asked = Request() & {"workflow": workflow.name}
    names = [str(name) for name in asked.to_arrays("request_id", order_by="request_id")]
    for group in ledger.with_units(workflow, names):
        making = [unit for _, units in group for unit in units if unit.makes]
        with database.lock(conn), conn.transaction:
            insert_rows([makes.rows(request, units) for request, units in group])
            recorded = ledger.recorded_units(tables, making)
            rows = [
                key | {"made_sha256": bundle.content_sha256, made_by: bundle.execution_id}
                for unit in making
                if (bundle := recorded.get(unit.unit_id))
                for key in unit.makes
            ]
            insert_absent(makes.table(), rows)
