"""What is made of all blocks or buckets of a request, of which the first ones are rows."""

from typing import Any, NamedTuple

from ..core import work
from ..core.ledger import among, execution_attribute
from ..core.tables import Execution, Run


class Collected(NamedTuple):
    """Tables of such results, and what columns are called.

    Attributes
    ----------
    requests, results : table class
        Which cutout; what was made of all its blocks or buckets.
    number, rows : str
        Columns of the results: how many there are, and how many are rows.
    """

    requests: Any
    results: Any
    number: str
    rows: str


def rows_of(requests: list[work.Request], of: Collected) -> dict[str, tuple[int, int, int]]:
    """Return of recorded ones how many results, rows of these, and rows of its bundle's run."""
    made = of.results * Execution.proj("run_id", **made_by(of))
    runs = made * Run.proj("run_parameters")
    told = {}
    for row in among(runs, "request_id", (request.request_id for request in requests)):
        total, rows = row[of.number], row[of.rows]
        # what was added since is in no bundle: the run that made it knows its own limit
        limit = int(row["run_parameters"].get("max_component_rows", rows))
        told[row["request_id"]] = total, rows, min(limit, rows)
    return told


def made_by(of: Collected) -> dict[str, str]:
    """Return by the column of the results that refers to it the key of Execution."""
    return {execution_attribute(of.results): "execution_id"}
