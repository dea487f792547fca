"""Results compared with a truth: computed once, recorded, and found again."""

from collections.abc import Callable, Mapping
from typing import Any

from ..core import ledger
from ..core.tables import Request
from ..core.work import ParamSet
from . import points, points_file, recording, sides


def score(
    request_id: str,
    truth: Mapping[str, Any],
    within_nm: float | None = None,
    overlap: float = 0.5,
    background: str = "ignore",
    told: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, float]:
    """Return how right the result of a complete request is, and record it if it is not.

    Parameters
    ----------
    request_id : str
        Its id, the start of it, or its name.
    truth : mapping
        `uri`: the path of a .csv or .parquet file of points, the URI of a volume of labels, or
        another request (its id, its name, or `bossflow://ID`). Of a volume, if need be,
        `resolution`, `channel`, `time`, `voxel_size` and `offset` (x, y, z), as a run takes them,
        and `bossdb_host`.
    within_nm : float, optional
        How far points of a pair may be apart; given, points are compared, else segmentations.
    overlap : float
        Of two segments that are a pair, the smallest share of voxels that both have, of those that
        either has.
    background : {"ignore", "keep"}
        Whether voxels that are 0 in the truth are left out of what `voxels.agreement` measures.
    told : callable
        Takes how many voxels are compared, and of how many.

    Returns
    -------
    dict of float
        By name, as the columns of `Score` are called; none that is not known.

    Raises
    ------
    ValueError
        If they can't be compared, with what to do.
    """
    kind, where = sides.kind_of(truth)
    how = _way(kind, where, within_nm, overlap, background)
    found = sides.result(ledger.named(Request, request_id))
    if within_nm is not None:
        true, known = points.truth_of(kind, where, found)
        key = recording.key_of(found, true, how)
        if (numbers := recording.recorded(key)) is None:
            told_of = points.compared(known, points.known(found), within_nm)
            recording.record(found, true, how, *told_of)
            numbers = recording.recorded(key)
    else:
        from . import labels  # loads numba: not where no voxels are read

        numbers = labels.scored(kind, where, truth, found, how, told)
    if numbers is None:
        raise ValueError(f"the score of request {request_id} was invalidated meanwhile: try again")
    return numbers


def check(
    truth: Mapping[str, Any],
    within_nm: float | None = None,
    overlap: float = 0.5,
    background: str = "ignore",
) -> None:
    """Refuse a truth, or a way to compare, with which no result could be scored.

    Parameters
    ----------
    truth, within_nm, overlap, background
        As `score` takes them.

    Raises
    ------
    ValueError
        With what to do.
    """
    kind, where = sides.kind_of(truth)
    _way(kind, where, within_nm, overlap, background)
    if kind == sides.POINTS:
        points_file.read(where)
    elif kind == sides.LABELS:
        from . import labels

        labels.check(where, truth)


def _way(
    kind: str, where: str, within_nm: float | None, overlap: float, background: str
) -> ParamSet:
    """Return how two sides are compared."""
    if within_nm is None and kind == sides.POINTS:
        raise ValueError(f"truth {where} is of points: give within_nm, how far a pair may be apart")
    if within_nm is None:
        return sides.way_of_labels(overlap, background)
    if kind == sides.LABELS:
        raise ValueError(
            f"truth {where} is a volume, and within_nm is for points: leave within_nm out"
        )
    return sides.way_of_points(within_nm)
