"""Files that a block leaves for stitching: statistics, outer planes, and links to its neighbours.

All are Arrow IPC files. What STITCH streams is not compressed, and every column is as narrow as
its values allow: coordinates are counted from the block's first voxel.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .arrow import column, numbers
from .boxes import Box
from .labelling import FACES, Labels, Statistics, surface
from .links import Links

_AXES = "zyx"


def write_planes(path: Path, labels: Labels) -> None:
    """Write the six outer planes of a block's labels, compressed: a batch each, as in `FACES`."""
    write_faces(path, surface(labels), labels.shape)


def write_faces(path: Path, planes: Mapping[str, Labels], shape_zyx: Sequence[int]) -> None:
    """Write whole numbers from 0 on of the six outer planes of a block, as `write_planes` does."""
    dtype = np.min_scalar_type(max(plane.max() for plane in planes.values()))
    batches = [
        pa.record_batch({"label": column(planes[face].astype(dtype).reshape(-1))}) for face in FACES
    ]
    shape = ",".join(map(str, shape_zyx))
    schema = batches[0].schema.with_metadata({"shape_zyx": shape})
    _write(path, schema, batches, "zstd")


def read_plane(path: Path, face: str) -> Labels:
    """Read one outer plane of a block, `z0` to `x1`, over the block's two other axes in order."""
    file = pa.ipc.open_file(pa.memory_map(str(path)))
    shape = [int(side) for side in file.schema.metadata[b"shape_zyx"].split(b",")]
    del shape[_AXES.index(face[0])]
    labels = numbers(file.get_batch(FACES.index(face)).column(0))
    plane: Labels = labels.astype(np.uint32).reshape(shape)
    return plane


def write_statistics(path: Path, statistics: Statistics, box: Box) -> None:
    """Write the statistics of a block's labels, counted from the block's first voxel."""
    count = statistics.voxel_count
    columns: dict[str, NDArray[Any]] = {
        "voxel_count": count,
        "segment_id": statistics.segment_id,
    }
    for axis, (name, corner) in enumerate(zip(_AXES, box.corner_zyx, strict=True)):
        columns[f"sum_{name}"] = statistics.coordinate_sum[:, axis] - count * corner
        columns[f"lower_{name}"] = statistics.lower[:, axis] - corner
        columns[f"upper_{name}"] = statistics.upper[:, axis] - corner
        columns[f"first_{name}"] = statistics.first_voxel[:, axis] - corner
    write_columns(path, columns)


def read_statistics(path: Path, box: Box) -> Statistics:
    """Read the statistics of a block's labels, in channel coordinates.

    Raises
    ------
    ValueError
        If they are of another block: a coordinate lies outside of this one.
    """
    columns = read_columns(path)
    count = columns["voxel_count"].astype(np.int64)
    total, lower, upper, first = np.empty((4, 3, len(count)), np.int64)
    sides = zip(_AXES, box.corner_zyx, box.shape_zyx, strict=True)
    for axis, (name, corner, side) in enumerate(sides):
        if columns[f"upper_{name}"].max(initial=0) > side:
            raise ValueError(f"{path} has labels that leave block {box.name}: it is of another one")
        total[axis] = columns[f"sum_{name}"]
        total[axis] += count * corner
        for array, what in (lower, "lower"), (upper, "upper"), (first, "first"):
            array[axis] = columns[f"{what}_{name}"]
            array[axis] += corner
    segment_id = columns["segment_id"].astype(np.uint64)
    return Statistics(count, total.T, lower.T, upper.T, first.T, segment_id)


def read_segment_ids(path: Path) -> NDArray[np.unsignedinteger[Any]]:
    """Read the segment ids of a block's labels, and nothing else, from its statistics."""
    ids: NDArray[np.unsignedinteger[Any]] = read_columns(path, ["segment_id"])["segment_id"]
    return ids


def write_links(path: Path, links: Links) -> None:
    """Write the links of a block."""
    write_columns(path, links._asdict())


def read_links(path: Path) -> Links:
    """Read the links of a block."""
    columns = read_columns(path)
    return Links(**{name: columns[name] for name in Links._fields})


def write_columns(path: Path, columns: dict[str, NDArray[Any]]) -> None:
    """Write whole numbers from 0 on as one batch, each column as narrow as it may be."""
    narrow = {}
    for name, array in columns.items():
        if array.min(initial=0) < 0:
            raise ValueError(f"{name} for {path} is {array.min()}: it must be 0 or more")
        dtype = np.min_scalar_type(array.max(initial=0))
        narrow[name] = column(array.astype(dtype))
    batch = pa.record_batch(narrow)
    _write(path, batch.schema, [batch], None)


def _write(path: Path, schema: Any, batches: Sequence[Any], compression: str | None) -> None:
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_file(str(path), schema, options=options) as writer:
        for batch in batches:
            writer.write_batch(batch)


def read_columns(path: Path, names: Sequence[str] | None = None) -> dict[str, NDArray[Any]]:
    """Read columns, all of them or those that are named; views of the file, mapped."""
    batch = pa.ipc.open_file(pa.memory_map(str(path))).get_batch(0)
    return {name: numbers(batch.column(name)) for name in names or batch.schema.names}
