"""Recorded requests, asked for again: with the table as it was read."""

from pathlib import Path
from typing import Any

from ...core import holdings, ledger
from ...core.work import Request
from .tables import RemappedVolume


def unpack(request: Request, directory: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Write the table of a request into a new directory, if it was a file's.

    Returns
    -------
    dict, dict
        The parameter that names it; nothing that can't be made again.

    Raises
    ------
    ValueError
        If it is not here, or is not what was recorded.
    """
    if "sha256" not in request.paramset.parameters["table"]:
        return {}, {}
    import numpy as np  # who loads the workflow needs neither
    import pyarrow as pa
    import pyarrow.parquet as pq

    key = {"request_id": request.request_id}
    for recorded in ledger.recorded(RemappedVolume, [key]).values():
        bundle = holdings.bundle_here(recorded)
        break
    else:
        raise ValueError(f"the table of request {request.request_id} is not recorded")
    columns = {
        name: pa.array(np.load(bundle.file(file), mmap_mode="r"))
        for name, file in (("from", "ids.npy"), ("to", "targets.npy"))
    }
    path = directory / "table.parquet"
    pq.write_table(pa.table(columns), path)
    return {"table": str(path)}, {}
