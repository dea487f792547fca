"""Files of cubes: Arrow IPC, the segments of each bucket in one batch, and so in one range."""

from pathlib import Path
from typing import Any

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


def write(path: Path, cubes: Cubes, sharding: Sharding) -> None:
    """Write the cubes of a block.

    A bucket is a shard of the meshes to come. Of each segment there are the steps from one position
    to the next, seven bits a byte, and the cases, a byte each; both compressed by zstd.
    """
    bucket = sharding.shards(cubes.segment_ids)
    numbers_of_buckets = np.unique(bucket).tolist()
    metadata = {
        "shape_zyx": ",".join(map(str, cubes.shape_zyx)),
        "sharding": f"{sharding.shard_bits},{sharding.minishard_bits}",
        "buckets": ",".join(map(str, numbers_of_buckets)),
    }
    options = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", 1))
    with pa.ipc.new_file(str(path), _SCHEMA.with_metadata(metadata), options=options) as writer:
        for number in numbers_of_buckets:
            chosen = np.flatnonzero(bucket == number)
            packed = pack(cubes.cubes, cubes.offsets[chosen], cubes.offsets[chosen + 1])
            steps, step_ends, cases, case_ends = packed
            columns = {
                "segment_id": column(cubes.segment_ids[chosen]),
                "steps": _binary(steps, step_ends),
                "cases": _binary(cases, case_ends),
            }
            writer.write_batch(pa.record_batch(columns))


def read(path: Path, bucket: int) -> Cubes:
    """Read the cubes of one bucket, none where it has no segment.

    Raises
    ------
    ValueError
        If the file does not hold what `write` writes.
    """
    file = pa.ipc.open_file(pa.memory_map(str(path)))
    depth, height, width = _whole_numbers(file, b"shape_zyx")
    listed = _whole_numbers(file, b"buckets")
    ids, offsets, cubes = np.zeros(0, np.uint64), np.zeros(1, np.int64), np.zeros(0, np.int64)
    if bucket in listed:
        batch = file.get_batch(listed.index(bucket))
        steps, step_ends = _bytes(batch.column(1))
        cases, offsets = _bytes(batch.column(2))
        ids, cubes = numbers(batch.column(0)), np.empty(len(cases), np.int64)
        if not unpack(steps, step_ends, cases, offsets, cubes):
            raise ValueError(f"{path} is damaged: the cubes of bucket {bucket} can't be read")
    return Cubes(ids, offsets, cubes, (depth, height, width))


def _whole_numbers(file: Any, name: bytes) -> list[int]:
    return [int(number) for number in file.schema.metadata[name].decode().split(",") if number]


def _binary(content: NDArray[np.uint8], ends: NDArray[np.int64]) -> Any:
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(content)]
    return pa.Array.from_buffers(pa.large_binary(), len(ends) - 1, buffers)


def _bytes(column: Any) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    _, ends, content = column.buffers()
    offsets = np.frombuffer(ends, np.int64, len(column) + 1)
    return np.frombuffer(content, np.uint8, offsets[-1]), offsets
