"""Points that were found, matched with those of a truth."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import points_file
from .sides import POINTS, REQUEST, Floats, Frame, Result, Truth, result


class Known(NamedTuple):
    """The points of a side: their numbers, where they are (nm, ZYX), and where was looked."""

    numbers: NDArray[np.int64]
    zyx_nm: Floats
    frame: Frame | None


def truth_of(kind: str, where: str, found: Result) -> tuple[Truth, Known]:
    """Return a truth of points: of a file, or of another request.

    Raises
    ------
    ValueError
        If it can't be read, or has no place.
    """
    if kind == REQUEST:
        other = result(where)
        truth = Truth(
            REQUEST, f"bossflow://{where}", other.sha256, (where,), None, other.executions
        )
        return truth, known(other)
    points = points_file.read(where)
    zyx_nm, frame = points.zyx, found.frame
    if points.in_voxels:
        if frame is None:
            raise ValueError(
                f"truth {where} is in voxels, and request {found.request.request_id} has none: "
                "give columns x_nm,y_nm,z_nm"
            )
        zyx_nm = frame.nm(zyx_nm)
    truth = Truth(POINTS, where, points.sha256, (), len(zyx_nm))
    return truth, Known(np.arange(1, len(zyx_nm) + 1), zyx_nm, None)


def known(side: Result) -> Known:
    """Return the points that a request found.

    Raises
    ------
    ValueError
        If its workflow finds none, or tells of them wrongly.
    """
    name = side.request.request_id
    if side.workflow.points is None:
        short = side.workflow.name.rpartition(".")[2]
        raise ValueError(
            f"request {name} is of workflow {short}, which finds no points: leave within_nm out to "
            "compare segmentations"
        )
    numbers, zyx_nm = side.workflow.points(side.request)
    numbers, zyx_nm = np.asarray(numbers), np.asarray(zyx_nm)
    shapes = numbers.shape == (len(zyx_nm),) and zyx_nm.shape == (len(numbers), 3)
    if not shapes or numbers.dtype.kind not in "iu" or not np.isfinite(zyx_nm).all():
        raise ValueError(
            f"`points` of workflow {side.workflow.name} must give n whole numbers and n x 3 finite "
            "ones"
        )
    return Known(numbers.astype(np.int64), zyx_nm.astype(np.float64), side.frame)


def compared(
    truth: Known, found: Known, within_nm: float
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Match points where both sides looked; return numbers, and the columns of `Score.Match`.

    Raises
    ------
    ValueError
        If they looked at no place in common.
    """
    from ..voxels.detection.matching import match_points  # loads numba

    frames = [one.frame for one in (truth, found) if one.frame is not None]
    if len(frames) == 2 and not frames[0].meets(frames[1]):
        raise ValueError(
            "the truth and the result have no place in common: their boxes, in nm, do not meet"
        )
    sides, outside = [], []
    for one in (truth, found):
        inside = np.ones(len(one.numbers), np.bool_)
        for frame in frames:
            inside &= frame.inside(one.zyx_nm)
        sides.append(Known(one.numbers[inside], one.zyx_nm[inside], None))
        outside.append(int((~inside).sum()))
    matches = match_points(sides[0].zyx_nm, sides[1].zyx_nm, within_nm)
    numbers = matches.scores() | {
        "mean_distance_nm": float(matches.cost.mean()) if len(matches.cost) else None,
        "n_truth_outside": outside[0],
        "n_found_outside": outside[1],
    }
    pairs = {
        "found_number": sides[1].numbers[matches.found],
        "truth_number": sides[0].numbers[matches.truth],
        "distance_nm": matches.cost,
    }
    return numbers, pairs
