"""What is known of segments, added up over blocks: a range of segment ids at a time.

Blocks leave tables in the order of ids (`voxels.measuring`), so a range is a slice of each. Ranges
are cut by how many rows blocks have for them: that bounds what is held.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .boxes import Box
from .contingency import Table, added, firsts
from .measuring import Columns, lowest, summed, with_none
from .surface import read_columns

ROWS = 2**22
"""Rows of blocks that a range has, unless a single segment has more."""

_LIMB = 32
"""Sums of squares are added as two numbers, of so many low bits and the others."""


class Range(NamedTuple):
    """Segment ids from the first to the last of these."""

    first: int
    last: int

    def of(self, ids: NDArray[Any]) -> slice:
        """Return which of some ids, in order, are in it."""
        wide = ids.astype(np.uint64, copy=False)
        first, last = np.uint64(self.first), np.uint64(self.last)
        return slice(np.searchsorted(wide, first), np.searchsorted(wide, last, "right"))


def ranges(blocks: Iterable[tuple[NDArray[Any], NDArray[Any]]], most: int) -> list[Range]:
    """Return the ranges that all segments fall into, in order; one that is empty if there are none.

    Takes 24 bytes a segment, twice.

    Parameters
    ----------
    blocks : iterable of tuple of array
        Segment ids of each block, and how many rows it has of each.
    most : int
        Rows of a range.
    """
    table = added(
        Table(ids.astype(np.uint64), np.zeros(len(ids), np.uint64), rows.astype(np.int64))
        for ids, rows in blocks
    )
    ids, rows = table.a, table.voxels
    if not len(ids):
        return [Range(0, 0)]
    starts = firsts((np.cumsum(rows) - rows) // most)
    ends = [*starts[1:].tolist(), len(ids)]
    return [
        Range(int(ids[start]), int(ids[end - 1]))
        for start, end in zip(starts.tolist(), ends, strict=True)
    ]


def rows_of(path: Path, *others: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return a block's segment ids, and how many rows its files have for each."""
    ids = read_columns(path, ["segment_id"])["segment_id"]
    rows = np.ones(len(ids), np.int64)
    for other in others:
        label = read_columns(other, ["label"])["label"].astype(np.intp)
        rows += np.bincount(label, minlength=len(ids) + 1)[1:]
    return ids, rows


def segment_rows(path: Path, box: Box, cutout: Box, some: Range) -> Columns:
    """Return what a block has of segments of a range, coordinates counted from the cutout."""
    columns = read_columns(path)
    part = some.of(columns["segment_id"])
    ids = columns.pop("segment_id")[part].astype(np.uint64)
    rows: Columns = {name: column[part].astype(np.int64) for name, column in columns.items()}
    for name, start, origin in zip("zyx", box.corner_zyx, cutout.corner_zyx, strict=True):
        rows[f"sum_{name}"] += rows["voxel_count"] * (start - origin)
        rows[f"lower_{name}"] += start - origin
        rows[f"upper_{name}"] += start - origin
    if "square_sum" in rows:
        squares = rows.pop("square_sum")
        rows |= {"square_high": squares >> _LIMB, "square_low": squares & (2**_LIMB - 1)}
    return {"segment_id": ids, **rows}


def labelled_rows(path: Path, ids: NDArray[Any], some: Range) -> Columns:
    """Return the rows of a block's contacts or histograms that are of segments of a range."""
    part = some.of(ids)
    columns = read_columns(path)
    label = columns["label"]
    of = slice(*np.searchsorted(label, np.array([part.start + 1, part.stop + 1])).tolist())
    named, rows = with_none(ids), Columns()
    renamed = {"label": "segment_id", "other": "other_id"}
    for name, column in columns.items():
        if name in renamed:
            rows[renamed[name]] = named[column[of].astype(np.intp)]
        else:
            rows[name] = column[of].astype(np.int64)
    return rows


def seam_rows(path: Path, some: Range) -> Columns:
    """Return the contacts across a block's seams that are of segments of a range."""
    columns = read_columns(path)
    part = some.of(columns["segment_id"])
    wide = {"segment_id": np.uint64, "other_id": np.uint64}
    return {name: column[part].astype(wide.get(name, np.int64)) for name, column in columns.items()}


