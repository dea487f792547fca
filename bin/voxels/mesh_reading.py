"""Precomputed meshes read back: the finest level of one segment.

https://github.com/google/neuroglancer/blob/master/src/datasource/precomputed/meshes.md
"""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .meshes.shard import Sharding

Read = Callable[[str, int, int | None], bytes]
"""Takes the name of a file beside `info`, and from where to where it is read (None: to its end);
FileNotFoundError where there is none."""

Surface = tuple[NDArray[np.float64], NDArray[np.uint32]]
"""Vertices (nm, XYZ) and triangles."""


def finest(read: Read, segment_id: int) -> Surface:
    """Return the finest level of a segment's mesh, as one surface: what nodes share is there once.

    Parameters
    ----------
    read : callable
    segment_id : int

    Raises
    ------
    ValueError
        If the segment has no mesh, or the files are not what they should be.
    """
    about = json.loads(read("info", 0, None))
    try:
        if about["@type"] == "neuroglancer_legacy_mesh":
            (name,) = json.loads(read(f"{segment_id}:0", 0, None))["fragments"]
            return _fragment(read(name, 0, None))
        return _of_shard(read, segment_id, about)
    except FileNotFoundError:
        raise ValueError(f"there is no mesh of segment {segment_id}") from None


def _fragment(data: bytes) -> Surface:
    count = int(np.frombuffer(data, "<u4", 1)[0])
    points = np.frombuffer(data, "<f4", 3 * count, 4).reshape(-1, 3)
    faces = np.frombuffer(data, "<u4", -1, 4 + 12 * count).reshape(-1, 3)
    return points.astype(np.float64), faces.astype(np.uint32)


def _of_shard(read: Read, segment_id: int, about: dict[str, Any]) -> Surface:
    told = about["sharding"]
    sharding = Sharding(told["shard_bits"], told["minishard_bits"])
    shard = sharding.name(int(sharding.shards([segment_id])[0]))
    place = 16 * int(sharding.minishards([segment_id])[0])
    start, end = np.frombuffer(read(shard, place, place + 16), "<u8").tolist()
    first = 16 << sharding.minishard_bits  # what places are counted from
    table = np.frombuffer(read(shard, first + start, first + end), "<u8").reshape(3, -1)
    ids, sizes = np.cumsum(table[0], dtype=np.uint64), table[2]
    begins = np.cumsum(table[1] + np.append(0, sizes[:-1]).astype(np.uint64), dtype=np.uint64)
    found = np.flatnonzero(ids == np.uint64(segment_id))
    if not len(found):
        raise ValueError(f"there is no mesh of segment {segment_id}")
    begin, size = first + int(begins[found[0]]), int(sizes[found[0]])
    manifest = read(shard, begin, begin + size)
    node, origin = np.frombuffer(manifest, "<f4", 6).reshape(2, 3).astype(np.float64)
    levels = int(np.frombuffer(manifest, "<u4", 1, 24)[0])
    at = 28 + 16 * levels
    numbers = np.frombuffer(manifest, "<u4", levels, at).tolist()
    at += 4 * levels
    positions = np.frombuffer(manifest, "<u4", 3 * numbers[0], at).reshape(3, -1).T
    lengths = np.frombuffer(manifest, "<u4", numbers[0], at + 12 * numbers[0]).tolist()
    every = 0
    for number in numbers:
        every += int(np.frombuffer(manifest, "<u4", number, at + 12 * number).sum(dtype=np.int64))
        at += 16 * number
    data = read(shard, begin - every, begin - every + sum(lengths))
    side = (1 << about["vertex_quantization_bits"]) - 1
    grid, faces = _joined(data, positions.astype(np.int64) * side, lengths)
    return grid * (node / side) + origin, faces


def _joined(
    data: bytes, corners: NDArray[np.int64], lengths: list[int]
) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    """Return the nodes of a level as one: vertices as whole numbers, and triangles."""
    import DracoPy

    points, faces = [np.zeros((0, 3), np.int64)], [np.zeros((0, 3), np.int64)]
    total = start = 0
    for corner, length in zip(corners, lengths, strict=True):
        if length:
            part = DracoPy.decode(data[start : start + length])
            points.append(np.asarray(part.points).astype(np.int64) + corner)
            faces.append(np.asarray(part.faces).astype(np.int64) + total)
            total += len(points[-1])
        start += length
    vertices, number = np.unique(np.concatenate(points), axis=0, return_inverse=True)
    return vertices, number.reshape(-1)[np.concatenate(faces)].astype(np.uint32)
