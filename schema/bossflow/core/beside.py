"""What units make beside their own rows, of requests that were recorded before that was told."""

from typing import Any

from .. import database
from ..database.insert import insert_absent
from . import given, insertion, ledger, registry
from .ledger import Recorded
from .registration import insert_rows
from .tables import Request
from .work import UnitPlan, Workflow


def fill(workflow: Workflow) -> None:
    """Record what recorded requests of a workflow make, and the copies that they were made of."""
    conn, tables = database.connection(), registry.stage_tables([workflow])
    asked = Request() & {"workflow": workflow.name}
    every = [str(name) for name in asked.to_arrays("request_id", order_by="request_id")]
    left_out = given.not_recalled(workflow, every)  # as by `bossflow status`
    names = [name for name in every if name not in left_out]
    for group in ledger.with_units(workflow, names):
        units = {unit.unit_id: unit for _, some in group for unit in some}
        with database.lock(conn), conn.transaction:
            recorded = ledger.recorded_units(tables, units.values())
            units = {name: unit for name, unit in units.items() if name in recorded}
            _fill_copies(tables, units, recorded)
            if workflow.makes:
                insert_rows([workflow.makes.rows(request, some) for request, some in group])
                _fill_made(workflow.makes.table, units, recorded)


def _fill_copies(
    tables: dict[str, Any], units: dict[str, UnitPlan], recorded: dict[str, Recorded]
) -> None:
    """Tie rows to the copies that they were made of; what was read in place has a `Reading`."""
    for process, table in tables.items():
        for part, copied in insertion.parts_of_inputs(table):
            rows = [
                unit.key
                for name, unit in units.items()
                if unit.process == process and recorded[name].reading_version is None
                for one in unit.inputs
                if one.process == copied and one.unit_id in recorded
            ]
            insert_absent(part(), rows)


def _fill_made(table: Any, units: dict[str, UnitPlan], recorded: dict[str, Recorded]) -> None:
    made_by = ledger.execution_attribute(table)
    rows = [
        key | {"made_sha256": recorded[name].content_sha256, made_by: recorded[name].execution_id}
        for name, unit in units.items()
        for key in unit.makes
    ]
    insert_absent(table(), rows)