def joined(blocks: Iterable[Columns]) -> Columns:
    """Put rows of blocks one after the other."""
    every = list(blocks)
    return {name: np.concatenate([one[name] for one in every]) for name in every[0]}


def segments(
    rows: Columns, cutout: Box, size_nm_zyx: Sequence[float], dtype: str | None
) -> dict[str, Any]:
    """Return what is known of segments, of rows of all blocks: columns, in the order of ids.

    Parameters
    ----------
    rows : dict of array
        As `segment_rows` gives them.
    cutout : Box
    size_nm_zyx : sequence of 3 float
    dtype : str, optional
        Of the image, if there is one.

    Returns
    -------
    dict of array or list
        `segment_id` (uint64), `voxel_count`, box (half-open) and centroid (voxels of the channel,
        and nm); of the intensities mean and standard deviation (of the population), the floats
        next to the exact ones (the latter within an ulp), and the extremes; None without an image.
    """
    lower = [name for name in rows if name.startswith("lower_") or name == "value_min"]
    upper = [name for name in rows if name.startswith("upper_") or name == "value_max"]
    order = np.argsort(rows["segment_id"], kind="stable")
    starts = firsts(rows["segment_id"][order])
    bounds = dict.fromkeys(lower, np.minimum) | dict.fromkeys(upper, np.maximum)
    found = {
        name: bounds.get(name, np.add).reduceat(column[order], starts)
        if len(starts)
        else column[order]
        for name, column in rows.items()
        if name != "segment_id"
    }
    count = found["voxel_count"]
    columns: dict[str, Any] = {"segment_id": rows["segment_id"][order][starts]}
    columns["segment_voxel_count"] = count
    axes = dict(zip("zyx", zip(cutout.corner_zyx, size_nm_zyx, strict=True), strict=True))
    for name in "xyz":
        corner, _ = axes[name]
        columns[f"segment_{name}0"] = found[f"lower_{name}"] + corner
        columns[f"segment_{name}1"] = found[f"upper_{name}"] + corner
    for name in "xyz":
        corner, _ = axes[name]
        columns[f"segment_centroid_{name}"] = (found[f"sum_{name}"] + corner * count) / count
    for name in "xyz":
        centroid = columns[f"segment_centroid_{name}"]
        columns[f"segment_centroid_{name}_nm"] = centroid * axes[name][1]
    names = ("mean_intensity", "std_intensity", "min_intensity", "max_intensity")
    if dtype is None:
        return columns | dict.fromkeys(names)
    low = lowest(dtype)
    moments = list(_moments(found, low))
    columns["mean_intensity"] = np.array([mean for mean, _ in moments], np.float64)
    columns["std_intensity"] = np.array([std for _, std in moments], np.float64)
    columns["min_intensity"] = found["value_min"] + low
    columns["max_intensity"] = found["value_max"] + low
    return columns


def _moments(found: Columns, low: int) -> Iterator[tuple[float, float]]:
    """Yield mean and standard deviation of each segment, of whole numbers up to one division."""
    names = ("voxel_count", "value_sum", "square_high", "square_low")
    for n, total, high, rest in zip(*(found[name].tolist() for name in names), strict=True):
        squares = (high << _LIMB) + rest
        yield (total + low * n) / n, math.sqrt((n * squares - total * total) / (n * n))


def contacts(rows: Columns, size_nm_zyx: Sequence[float]) -> Columns:
    """Return the contacts of segments, of rows of all blocks and seams, with their areas (nm2)."""
    found = summed(rows, ("segment_id", "other_id"))
    z, y, x = size_nm_zyx
    faces = (found["faces_z"], found["faces_y"], found["faces_x"])
    area = sum(n * side for n, side in zip(faces, (y * x, z * x, z * y), strict=True))
    return found | {"contact_area_nm2": np.asarray(area, np.float64)}


def histograms(rows: Columns) -> Columns:
    """Return the histograms of segments, of rows of all blocks: bins that are not empty."""
    return summed(rows, ("segment_id", "bin"))
