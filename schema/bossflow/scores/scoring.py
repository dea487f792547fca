"""Results compared with a truth: computed once, recorded, and found again."""

from collections.abc import Iterable, Mapping
from typing import Any


def score(
    request_id: str,
    truth: Mapping[str, Any],
    within_nm: float | None = None,
    overlap: float = 0.5,
    background: str = "ignore",
) -> dict[str, float]:
    """Return how right the result of a complete request is, and record it if it is not.

    Parameters
    ----------
    request_id : str
    truth : mapping
        `uri`: the path of a .csv or .parquet file of points, the URI of a volume of labels, or
        another request (its id, its name, or `bossflow://ID`). `resolution` of a volume, else 0.
    within_nm : float, optional
        How far points of a pair may be apart; given, points are compared, else segmentations.
    overlap : float
        Of two segments that are a pair, the smallest share of voxels that both have, of those that
        either has.
    background : {"ignore", "keep"}
        Whether voxels that are 0 in the truth are left out of what `voxels.agreement` measures.

    Returns
    -------
    dict of float
        By name, as the columns of `Score` are called; none that is not known.

    Raises
    ------
    ValueError
        If they can't be compared, with what to do.
    """
    raise NotImplementedError


def numbers_of(request_ids: Iterable[str]) -> dict[str, dict[str, float]]:
    """Return by request all numbers that are recorded of it, by name.

    Those of its scores, and the metrics of the units that made its result. Of several of one name
    the score that was recorded last counts, then a metric that no other unit of the request gave.
    """
    raise NotImplementedError
