"""Precomputed meshes read back: one level of one segment, the finest or one for a picture.

https://github.com/google/neuroglancer/blob/master/src/datasource/precomputed/meshes.md
"""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .meshes import shard

Read = Callable[[str, int, int | None], bytes]
"""Takes the name of a file beside `info`, and from where to where it is read (None: to its end);
FileNotFoundError where there is none."""

Surface = tuple[NDArray[np.float64], NDArray[np.uint32]]
"""Vertices (nm, XYZ) and triangles."""

ENOUGH, MOST = 2**15, 2**24
"""Bytes of a level that has detail enough for a picture, and of one at most: some ten thousand
triangles, and some million."""


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
    return _surface(read, segment_id, lambda levels: 0)


def pictured(read: Read, segment_id: int, enough: int = ENOUGH, most: int = MOST) -> Surface:
    """Return the coarsest level of a segment's mesh with detail enough for a picture, as `finest`.

    Parameters
    ----------
    read : callable
    segment_id : int
    enough, most : int
        Bytes of such a level at least, else it is the finest; and at most.

    Raises
    ------
    ValueError
        If the segment has no mesh, or the files are not what they should be, or it is too large.
    """

    def chosen(sizes: list[int]) -> int:
        level = max((n for n, size in enumerate(sizes) if size >= enough), default=0)
        if sizes[level] > most:
            raise ValueError(f"a mesh of {sizes[level]:,} bytes is too large for a picture")
        return level

    return _surface(read, segment_id, chosen)


def _surface(read: Read, segment_id: int, chosen: Callable[[list[int]], int]) -> Surface:
    """Return the level that is chosen by the bytes that each has."""
    about = json.loads(read("info", 0, None))
    try:
        if about["@type"] == "neuroglancer_legacy_mesh":
            (name,) = json.loads(read(f"{segment_id}:0", 0, None))["fragments"]
            counted = int(np.frombuffer(read(name, 0, 4), "<u4")[0])
            chosen([8 * counted])  # about what it would be, were it compressed
            return _fragment(read(name, 0, None))
        return _of_shard(read, segment_id, about, chosen)
    except FileNotFoundError:
        raise ValueError(f"there is no mesh of segment {segment_id}") from None


def _fragment(data: bytes) -> Surface:
    count = int(np.frombuffer(data, "<u4", 1)[0])
    points = np.frombuffer(data, "<f4", 3 * count, 4).reshape(-1, 3)
    faces = np.frombuffer(data, "<u4", -1, 4 + 12 * count).reshape(-1, 3)
    return points.astype(np.float64), faces.astype(np.uint32)


class _Manifest(NamedTuple):
    """Where the nodes of each level are: places in the octree, and bytes of their data."""

    node_nm: NDArray[np.float64]
    origin_nm: NDArray[np.float64]
    positions: list[NDArray[np.int64]]
    lengths: list[list[int]]

    @classmethod
    def of(cls, data: bytes) -> "_Manifest":
        node, origin = np.frombuffer(data, "<f4", 6).reshape(2, 3).astype(np.float64)
        levels = int(np.frombuffer(data, "<u4", 1, 24)[0])
        at = 28 + 16 * levels
        numbers = np.frombuffer(data, "<u4", levels, at).tolist()
        at, positions, lengths = at + 4 * levels, [], []
        for number in numbers:
            there = np.frombuffer(data, "<u4", 3 * number, at).reshape(3, -1).T
            positions.append(there.astype(np.int64))
            lengths.append(np.frombuffer(data, "<u4", number, at + 12 * number).tolist())
            at += 16 * number
        return cls(node, origin, positions, lengths)


def _of_shard(
    read: Read, segment_id: int, about: dict[str, Any], chosen: Callable[[list[int]], int]
) -> Surface:
    place = shard.found(read, segment_id, about["sharding"])
    if place is None:
        raise ValueError(f"there is no mesh of segment {segment_id}")
    name, begin, size = place
    told = _Manifest.of(read(name, begin, begin + size))
    sizes = [sum(lengths) for lengths in told.lengths]
    level = chosen(sizes)
    start = begin - sum(sizes[level:])  # data are right before their manifest, the finest first
    data = read(name, start, start + sizes[level])
    side = (1 << about["vertex_quantization_bits"]) - 1
    grid, faces = _joined(data, told.positions[level] * side, told.lengths[level])
    return grid * (told.node_nm * 2**level / side) + told.origin_nm, faces


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
