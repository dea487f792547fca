"""Files of cubes: Arrow IPC, the segments of each bucket in one batch, and so in one range."""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..arrow import column, numbers
from .cubes import Cubes
from .loops import pack, unpack
from .shard import Sharding

_SCHEMA = pa.schema(
    {"segment_id": pa.uint64(), "steps": pa.large_binary(), "cases": pa.large_binary()}
)

_MAGIC = 8
"""Bytes of an Arrow file before its schema, which is written with the first batch."""


class Slice(NamedTuple):
    """What a file has of a bucket: how many cubes, in which bytes, and their `digest`."""

    bucket: int
    n_cubes: int
    start: int
    end: int
    digest: str


def write(path: Path, cubes: Cubes, sharding: Sharding) -> list[Slice]:
    """Write the cubes of a block, and return where those of each bucket are that has some.

    A bucket is a shard of the meshes to come. Of each segment there are the steps from one position
    to the next, seven bits a byte, and the cases, a byte each; both compressed by zstd.
    """
    bucket = sharding.shards(cubes.segment_ids)
    metadata = {
        "shape_zyx": ",".join(map(str, cubes.shape_zyx)),
        "sharding": f"{sharding.shard_bits},{sharding.minishard_bits}",
    }
    options = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", 1))
    schema = _SCHEMA.with_metadata(metadata)
    slices, start = [], _MAGIC + schema.serialize().size
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, schema, options=options) as to:
        for number in np.unique(bucket).tolist():
            chosen = np.flatnonzero(bucket == number)
            packed = pack(cubes.cubes, cubes.offsets[chosen], cubes.offsets[chosen + 1])
            steps, step_ends, cases, case_ends = packed
            columns = {
                "segment_id": column(cubes.segment_ids[chosen]),
                "steps": _binary(steps, step_ends),
                "cases": _binary(cases, case_ends),
            }
            to.write_batch(pa.record_batch(columns))
            sizes = np.diff(cubes.offsets)[chosen]
            told = digest(cubes.segment_ids[chosen], sizes, map(cubes.segment, chosen.tolist()))
            end = file.tell()
            slices.append(Slice(number, int(sizes.sum()), start, end, told))
            start = end
    return slices


def read(content: bytes, shape_zyx: Sequence[int], expected: str) -> Cubes:
    """Read the cubes of one bucket.

    Parameters
    ----------
    content : bytes
        Of the file, from `start` to `end` of the `Slice`.
    shape_zyx : sequence of 3 int
        Voxels of the block.
    expected : str
        The slice's digest.

    Raises
    ------
    ValueError
        If they are not the cubes that were written.
    """
    try:
        batch = pa.ipc.read_record_batch(pa.ipc.read_message(pa.py_buffer(content)), _SCHEMA)
        batch.validate(full=True)
        steps, step_ends = _bytes(batch.column(1))
        cases, offsets = _bytes(batch.column(2))
        ids, cubes = numbers(batch.column(0)), np.empty(len(cases), np.int64)
        whole = unpack(steps, step_ends, cases, offsets, cubes)
    except (pa.ArrowException, EOFError, OSError, ValueError):
        whole = False
    if not whole or digest(ids, np.diff(offsets), [cubes]) != expected:
        raise ValueError("the cubes of a bucket can't be read: they were changed, or are damaged")
    depth, height, width = map(int, shape_zyx)
    return Cubes(ids, offsets.copy(), cubes, (depth, height, width))


def digest(segment_ids: NDArray[np.uint64], sizes: NDArray[np.int64], cubes: Iterable[Any]) -> str:
    """Return a hash of some segments: of their ids, how many cubes each has, and these."""
    found = hashlib.sha256(segment_ids.data)
    found.update(sizes.data)
    for some in cubes:
        found.update(some.data)
    return found.hexdigest()[:32]


def _binary(content: NDArray[np.uint8], ends: NDArray[np.int64]) -> Any:
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(content)]
    return pa.Array.from_buffers(pa.large_binary(), len(ends) - 1, buffers)


def _bytes(column: Any) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    _, ends, content = column.buffers()
    offsets = np.frombuffer(ends, np.int64, len(column) + 1)
    return np.frombuffer(content, np.uint8, offsets[-1]), offsets
