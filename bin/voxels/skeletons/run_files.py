"""Files of runs: Arrow IPC, the segments of each bucket in one batch, and so in one range."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..arrow import column, numbers
from ..boxes import Box
from ..labelling import segment_ids
from ..meshes.shard import Sharding
from . import sparse
from .sparse import Runs

_MAGIC = 8
"""Bytes of an Arrow file before its schema, which is written with the first batch."""


class Found(NamedTuple):
    """Runs of some segments of a block, as `sparse.runs_of` returns them, and the block's shape."""

    segment_ids: NDArray[np.uint64]
    offsets: NDArray[np.int64]
    runs: Runs
    shape_zyx: tuple[int, ...]


class Slice(NamedTuple):
    """What a file has of a bucket: how many runs, in which bytes, and their `digest`."""

    bucket: int
    n_runs: int
    start: int
    end: int
    digest: str


def of_block(voxels_zyx: NDArray[Any], corner_zyx: Sequence[int] = (0, 0, 0)) -> Found:
    """Return the runs of a block, counted from its first voxel.

    Parameters
    ----------
    voxels_zyx : array of integers or booleans, shape (Z, Y, X)
        Segment ids; 0 is no segment.
    corner_zyx : sequence of 3 int
        Channel coordinates of its first voxel.

    Raises
    ------
    ValueError
        If an id is negative: which voxel of the channel.
    """
    voxels = segment_ids(voxels_zyx, corner_zyx)
    unsigned = voxels.view(f"u{voxels.itemsize}")  # of booleans, too
    return Found(*sparse.runs_of(unsigned, (0, 0, 0)), unsigned.shape)


def write(path: Path, found: Found, sharding: Sharding) -> list[Slice]:
    """Write the runs of a block, and return where those of each bucket are that has some.

    A bucket is a shard of the skeletons to come. Of each segment there are the steps from one end
    of a run to the next, in voxels of the block in C order; compressed by zstd.
    """
    bucket = sharding.shards(found.segment_ids)
    order = np.argsort(bucket, kind="stable")
    sizes = np.diff(found.offsets)[order]
    ends = np.cumsum(sizes)
    places = np.arange(len(found.runs)) + np.repeat(found.offsets[order] - ends + sizes, sizes)
    steps = _steps(found.runs[places], ends - sizes, found.shape_zyx)
    bounds = np.append(np.flatnonzero(np.diff(bucket[order], prepend=-1)), len(order)).tolist()
    schema = _schema(found.shape_zyx)
    options = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", 1))
    slices, start = [], _MAGIC + schema.serialize().size
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, schema, options=options) as to:
        for first, last in pairwise(bounds):
            own = order[first:last]
            counts = 2 * sizes[first:last]
            values = steps[2 * (ends[first] - sizes[first]) : 2 * ends[last - 1]]
            offsets = column(np.concatenate([[0], np.cumsum(counts)]))
            of_each = pa.LargeListArray.from_arrays(offsets, column(values))
            ids = found.segment_ids[own]
            to.write_batch(pa.record_batch([column(ids), of_each], schema=schema))
            end, told = file.tell(), _digest(ids, counts, values)
            slices.append(Slice(int(bucket[own[0]]), len(values) // 2, start, end, told))
            start = end
    return slices


def read(content: bytes, box: Box, expected: str) -> Found:
    """Read the runs of one bucket, in channel coordinates.

    Parameters
    ----------
    content : bytes
        Of the file, from `start` to `end` of the `Slice`.
    box : Box
        The block.
    expected : str
        The slice's digest.

    Raises
    ------
    ValueError
        If they are not the runs that were written.
    """
    schema = _schema(box.shape_zyx)
    try:
        batch = pa.ipc.read_record_batch(pa.ipc.read_message(pa.py_buffer(content)), schema)
        batch.validate(full=True)
        ids, steps = numbers(batch.column(0)), numbers(batch.column(1).values)
        ends = numbers(batch.column(1).offsets)
        whole = _digest(ids, np.diff(ends), steps) == expected
    except (pa.ArrowException, EOFError, OSError, ValueError):
        whole = False
    if not whole:
        raise ValueError("the runs of a bucket can't be read: they were changed, or are damaged")
    offsets = ends // 2
    return Found(ids, offsets, _runs(steps, ends, box), box.shape_zyx)


def _schema(shape_zyx: Sequence[int]) -> pa.Schema:
    """Return the columns of a block's file; steps are as wide as its voxels need."""
    kind = pa.uint32() if prod(shape_zyx) < 2**32 else pa.uint64()
    steps = pa.field("item", kind, nullable=False)
    return pa.schema({"segment_id": pa.uint64(), "steps": pa.large_list(steps)})


def _steps(runs: Runs, starts: NDArray[np.int64], shape_zyx: Sequence[int]) -> NDArray[Any]:
    """Return where runs begin and end, counted from the one before of a segment."""
    _, height, width = shape_zyx
    z, y, x0, x1 = runs.T
    rows = (z.astype(np.int64) * height + y) * width
    bounds = np.empty(2 * len(runs), np.int64)
    bounds[::2], bounds[1::2] = rows + x0, rows + x1
    steps = np.diff(bounds, prepend=0)
    steps[2 * starts] = bounds[2 * starts]
    return steps.astype(np.uint32 if prod(shape_zyx) < 2**32 else np.uint64)


def _runs(steps: NDArray[Any], ends: NDArray[np.int64], box: Box) -> Runs:
    bounds = np.cumsum(steps, dtype=np.int64)
    before = np.concatenate([[0], bounds])[ends[:-1]]
    bounds -= np.repeat(before, np.diff(ends))
    _, height, width = box.shape_zyx
    rows = bounds[::2] // width
    runs = np.empty((len(rows), 4), np.int32)
    z, y, x = box.corner_zyx
    runs[:, 0], runs[:, 1] = rows // height + z, rows % height + y
    runs[:, 2] = bounds[::2] - rows * width + x
    runs[:, 3] = bounds[1::2] - rows * width + x
    return runs


def _digest(ids: NDArray[np.uint64], counts: NDArray[np.int64], steps: NDArray[Any]) -> str:
    """Return a hash of some segments: of their ids, how many steps each has, and these."""
    found = hashlib.sha256(np.ascontiguousarray(ids).data)
    for some in (counts, steps):
        found.update(np.ascontiguousarray(some).data)
    return found.hexdigest()[:32]
