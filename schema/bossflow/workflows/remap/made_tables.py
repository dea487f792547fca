"""Tables of ids that were made here, such as an agglomeration's: `bossflow://REQUEST`."""

from typing import Any

from ...core import ledger, registry, work
from ...core.tables import Request
from ...volumes.made import recalled
from ...voxels.archives.made import named


def resolve(row: dict[str, Any]) -> dict[str, Any]:
    """Return what a row's table is that a request made.

    Returns
    -------
    dict
        `identity` (which request's, and which of its thresholds), `made_table` (where its bundle
        has it), `n_rows`, `maker` (the unit that made it, and by which execution), and `sources`.

    Raises
    ------
    ValueError
        If there is none, or it is not recorded.
    """
    uri, where = row["table"], row["where"]
    workflow, request = recalled(named(uri).request)
    identity = request.request_id
    if workflow.ids is None:
        raise ValueError(f"{uri}: request {identity} makes no table of ids (in {where})")
    threshold = None if row["threshold"] is None else str(row["threshold"])
    try:
        table = workflow.ids(request, threshold)
    except ValueError as error:
        raise ValueError(f"{uri}: {error} (in {where})") from None
    maker = next(unit for unit in workflow.units(request) if unit.process == table.process)
    made = ledger.recorded_units(registry.stage_tables([workflow]), [maker])
    if maker.unit_id not in made:
        raise ValueError(
            f"{uri} is not there yet: run again what asked for it; `bossflow status --request "
            f"{identity}` shows what that was (in {where})"
        )
    return {
        "identity": {"request": identity, "threshold": table.threshold},
        "made_table": {name: getattr(table, name) for name in ("file", "columns", "only")},
        "n_rows": table.n_rows,
        "maker": (maker, made[maker.unit_id].execution_id),
        "sources": (workflow.name,),
    }
