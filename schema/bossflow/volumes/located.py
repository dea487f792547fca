"""Where the objects of a result are: their centroids, from its Parquet files."""

from typing import Any

import numpy as np

from ..core import holdings, ledger, work
from .channels import NO_SHIFT, voxel_size


def centroids(
    request: work.Request, table: Any, part: str, number: str, columns_zyx: tuple[str, str, str]
) -> work.Points:
    """Return all objects of a result in the order of its files, as `Workflow.points` gives them.

    Parameters
    ----------
    request : Request
        Which reads a cutout, as `reading.given_of` has it.
    table : table class
        The stage table of the result, with a row for the request.
    part : str
        Its part that has a row for each object, of which a directory of Parquet files has all.
    number : str
        The column of their numbers.
    columns_zyx : tuple of 3 str
        The columns of their places, in voxels of the request's channel.

    Raises
    ------
    ValueError
        If the files are not here or not what was recorded, or a number needs more than 63 bits.
    """
    import pyarrow as pa  # not where workflows are only loaded

    key = {"request_id": request.request_id}
    recorded = next(iter(ledger.recorded(table, [key]).values()), None)
    if recorded is None:
        raise ValueError(f"{table.__name__} of request {request.request_id} is not recorded")
    bundle = holdings.bundle_here(recorded)
    numbers, zyx = [np.empty(0, np.int64)], [np.empty((0, 3), np.float64)]
    for rows in holdings.row_groups(bundle, bundle.manifest["parts"][part]):
        try:
            numbers.append(rows.column(number).cast(pa.int64()).to_numpy())
        except pa.ArrowInvalid:
            raise ValueError(
                f"{part} of request {request.request_id} have numbers of 64 bits: their centroids "
                "can't be matched"
            ) from None
        columns = [rows.column(name).cast(pa.float64()).to_numpy() for name in columns_zyx]
        zyx.append(np.stack(columns, axis=1))
    given = request.given
    shift = np.array(given.get("middle_zyx", NO_SHIFT))
    places = (np.concatenate(zyx) + shift) * np.array(voxel_size(given["channel"]))
    return np.concatenate(numbers), places
